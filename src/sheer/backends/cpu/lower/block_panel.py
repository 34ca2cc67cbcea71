"""Products of a block: a packed right side and rows of a left one in, register tiles out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sheer.graph.dtypes import DType, int64

from ..gemm.pack import Packing
from ..gemm.tile import Matrix, Result, Strip, Tile, emit_tile
from ..ir.builder import Builder
from ..ir.control import Control
from ..ir.target import Target
from ..ir.values import Value, constant

_VECTORS = 4          # of a strip at most


def columns_at_once(lanes: int) -> int:
    """Columns of one strip of a product: two vectors."""
    return 2 * lanes


def tile_height(target: Target, vectors: int) -> int:
    """Rows of a register tile, a power of two so that they divide a strip of columns."""
    high = {1: 16, 2: 8, 3: 8}.get(vectors, 4)
    return high if target.registers >= 32 else high // 2


def packed_size(k: int, n: int, lanes: int, opens: bool) -> int:
    """Elements of a packed right side (K, N)."""
    strip = _strip(n, lanes, opens)
    return -(-n // strip) * strip * k


def _strip(n: int, lanes: int, opens: bool) -> int:
    return columns_at_once(lanes) if opens else min(_VECTORS, -(-n // lanes)) * lanes


@dataclass(frozen=True)
class Panel:
    """The products with one packed right side of `n` columns; `opens`: cut as grids are."""

    dtype: DType
    lanes: int
    n: int
    opens: bool

    @property
    def strip(self) -> int:
        return _strip(self.n, self.lanes, self.opens)

    def pack(self, b: Builder, source: Matrix, target: Value, k: int, n: int) -> None:
        """Lay the right side out in strips [N / strip][K][strip]."""
        assert isinstance(source.row, int)
        assert isinstance(source.column, int)
        strides = source.row, source.column
        count = constant(k, int64)

        def one(first: Value, width: int) -> None:
            at = b.offset(source.pointer, b.mul(first, strides[1]), self.dtype)
            to = b.offset(target, b.mul(first, k), self.dtype)
            Packing(b, at, to, count, width, self.strip, strides, self.dtype).write()
        whole = n - n % self.strip
        if whole:
            with b.loop(0, whole, self.strip) as first:
                one(first, self.strip)
        if n % self.strip:
            one(constant(whole, int64), n % self.strip)

    def over_columns(self, b: Builder, a: Matrix, packed: Value, c: Result, rows: int, depth: int,
                     n: int, end: Value) -> None:
        """C[rows, :end] = A[rows, K] @ B[K, :end]; `end` is n or a multiple of the strip."""
        def strip(column: Value, width: int) -> None:
            at = b.offset(packed, b.mul(column, depth), self.dtype)
            made = Strip(at, self.strip, column, width, constant(0, int64),
                         constant(depth, int64), True)
            self._over_rows(b, a, made, c, rows, depth, False)
        whole = n - n % self.strip
        if whole:
            with b.loop(0, _least(b, end, whole), self.strip) as column:
                strip(column, self.strip)
        if n % self.strip:
            with _if_more(b, end, whole):
                strip(constant(whole, int64), n % self.strip)

    def rows(self, b: Builder, a: Matrix, packed: Value, c: Result, rows: int, depth: int,
             end: Value) -> None:
        """C[rows, :] = A[rows, :end] @ B[:end, :]; B has `depth` rows."""
        for column, width in self._strips():
            at = b.offset(packed, column * depth, self.dtype)
            made = Strip(at, self.strip, constant(column, int64), width, constant(0, int64), end,
                         True)
            self._over_rows(b, a, made, c, rows, depth, False)

    def columns(self, b: Builder, a: Matrix, packed: Value, c: Result, n: int, end: Value,
                first: Value, rows: int, depth: int) -> None:
        """C[:end, :] += A[:end, rows] @ B[first : first + rows, :]; B has `depth` rows."""
        for column, width in self._strips():
            start = b.add(b.mul(first, self.strip), column * depth)
            at = b.offset(packed, start, self.dtype)
            made = Strip(at, self.strip, constant(column, int64), width, constant(0, int64),
                         constant(rows, int64), True)
            height = self._height(b, width)
            whole = n - n % height
            with b.loop(0, _least(b, end, whole), height) as row:
                self._tile(b, a, made, c, row, height, n, rows, True)
            if n % height:
                with _if_more(b, end, whole):
                    last = constant(whole, int64)
                    self._tile(b, a, made, c, last, n % height, n, rows, True)

    def _strips(self) -> Iterator[tuple[int, int]]:
        return ((at, min(self.strip, self.n - at)) for at in range(0, self.n, self.strip))

    def _height(self, b: Control, width: int) -> int:
        return tile_height(b.target, -(-width // self.lanes))

    def _over_rows(self, b: Control, a: Matrix, strip: Strip, c: Result, rows: int, depth: int,
                   accumulate: bool) -> None:
        height = self._height(b, strip.width)
        whole = rows - rows % height
        if whole:
            with b.loop(0, whole, height) as row:
                self._tile(b, a, strip, c, row, height, rows, depth, accumulate)
        if rows % height:
            self._tile(b, a, strip, c, constant(whole, int64), rows % height, rows, depth,
                       accumulate)

    def _tile(self, b: Control, a: Matrix, strip: Strip, c: Result, row: Value, height: int,
              size: int, depth: int, accumulate: bool) -> None:
        emit_tile(b, Tile(row, height, self.lanes, self.dtype, a, c, size, depth, accumulate),
                  strip, None, None)


def _least(b: Control, x: Value, limit: int) -> Value:
    if isinstance(x.known, int):
        return constant(min(x.known, limit), int64)
    return b.min(x, limit)


@contextmanager
def _if_more(b: Control, x: Value, than: int) -> Iterator[None]:
    """Run the body where x is above a number (a known x is)."""
    if isinstance(x.known, int):
        yield
        return
    with b.if_(b.gt(x, than)):
        yield
