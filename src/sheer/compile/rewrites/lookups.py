"""Products with rows of a table, of which many are the same: dots flow in; smaller dots come out.

A text of 2048 letters has 65 different ones: what multiplies their vectors need do so 65 times. Of
t the vector of a letter, gradients have the sum of t b for all its places; here it is t times the
sum of b (docs/array-api.md): what is finite and what is not stays so, but for overflow on the way.

    x (32, 64, E) = table[i], i (32, 64);  x turned to (64, 32, E), as a matrix (2048, E):
    _Rows(i turned to (64, 32), as a vector (2048,), at=1): row r of it is table[places[r]]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ...graph import Graph, Node, make
from ...ops import elementwise, movement
from ...ops.contract.dot import Dot
from ...ops.elementwise.family import zeros_like
from ...ops.index.gather import Gather, ScatterAdd
from ...ops.movement import Permute, Reshape
from ...ops.structure import constant
from .rewrite import number, rewrite, swapped

_FEWER = 2          # times fewer rows of the table than looked up, at least
_DEPTH = 16         # multiplications per number, at least: a copy costs as much as a few of them


class _Rows(NamedTuple):
    """A value made of rows of which `places` (*R) says where they belong: its axis `at` runs along
    a row, the others are R.
    """

    places: Node
    at: int

    def through(self, view: Node) -> _Rows | None:
        """Of a view of the value; None when that cuts rows."""
        axes = getattr(view.prim, "axes", None)
        return self.permuted(axes) if axes else self.reshaped(view.inputs[0].shape, view.shape)

    def back(self, view: Node) -> _Rows | None:
        """Of what the value is a view of."""
        axes = getattr(view.prim, "axes", None)
        return (self.permuted(tuple(map(axes.index, range(len(axes))))) if axes
                else self.reshaped(view.shape, view.inputs[0].shape))

    def permuted(self, axes: tuple[int, ...]) -> _Rows:
        """Of the value with its axes in this order."""
        order = tuple(a - (a > self.at) for a in axes if a != self.at)
        return _Rows(movement.permute(self.places, order), axes.index(self.at))

    def reshaped(self, before: tuple[int, ...], after: tuple[int, ...]) -> _Rows | None:
        """Of the value in another shape; None when that cuts rows."""
        ahead, length = math.prod(before[:self.at]), before[self.at]
        at = next((i for i, size in enumerate(after)
                   if size == length and math.prod(after[:i]) == ahead), None)
        return None if at is None else _Rows(
            movement.reshape(self.places, (*after[:at], *after[at + 1:])), at)


def multiply_tables(graph: Graph) -> Graph:
    """A dot with many rows of a small table becomes one with the table; so do its gradients."""
    return rewrite(graph, _smaller)


def _smaller(node: Node) -> Node | None:
    if node.ndim != 2 or not node.dtype.is_floating_point:
        return None
    if isinstance(node.prim, ScatterAdd):
        return _scattered_product(node, node.prim)
    if not isinstance(node.prim, Dot):
        return None
    a, b = node.inputs
    found = _of_lookup(a, b)
    if found is None and (turned := _of_lookup(swapped(b), swapped(a))) is not None:
        return swapped(turned)                               # a b = (b^T a^T)^T
    return found


def _of_lookup(a: Node, b: Node) -> Node | None:
    """a b, where the rows or the columns of a are rows of a table."""
    found = _lookup(a)
    if found is None or not _worth(found[1], found[2], a, b):
        return None
    prim, table, (places, at) = found
    if at == 1:                                              # rows: look up among the products
        return make(prim, (Dot()(table, b), places))
    sums, met = _by_row(prim, table, places, b)              # columns: add up what meets one row
    return Dot()(swapped(met(table)), sums)


def _scattered_product(node: Node, prim: ScatterAdd) -> Node | None:
    """table + (rows of a b added at places) = table + (rows of a added at places) b."""
    base, places, *more, updates = node.inputs
    found: _Rows | None = None if more else _Rows(places, updates.ndim - 1)
    while found is not None and isinstance(updates.prim, Permute | Reshape):
        found, updates = found.back(updates), updates.inputs[0]
    if found is None or not isinstance(updates.prim, Dot) or updates.ndim != 2:
        return None
    a, b = updates.inputs
    if found.at == 0:
        a, b = swapped(b), swapped(a)
    if not _worth(base, found, a, b):
        return None
    sums, met = _by_row(prim, base, found.places, a)
    product = met(Dot()(sums, b))
    return product if number(base) == 0 else base + product


def _by_row(prim: Gather | ScatterAdd, table: Node, places: Node, rows: Node,
            ) -> tuple[Node, Callable[[Node], Node]]:
    """Sums of the rows that have one place, and a function that puts 0 where none has: what nobody
    looks up may be infinite, and 0 * inf is no 0.
    """
    add, size, zero = ScatterAdd(1, prim.wrap, prim.word), table.shape[0], constant(0, rows.dtype)
    sums = add(movement.broadcast_to(zero, (size, rows.shape[1])), places, rows)
    ones = movement.broadcast_to(constant(1, rows.dtype), (rows.shape[0], 1))
    count = add(movement.broadcast_to(zero, (size, 1)), places, ones)
    known = elementwise.gt(count, zeros_like(count))
    return sums, lambda x: elementwise.where(movement.broadcast_to(known, x.shape), x,
                                             zeros_like(x))


def _worth(table: Node, rows: _Rows, a: Node, b: Node) -> bool:
    return rows.places.size >= _FEWER * table.shape[0] and min(*a.shape, *b.shape) >= _DEPTH


def _lookup(node: Node) -> tuple[Gather, Node, _Rows] | None:
    """What a node is a view of: rows of a table that are looked up."""
    if isinstance(node.prim, Gather):
        table, *places = node.inputs
        whole = len(places) == 1 and table.ndim == 2
        return (node.prim, table, _Rows(places[0], node.ndim - 1)) if whole else None
    found = _lookup(node.inputs[0]) if isinstance(node.prim, Permute | Reshape) else None
    rows = None if found is None else found[2].through(node)
    return None if found is None or rows is None else (*found[:2], rows)
