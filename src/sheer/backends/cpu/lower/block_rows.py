"""Rows of a block: tiles of cells in; their reductions, and the cells that closers read, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sheer.compile.blocks.plan import BlockPlan, Stage
from sheer.graph import Node
from sheer.graph.dtypes import int64

from ..ir.builder import Builder
from ..ir.values import Value, constant
from . import accumulate as acc
from .expr import Expressions
from .index import Turn

_AT_ONCE = 2      # rows: one computes while the other waits for its sums to cross the lanes


@dataclass
class _Row:
    """One row: where it stands, what is known of it, and where its tiles start."""

    turn: Turn
    expr: Expressions
    tiles: dict[Node, Value]


class RowPass:
    """Writes the stages of a plan over the rows of one block.

    `at` are the counters of the batch loops.
    """

    def __init__(self, b: Builder, plan: BlockPlan, at: Sequence[Value],
                 pointers: Mapping[Node, Value], results: Mapping[Node, list[Value]],
                 tiles: Sequence[Value], ld: int, lanes: int) -> None:
        self.b, self.plan, self.at = b, plan, at
        self.pointers, self.results = pointers, results
        self.tiles, self.ld, self.lanes = tiles, ld, lanes

    def write(self, first: Value, rows: int, end: Value) -> None:
        """All rows of the block, columns below `end`."""
        many = _AT_ONCE if rows % _AT_ONCE == 0 else 1
        self.b.inlining = True
        with self.b.loop(0, rows, many) as r:
            opened = [self._open(first, self.b.add(r, i)) for i in range(many)]
            for stage in self.plan.stages:
                for row in opened:
                    self._hoist(row, stage)
                self._stage(opened, stage, end)
            for row in opened:
                self._results(row)
        self.b.inlining = False

    def _open(self, first: Value, number: Value) -> _Row:
        """Row `number` of the block."""
        b, plan, turn = self.b, self.plan, Turn(self.b)
        variables = plan.variables[:-2]
        turn.at.update({v: i for v, i in zip(variables, self.at, strict=True) if v.extent != 1})
        turn.at[plan.variables[-2]] = b.add(first, number)
        kind = plan.products[0].dtype
        start = b.mul(number, self.ld)
        tiles = {n: b.offset(self.tiles[t], start, kind) for n, t in plan.tile_of.items()}
        return _Row(turn, Expressions(b, turn, self.pointers), tiles)

    def _results(self, row: _Row) -> None:
        """Store what is kept per row."""
        for node in self.plan.row_results:
            place = self.plan.place(node)
            value = row.expr.value(node, place)
            for pointer in self.results[node]:
                row.expr.store(node, pointer, place, value)

    def _hoist(self, row: _Row, stage: Stage) -> None:
        """What a row determines is computed before its columns are gone over."""
        wanted = [r.inputs[0] for r in stage.reduces] + stage.stores
        ready = lambda n: all(r in row.expr.known for r in self.plan.below[n])
        row.expr.hoist([(n, self.plan.indices) for n in wanted], ready)

    def _stage(self, opened: list[_Row], stage: Stage, end: Value) -> None:
        """One pass over the columns of the rows."""
        b = self.b
        starts = [acc.start(r, self.lanes) for r in stage.reduces]
        flat = [v for state in starts for v in state]
        with b.loop_with(0, end, self.lanes, *flat * len(opened)) as loop:
            carried = list(loop.values)
            new: list[Value] = []
            for row in opened:
                mine = [carried.pop(0) for _ in flat]
                new += self._vector(row, stage, loop.index, mine, starts)
            loop.next(*new)
        rest = list(loop.results)
        for row in opened:
            for r, state in zip(stage.reduces, starts, strict=True):
                total = [rest.pop(0) for _ in state]
                row.expr.known[r] = acc.across(b, r, total)[-1]

    def _vector(self, row: _Row, stage: Stage, index: Value, values: list[Value],
                starts: list[acc.State]) -> list[Value]:
        """One vector of a row: cells are reduced and stored; the accumulators after it."""
        b, turn, expr, column = self.b, row.turn, row.expr, self.plan.variables[-1]
        with expr.scope():
            turn.at[column], turn.lane, turn.lanes = index, column, self.lanes
            if column.extent % self.lanes:
                turn.mask = b.tail_mask(b.sub(column.extent, index), self.lanes)
            for node in stage.loads:
                expr.known[node] = b.load(row.tiles[node], index, node.dtype, self.lanes)
            new: list[Value] = []
            for r, state in zip(stage.reduces, starts, strict=True):
                mine = [values.pop(0) for _ in state]
                x = b.broadcast(expr.value(r.inputs[0], self.plan.indices), self.lanes)
                new += acc.step(b, r, mine, x, lambda: constant(0, int64), turn.mask)
            found = [expr.value(n, self.plan.indices) for n in stage.stores]
            for node, value in zip(stage.stores, found, strict=True):
                b.store(row.tiles[node], index, b.broadcast(value, self.lanes))
            for node in stage.loads:
                del expr.known[node]
            del turn.at[column]
            turn.lane, turn.lanes, turn.mask = None, 1, None
        return new
