"""Expressions: a node and an index flow in, the instructions that compute that element come out.

Demand-driven: views only change the index, pointwise nodes call their own `emit`, and what lies in
memory is loaded, as a whole vector where lanes lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from sheer.compile.indexing.index import Index, Var
from sheer.compile.indexing.turns import operands
from sheer.compile.indexing.views import Guard, Place, Read, flat, is_view, read
from sheer.compile.nest import is_reduction
from sheer.graph import Node
from sheer.graph.dtypes import bool_, int64
from sheer.ops.elementwise import Add, Mul
from sheer.ops.random import FoldIn, Uniform
from sheer.ops.structure import Constant, Iota

from ..ir.builder import Builder
from ..ir.values import Value, constant
from .index import Turn
from .near import load_near, offsets
from .random import fold_in, uniform, uniform_run

Key = tuple[Node, Place, str | None]


class Expressions:
    """Writes elements of the nodes of one kernel at the turn of the loops where `turn` stands.

    `pointers` are the values in memory; `known` are results already in registers, each good for
    one index of this turn.
    """

    def __init__(self, b: Builder, turn: Turn, pointers: Mapping[Node, Value]) -> None:
        self.b, self.turn, self.pointers = b, turn, dict(pointers)
        self.known: dict[Node, Value] = {}
        self.turned: dict[tuple[Node, Index], Value] = {}      # loads that are in registers already
        self.rows: dict[Node, Index] = {}     # in a buffer of one row: where, in every turn
        self._memo: list[dict[Key, Value]] = [{}]

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed inside is forgotten after: the code may not run that way again."""
        self._memo.append({})
        yield
        self._memo.pop()

    def value(self, node: Node, at: Place, guard: Value | None = None) -> Value:
        """Element `at` of the node, in every lane; anything where `guard` does not hold.

        Operands are made before what they are combined to, from a list: a chain of operations may
        be longer than Python's stack is deep.
        """
        name = None if guard is None else guard.name
        found = self._made((node, at, name))
        waiting = [] if found is not None else [node]
        while waiting:
            last = waiting[-1]
            chained = last.prim.pointwise and last not in self.pointers
            missing = [x for x in last.inputs if self._made((x, at, name)) is None] if (
                chained) else []
            waiting += reversed(missing)
            if not missing:
                made = self._made((last, at, name))          # by another that is waiting
                found = self._compute(last, at, guard) if made is None else made
                self._memo[-1][last, at, name] = found
                waiting.pop()
        assert found is not None
        return found

    def _made(self, key: Key) -> Value | None:
        """A value that is in a register already."""
        if key[0] in self.known:
            return self.known[key[0]]
        return next((scope[key] for scope in reversed(self._memo) if key in scope), None)

    def _compute(self, node: Node, at: Place, guard: Value | None) -> Value:
        prim = node.prim
        if node in self.pointers:
            return self._load(node, at, guard)
        if isinstance(prim, Constant):
            return self.b.const(number_of(node), node.dtype)
        if isinstance(prim, Iota):
            return self.b.cast(self.number(at[0]), node.dtype)
        if isinstance(prim, Uniform | FoldIn):
            return self._random(node, at, guard)
        if prim.pointwise:
            values = [self.value(x, at, guard) for x in node.inputs]
            return emit_one(self.b, node, values)
        if is_view(node):
            return self._view(node, at, guard)
        raise TypeError(f"{type(prim).__name__} is no expression")

    def _random(self, node: Node, at: Place, guard: Value | None) -> Value:
        """An element of a draw, or of a new key."""
        seed, offset, *number = (self.value(x, i, guard) for x, i in operands(node, at))
        if isinstance(node.prim, FoldIn):
            second = self.b.eq(self.number(at[-1]), 1)
            (n,) = number
            lanes = max(v.lanes for v in (seed, offset, second, n))
            return fold_in(self.b, self.b.broadcast(n, lanes), seed, offset, second)
        assert isinstance(node.prim, Uniform)
        place = flat(at[node.ndim - len(node.prim.shape):], node.prim.shape)
        if seed.lanes == offset.lanes == 1:
            run = uniform_run(self.b, self.turn, place, seed, offset, node.dtype)
            if run is not None:
                return run
        element = self.number(place)
        lanes = max(v.lanes for v in (seed, offset, element))
        return uniform(self.b, self.b.broadcast(element, lanes), seed, offset, node.dtype)

    def number(self, index: Index) -> Value:
        """An index as i64, in every lane if it differs."""
        turn = self.turn
        same = turn.stride(index) == 0
        return turn.first(index) if same else self.b.cast(turn.every(index), int64)

    # ---- views -----------------------------------------------------------------------------
    def _view(self, node: Node, at: Place, guard: Value | None) -> Value:
        """Of the places an element may come from, the one whose guards hold."""
        reads, fill = read(node, at)
        result = None if fill is None else self.value(fill, (), None)
        if result is None and not reads:
            return constant(0, node.dtype)
        for piece in reads:
            result = self._piece(piece, guard, result)
        assert result is not None
        return result

    def _piece(self, piece: Read, guard: Value | None, otherwise: Value | None) -> Value:
        if not piece.guards:
            return self.value(piece.node, piece.at, guard)
        holds = self._all(piece.guards)
        value = self.value(piece.node, piece.at, self._both(guard, holds))
        return value if otherwise is None else self.b.select(holds, value, otherwise)

    def _all(self, guards: tuple[Guard, ...]) -> Value:
        holds: Value | None = None
        for g in guards:
            low, high = g.index.bounds
            fixed = self.turn.stride(g.index) == 0
            x = self.turn.first(g.index) if fixed else self.turn.every(g.index)
            if low < g.low:
                holds = self._both(holds, self.b.ge(x, g.low))
            if high >= g.high:
                holds = self._both(holds, self.b.lt(x, g.high))
        assert holds is not None
        return holds

    def _both(self, x: Value | None, y: Value | None) -> Value | None:
        if x is None or y is None:
            return y if x is None else x
        return self.b.and_(x, y)

    # ---- memory ----------------------------------------------------------------------------
    def loaded(self, node: Node, at: Place, guards: tuple[Guard, ...]) -> Value:
        """The element in memory; nothing outside the array is touched where a guard fails."""
        return self._load(node, at, self._all(guards) if guards else None)

    def _load(self, node: Node, at: Place, guard: Value | None) -> Value:
        b, turn = self.b, self.turn
        pointer = self.pointers[node]
        place, stride = self._spot(node, at)
        if (node, place) in self.turned:
            return self.turned[node, place]
        if stride == 0 or turn.lanes == 1:
            index = turn.first(place)
            if guard is not None:
                index = b.select(b.any(guard), index, 0)
            return b.load(pointer, index, node.dtype)
        mask = self._both(turn.mask, guard)
        if mask is not None:
            mask = b.broadcast(mask, turn.lanes)
        if stride == 1:
            if mask is None:
                return b.load(pointer, turn.first(place), node.dtype, turn.lanes)
            return b.load_masked(pointer, turn.first(place), mask, node.dtype)
        steps = offsets(place, turn.lane, turn.lanes) if turn.lane is not None else None
        near = steps and load_near(b, pointer, turn.first(place), steps, node.dtype, mask)
        return near or b.gather(pointer, turn.every(place), node.dtype, mask)

    def _spot(self, node: Node, at: Place) -> tuple[Index, int | None]:
        """Where an element lies, and how far that of the next lane is from it."""
        if node in self.rows:
            return self.rows[node], 1
        place = flat(at, node.shape)
        return place, self.turn.stride(place)

    def store(self, node: Node, pointer: Value, at: Place, value: Value) -> None:
        """Write this turn's element (one per lane) of a result."""
        b, turn = self.b, self.turn
        place, stride = self._spot(node, at)
        if stride == 0 or turn.lanes == 1:
            b.store(pointer, turn.first(place), b.extract(value, 0))
            return
        value = b.broadcast(value, turn.lanes)
        if stride == 1 and turn.mask is None:
            b.store(pointer, turn.first(place), value)
        elif stride == 1 and turn.mask is not None:
            b.store_masked(pointer, turn.first(place), value, turn.mask)
        else:
            b.scatter(pointer, turn.every(place), value, turn.mask)

    # ---- what need not be computed again in every turn --------------------------------------
    def hoist(self, wanted: list[tuple[Node, Place]], ready: Callable[[Node], bool]) -> None:
        """Compute now whatever below `wanted` depends on open loops only (and is no mere load)."""
        bound = set(self.turn.at)
        seen: set[tuple[Node, Place]] = set()
        stack = list(wanted)
        while stack:
            node, at = stack.pop()
            done = node in self.known or isinstance(node.prim, Constant) or is_reduction(node)
            if done or (node, at) in seen:
                continue
            seen.add((node, at))
            fixed = _variables(at) <= bound and ready(node)
            if fixed and (node.prim.pointwise or node in self.pointers):
                self.value(node, at)
            elif node not in self.pointers and not _guarded(node, at):
                stack.extend(operands(node, at))


def number_of(node: Node) -> float | int | bool:
    """The number that a constant of one element holds."""
    value: float | int | bool = np.asarray(node.prim.ref()).item()
    return value


def _variables(at: Place) -> set[Var]:
    return {v for i in at for v in i.variables}


def _guarded(node: Node, at: Place) -> bool:
    return is_view(node) and not node.prim.pointwise and any(r.guards for r in read(node, at)[0])


def emit_one(b: Builder, node: Node, values: list[Value]) -> Value:
    """One pointwise operation; sums and products of bools are `or` and `and`."""
    if node.dtype == bool_ and isinstance(node.prim, Add | Mul):
        return (b.or_ if isinstance(node.prim, Add) else b.and_)(*values)
    result: Value = node.prim.emit(b, *values)
    return result
