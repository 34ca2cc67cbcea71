"""Strided operands: a node flows in; if it is a view of memory with plain strides, those come out."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Node
from ..ops.movement import Reshape
from ..ops.structure import Barrier
from .index import Index, Var, variable
from .views import Place, flat, is_view, read


@dataclass(frozen=True)
class Strided:
    """Element (i, j, ...) of the operand lies at start + i * strides[0] + ... of `node`."""

    node: Node
    start: int
    strides: tuple[int, ...]


def strided(operand: Node) -> Strided:
    """The operand as strides over the deepest value under its views that has them.

    At worst that is the operand itself, which then has to be laid out in memory.
    """
    index = tuple(variable(f"d{i}", s) for i, s in enumerate(operand.shape))
    node, at, place = operand, index, flat(index, operand.shape)
    best = _strides(node, place, index)
    assert best is not None
    while isinstance(node.prim, Barrier) or (is_view(node) and not node.prim.pointwise):
        if isinstance(node.prim, Barrier):
            node = node.inputs[0]
        else:
            reads, _ = read(node, at)
            if len(reads) != 1 or reads[0].guards:
                break
            kept = isinstance(node.prim, Reshape)    # the element number stays what it is
            node, at = reads[0].node, reads[0].at
            place = place if kept else flat(at, node.shape)
        best = _strides(node, place, index) or best
    return best


def _strides(node: Node, place: Index, index: Place) -> Strided | None:
    """How `place` grows with each variable of `index`; None when unevenly."""
    if any(not isinstance(a, Var) for a in place.terms):
        return None
    variables = [next(iter(i.terms), None) for i in index]
    steps = [place.stride(v) or 0 if isinstance(v, Var) else 0 for v in variables]
    return Strided(node, place.const, tuple(steps))
