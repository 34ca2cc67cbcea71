"""Running sums and products: a node and its operand flow in, a loop along the axis comes out.

Lines lie side by side in the lanes where the axis is not the last one: each is one chain, in order.
Along the last axis a vector is summed within itself first, in a fixed tree, so that only one
addition per vector has to wait for the one before.
"""

from __future__ import annotations

from collections.abc import Sequence

from sheer.compile.indexing.index import Var, as_index, variable
from sheer.compile.indexing.views import Place
from sheer.graph import Graph
from sheer.graph.dtypes import int64

from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import Value, constant
from .expr import Expressions
from .index import Turn, lanes_of

Limits = tuple[Value, Value]


class RunningKernel:
    """Writes a CumSum or CumProd into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], output: Value) -> None:
        self.b, self.output = b, output
        self.node = body.outputs[0]
        self.axis: int = self.node.prim.axis  # type: ignore[attr-defined]
        self.turn = Turn(b)
        self.expr = Expressions(b, self.turn, dict(zip(body.inputs, inputs, strict=True)))

    def write(self, limits: Limits | None = None) -> None:
        """All lines, or those within limits of the outermost loop (vectors, if along lanes)."""
        self._outer(0, (), limits)

    def _outer(self, axis: int, at: Place, limits: Limits | None) -> None:
        """The loops over all axes but the one that is run along."""
        shape = self.node.shape
        if axis == len(shape):
            self._line(at)
        elif axis == self.axis:
            self._outer(axis + 1, (*at, as_index(0)), limits)  # filled in by `_line`
        elif axis == len(shape) - 1 and shape[axis] > 1:
            self._lanes(axis, at, limits)
        else:
            v = Var(f"i{axis}", shape[axis])
            mine = limits if shape[axis] > 1 else None
            begin, end = mine or (constant(0, int64), constant(shape[axis], int64))
            with self.b.loop(begin, end) as i, self.expr.scope():
                self.turn.at[v] = i
                rest = limits if mine is None else None
                self._outer(axis + 1, (*at, variable(v.name, v.extent)), rest)
                del self.turn.at[v]

    def _lanes(self, axis: int, at: Place, limits: Limits | None) -> None:
        b, turn, size = self.b, self.turn, self.node.shape[axis]
        lanes = lanes_of(self.node, b.target)
        lane = Var(f"i{axis}", size)
        whole, rest = divmod(size, lanes)
        place = (*at, variable(lane.name, size))
        turn.lane, turn.lanes = lane, lanes
        begin, end = limits or (constant(0, int64), constant(whole + (rest > 0), int64))
        stop = b.mul(b.min(end, whole) if limits else constant(whole, int64), lanes)
        with b.loop(b.mul(begin, lanes), stop, lanes) as i, self.expr.scope():
            turn.at[lane] = i
            self._outer(axis + 1, place, None)
        if rest:
            with b.if_(b.gt(end, whole)), self.expr.scope():
                turn.at[lane], turn.mask = constant(whole * lanes, int64), b.tail_mask(rest, lanes)
                self._outer(axis + 1, place, None)
        del turn.at[lane]
        turn.lane, turn.lanes, turn.mask = None, 1, None

    def _line(self, at: Place) -> None:
        size, lanes = self.node.shape[self.axis], lanes_of(self.node, self.b.target)
        v = Var(f"i{self.axis}", size)
        where = (*at[:self.axis], variable(v.name, size), *at[self.axis + 1:])
        begin = 0
        total = self._start(self.turn.lanes)
        if self.axis == self.node.ndim - 1 and self.turn.lane is None:
            begin = size - size % lanes
            total = self._vectors(v, where, begin, lanes)
        with self.b.loop_with(begin, size, 1, total) as loop, self.expr.scope():
            self.turn.at[v] = loop.index
            value = self.b.broadcast(self._value(where), self.turn.lanes)
            total = self._combine(loop.values[0], value)
            self.expr.store(self.node, self.output, where, total)
            loop.next(total)
            del self.turn.at[v]

    def _vectors(self, v: Var, where: Place, end: int, lanes: int) -> Value:
        """Whole vectors along the axis; the result of all of them, as one number."""
        b, turn = self.b, self.turn
        if not end:
            return self._start(1)
        nothing = self._start(lanes)
        turn.lane, turn.lanes = v, lanes
        with b.loop_with(0, end, lanes, nothing) as loop, self.expr.scope():
            turn.at[v] = loop.index
            x, step = b.broadcast(self._value(where), lanes), 1
            while step < lanes:
                picks = [lanes + i if i < step else i - step for i in range(lanes)]
                x = self._combine(b.shuffle(x, nothing, picks), x)
                step *= 2
            x = self._combine(loop.values[0], x)
            self.expr.store(self.node, self.output, where, x)
            loop.next(b.shuffle(x, None, [lanes - 1] * lanes))
            del turn.at[v]
        turn.lane, turn.lanes = None, 1
        return b.extract(loop.results[0], 0)

    def _start(self, lanes: int) -> Value:
        kind = self.node.dtype
        return constant(self.node.prim.start(kind), kind, lanes)  # type: ignore[attr-defined]

    def _value(self, where: Place) -> Value:
        return self.expr.value(self.node.inputs[0], where)

    def _combine(self, x: Value, y: Value) -> Value:
        found: Value = self.node.prim.combine(self.b, x, y)  # type: ignore[attr-defined]
        return found


def running_units(body: Graph, target: Target) -> int:
    """Turns of the outermost loop, of which none needs another."""
    node = body.outputs[0]
    axis = node.prim.axis  # type: ignore[attr-defined]
    loops = [a for a, n in enumerate(node.shape) if a != axis and n > 1]
    if not loops:
        return 1
    size = node.shape[loops[0]]
    return size if loops[0] < node.ndim - 1 else -(-size // lanes_of(node, target))
