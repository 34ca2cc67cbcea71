"""Products with rows of a table, of which many are the same: dots flow in; smaller dots come out.

A text of 2048 letters has 65 different ones: what multiplies their vectors need do so 65 times.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ...graph import Graph, Node, make
from ...ops import elementwise, movement
from ...ops.contract.dot import Dot
from ...ops.elementwise.family import zeros_like
from ...ops.index.gather import Gather, ScatterAdd
from ...ops.movement import Permute, Reshape
from ...ops.structure import constant
from .rewrite import number, rewrite, swapped

FEWER = 2          # times fewer rows of the table than looked up, at least
DEPTH = 16         # multiplications per number, at least: a copy costs as much as a few of them


class _Rows(NamedTuple):
    """A value made of rows of which `places` (*R) says where they belong: its axis `at` runs along
    a row, the others are R."""

    places: Node
    at: int

    def permuted(self, axes: tuple[int, ...]) -> _Rows:
        """Of the value with its axes in this order."""
        order = tuple(a - (a > self.at) for a in axes if a != self.at)
        return _Rows(movement.permute(self.places, order), axes.index(self.at))

    def reshaped(self, before: tuple[int, ...], after: tuple[int, ...]) -> _Rows | None:
        """Of the value in another shape; None when that cuts rows."""
        ahead, length = math.prod(before[:self.at]), before[self.at]
        for at, size in enumerate(after):
            if size == length and math.prod(after[:at]) == ahead:
                rest = (*after[:at], *after[at + 1:])
                return _Rows(movement.reshape(self.places, rest), at)
        return None


def multiply_tables(graph: Graph) -> Graph:
    """A dot with many rows of a small table becomes one with the table; so do its gradients."""
    return rewrite(graph, _smaller)


def _smaller(node: Node) -> Node | None:
    if isinstance(node.prim, ScatterAdd):
        return _scattered_product(node)
    if not isinstance(node.prim, Dot) or node.ndim != 2 or not node.dtype.is_floating_point:
        return None
    a, b = node.inputs
    found = _of_lookup(a, b)
    if found is None:                                        # a b = (b^T a^T)^T
        turned = _of_lookup(swapped(b), swapped(a))
        return None if turned is None else swapped(turned)
    return found


def _of_lookup(a: Node, b: Node) -> Node | None:
    """a b, where the rows or the columns of a are rows of a table."""
    found = _lookup(a)
    if found is None or not _worth(found[1], found[2], min(*a.shape, *b.shape)):
        return None
    prim, table, (places, at) = found
    if at == 1:                                              # rows: look up among the products
        return make(prim, (Dot()(table, b), places))
    sums, known = _by_row(prim, table.shape[0], places, b)   # columns: add up what meets one row
    used = elementwise.where(movement.broadcast_to(known, table.shape), table, zeros_like(table))
    return Dot()(swapped(used), sums)


def _scattered_product(node: Node) -> Node | None:
    """table + (rows of a b added at places) = table + (rows of a added at places) b."""
    base, *rest = node.inputs
    prim = node.prim
    assert isinstance(prim, ScatterAdd)
    if len(rest) != 2 or base.ndim != 2 or not node.dtype.is_floating_point:
        return None
    found: _Rows | None = _Rows(rest[0], rest[1].ndim - 1)
    updates = rest[1]
    while found is not None and isinstance(updates.prim, Permute | Reshape):
        (inner,) = updates.inputs                            # undo what the view did
        found = (found.permuted(_inverse(updates.prim.axes)) if isinstance(updates.prim, Permute)
                 else found.reshaped(updates.shape, inner.shape))
        updates = inner
    if found is None or not isinstance(updates.prim, Dot) or updates.ndim != 2:
        return None
    a, b = updates.inputs
    if found.at == 0:
        a, b = swapped(b), swapped(a)
    if not _worth(base, found, min(*a.shape, *b.shape)):
        return None
    sums, known = _by_row(prim, base.shape[0], found.places, a)
    product = Dot()(sums, b)                                 # of a row never met: 0 * inf is NaN
    product = elementwise.where(movement.broadcast_to(known, product.shape), product,
                                zeros_like(product))
    return product if number(base) == 0 else base + product


def _by_row(prim: Gather | ScatterAdd, size: int, places: Node, rows: Node) -> tuple[Node, Node]:
    """Sums of the rows that have one place (size, N), and whether there are any (size, 1)."""
    add = ScatterAdd(1, prim.wrap, prim.word)
    zero = constant(0, rows.dtype)
    sums = add(movement.broadcast_to(zero, (size, rows.shape[1])), places, rows)
    ones = movement.broadcast_to(constant(1, rows.dtype), (rows.shape[0], 1))
    count = add(movement.broadcast_to(zero, (size, 1)), places, ones)
    return sums, elementwise.gt(count, zeros_like(count))


def _worth(table: Node, rows: _Rows, depth: int) -> bool:
    return rows.places.size >= FEWER * table.shape[0] and depth >= DEPTH


def _lookup(node: Node) -> tuple[Gather, Node, _Rows] | None:
    """What a node is a view of: rows of a table that are looked up."""
    prim = node.prim
    if isinstance(prim, Gather):
        table, *places = node.inputs
        whole = len(places) == 1 and table.ndim == 2
        return (prim, table, _Rows(places[0], node.ndim - 1)) if whole else None
    found = _lookup(node.inputs[0]) if isinstance(prim, Permute | Reshape) else None
    if found is None:
        return None
    lookup, table, inner = found
    rows = (inner.permuted(prim.axes) if isinstance(prim, Permute)
            else inner.reshaped(node.inputs[0].shape, node.shape))
    return None if rows is None else (lookup, table, rows)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(axes.index, range(len(axes))))
