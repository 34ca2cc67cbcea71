"""Scatters: an update of places flows in, a copy of the array and a loop over the places come out.

Updates of one place stay in order whatever the threads: they are cut so that no two parts write the
same element. Updates and the array are expressions, so neither needs to lie in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sheer.compile.indexing.index import Var, as_index, variable
from sheer.compile.indexing.views import Place, is_view, read
from sheer.graph import Graph, Node
from sheer.graph.dtypes import int64
from sheer.ops.index.gather import ScatterAdd, ScatterSet
from sheer.ops.movement import strides
from sheer.ops.structure import Iota

from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import Value, constant
from .contract import Split
from .gather import GatherKernel
from .index import lanes_of

Limits = tuple[Value, Value]
_FILTERED = 4       # elements of a row that are worth reading an index for in vain


def split_scatter(body: Graph, target: Target, threads: int) -> Split | None:
    """How a scatter may be cut into parts that write to different elements."""
    node = body.outputs[0]
    assert isinstance(node.prim, ScatterAdd | ScatterSet)
    k, table = node.prim.k, node.inputs[0]
    inner = math.prod(table.shape[k:])
    vectors = -(-inner // lanes_of(node, target))
    if _is_own_place(node.inputs[1]) and node.inputs[1].shape[0] == table.shape[0] > 1:
        return Split("units", table.shape[0])
    if vectors >= 2 * threads:
        return Split("lines", vectors)
    rows = math.prod(table.shape[:k])
    return Split("rows", rows) if inner >= _FILTERED and rows > 1 else None


def _is_own_place(index: Node) -> bool:
    """Does the index name the place's own number along the first axis, as `scatter_add` has it?"""
    if not index.ndim:
        return False
    mine = variable("i0", index.shape[0])
    at: Place = (mine, *(variable(f"i{a}", n) for a, n in enumerate(index.shape[1:], 1)))
    while is_view(index):
        reads, _ = read(index, at)
        if len(reads) != 1 or reads[0].guards:
            return False
        index, at = reads[0].node, reads[0].at
    return isinstance(index.prim, Iota) and at == (mine,)


class ScatterKernel(GatherKernel):
    """Writes a ScatterAdd or ScatterSet into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], output: Value) -> None:
        super().__init__(b, body, inputs, output)
        self.updates = self.node.inputs[-1]
        self.rows = math.prod(self.table.shape[:len(self.indices)])

    def update(self, split: Split | None, limits: Limits | None) -> Value:
        """All places, or what the split's limits leave of them; were all indices in range?"""
        b, zero, end = self.b, constant(0, int64), constant(self.rows, int64)
        if split is None or limits is None:
            self._copy((zero, end))
            return self.places(lambda at, row, _: self._update_row(at, row))
        if split.axis == "lines":
            with b.loop(0, self.rows) as row, self.expr.scope():
                self._copy((row, b.add(row, 1)), limits)
            return self.places(lambda at, row, _: self._update_row(at, row, limits))
        if split.axis == "units":
            each, per = self.rows // split.count, self.indices[0].size // split.count
            self._copy((b.mul(limits[0], each), b.mul(limits[1], each)))
            mine = b.mul(limits[0], per), b.mul(limits[1], per)
            return self.places(lambda at, row, _: self._update_row(at, row), mine)
        self._copy(limits)

        def if_mine(at: Place, row: Value, _: Value) -> None:
            inside = b.and_(b.ge(row, limits[0]), b.lt(row, limits[1]))
            with b.if_(inside), self.expr.scope():
                self._update_row(at, row)
        return self.places(if_mine)

    def _update_row(self, at: Place, row: Value, columns: Limits | None = None) -> None:
        b, kind = self.b, self.node.dtype
        start = b.mul(row, self.inner)
        adds = isinstance(self.node.prim, ScatterAdd)

        def move(place: Value, lanes: int, mask: Value | None) -> None:
            x = self._element(self.updates, at, place, lanes, mask)
            where = b.add(start, place)
            if adds:
                old = b.load(self.output, where, kind, lanes) if mask is None else (
                    b.load_masked(self.output, where, mask, kind))
                x = b.add(old, x)
            self._put(where, x, mask)
        self.along(move, columns)

    def _copy(self, rows: Limits, columns: Limits | None = None) -> None:
        """These rows begin as those of the array: as one long row, or (a single row) in columns."""
        b, k = self.b, len(self.indices)
        lengths = self.table.shape[:k]

        def from_row(place: Value, lanes: int, mask: Value | None) -> None:
            number = variable("row", self.rows)
            at = tuple(number // s % n for n, s in zip(lengths, strides(lengths), strict=True))
            x = self._element(self.table, at, place, lanes, mask)
            self._put(b.add(b.mul(rows[0], self.inner), place), x, mask)
        row = Var("row", self.rows)
        self.turn.at[row] = rows[0]
        if columns is not None:
            self.along(from_row, columns)
        else:
            self._copy_all(b.mul(rows[0], self.inner), b.mul(rows[1], self.inner))
        del self.turn.at[row]

    def _copy_all(self, begin: Value, end: Value) -> None:
        """Elements from `begin` on, below `end`."""
        b, lanes, shape = self.b, self.lanes, self.table.shape
        number = variable("element", self.table.size)
        at = tuple(number // s % n for n, s in zip(shape, strides(shape), strict=True))

        def move(place: Value, mask: Value | None) -> None:
            with self._lane(Var("element", self.table.size), place, lanes, mask):
                x = b.broadcast(self.expr.value(self.table, at), lanes)
            self._put(place, x, mask)
        whole = b.sub(end, b.rem(b.sub(end, begin), lanes))
        with b.loop(begin, whole, lanes) as i, self.expr.scope():
            move(i, None)
        with b.if_(b.lt(whole, end)), self.expr.scope():
            move(whole, b.tail_mask(b.sub(end, whole), lanes))

    # ---- elements --------------------------------------------------------------------------
    def _element(self, node: Node, at: Place, place: Value, lanes: int, mask: Value | None,
                 ) -> Value:
        """Lanes from `place` of the row `at` of an operand."""
        if self.inner == 1:
            return self.expr.value(node, (*at, *(as_index(0),) * len(self.whole)))
        index = variable("inner", self.inner)
        inside = tuple(index // s % n for n, s in zip(self.whole, strides(self.whole), strict=True))
        with self._lane(Var("inner", self.inner), place, lanes, mask):
            return self.b.broadcast(self.expr.value(node, (*at, *inside)), lanes)

    @contextmanager
    def _lane(self, lane: Var, place: Value, lanes: int, mask: Value | None) -> Iterator[None]:
        """Lanes lie along `lane`, from `place` on."""
        turn = self.turn
        turn.at[lane], turn.lane, turn.lanes, turn.mask = place, lane, lanes, mask
        yield
        turn.lane, turn.lanes, turn.mask = None, 1, None
        del turn.at[lane]

    def _put(self, where: Value, x: Value, mask: Value | None) -> None:
        if mask is None:
            self.b.store(self.output, where, x)
        else:
            self.b.store_masked(self.output, where, x, mask)
