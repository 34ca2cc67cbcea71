"""One row: its stages flow in; the loops over the reduced axes, carrying accumulators, come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from sheer.compile.indexing.index import Index, Var
from sheer.compile.indexing.views import Place
from sheer.compile.nest import Nest, reduced_axes
from sheer.graph import Node
from sheer.graph.dtypes import int64
from sheer.ops.reduce import Sum

from ..ir.builder import Builder
from ..ir.values import Value, constant
from . import accumulate as acc
from .expr import Expressions
from .index import Turn
from .layout import Layout

States = list[acc.State]
_UNROLLED = 16    # turns, e.g. of a 3 x 3 window
_AT_ONCE = 4      # accumulators per reduction along lanes: hides the latency of one addition
_RUN = 128        # turns whose sum is made by itself, and again so many of these


@dataclass
class Stage:
    """One pass over the reduced loops: what it reduces, and what it stores per element."""

    reduces: list[Node] = field(default_factory=list)
    stores: list[Node] = field(default_factory=list)


class Row:
    """The part of a `NestKernel` that runs inside its kept loops."""

    b: Builder
    nest: Nest
    lanes: int
    layout: Layout
    turn: Turn
    expr: Expressions

    def _hoist(self) -> None: raise NotImplementedError
    def _store(self, nodes: Sequence[Node]) -> None: raise NotImplementedError

    def _stage(self, stage: Stage) -> list[Value]:
        """The reductions of a stage, after its loops."""
        b, lane = self.b, self.layout.lane
        across = lane is not None and lane in self.layout.reduced
        lanes = self.lanes if across else self.turn.lanes
        many = self._many(lane) if across and stage.reduces and lane is not None else 1
        sets = [[acc.start(r, lanes) for r in stage.reduces] for _ in range(many)]
        sets = self._reduced(self.layout.reduced, stage, sets)
        results = []
        for number, r in enumerate(stage.reduces):             # joined in a fixed order
            total = sets[0][number]
            for other in sets[1:]:
                total = acc.join(b, r, total, other[number])
            results.append((acc.across(b, r, total) if across else total)[-1])
        return results

    def _many(self, lane: Var) -> int:
        """Accumulators per reduction: as many as a round of the lanes' loop fills."""
        return max(n for n in (1, 2, _AT_ONCE) if n <= max(lane.extent // self.lanes, 1))

    # ---- loops -----------------------------------------------------------------------------
    def _reduced(self, loops: Sequence[Var], stage: Stage, sets: list[States]) -> list[States]:
        """The reduced loops, carrying the accumulators."""
        if not loops:
            return [self._step(stage, sets[0])]
        first, *rest = loops
        if first is self.layout.lane:
            return self._along_row(first, stage, sets)
        if self._short():
            return self._unrolled(first, rest, stage, sets)
        def turn(i: Value, sets: list[States]) -> list[States]:
            with self.expr.scope():
                self.turn.at[first] = i
                self._hoist()
                sets = self._reduced(rest, stage, sets)
                del self.turn.at[first]
            return sets
        return self._carried(range(first.extent), stage, sets, turn)

    def _carried(self, turns: range, stage: Stage, sets: list[States],
                 turn: Callable[[Value, list[States]], list[States]]) -> list[States]:
        """A loop that carries the accumulators. Sums of many floats are made in runs, so that what
        is added is never far smaller than what it is added to.
        """
        runs = len(turns) // _RUN
        if runs < 2 or not any(_rounds(r) for r in stage.reduces):
            return self._loop(turns, sets, turn)
        run, whole = turns[:_RUN], runs * _RUN
        def one(at: Value, sets: list[States]) -> list[States]:
            fresh = [[acc.start(r, state[0].lanes) for r, state in
                      zip(stage.reduces, states, strict=True)] for states in sets]
            made = self._loop(range(0, _RUN * run.step, run.step), fresh,
                              lambda i, sets: turn(self.b.add(at, i), sets))
            return [[acc.join(self.b, r, old, new) for r, old, new in
                     zip(stage.reduces, *both, strict=True)] for both in
                    zip(sets, made, strict=True)]
        sets = self._carried(turns[:whole:_RUN], stage, sets, one)
        return self._loop(turns[whole:], sets, turn) if whole < len(turns) else sets

    def _loop(self, turns: range, sets: list[States],
              turn: Callable[[Value, list[States]], list[States]]) -> list[States]:
        with self.b.loop_with(turns.start, turns.stop, turns.step, *_flat(sets)) as loop:
            loop.next(*_flat(turn(loop.index, _like(loop.values, sets))))
        return _like(loop.results, sets)

    def _short(self) -> bool:
        """Are the reduced loops so short that a loop costs more than its turns?"""
        turns = math.prod(v.extent for v in self.layout.reduced)
        return self.layout.lane not in self.layout.reduced and turns <= _UNROLLED

    def _unrolled(self, first: Var, rest: Sequence[Var], stage: Stage, sets: list[States],
                  ) -> list[States]:
        for i in range(first.extent):
            with self.expr.scope():
                self.turn.at[first] = constant(i, int64)
                sets = self._reduced(rest, stage, sets)
                del self.turn.at[first]
        return sets

    def _along_row(self, lane: Var, stage: Stage, sets: list[States]) -> list[States]:
        """Lanes along a reduced loop: each accumulator takes its turn, the first also the rest."""
        lanes = self.lanes
        whole, rest = divmod(lane.extent, lanes)
        sets, at = self._blocks(lane, stage, sets, 0, whole)
        sets[:1], at = self._blocks(lane, stage, sets[:1], at, whole)
        if rest:
            with self.expr.scope():
                sets[0] = self._block(lane, stage, sets[0], constant(at * lanes, int64), rest)
        return sets

    def _blocks(self, lane: Var, stage: Stage, sets: list[States], begin: int, whole: int,
                ) -> tuple[list[States], int]:
        """Whole vectors from number `begin`, len(sets) of them per turn, as far as they go."""
        many = len(sets)
        end = begin + (whole - begin) // many * many
        if end - begin <= many:                                # one turn is no loop
            return self._turn(lane, stage, sets, constant(begin * self.lanes, int64),
                              end - begin), end
        turns = range(begin * self.lanes, end * self.lanes, many * self.lanes)
        return self._carried(turns, stage, sets, lambda at, sets: self._turn(
            lane, stage, sets, at, many)), end

    def _turn(self, lane: Var, stage: Stage, sets: list[States], first: Value, count: int,
              ) -> list[States]:
        """`count` vectors from element `first` on, one for each set."""
        new = list(sets)
        for u in range(count):
            with self.expr.scope():
                at = self.b.add(first, u * self.lanes)
                new[u] = self._block(lane, stage, sets[u], at, None)
        return new

    def _block(self, lane: Var, stage: Stage, states: States, first: Value, rest: int | None,
               ) -> States:
        with self.in_lanes(lane, first, rest):
            return self._step(stage, states)

    @contextmanager
    def in_lanes(self, lane: Var, first: Value, rest: int | None) -> Iterator[None]:
        """Inside, the lanes of this turn are open; `rest`: how many of them, None for all."""
        turn = self.turn
        turn.at[lane], turn.lane, turn.lanes = first, lane, self.lanes
        turn.mask = None if rest is None else self.b.tail_mask(rest, self.lanes)
        yield
        del turn.at[lane]
        turn.lane, turn.lanes, turn.mask = None, 1, None

    # ---- elements --------------------------------------------------------------------------
    def _step(self, stage: Stage, states: States) -> States:
        """One element (per lane) of everything the stage does."""
        turn, new = self.turn, []
        mask = turn.mask if turn.lane in self.layout.reduced else None
        for r, state in zip(stage.reduces, states, strict=True):
            at = self._operand(r)
            x = self.b.broadcast(self.expr.value(r.inputs[0], at), state[0].lanes)
            place = partial(self._along, [at[a] for a in reduced_axes(r)])
            new.append(acc.step(self.b, r, state, x, place, mask))
        self._store(stage.stores)
        return new

    def _along(self, axes: list[Index]) -> Value:
        """The element's number along the only axis that is gone over."""
        return self.expr.number(axes[0])

    def _operand(self, reduce: Node) -> Place:
        place = self.nest.full(reduce.inputs[0].shape)
        assert place is not None
        return self.layout.at(place)


def _rounds(reduce: Node) -> bool:
    """Does it add floats?"""
    return isinstance(reduce.prim, Sum) and reduce.dtype.kind == "float"


def _flat(sets: Sequence[States]) -> list[Value]:
    return [v for states in sets for state in states for v in state]


def _like(values: Sequence[Value], sets: Sequence[States]) -> list[States]:
    """The values taken apart as the sets are."""
    rest = iter(values)
    return [[[next(rest) for _ in state] for state in states] for states in sets]
