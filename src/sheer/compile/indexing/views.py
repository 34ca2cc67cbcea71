"""Views: a node and an index flow in, the places its elements are really read from come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...graph.node import Node
from ...ops.movement import View, strides
from .index import Index, as_index

Place = tuple[Index, ...]


@dataclass(frozen=True)
class Guard:
    """low <= index < high, where that is not known beforehand."""

    low: int
    index: Index
    high: int


@dataclass(frozen=True)
class Read:
    """Element `at` of `node`, to be taken where every guard holds."""

    node: Node
    at: Place
    guards: tuple[Guard, ...]


def is_view(node: Node) -> bool:
    """Does the node only rename elements (reshape, permute, pad, concat, ...)?"""
    return hasattr(node.prim, "read")


def read(node: Node, at: Place) -> tuple[list[Read], Node | None]:
    """Where element `at` of a view comes from, and the scalar node that stands elsewhere."""
    if not node.size:                     # no element is ever read, whatever the index says
        x = node.inputs[0]
        return [Read(x, (as_index(0),) * x.ndim, ())], None
    one = isinstance(node.prim, View)     # further inputs of a view (pad's value) are not renamed
    specs = [x.spec for x in node.inputs[:1 if one else None]]
    found = []
    prim: Any = node.prim
    for piece in prim.read(at, *specs):
        guards = [Guard(low, as_index(i), high) for low, i, high in piece.guards]
        if any(_never(g) for g in guards):
            continue
        found.append(Read(node.inputs[piece.source], tuple(map(as_index, piece.index)),
                          tuple(g for g in guards if not _always(g))))
    fill = prim.fill(*specs)
    return found, None if fill is None else node.inputs[fill]


def flat(at: Place, shape: Sequence[int]) -> Index:
    """The row-major element number of an index."""
    return as_index(sum((i * s for i, s in zip(at, strides(shape), strict=True)), 0))


def _always(g: Guard) -> bool:
    low, high = g.index.bounds
    return g.low <= low and high < g.high


def _never(g: Guard) -> bool:
    low, high = g.index.bounds
    return high < g.low or low >= g.high
