"""Strided operands: a node flows in; if it is a view of memory with plain strides, those come out."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Node
from ..ops.movement import Reshape
from .index import Index, Var, variable
from .views import Place, flat, is_view, read


@dataclass(frozen=True)
class Strided:
    """Element (i, j, ...) of the operand lies at start + i * strides[0] + ... of `node`."""

    node: Node
    start: int
    strides: tuple[int, ...]


def strided(operand: Node) -> Strided | None:
    """The operand as strides over a value that is no view; None when it is not like that."""
    index = tuple(variable(f"d{i}", s) for i, s in enumerate(operand.shape))
    node, at, place = operand, index, flat(index, operand.shape)
    while is_view(node) and not node.prim.pointwise:
        reads, _ = read(node, at)
        if len(reads) != 1 or reads[0].guards:
            return None
        kept = isinstance(node.prim, Reshape)        # the element number stays what it is
        node, at = reads[0].node, reads[0].at
        place = place if kept else flat(at, node.shape)
    return _from(node, place, index)


def _from(node: Node, place: Index, index: Place) -> Strided | None:
    variables = [next(iter(i.terms)) if i.terms else None for i in index]
    strides = []
    for v in variables:
        step = place.stride(v) if isinstance(v, Var) else 0
        if step is None:
            return None
        strides.append(step)
    if any(not isinstance(a, Var) for a in place.terms):
        return None
    return Strided(node, place.const, tuple(strides))
