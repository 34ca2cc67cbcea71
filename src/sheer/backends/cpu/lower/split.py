"""Splitting over threads: a kernel's work flows in, what to cut and into how many parts comes out.

Parts are cut where no bit of a result depends on the cut, so any number of threads gives the same.
"""

from __future__ import annotations

from sheer.compile.cost import own_cost
from sheer.graph import Graph
from sheer.ops.index.gather import Gather

from ..gemm.product import grain, workspace_elements
from ..ir.target import Target
from ..runtime.threads import thread_count
from .contract import Split, product_of

_WORTH = 10_000      # nanoseconds of work on one thread, below which waking another costs more
_FLOPS = 90.0        # per nanosecond in a register tile
_BYTES = 12.0        # per nanosecond, streaming from the caches
_NEAR_BYTES = 30.0   # per nanosecond, where they stay in one core's cache
_STEPS = 50.0        # instructions on single elements per nanosecond
_COPY = 4            # multiply-adds in the time of packing one element that lies in its row
_TURN = 12           # the same where columns have to become rows
_FAR = 0.1           # nanoseconds per byte between cores without a common cache, some of it hidden
_CACHE = 1 << 20     # bytes: what is larger comes from memory for every core


def split_nest(body: Graph, units: int) -> Split | None:
    """The split of a map or rows kernel with `units` turns of its outermost loop."""
    moved = sum(n.size * n.dtype.size for n in (*body.inputs, *body.outputs))
    steps = sum(own_cost(n) * n.size for n in body.nodes if n.prim.pointwise or not n.prim.leaf)
    rate = _NEAR_BYTES if moved <= _CACHE else _BYTES
    alone = max(moved / rate, steps / _STEPS)
    if alone <= _WORTH or units < 2 or thread_count() < 2:
        return None
    return Split("units", units, near_only=near_only(alone, moved))


def near_only(alone: float, moved: float) -> bool:
    """Does moving the bytes between cores that are far apart take longer than a thread saves?

    alone  nanoseconds on one thread
    """
    return alone / 2 < _FAR * min(moved, _CACHE)


def split_gather(body: Graph) -> Split | None:
    """The split of a gather by the places it looks up; scatters add up in order, on one thread."""
    node = body.outputs[0]
    if not isinstance(node.prim, Gather):
        return None
    places = node.inputs[1].size
    moved = 2 * node.size * node.dtype.size
    if moved / _BYTES <= _WORTH or places < 2 or thread_count() < 2:
        return None
    return Split("units", places, near_only=near_only(moved / _BYTES, moved))


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
    moved = g.dtype.size * batch * (g.m * g.k + g.k * g.n + g.m * g.n)
    alone = max(2 * batch * g.m * g.n * g.k / _FLOPS, moved / _NEAR_BYTES)
    if threads < 2 or alone < _WORTH:
        return None
    near = near_only(alone, moved)
    if batch >= 4 * threads or (batch > 1 and batch % threads == 0):
        return Split("batch", batch, near_only=near)
    rows, columns = grain(g, target)
    dear = _COPY if g.b_col == 1 else _TURN
    packed = g.n * g.k * dear if workspace_elements(g, target) else 0
    tall, wide = -(-g.m // rows), -(-g.n // columns)
    work = g.m * g.n * g.k
    by_rows = work * _longest(g.m, rows, threads) / g.m + packed
    by_columns = work * _longest(g.n, columns, threads) / g.n + packed / threads
    if by_rows <= 1.03 * by_columns:          # whole rows of the result lie together
        return Split("rows", tall, rows, near) if tall > 1 else None
    return Split("columns", wide, columns, near)


def _longest(size: int, step: int, threads: int) -> int:
    """How much of `size` the busiest thread gets, in steps of which the last may be short."""
    whole, rest = divmod(size, step)
    turns = -(-whole // threads)
    return turns * step + (rest if whole % threads == 0 else 0)
