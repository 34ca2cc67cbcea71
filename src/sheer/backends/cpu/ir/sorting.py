"""Sorting of whole numbers in memory: keys flow in, the stable order of their places comes out.

Short lines are ranked: a place is the count of the keys that stand before it, a vector of keys at a
time and no branch. Long ones go through radix passes, a byte at a time from the lowest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sheer.graph.dtypes import DType, int32, int64

from .builder import Builder
from .target import Target
from .values import POINTER, UINT32, Value, constant

_DIGITS = 256                         # values of a byte

Put = Callable[[Value, Value, Value | None], None]


def is_ranked(count: int, key: DType, target: Target) -> bool:
    """Is a line so short that counting, which is square, beats radix passes?"""
    return _rank_time(count, key, target) <= _radix_time(count, key)


def line_time(count: int, key: DType, target: Target) -> float:
    """Nanoseconds to order one line, about."""
    return min(_rank_time(count, key, target), _radix_time(count, key))


def _rank_time(count: int, key: DType, target: Target) -> float:
    return 0.75 * count * count / target.lanes(key)


def _radix_time(count: int, key: DType) -> float:
    return key.size * (2.0 * count + 100)


def rank(b: Builder, keys: Value, count: int, key: DType, put: Put) -> None:
    """`put(first, ranks, mask)` for every vector of keys; equal keys keep their order."""
    lanes = b.target.lanes(key)
    whole, rest = divmod(count, lanes)
    with b.loop(0, whole * lanes, lanes) as first:
        put(first, _ranks(b, keys, first, count, key), None)
    if rest:
        last = constant(whole * lanes, int64)
        put(last, _ranks(b, keys, last, count, key), b.tail_mask(rest, lanes))


def _ranks(b: Builder, keys: Value, first: Value, count: int, key: DType) -> Value:
    """How many keys stand before each key of the vector at `first`."""
    lanes = b.target.lanes(key)
    mine = b.load(keys, first, key, lanes)
    number = int32 if key.size == 4 else int64
    places = b.iota(lanes, number)
    end = b.min(b.add(first, lanes), count)

    def over(start: Value, stop: Value, before: Callable[[Value, Value], Value], sums: Value,
             ) -> Value:
        with b.loop_with(start, stop, 1, sums) as loop:
            one = b.broadcast(b.load(keys, loop.index, key), lanes)
            holds = before(one, loop.index)
            loop.next(b.add(loop.values[0], b.cast(holds, number)))
        return loop.results[0]

    def inside(one: Value, j: Value) -> Value:
        """The same vector: of equal keys those in lower lanes stand before."""
        lower = b.lt(b.broadcast(b.cast(b.sub(j, first), number), lanes), places)
        return b.or_(b.lt(one, mine), b.and_(b.eq(one, mine), lower))
    sums = constant(0, number, lanes)
    sums = over(constant(0, int64), first, lambda one, j: b.le(one, mine), sums)
    sums = over(first, end, inside, sums)
    return over(end, constant(count, int64), lambda one, j: b.lt(one, mine), sums)


@dataclass(frozen=True)
class Radix:
    """The memory of one radix sort: keys and places, twice, and a histogram per byte of the key."""

    count: int
    key: DType                          # unsigned

    def parts(self) -> list[int]:
        """Bytes of each piece: keys, places, other keys, other places, histograms."""
        keys, places = self.count * self.key.size, self.count * UINT32.size
        return [_line(n) for n in (keys, places, keys, places, self.key.size * _DIGITS * 4)]

    @property
    def scratch(self) -> int:
        """Bytes in all."""
        return sum(self.parts())

    def places(self, b: Builder, scratch: Value) -> list[Value]:
        """The address of each piece."""
        found, at = [], 0
        for size in self.parts():
            found.append(b.pure(POINTER, 1, f"getelementptr i8, {scratch.typed}, i64 {at}"))
            at += size
        return found

    def sort(self, b: Builder, scratch: Value) -> tuple[Value, Value]:
        """Order the keys that lie at the start of the scratch; where keys and places end up."""
        keys, order, keys2, order2, counts = self.places(b, scratch)
        self._count(b, keys, order, counts)
        start = constant(0, int64)
        with b.loop_with(start, self.key.size, 1, keys, order, keys2, order2) as loop:
            table = b.offset(counts, b.mul(loop.index, _DIGITS), UINT32)
            shift = b.mul(loop.index, 8)
            loop.next(*self._pass(b, table, shift, loop.values))
        return loop.results[0], loop.results[1]

    def _count(self, b: Builder, keys: Value, order: Value, counts: Value) -> None:
        """The histogram of every byte, and the places in their first order."""
        with b.loop(0, self.key.size * _DIGITS) as i:
            b.store(counts, i, constant(0, UINT32))
        with b.loop(0, self.count) as i:
            x = b.load(keys, i, self.key)
            b.store(order, i, b.cast(i, UINT32))
            for byte in range(self.key.size):
                at = b.add(_digit(b, x, constant(8 * byte, int64)), byte * _DIGITS)
                b.store(counts, at, b.add(b.load(counts, at, UINT32), 1))

    def _pass(self, b: Builder, table: Value, shift: Value, now: tuple[Value, ...],
              ) -> tuple[Value, ...]:
        """One byte, unless all keys have the same; the arrays, with the sorted ones first."""
        keys, order, keys2, order2 = now
        same = b.load(table, _digit(b, b.load(keys, 0, self.key), shift), UINT32)

        def move() -> tuple[Value, ...]:
            _running(b, table)
            with b.loop(0, self.count) as i:
                x, place = b.load(keys, i, self.key), b.load(order, i, UINT32)
                digit = _digit(b, x, shift)
                to = b.load(table, digit, UINT32)
                b.store(table, digit, b.add(to, 1))
                b.store(keys2, b.cast(to, int64), x)
                b.store(order2, b.cast(to, int64), place)
            return keys2, order2, keys, order
        return b.choose(b.eq(same, self.count), lambda: now, move)


def _running(b: Builder, table: Value) -> None:
    """Counts become the place where the first key of each digit goes."""
    with b.loop_with(0, _DIGITS, 1, constant(0, UINT32)) as loop:
        here = b.load(table, loop.index, UINT32)
        b.store(table, loop.index, loop.values[0])
        loop.next(b.add(loop.values[0], here))


def _digit(b: Builder, x: Value, shift: Value) -> Value:
    amount = b.cast(shift, x.dtype)
    text = f"lshr {x.typed}, {amount.name}"
    return b.cast(b.and_(b.pure(x.dtype, 1, text), _DIGITS - 1), int64)


def _line(size: int) -> int:
    """Whole cache lines."""
    return -(-size // 64) * 64
