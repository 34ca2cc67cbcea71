"""Packing: a strip of B with any strides in, [K][strip] side by side and padded with zeros out."""

from __future__ import annotations

from dataclasses import dataclass

from sheer.graph.dtypes import DType

from ..ir.control import Control
from ..ir.values import Value, constant


@dataclass(frozen=True)
class Packing:
    """Copies `count` rows of `width` columns at `source` to rows of `strip` elements at `target`.

    `strides` are those of the source from row to row and from column to column.
    """

    b: Control
    source: Value
    target: Value
    count: Value
    width: int
    strip: int
    strides: tuple[int, int]
    dtype: DType

    def write(self) -> None:
        """Row by row, or in square blocks where columns lie side by side."""
        if self.strides[0] == 1 and self.strides[1] != 1:
            self._transposed()
        else:
            self._straight()

    @property
    def _lanes(self) -> int:
        return self.b.target.lanes(self.dtype)

    def _straight(self) -> None:
        b = self.b
        with b.loop(0, self.count) as k:
            row = b.offset(self.source, b.mul(k, self.strides[0]), self.dtype)
            for at in range(0, self.width, self._lanes):
                b.store(self.target, b.add(b.mul(k, self.strip), at), self._part_of_row(row, at))

    def _part_of_row(self, row: Value, at: int) -> Value:
        """One vector of a row; zeros beyond the width."""
        b, lanes, stride = self.b, self._lanes, self.strides[1]
        start = b.offset(row, at * stride, self.dtype)
        left = self.width - at
        mask = None if left >= lanes else b.tail_mask(left, lanes)
        if stride != 1:
            return b.gather(start, b.mul(b.iota(lanes), stride), self.dtype, mask)
        return self._vector(start, mask)

    def _vector(self, at: Value, mask: Value | None) -> Value:
        if mask is None:
            return self.b.load(at, 0, self.dtype, self._lanes)
        return self.b.load_masked(at, 0, mask, self.dtype)

    def _transposed(self) -> None:
        b, lanes = self.b, self._lanes
        whole = b.sub(self.count, b.rem(self.count, lanes))
        with b.loop(0, whole, lanes) as k:
            self._blocks(k, None)
        rest = b.sub(self.count, whole)
        if rest.known != 0:
            with b.if_(b.lt(whole, self.count)):
                self._blocks(whole, rest)

    def _blocks(self, k: Value, height: Value | None) -> None:
        """`lanes` rows from k on (`height` of them when it is the last, lower block)."""
        b, lanes = self.b, self._lanes
        mask = None if height is None else b.tail_mask(height, lanes)
        for first in range(0, self.width, lanes):
            vectors = [
                self._vector(b.offset(b.offset(self.source, j * self.strides[1], self.dtype), k,
                                      self.dtype), mask)
                for j in range(first, min(first + lanes, self.width))]
            vectors += [constant(0, self.dtype, lanes)] * (lanes - len(vectors))
            start = b.offset(self.target, b.add(b.mul(k, self.strip), first), self.dtype)
            self._store_rows(transpose(b, vectors), start, height)

    def _store_rows(self, rows: list[Value], start: Value, height: Value | None) -> None:
        """Store transposed rows, only those below `height`."""
        b = self.b
        for r, row in enumerate(rows):
            if height is None or (isinstance(height.known, int) and r < height.known):
                b.store(start, r * self.strip, row)
            elif height.known is None:
                with b.if_(b.lt(r, height)):
                    b.store(start, r * self.strip, row)


def transpose(b: Control, rows: list[Value]) -> list[Value]:
    """A square of registers turned over: log2(n) rounds of interleaving row i with row i + n/2."""
    n = len(rows)
    low = [lane // 2 + n * (lane % 2) for lane in range(n)]
    high = [pick + n // 2 for pick in low]
    size = n
    while size > 1:
        rows = [b.shuffle(rows[i], rows[i + n // 2], picks)
                for i in range(n // 2) for picks in (low, high)]
        size //= 2
    return rows
