"""Index kernels: gather and scatter flow in, loops that look places up come out.

Index and update operands are expressions; only the array that is looked into lies in memory. An
index out of range is reported to the caller, who lets the primitive's `ref` say what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sheer.compile.index import Var, as_index, variable
from sheer.compile.nest import nest_of
from sheer.compile.roots import home
from sheer.compile.views import Place, flat
from sheer.graph import Graph
from sheer.graph.dtypes import bool_, int64
from sheer.ops.index.gather import Gather, ScatterAdd
from sheer.ops.movement import strides

from .builder import Builder
from .lower_contract import address
from .lower_expr import Expressions
from .lower_index import Turn
from .lower_nest import NestKernel
from .values import Value, constant


class IndexKernel:
    """Writes a Gather, ScatterAdd or ScatterSet into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], output: Value) -> None:
        self.b, self.output = b, output
        self.pointers = dict(zip(body.inputs, inputs, strict=True))
        self.node = body.outputs[0]
        self.table, *rest = self.node.inputs
        self.indices = rest[:self.node.prim.k]  # type: ignore[attr-defined]
        self.updates = rest[-1]
        self.lanes = b.target.width // max(self.node.dtype.size, 4)
        k = len(self.indices)
        self.whole = self.table.shape[k:]                     # R: axes that come along whole
        self.inner = math.prod(self.whole)
        self.turn = Turn(b)
        self.expr = Expressions(b, self.turn, self.pointers)

    def write(self, limits: tuple[Value, Value] | None = None) -> Value:
        """All places, or those of a gather within limits; true when every index was in range."""
        if isinstance(self.node.prim, Gather):
            source = address(self.b, home(self.table), self.pointers)
            return self._places(lambda i, row: self._copy_row(source, i, row), limits)
        self._start()
        return self._places(self._update_row)

    # ---- loops -----------------------------------------------------------------------------
    def _places(self, body: Callable[[Place, Value], None],
                limits: tuple[Value, Value] | None = None) -> Value:
        """`body(index of the place, row)` for each place in order."""
        b, shape = self.b, self.indices[0].shape
        count = math.prod(shape)
        if not count:
            return constant(True, bool_)
        begin, end = limits or (0, count)
        with b.loop_with(begin, end, 1, constant(True, bool_)) as loop, self.expr.scope():
            counter = Var("place", max(count, 1))
            self.turn.at[counter] = loop.index
            number = variable("place", count)
            at = tuple(number // stride % size
                       for size, stride in zip(shape, strides(shape), strict=True))
            row, fine = self._row(at)
            body(at, row)
            loop.next(b.and_(loop.values[0], fine))
            del self.turn.at[counter]
        return loop.results[0]

    def _row(self, at: Place) -> tuple[Value, Value]:
        """The row that the indices name (0 if they are out of range), and whether they are in."""
        b, row, fine = self.b, constant(0, int64), constant(True, bool_)
        for index, size in zip(self.indices, self.table.shape, strict=False):
            i = self.expr.value(index, at)
            if self.node.prim.wrap:  # type: ignore[attr-defined]
                i = b.select(b.lt(i, 0), b.add(i, size), i)
            fine = b.and_(fine, b.and_(b.ge(i, 0), b.lt(i, size)))
            row = b.add(b.mul(row, size), i)
        return b.select(fine, row, 0), fine

    def _copy_row(self, source: Value, at: Place, row: Value) -> None:
        b, kind = self.b, self.node.dtype
        start = b.mul(row, self.inner)
        target = b.mul(self.turn.first(flat(at, self.indices[0].shape)), self.inner)

        def move(place: Value, lanes: int, mask: Value | None) -> None:
            if mask is None:
                b.store(self.output, b.add(target, place),
                        b.load(source, b.add(start, place), kind, lanes))
            else:
                x = b.load_masked(source, b.add(start, place), mask, kind)
                b.store_masked(self.output, b.add(target, place), x, mask)
        self._along(move)

    def _update_row(self, at: Place, row: Value) -> None:
        b, kind = self.b, self.node.dtype
        start = b.mul(row, self.inner)
        adds = isinstance(self.node.prim, ScatterAdd)

        def move(place: Value, lanes: int, mask: Value | None) -> None:
            x = self._update(at, place, lanes, mask)
            where = b.add(start, place)
            if adds:
                old = b.load(self.output, where, kind, lanes) if mask is None else (
                    b.load_masked(self.output, where, mask, kind))
                x = b.add(old, x)
            if mask is None:
                b.store(self.output, where, x)
            else:
                b.store_masked(self.output, where, x, mask)
        self._along(move)

    def _along(self, move: Callable[[Value, int, Value | None], None]) -> None:
        """Along one row: `move(first element, lanes, mask)`."""
        b, lanes = self.b, self.lanes
        if self.inner == 1:
            move(constant(0, int64), 1, None)
            return
        whole, rest = divmod(self.inner, lanes)
        with b.loop(0, whole * lanes, lanes) as i, self.expr.scope():
            move(i, lanes, None)
        if rest:
            with self.expr.scope():
                move(constant(whole * lanes, int64), lanes, b.tail_mask(rest, lanes))

    # ---- elements --------------------------------------------------------------------------
    def _update(self, at: Place, place: Value, lanes: int, mask: Value | None) -> Value:
        """The update for lanes from `place` of this row."""
        if self.inner == 1:
            return self.expr.value(self.updates, (*at, *(as_index(0),) * len(self.whole)))
        lane = Var("inner", self.inner)
        turn, index = self.turn, variable("inner", self.inner)
        turn.at[lane], turn.lane, turn.lanes, turn.mask = place, lane, lanes, mask
        inside = tuple(index // s % n for n, s in zip(self.whole, strides(self.whole), strict=True))
        x = self.b.broadcast(self.expr.value(self.updates, (*at, *inside)), lanes)
        turn.lane, turn.lanes, turn.mask = None, 1, None
        del turn.at[lane]
        return x

    def _start(self) -> None:
        """The result begins as the array that is updated."""
        graph = Graph(tuple(self.pointers), [self.table])
        NestKernel(self.b, graph, nest_of(self.table), list(self.pointers.values()),
                   [self.output]).write()
