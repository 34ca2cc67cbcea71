"""Map and rows kernels: a body and its loops flow in, the loop nest that computes it comes out.

A turn of the kept loops runs in stages: each stage goes once over the reduced loops, accumulating
reductions and storing what is known by then, which later stages load; results per row are stored at
the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sheer.compile.index import Index, Var
from sheer.compile.nest import Nest, is_reduction, reduced_axes
from sheer.compile.views import Place
from sheer.graph import Graph, Node
from sheer.graph.dtypes import int64

from . import lower_accumulate as acc
from .builder import Builder
from .lower_expr import Expressions
from .lower_index import Turn
from .lower_layout import Layout, layout
from .values import Value, constant

States = list[acc.State]
_UNROLLED = 16    # turns, e.g. of a 3 x 3 window
_WASTE = 0.75     # share of a turn's lanes that must be of use
_AT_ONCE = 4      # accumulators per reduction along lanes: hides the latency of one addition


@dataclass
class Stage:
    """One pass over the reduced loops: what it reduces, and what it stores per element."""

    reduces: list[Node] = field(default_factory=list)
    stores: list[Node] = field(default_factory=list)


class NestKernel:
    """Writes one kernel into the open function."""

    def __init__(self, b: Builder, body: Graph, nest: Nest, inputs: Sequence[Value],
                 outputs: Sequence[Value]) -> None:
        self.b, self.body, self.nest = b, body, nest
        self.layout, self.lanes = laid_out(b, body, nest)
        self.turn = Turn(b)
        self.expr = Expressions(b, self.turn, dict(zip(body.inputs, inputs, strict=True)))
        self.targets: dict[Node, list[Value]] = {}
        for node, pointer in zip(body.outputs, outputs, strict=True):
            self.targets.setdefault(node, []).append(pointer)
        self.reduces = [n for n in body.nodes if is_reduction(n)]
        self.below = _reduces_below(body)
        self.stages, self.last = self._stages()

    def write(self, limits: tuple[Value, Value] | None = None) -> None:
        """The whole kernel, or the part between two units of its outermost loop."""
        self._kept(self.layout.kept, limits, self._row)

    @staticmethod
    def units(b: Builder, body: Graph, nest: Nest) -> int:
        """Turns of the outermost kept loop (vectors, if it runs along lanes)."""
        made, lanes = laid_out(b, body, nest)
        if not made.kept:
            return 1
        outer = made.kept[0]
        return -(-outer.extent // lanes) if outer is made.lane else outer.extent

    # ---- what happens when ------------------------------------------------------------------
    def _stages(self) -> tuple[list[Stage], list[Node]]:
        """Stages in order, and the outputs stored once per row after them."""
        level: dict[Node, int] = {}
        for r in self.reduces:
            level[r] = 1 + max((level[x] for x in self.below[r.inputs[0]]), default=-1)
        count = 1 + max(level.values(), default=-1)
        stages = [Stage() for _ in range(count)]
        for r in self.reduces:
            stages[level[r]].reduces.append(r)
        last = []
        for out in self.targets:
            if not self.nest.spans(out) or not self.nest.reduced:
                last.append(out)
                continue
            at = 1 + max((level[x] for x in self.below[out]), default=-1)
            if at == len(stages):
                stages.append(Stage())
            stages[at].stores.append(out)
        return stages, last

    def _ready(self, node: Node) -> bool:
        return all(r in self.expr.known for r in self.below[node])

    # ---- loops -----------------------------------------------------------------------------
    def _kept(self, loops: Sequence[Var], limits: tuple[Value, Value] | None,
              body: Callable[[], None]) -> None:
        """The kept loops; `limits` cut the outermost."""
        self._hoist()
        if not loops:
            body()
            return
        first, *rest = loops
        if first is self.layout.lane:
            self._along_lanes(first, limits, body)
            return
        begin, end = limits or (constant(0, int64), constant(first.extent, int64))
        with self.b.loop(begin, end) as i, self.expr.scope():
            self.turn.at[first] = i
            self._kept(rest, None, body)
            del self.turn.at[first]

    def _along_lanes(self, lane: Var, limits: tuple[Value, Value] | None,
                     body: Callable[[], None]) -> None:
        """Whole vectors in a loop, then the rest under a mask. Limits count vectors."""
        b, lanes = self.b, self.lanes
        whole, rest = divmod(lane.extent, lanes)
        begin, end = limits or (constant(0, int64), constant(whole + (rest > 0), int64))
        if whole:
            stop = b.mul(_least(b, end, whole), lanes)
            with b.loop(b.mul(begin, lanes), stop, lanes) as i, self.expr.scope():
                self._in_lanes(lane, i, None, body)
        if rest:
            def tail() -> None:
                with self.expr.scope():
                    self._in_lanes(lane, constant(whole * lanes, int64), rest, body)
            if isinstance(end.known, int):
                tail()
            else:
                with b.if_(b.eq(end, whole + 1)):
                    tail()

    def _in_lanes(self, lane: Var, first: Value, rest: int | None, body: Callable[[], None],
                  ) -> None:
        """The body with the lanes of this turn open."""
        turn = self.turn
        turn.at[lane], turn.lane, turn.lanes = first, lane, self.lanes
        turn.mask = None if rest is None else self.b.tail_mask(rest, self.lanes)
        body()
        del turn.at[lane]
        turn.lane, turn.lanes, turn.mask = None, 1, None

    def _hoist(self) -> None:
        """What the loops opened so far determine is computed before the next one opens."""
        wanted = [(n, self._place(n)) for n in self.targets if not is_reduction(n)]
        waiting = [r for r in self.reduces if r not in self.expr.known]
        wanted += [(r.inputs[0], self._operand(r)) for r in waiting]
        self.expr.hoist(wanted, self._ready)

    # ---- one row ---------------------------------------------------------------------------
    def _row(self) -> None:
        known, pointers = dict(self.expr.known), dict(self.expr.pointers)
        for stage in self.stages:
            self._hoist()
            results = self._stage(stage)
            self.expr.known.update(zip(stage.reduces, results, strict=True))
            self.expr.pointers.update((n, self.targets[n][0]) for n in stage.stores)
        self._store(self.last)
        self.expr.known, self.expr.pointers = known, pointers

    def _stage(self, stage: Stage) -> list[Value]:
        states = [acc.start(r, self.turn.lanes) for r in stage.reduces]
        return [s[-1] for s in self._reduced(self.layout.reduced, stage, states)]

    def _reduced(self, loops: Sequence[Var], stage: Stage, states: States) -> States:
        """The reduced loops, carrying the accumulators."""
        if not loops:
            return self._step(stage, states)
        first, *rest = loops
        if first is self.layout.lane:
            return self._across_lanes(first, stage, states)
        if self._short():
            return self._unrolled(first, rest, stage, states)
        with self.b.loop_with(0, first.extent, 1, *_flat(states)) as loop, self.expr.scope():
            self.turn.at[first] = loop.index
            self._hoist()
            loop.next(*_flat(self._reduced(rest, stage, _like(loop.values, states))))
            del self.turn.at[first]
        return _like(loop.results, states)

    def _short(self) -> bool:
        """Are the reduced loops so short that a loop costs more than its turns?"""
        turns = math.prod(v.extent for v in self.layout.reduced)
        return self.layout.lane not in self.layout.reduced and turns <= _UNROLLED

    def _unrolled(self, first: Var, rest: Sequence[Var], stage: Stage, states: States) -> States:
        for i in range(first.extent):
            with self.expr.scope():
                self.turn.at[first] = constant(i, int64)
                states = self._reduced(rest, stage, states)
                del self.turn.at[first]
        return states

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

    def _across_lanes(self, lane: Var, stage: Stage, states: States) -> States:
        """Lanes along a reduced loop: several accumulators each, joined in a fixed order."""
        b, lanes = self.b, self.lanes
        whole, rest = divmod(lane.extent, lanes)
        many = _AT_ONCE if whole >= 2 * _AT_ONCE and stage.reduces else 1
        sets = [[acc.start(r, lanes) for r in stage.reduces] for _ in range(many)]
        sets, at = self._blocks(lane, stage, sets, 0, whole)
        sets[:1], at = self._blocks(lane, stage, sets[:1], at, whole)
        if rest:
            with self.expr.scope():
                sets[0] = self._block(lane, stage, sets[0], constant(at * lanes, int64), rest)
        results = []
        for number, r in enumerate(stage.reduces):
            total = sets[0][number]
            for other in sets[1:]:
                total = acc.join(b, r, total, other[number])
            results.append(acc.join(b, r, states[number], acc.across(b, r, total)))
        return results

    def _blocks(self, lane: Var, stage: Stage, sets: list[States], begin: int, whole: int,
                ) -> tuple[list[States], int]:
        """Whole vectors from number `begin`, len(sets) of them per turn, as far as they go."""
        many = len(sets)
        end = begin + (whole - begin) // many * many
        if begin == end:
            return sets, begin
        flatly = [v for states in sets for v in _flat(states)]
        size = len(flatly) // many
        step = many * self.lanes
        with self.b.loop_with(begin * self.lanes, end * self.lanes, step, *flatly) as loop:
            new: list[Value] = []
            for u in range(many):
                with self.expr.scope():
                    i = self.b.add(loop.index, u * self.lanes)
                    states = _like(loop.values[u * size:(u + 1) * size], sets[u])
                    new += _flat(self._block(lane, stage, states, i, None))
            loop.next(*new)
        done = loop.results
        return [_like(done[u * size:(u + 1) * size], sets[u]) for u in range(many)], end

    def _block(self, lane: Var, stage: Stage, states: States, first: Value, rest: int | None,
               ) -> States:
        found: States = []
        self._in_lanes(lane, first, rest, lambda: found.extend(self._step(stage, states)))
        return found

    # ---- elements --------------------------------------------------------------------------
    def _place(self, node: Node) -> Place:
        place = self.nest.place(node)
        assert place is not None
        return self.layout.at(place)

    def _operand(self, reduce: Node) -> Place:
        place = self.nest.full(reduce.inputs[0].shape)
        assert place is not None
        return self.layout.at(place)

    def _store(self, nodes: Sequence[Node]) -> None:
        """All values before any store: a result may lie where an operand does."""
        values = [self.expr.value(n, self._place(n)) for n in nodes]
        for node, value in zip(nodes, values, strict=True):
            for pointer in self.targets[node]:
                self.expr.store(node, pointer, self._place(node), value)


def _flat(states: States) -> list[Value]:
    return [v for state in states for v in state]


def _like(values: Sequence[Value], states: States) -> States:
    """The values taken apart as the states are."""
    rest = iter(values)
    return [[next(rest) for _ in state] for state in states]


def _least(b: Builder, x: Value, limit: int) -> Value:
    return constant(min(x.known, limit), int64) if isinstance(x.known, int) else b.min(x, limit)


def laid_out(b: Builder, body: Graph, nest: Nest) -> tuple[Layout, int]:
    """The loops, and the lanes of a turn: several registers where columns are reduced, so that a
    row of them is a few cache lines and one sum's latency hides behind the others.
    """
    lanes = body_lanes(b, body)
    made = layout(body, nest, lanes)
    if not nest.reduced or made.lane not in made.kept:
        return made, lanes
    columns = made.lane.extent
    fits = [m for m in (4, 2, 1) if _WASTE * -(-columns // (m * lanes)) * m * lanes <= columns]
    wide = max(fits, default=1)
    return (layout(body, nest, wide * lanes) if wide > 1 else made), wide * lanes


def body_lanes(b: Builder, body: Graph) -> int:
    """Lanes per vector: those of the widest float (or of float32, if there is none)."""
    floats = [n.dtype.size for n in body.nodes if n.dtype.kind == "float" and n.ndim]
    return max(b.target.width // max(floats, default=4), 1)


def _reduces_below(body: Graph) -> dict[Node, set[Node]]:
    """For each node, the reductions that must be known before it."""
    found: dict[Node, set[Node]] = {}
    for node in body.nodes:
        found[node] = {node} if is_reduction(node) else set()
        if not is_reduction(node):
            found[node].update(*(found[x] for x in node.inputs))
    return found
