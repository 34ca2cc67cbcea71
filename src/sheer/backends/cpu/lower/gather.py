"""Gathers: a gather flows in, a loop that looks its places up and copies rows comes out.

Indices are expressions; only the array that is looked into lies in memory. An index out of range is
reported to the caller, who lets the primitive's `ref` say what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sheer.compile.indexing.index import Var, variable
from sheer.compile.indexing.views import Place, flat
from sheer.compile.roots import home
from sheer.graph import Graph
from sheer.graph.dtypes import bool_, int64
from sheer.ops.movement import strides

from ..ir.builder import Builder
from ..ir.values import Value, constant
from .contract import address
from .expr import Expressions
from .index import Turn, lanes_of


class GatherKernel:
    """Writes a Gather into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], output: Value) -> None:
        self.b, self.output = b, output
        self.pointers = dict(zip(body.inputs, inputs, strict=True))
        self.node = body.outputs[0]
        self.table = self.node.inputs[0]
        self.indices = self.node.inputs[1:1 + self.node.prim.k]  # type: ignore[attr-defined]
        self.lanes = lanes_of(self.node, b.target)
        k = len(self.indices)
        self.whole = self.table.shape[k:]                     # R: axes that come along whole
        self.inner = math.prod(self.whole)
        self.turn = Turn(b)
        self.expr = Expressions(b, self.turn, self.pointers)

    def write(self, limits: tuple[Value, Value] | None = None) -> Value:
        """All places, or those within limits; true when every index was in range."""
        source = address(self.b, home(self.table), self.pointers)
        return self.places(lambda at, row, _: self._copy_row(source, at, row), limits)

    # ---- loops -----------------------------------------------------------------------------
    def places(self, body: Callable[[Place, Value, Value], None],
               limits: tuple[Value, Value] | None = None) -> Value:
        """`body(index of the place, row, whether it is in range)` for each place in order."""
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
            body(at, row, fine)
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
        self.along(move)

    def along(self, move: Callable[[Value, int, Value | None], None],
              limits: tuple[Value, Value] | None = None) -> None:
        """Along one row, or its vectors within limits: `move(first element, lanes, mask)`."""
        b, lanes = self.b, self.lanes
        if self.inner == 1:
            move(constant(0, int64), 1, None)
            return
        whole, rest = divmod(self.inner, lanes)
        begin, stop = (b.mul(limits[0], lanes), b.mul(b.min(limits[1], whole), lanes)) if limits \
            else (constant(0, int64), constant(whole * lanes, int64))
        with b.loop(begin, stop, lanes) as i, self.expr.scope():
            move(i, lanes, None)

        def tail() -> None:
            with self.expr.scope():
                move(constant(whole * lanes, int64), lanes, b.tail_mask(rest, lanes))
        if rest and limits:
            with b.if_(b.gt(limits[1], whole)):
                tail()
        elif rest:
            tail()
