"""Assemblies: an array that is made of others side by side flows in; where each lies comes out.

The gradient of one array whose parts were used apart is a sum of padded parts; whoever computes
the parts can write them in place.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from ...graph import Node
from ...ops.elementwise import Add
from ...ops.movement import Pad, Permute, Reshape, strides
from ..indexing.index import Index, Var
from ..indexing.views import Place, flat
from ..rewrites.rewrite import number

JOINS = (Add, Pad, Permute, Reshape)


@dataclass(frozen=True)
class Spot:
    """Element (i, j, ...) of a part lies at start + i * strides[0] + j * strides[1] + ..."""

    start: int
    strides: tuple[int, ...]


def assembled(whole: Node, parts: Container[Node]) -> dict[Node, Spot] | None:
    """Where in `whole` every part lies; None unless it is parts side by side and nothing else."""
    found = _placed(whole, parts)
    if found is None or sum(part.size for part in found) != whole.size:
        return None
    spots = {}
    for part, at in found.items():
        place = flat(at, whole.shape)
        if any(not isinstance(a, Var) for a in place.terms):
            return None
        spots[part] = Spot(place.const, tuple(place.terms.get(v, 0) for v in _variables(part)))
    return spots


def _variables(part: Node) -> list[Var]:
    return [Var(f"p{a}", s) for a, s in enumerate(part.shape)]


def _placed(node: Node, parts: Container[Node]) -> dict[Node, Place] | None:
    """The index in `node` of every element of each part in it."""
    if node in parts:
        return {node: tuple(Index({v: 1}) if v.extent != 1 else Index({})
                            for v in _variables(node))}
    if not isinstance(node.prim, JOINS):
        return None
    if isinstance(node.prim, Add):
        left, right = (_placed(x, parts) for x in node.inputs)
        apart = left is not None and right is not None and not set(left) & set(right) and all(
            _disjoint(a, b) for a in left.values() for b in right.values())
        return {**left, **right} if apart and left is not None and right is not None else None
    if isinstance(node.prim, Pad) and number(node.inputs[1]) != 0:
        return None
    below = _placed(node.inputs[0], parts)
    return None if below is None else {p: _moved(node, at) for p, at in below.items()}


def _moved(view: Node, at: Place) -> Place:
    """Where a view shows the element that stands at `at` in what it looks at."""
    if isinstance(view.prim, Permute):
        return tuple(at[a] for a in view.prim.axes)
    if isinstance(view.prim, Pad):
        return tuple(i * (between + 1) + low
                     for i, (low, _, between) in zip(at, view.prim.widths, strict=True))
    element = flat(at, view.inputs[0].shape)
    return tuple(element // step % size
                 for size, step in zip(view.shape, strides(view.shape), strict=True))


def _disjoint(a: Place, b: Place) -> bool:
    """Do two boxes keep apart along some axis?"""
    return any(i.bounds[1] < j.bounds[0] or j.bounds[1] < i.bounds[0]
               for i, j in zip(a, b, strict=True))
