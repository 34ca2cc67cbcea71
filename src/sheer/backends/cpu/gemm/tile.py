"""The register tile: a few rows of A against a strip of B, accumulated in registers over k."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sheer.graph.dtypes import DType, int64

from ..ir.control import Control
from ..ir.values import Value, constant
from .axis import Axis, digits_of, divided, place, refined, steps

Epilogue = Callable[[Control, Value, Value, Value, Value | None], Value]
Prologue = Callable[[Control, Value, Value, Value], Value]
_FMAS_PER_TURN = 12      # the k loop is unrolled until it has about as many


@dataclass(frozen=True)
class Matrix:
    """A pointer and how rows and columns follow each other from there, in elements."""

    pointer: Value
    row: Axis
    column: Axis


@dataclass(frozen=True)
class Result:
    """The same with plain strides: where sums go."""

    pointer: Value
    row: int
    column: int


@dataclass(frozen=True)
class Strip:
    """`width` columns of B from `column` on, for k from `first` below `end`.

    Rows follow each other by `step`, starting at `at` for k = first; `padded` says that whole
    vectors may be read. `loads`, if given, read the vectors, given the address of the row.
    """

    at: Value
    step: Axis
    column: Value
    width: int
    first: Value
    end: Value
    padded: bool
    loads: list[Callable[[Value], Value]] | None = None


@dataclass(frozen=True)
class Tile:
    """`height` rows of A and C from `row` on; `size` is all of M, `depth` all of K.

    `partial`, if given, holds the sums between blocks of k instead of C: rows of `width` elements.
    The epilogue may then read what lies where C will.
    """

    row: Value
    height: int
    lanes: int
    dtype: DType
    a: Matrix
    c: Result
    size: int
    depth: int
    accumulate: bool
    partial: Value | None = None
    width: int = 0


def emit_tile(b: Control, tile: Tile, strip: Strip, epilogue: Epilogue | None,
              prologue: Prologue | None) -> None:
    """Load or clear the accumulators, run over k, apply the epilogue and store."""
    sums = _Place(tile, strip, _masks(b, tile, strip))
    finished = _over_k(b, tile, strip, sums.start(b), prologue)
    sums.finish(b, finished, epilogue)


def _masks(b: Control, tile: Tile, strip: Strip) -> list[Value | None]:
    """Per vector of the strip, which lanes exist (None: all)."""
    lanes = tile.lanes
    lefts = [strip.width - at for at in range(0, strip.width, lanes)]
    return [None if left >= lanes else b.tail_mask(left, lanes) for left in lefts]


def _over_k(b: Control, tile: Tile, strip: Strip, accumulators: list[Value],
            prologue: Prologue | None) -> list[Value]:
    """The inner loops: `height` scalars of A, spread out, times the vectors of a row of B."""
    rows = _rows_of_a(b, tile)

    def step(k: Value, at: Value, below: Value, sums: list[Value]) -> list[Value]:
        vectors = _row_of_b(b, tile, strip, below)
        result: list[Value] = []
        for r, row in enumerate(rows):
            scalar = b.load(row, at, tile.dtype)
            if prologue is not None:
                scalar = prologue(b, scalar, b.add(tile.row, r), b.add(strip.first, k))
            wide = b.broadcast(scalar, tile.lanes)
            for v, vector in enumerate(vectors):
                result.append(b.fma(wide, vector, sums[r * len(vectors) + v]))
        return result

    digits = refined(digits_of(tile.a.column, tile.depth), digits_of(strip.step, tile.depth))
    assert digits is not None
    unroll = max(1, min(4, _FMAS_PER_TURN // len(accumulators)))

    def over(level: int, k: Value, at: Value, below: Value, sums: list[Value]) -> list[Value]:
        """All turns of one digit, from row k of the strip and these elements of A and B on."""
        size, stride, step_below = digits[level]
        span = math.prod(n for n, _, _ in digits[level + 1:])
        begin, end = constant(0, int64), constant(size, int64)
        if level == 0:
            begin, end = divided(b, strip.first, span), divided(b, strip.end, span)
            at = b.add(at, b.mul(begin, stride))
        places = lambda i: (b.add(k, b.mul(i, span)), b.add(at, b.mul(i, stride)),
                            b.add(below, b.mul(i, step_below)))
        count = b.sub(end, begin)
        if level == len(digits) - 1:
            return _unrolled(b, count, unroll, lambda i, sums: step(*places(i), sums), sums)
        with b.loop_with(0, count, 1, *sums) as loop:
            loop.next(*over(level + 1, *places(loop.index), list(loop.values)))
        return list(loop.results)
    zero = constant(0, int64)
    return over(0, zero, zero, zero, accumulators)


def _rows_of_a(b: Control, tile: Tile) -> list[Value]:
    """The address of each row's first element: fixed distances from one register if possible."""
    axis, kind = tile.a.row, tile.dtype
    even = steps(axis, tile.size, tile.height)
    if even is not None:
        base = b.offset(tile.a.pointer, place(b, axis, tile.row), kind)
        return [b.offset(base, step, kind) for step in even]
    return [b.offset(tile.a.pointer, place(b, axis, b.add(tile.row, r)), kind)
            for r in range(tile.height)]


def _unrolled(b: Control, count: Value, unroll: int,
              step: Callable[[Value, list[Value]], list[Value]],
              values: list[Value]) -> list[Value]:
    """Run `step` for 0, 1, ... count - 1, `unroll` of them per turn of the loop."""
    rest = b.rem(count, unroll)
    whole = b.sub(count, rest)
    if whole.known != 0:
        with b.loop_with(0, whole, unroll, *values) as loop:
            sums = list(loop.values)
            for u in range(unroll):
                sums = step(b.add(loop.index, u), sums)
            loop.next(*sums)
        values = list(loop.results)
    if isinstance(rest.known, int):
        for u in range(rest.known):
            values = step(b.add(whole, u), values)
        return values
    with b.loop_with(whole, count, 1, *values) as loop:
        loop.next(*step(loop.index, list(loop.values)))
    return list(loop.results)


def _row_of_b(b: Control, tile: Tile, strip: Strip, row: Value) -> list[Value]:
    """The vectors of the row that starts at element `row` of the strip."""
    if strip.loads is not None:
        return [load(b.offset(strip.at, row, tile.dtype)) for load in strip.loads]
    vectors = []
    for v, mask in enumerate(_masks(b, tile, strip)):
        at = b.offset(b.offset(strip.at, v * tile.lanes, tile.dtype), row, tile.dtype)
        if mask is None or strip.padded:
            vectors.append(b.load(at, 0, tile.dtype, tile.lanes))
        else:
            vectors.append(b.load_masked(at, 0, mask, tile.dtype))
    return vectors


@dataclass(frozen=True)
class _Place:
    """Where a tile lies in C."""

    tile: Tile
    strip: Strip
    masks: list[Value | None]

    def start(self, b: Control) -> list[Value]:
        """What the accumulators hold before this block of k."""
        tile, strip = self.tile, self.strip
        zeros = [constant(0, tile.dtype, tile.lanes)] * (tile.height * len(self.masks))
        fresh = lambda: self._load(b) if tile.accumulate else zeros
        kept = lambda: self._load(b) if tile.partial is None else self._kept(b)
        if strip.first.known == 0 or (tile.accumulate and tile.partial is None):
            return fresh()
        return list(b.choose(b.eq(strip.first, 0), fresh, kept))

    def finish(self, b: Control, sums: list[Value], epilogue: Epilogue | None) -> None:
        """Store; after the last block of k through the epilogue."""
        tile, strip = self.tile, self.strip
        if strip.end.known == tile.depth or (epilogue is None and tile.partial is None):
            self._store(b, sums, epilogue)
            return

        def last() -> list[Value]:
            self._store(b, sums, epilogue)
            return []

        def between() -> list[Value]:
            if tile.partial is None:
                self._store(b, sums, None)
            else:
                self._keep(b, sums)
            return []
        b.choose(b.eq(strip.end, tile.depth), last, between)

    def _partial(self, b: Control) -> list[Value]:
        """The addresses of the sums between blocks."""
        tile = self.tile
        assert tile.partial is not None
        first = b.offset(tile.partial, b.mul(tile.row, tile.width), tile.dtype)
        return [b.offset(first, r * tile.width + v * tile.lanes, tile.dtype)
                for r in range(tile.height) for v in range(len(self.masks))]

    def _keep(self, b: Control, sums: list[Value]) -> None:
        for at, value in zip(self._partial(b), sums, strict=True):
            b.store(at, 0, value)

    def _kept(self, b: Control) -> list[Value]:
        return [b.load(at, 0, self.tile.dtype, self.tile.lanes) for at in self._partial(b)]

    def _at(self, b: Control, r: int, v: int, dtype: DType) -> Value:
        """The address of the first lane of one vector, in a result of this dtype."""
        row_stride, column_stride = self.tile.c.row, self.tile.c.column
        start = b.mul(self.tile.row, row_stride)
        base = b.offset(self.tile.c.pointer, b.add(start, b.mul(self.strip.column, column_stride)),
                        dtype)
        return b.offset(base, r * row_stride + v * self.tile.lanes * column_stride, dtype)

    def _lanes(self, b: Control) -> Value:
        """The indices of a vector's lanes when they do not lie side by side."""
        return b.mul(b.iota(self.tile.lanes, int64), self.tile.c.column)

    def _load(self, b: Control) -> list[Value]:
        found = []
        for r in range(self.tile.height):
            for v, mask in enumerate(self.masks):
                at = self._at(b, r, v, self.tile.dtype)
                if self.tile.c.column != 1:
                    found.append(b.gather(at, self._lanes(b), self.tile.dtype, mask))
                elif mask is None:
                    found.append(b.load(at, 0, self.tile.dtype, self.tile.lanes))
                else:
                    found.append(b.load_masked(at, 0, mask, self.tile.dtype))
        return found

    def _store(self, b: Control, sums: list[Value], epilogue: Epilogue | None) -> None:
        for r in range(self.tile.height):
            for v, mask in enumerate(self.masks):
                value = sums[r * len(self.masks) + v]
                if epilogue is not None:
                    row = b.add(self.tile.row, r)
                    column = b.add(self.strip.column, v * self.tile.lanes)
                    value = epilogue(b, value, row, column, mask)
                at = self._at(b, r, v, value.dtype)     # the epilogue may have made bools of them
                if self.tile.c.column != 1:
                    b.scatter(at, self._lanes(b), value, mask)
                elif mask is None:
                    b.store(at, 0, value)
                else:
                    b.store_masked(at, 0, value, mask)
