"""The register tile: a few rows of A against a strip of B, accumulated in registers over k."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sheer.graph.dtypes import DType, int64

from .control import Control
from .values import Value, constant

Epilogue = Callable[[Control, Value, Value, Value, Value | None], Value]
Prologue = Callable[[Control, Value, Value, Value], Value]
_FMAS_PER_TURN = 12      # the k loop is unrolled until it has about as many


@dataclass(frozen=True)
class Matrix:
    """A pointer and the strides, in elements, from row to row and from column to column."""

    pointer: Value
    row: int
    column: int


@dataclass(frozen=True)
class Strip:
    """`width` columns of B from `column` on, for k from `first` below `end`.

    Row k lies `stride` elements after row k - 1, starting at `at` for k = first; `padded` says
    that whole vectors may be read.
    """

    at: Value
    stride: int
    column: Value
    width: int
    first: Value
    end: Value
    padded: bool


@dataclass(frozen=True)
class Tile:
    """`height` rows of A and C from `row` on; `depth` is all of K."""

    row: Value
    height: int
    lanes: int
    dtype: DType
    a: Matrix
    c: Matrix
    depth: int
    accumulate: bool


def emit_tile(b: Control, tile: Tile, strip: Strip, epilogue: Epilogue | None,
              prologue: Prologue | None) -> None:
    """Load or clear the accumulators, run over k, apply the epilogue and store."""
    place = _Place(tile, strip, _masks(b, tile, strip))
    accumulators = place.start(b)
    finished = _over_k(b, tile, strip, accumulators, prologue)
    place.finish(b, finished, epilogue)


def _masks(b: Control, tile: Tile, strip: Strip) -> list[Value | None]:
    """Per vector of the strip, which lanes exist (None: all)."""
    lanes = tile.lanes
    lefts = [strip.width - at for at in range(0, strip.width, lanes)]
    return [None if left >= lanes else b.tail_mask(left, lanes) for left in lefts]


def _over_k(b: Control, tile: Tile, strip: Strip, accumulators: list[Value],
            prologue: Prologue | None) -> list[Value]:
    """The inner loop: `height` scalars of A, spread out, times the vectors of a row of B."""
    row_stride, k_stride = tile.a.row, tile.a.column
    base = b.offset(tile.a.pointer, b.mul(tile.row, row_stride), tile.dtype)
    base = b.offset(base, b.mul(strip.first, k_stride), tile.dtype)
    rows = [b.offset(base, r * row_stride, tile.dtype) for r in range(tile.height)]

    def step(k: Value, sums: list[Value]) -> list[Value]:
        vectors = _row_of_b(b, tile, strip, k)
        result: list[Value] = []
        for r, at in enumerate(rows):
            scalar = b.load(at, b.mul(k, k_stride), tile.dtype)
            if prologue is not None:
                scalar = prologue(b, scalar, b.add(tile.row, r), b.add(strip.first, k))
            wide = b.broadcast(scalar, tile.lanes)
            for v, vector in enumerate(vectors):
                result.append(b.fma(wide, vector, sums[r * len(vectors) + v]))
        return result

    unroll = max(1, min(4, _FMAS_PER_TURN // len(accumulators)))
    return _unrolled(b, b.sub(strip.end, strip.first), unroll, step, accumulators)


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


def _row_of_b(b: Control, tile: Tile, strip: Strip, k: Value) -> list[Value]:
    """The vectors of row k of the strip."""
    row = b.mul(k, strip.stride)
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
        count = tile.height * len(self.masks)
        zeros = [constant(0, tile.dtype, tile.lanes)] * count
        if tile.accumulate:
            return self._load(b)
        if strip.first.known == 0:
            return zeros
        fresh = b.eq(strip.first, 0)
        return list(b.choose(fresh, lambda: zeros, lambda: self._load(b)))

    def finish(self, b: Control, sums: list[Value], epilogue: Epilogue | None) -> None:
        """Store; after the last block of k through the epilogue."""
        if epilogue is None:
            self._store(b, sums, None)
        elif self.strip.end.known == self.tile.depth:
            self._store(b, sums, epilogue)
        else:
            def write(chosen: Epilogue | None) -> list[Value]:
                self._store(b, sums, chosen)
                return []
            b.choose(b.eq(self.strip.end, self.tile.depth),
                     lambda: write(epilogue), lambda: write(None))

    def _at(self, b: Control, r: int, v: int) -> tuple[Value, Value, Value]:
        """Row, column and address of the first lane of one vector."""
        row = b.add(self.tile.row, r)
        column = b.add(self.strip.column, v * self.tile.lanes)
        row_stride, column_stride = self.tile.c.row, self.tile.c.column
        start = b.mul(self.tile.row, row_stride)
        base = b.offset(self.tile.c.pointer, b.add(start, b.mul(self.strip.column, column_stride)),
                        self.tile.dtype)
        inner = r * row_stride + v * self.tile.lanes * column_stride
        return row, column, b.offset(base, inner, self.tile.dtype)

    def _lanes(self, b: Control) -> Value:
        """The indices of a vector's lanes when they do not lie side by side."""
        return b.mul(b.iota(self.tile.lanes, int64), self.tile.c.column)

    def _load(self, b: Control) -> list[Value]:
        found = []
        for r in range(self.tile.height):
            for v, mask in enumerate(self.masks):
                _, _, at = self._at(b, r, v)
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
                row, column, at = self._at(b, r, v)
                value = sums[r * len(self.masks) + v]
                if epilogue is not None:
                    value = epilogue(b, value, row, column, mask)
                if self.tile.c.column != 1:
                    b.scatter(at, self._lanes(b), value, mask)
                elif mask is None:
                    b.store(at, 0, value)
                else:
                    b.store_masked(at, 0, value, mask)
