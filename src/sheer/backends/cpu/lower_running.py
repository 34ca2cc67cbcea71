"""Running sums and products: a node and its operand flow in, a loop along the axis comes out.

Each line along the axis is one chain, in order; lines lie side by side in the lanes where the
axis is not the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

from sheer.compile.index import Var, as_index, variable
from sheer.compile.views import Place
from sheer.graph import Graph
from sheer.graph.dtypes import int64

from .builder import Builder
from .lower_expr import Expressions
from .lower_index import Turn
from .values import Value, constant


class RunningKernel:
    """Writes a CumSum or CumProd into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], output: Value) -> None:
        self.b, self.output = b, output
        self.node = body.outputs[0]
        self.axis: int = self.node.prim.axis  # type: ignore[attr-defined]
        self.turn = Turn(b)
        self.expr = Expressions(b, self.turn, dict(zip(body.inputs, inputs, strict=True)))

    def write(self) -> None:
        """All lines."""
        self._outer(0, ())

    def _outer(self, axis: int, at: Place) -> None:
        """The loops over all axes but the one that is run along."""
        shape = self.node.shape
        if axis == len(shape):
            self._line(at)
        elif axis == self.axis:
            self._outer(axis + 1, (*at, as_index(0)))          # filled in by `_line`
        elif axis == len(shape) - 1 and shape[axis] > 1:
            self._lanes(axis, at)
        else:
            v = Var(f"i{axis}", shape[axis])
            with self.b.loop(0, shape[axis]) as i, self.expr.scope():
                self.turn.at[v] = i
                self._outer(axis + 1, (*at, variable(v.name, v.extent)))
                del self.turn.at[v]

    def _lanes(self, axis: int, at: Place) -> None:
        b, turn, size = self.b, self.turn, self.node.shape[axis]
        lanes = b.target.width // max(self.node.dtype.size, 4)
        lane, whole = Var(f"i{axis}", size), size - size % lanes
        place = (*at, variable(lane.name, size))
        turn.lane, turn.lanes = lane, lanes
        with b.loop(0, whole, lanes) as i, self.expr.scope():
            turn.at[lane] = i
            self._outer(axis + 1, place)
        if size % lanes:
            turn.at[lane], turn.mask = constant(whole, int64), b.tail_mask(size % lanes, lanes)
            with self.expr.scope():
                self._outer(axis + 1, place)
        del turn.at[lane]
        turn.lane, turn.lanes, turn.mask = None, 1, None

    def _line(self, at: Place) -> None:
        b, turn, size = self.b, self.turn, self.node.shape[self.axis]
        prim, v = self.node.prim, Var(f"i{self.axis}", size)
        where = (*at[:self.axis], variable(v.name, size), *at[self.axis + 1:])
        kind, x = self.node.dtype, self.node.inputs[0]
        first = constant(prim.start(kind), kind, turn.lanes)  # type: ignore[attr-defined]
        with b.loop_with(0, size, 1, first) as loop, self.expr.scope():
            turn.at[v] = loop.index
            value = b.broadcast(self.expr.value(x, where), turn.lanes)
            total = prim.combine(b, loop.values[0], value)  # type: ignore[attr-defined]
            self.expr.store(self.node, self.output, where, total)
            loop.next(total)
            del turn.at[v]
