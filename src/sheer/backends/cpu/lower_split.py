"""Splitting over threads: a kernel's work flows in, what to cut and into how many parts comes out.

Parts are cut where no bit of a result depends on the cut, so any number of threads gives the same.
"""

from __future__ import annotations

from sheer.compile.cost import own_cost
from sheer.graph import Graph
from sheer.ops.index.gather import Gather

from .gemm import grain, workspace_elements
from .lower_contract import Split, product_of
from .target import Target
from .threads import thread_count

_WORTH = 8000        # nanoseconds of work on one thread, below which waking another costs more
_FLOPS = 90.0        # per nanosecond in a register tile
_BYTES = 12.0        # per nanosecond, streaming from the caches
_STEPS = 20.0        # instructions on single elements per nanosecond
_COPY = 4            # multiply-adds in the time of packing one element that lies in its row
_TURN = 12           # the same where columns have to become rows


def split_nest(body: Graph, units: int) -> Split | None:
    """The split of a map or rows kernel with `units` turns of its outermost loop."""
    moved = sum(n.size * n.dtype.size for n in (*body.inputs, *body.outputs))
    steps = sum(own_cost(n) * n.size for n in body.nodes if n.prim.pointwise or not n.prim.leaf)
    worth = max(moved / _BYTES, steps / _STEPS) > _WORTH
    return Split("units", units) if worth and units > 1 and thread_count() > 1 else None


def split_gather(body: Graph) -> Split | None:
    """The split of a gather by the places it looks up; scatters add up in order, on one thread."""
    node = body.outputs[0]
    if not isinstance(node.prim, Gather):
        return None
    places = node.inputs[1].size
    worth = 2 * node.size * node.dtype.size / _BYTES > _WORTH
    return Split("units", places) if worth and places > 1 and thread_count() > 1 else None


def is_worth(moved: int) -> bool:
    """Do so many bytes take longer than waking a thread?"""
    return moved / _BYTES > _WORTH


def split_lines(lines: int, work: float) -> Split | None:
    """The split of lines that do not depend on each other, of so many nanoseconds in all."""
    return Split("units", lines) if work > _WORTH and lines > 1 and thread_count() > 1 else None


def worth_splitting(flops: int) -> bool:
    """Do so many operations in register tiles take long enough for several threads?"""
    return thread_count() > 1 and flops / _FLOPS > _WORTH


def split_contract(body: Graph, target: Target) -> Split | None:
    """The split of a product: batches if there are enough, else the side that wastes less."""
    product, threads = product_of(body), thread_count()
    g, batch = product.gemm, 1
    for size in product.batch:
        batch *= size
    if threads < 2 or 2 * batch * g.m * g.n * g.k / _FLOPS < _WORTH:
        return None
    if batch >= 4 * threads or (batch > 1 and batch % threads == 0):
        return Split("batch", batch)
    rows, columns = grain(g, target)
    dear = _COPY if g.b_col == 1 else _TURN
    packed = g.n * g.k * dear if workspace_elements(g, target) else 0
    tall, wide = -(-g.m // rows), -(-g.n // columns)
    work = g.m * g.n * g.k
    by_rows = work * _longest(g.m, rows, threads) / g.m + packed
    by_columns = work * _longest(g.n, columns, threads) / g.n + packed / threads
    if by_rows <= 1.03 * by_columns:          # whole rows of the result lie together
        return Split("rows", tall, rows) if tall > 1 else None
    return Split("columns", wide, columns)


def _longest(size: int, step: int, threads: int) -> int:
    """How much of `size` the busiest thread gets, in steps of which the last may be short."""
    whole, rest = divmod(size, step)
    turns = -(-whole // threads)
    return turns * step + (rest if whole % threads == 0 else 0)
