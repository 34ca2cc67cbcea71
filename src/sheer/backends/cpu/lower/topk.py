"""Top-k kernels: a TopK flows in; one pass over each line, which keeps the best so far, comes out.

A buffer holds the k best keys and candidates behind them. An element joins when it stands before
the k-th key known, which of random elements few do; a full buffer is ranked and cut back to k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sheer.compile.roots import home
from sheer.graph import Graph, Node
from sheer.graph.dtypes import int64
from sheer.ops.index.topk import TopK
from sheer.ops.structure import Pick

from ..ir.builder import Builder
from ..ir.sorting import rank
from ..ir.target import Target
from ..ir.values import UINT32, Operand, Value, constant
from .contract import address
from .sort import key_of, ordered

_HELD = 64           # keys in the buffer, at least: ranking them takes 0.2 microseconds
_SPARE = 4           # and this many times k
_VECTOR = 1.0        # nanoseconds to look at a vector of elements
_RANKING = 10.0      # nanoseconds of ranking an element of the buffer, in all, about


def top_node(body: Graph) -> Node | None:
    """The TopK of a kernel's body, if that is what it computes."""
    node = body.outputs[0]
    node = node.inputs[0] if isinstance(node.prim, Pick) else node
    return node if isinstance(node.prim, TopK) else None


def top_work(body: Graph, target: Target) -> tuple[int, float]:
    """How many lines there are, and nanoseconds for all of them on one thread."""
    node = top_node(body)
    assert node is not None
    count, inner, lines = _lines(node)
    vectors = count // target.lanes(key_of(node.inputs[0].dtype)) if inner == 1 else count
    assert isinstance(node.prim, TopK)
    return lines, lines * (_VECTOR * vectors + _RANKING * max(_HELD, _SPARE * node.prim.k))


def _lines(node: Node) -> tuple[int, int, int]:
    """Elements of a line, how far apart they lie, and how many lines there are."""
    x, prim = node.inputs[0], node.prim
    assert isinstance(prim, TopK)
    inner = math.prod(x.shape[prim.axis + 1:])
    return x.shape[prim.axis], inner, math.prod(x.shape[:prim.axis]) * inner


class TopKernel:
    """Writes a TopK into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
                 ) -> None:
        node = top_node(body)
        assert node is not None
        assert isinstance(node.prim, TopK)
        self.b, self.prim = b, node.prim
        self.values, self.order = outputs
        self.source = address(b, home(node.inputs[0]), dict(zip(body.inputs, inputs, strict=True)))
        self.kind, self.key = node.inputs[0].dtype, key_of(node.inputs[0].dtype)
        self.count, self.inner, self.lines = _lines(node)
        self.lanes = b.target.lanes(self.key) if self.inner == 1 else 1
        self.room = max(_HELD, _SPARE * node.prim.k)
        self.keys, self.best = (b.alloca(self.key, self.room + self.lanes) for _ in range(2))
        self.places, self.kept = (b.alloca(UINT32, self.room + self.lanes) for _ in range(2))

    def write(self, limits: tuple[Value, Value] | None = None) -> None:
        """All lines, or those within the limits."""
        b = self.b
        with b.loop(*(limits or (0, self.lines))) as line:
            outer, inner = b.floordiv(line, self.inner), b.rem(line, self.inner)
            base = b.add(b.mul(outer, self.count * self.inner), inner)
            target = b.add(b.mul(outer, self.prim.k * self.inner), inner)
            self._line(base)
            self._store(base, target)

    def _line(self, base: Value) -> None:
        """The first k places of a line, in order, to `places`."""
        b, first = self.b, min(self.count, self.room)
        with b.loop(0, first) as i:                  # the first ones join unseen
            self._put(i, self._elements(base, i, 1), i)
        worst = self._cut(b.index(first))
        whole = first + (self.count - first) // self.lanes * self.lanes
        start = constant(self.prim.k, int64)
        with b.loop_with(first, whole, self.lanes, start, worst) as loop:
            found = self._elements(base, loop.index, self.lanes)
            loop.next(*self._seen(found, loop.index, *loop.values))
        held, worst = loop.results
        with b.loop_with(whole, self.count, 1, held, worst) as rest:
            one = self._elements(base, rest.index, 1)
            rest.next(*self._seen(one, rest.index, *rest.values))
        self._cut(rest.results[0])

    def _elements(self, base: Value, at: Value, lanes: int) -> Value:
        """Keys of elements `at` ... of the line."""
        b = self.b
        x = b.load(self.source, b.add(base, b.mul(at, self.inner)), self.kind, lanes)
        return ordered(b, x, self.key, self.prim.descending)

    def _seen(self, found: Value, first: Value, held: Value, worst: Value) -> Sequence[Value]:
        """Let those that stand before the worst key kept join; cut back a full buffer."""
        b, lanes = self.b, found.lanes
        better = b.lt(found, b.broadcast(worst, lanes))

        def join() -> Sequence[Value]:
            count = held
            for lane in range(lanes):
                self._put(count, b.extract(found, lane), b.add(first, lane))
                count = b.add(count, b.cast(b.extract(better, lane), int64))
            room = b.le(b.add(count, self.lanes), self.room)
            return b.choose(room, lambda: (count, worst),
                            lambda: (constant(self.prim.k, int64), self._cut(count)))
        return b.choose(b.any(better) if lanes > 1 else better, join, lambda: (held, worst))

    def _put(self, at: Value, key: Value, place: Operand) -> None:
        self.b.store(self.keys, at, key)
        self.b.store(self.places, at, self.b.cast(self.b.index(place), UINT32))

    def _cut(self, held: Value) -> Value:
        """Rank the first `held` of the buffer and keep k, in order; the last key of those."""
        b, k = self.b, self.prim.k
        last = constant((1 << 8 * self.key.size) - 1, self.key)
        with b.loop(held, self.room) as i:               # of equal keys the real ones stand first
            b.store(self.keys, i, last)

        def keep(first: Value, ranks: Value, mask: Value | None) -> None:
            chosen = b.lt(ranks, k)
            chosen = chosen if mask is None else b.and_(chosen, mask)
            lanes = ranks.lanes
            b.scatter(self.best, ranks, b.load(self.keys, first, self.key, lanes), chosen)
            b.scatter(self.kept, ranks, b.load(self.places, first, UINT32, lanes), chosen)
        rank(b, self.keys, self.room, self.key, keep)
        with b.loop(0, k) as i:
            b.store(self.keys, i, b.load(self.best, i, self.key))
            b.store(self.places, i, b.load(self.kept, i, UINT32))
        return b.load(self.keys, k - 1, self.key)

    def _store(self, base: Value, target: Value) -> None:
        b = self.b
        with b.loop(0, self.prim.k) as i:
            place = b.cast(b.load(self.places, i, UINT32), int64)
            x = b.load(self.source, b.add(base, b.mul(place, self.inner)), self.kind)
            to = b.add(target, b.mul(i, self.inner))
            b.store(self.values, to, x)
            b.store(self.order, to, place)
