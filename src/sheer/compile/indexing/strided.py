"""Strided operands: a node flows in; the value under its views and the strides through it come out.

An axis may step unevenly, as an odometer does: its number is taken apart into digits, each with a
stride of its own. So the windows of a convolution are an operand that needs no copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...graph import Node
from ...ops.movement import Reshape
from ...ops.structure import Barrier
from .index import Index, Quotient, Remainder, Var, variable
from .views import Place, flat, is_view, read

Digits = tuple[tuple[int, int], ...]     # (length, stride) of each digit, slowest first


@dataclass(frozen=True)
class Strided:
    """Element (i, j, ...) of the operand lies at start + the steps of i, of j, ... in `node`."""

    node: Node
    start: int
    axes: tuple[Digits, ...]


@lru_cache(maxsize=1024)                     # roots, fusion and lowering all ask
def strided(operand: Node) -> Strided:
    """The operand as digits over the deepest value under its views that has them.

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
    """How `place` grows with each variable of `index`; None when not by digits."""
    axes = [[v for v in i.terms if isinstance(v, Var)] for i in index]
    for axis in axes:
        at = 0
        while at < len(axis):
            v = axis[at]
            fitting = (by for by in _divisors(place, v) if by < v.extent and v.extent % by == 0)
            size = next(fitting, 0)
            if not size:
                at += 1
                continue
            axis[at:at + 1] = pair = [Var(f"{v.name}h", v.extent // size), Var(f"{v.name}l", size)]
            place = place.substitute({v: Index({pair[0]: size, pair[1]: 1})})
    if any(not isinstance(a, Var) for a in place.terms):
        return None
    digits = [joined([(v.extent, place.terms.get(v, 0)) for v in axis]) for axis in axes]
    return Strided(node, place.const, tuple(digits))


def _divisors(x: Index, v: Var) -> Iterator[int]:
    """What a variable is divided by somewhere in an expression."""
    for atom in x.terms:
        if isinstance(atom, Quotient | Remainder):
            if atom.of.terms.get(v) == 1 and atom.by > 1:
                yield atom.by
            yield from _divisors(atom.of, v)


def joined(digits: Sequence[tuple[int, int]]) -> Digits:
    """Fewest digits that step the same way: (2, 12), (3, 4) is (6, 4)."""
    found: list[tuple[int, int]] = []
    for size, stride in digits:
        if size == 1:
            continue
        if found and found[-1][1] == stride * size:
            found[-1] = (found[-1][0] * size, stride)
        else:
            found.append((size, stride))
    return tuple(found)


def length(digits: Digits) -> int:
    """How many numbers the digits count."""
    return math.prod(size for size, _ in digits)
