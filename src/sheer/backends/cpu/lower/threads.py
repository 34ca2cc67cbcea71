"""Threads of kernels: a kind and a body flow in, how the kernel is cut into parts comes out."""

from __future__ import annotations

from sheer.compile.nest import Nest, is_reduction, nest_of
from sheer.compile.program import Program
from sheer.graph import Graph

from ..ir.builder import Builder
from ..ir.target import Target
from ..runtime.threads import thread_count
from .block import split_block
from .contract import Split
from .lookup import split_index
from .products import split_product
from .split import split_nest
from .turned import nest_kernel


def split_of(kind: str, body: Graph, target: Target) -> Split | None:
    """How a kernel is cut into parts; None when one thread runs it."""
    if kind == "contract":
        return split_product(body, target)
    if kind in ("map", "rows"):
        b, nest = Builder(target), body_nest(body)
        return split_nest(body, nest_kernel(b, body, nest).units(b, body, nest))
    if kind == "block":
        return split_block(body)
    return split_index(body, target) if kind == "index" else None


def threads_of(program: Program, target: Target) -> dict[int, int]:
    """The threads of every kernel, by its number in the order of `program.walk()`."""
    return {i: thread_count() for i, (_, k) in enumerate(program.walk())
            if k.inner is None and any(s.spec.size for s in k.writes)
            and split_of(k.kind, k.body, target) is not None}


def body_nest(body: Graph) -> Nest:
    """The loops of a map or rows body: those of its reductions, or of its finest result."""
    for node in body.nodes:
        if is_reduction(node):
            return nest_of(node)
    return max((nest_of(out) for out in body.outputs), key=lambda n: len(n.shape))
