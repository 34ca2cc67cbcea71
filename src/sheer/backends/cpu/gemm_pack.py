"""Packing: a strip of B with any strides in, [K][strip] side by side and padded with zeros out."""

from __future__ import annotations

from sheer.graph.dtypes import DType

from .control import Control
from .values import Value, constant


def pack_strip(b: Control, source: Value, target: Value, count: Value, width: int, strip: int,
               strides: tuple[int, int], dtype: DType) -> None:
    """Copy `count` rows of `width` columns to rows of `strip` elements at `target`.

    `strides` are those of the source from row to row and from column to column.
    """
    row_stride, column_stride = strides
    if row_stride == 1 and column_stride != 1:
        _transpose_copy(b, source, target, count, width, strip, column_stride, dtype)
        return
    lanes = b.target.lanes(dtype)
    with b.loop(0, count) as k:
        row = b.offset(source, b.mul(k, row_stride), dtype)
        for at in range(0, width, lanes):
            vector = _part_of_row(b, row, at, min(lanes, width - at), lanes, column_stride, dtype)
            b.store(target, b.add(b.mul(k, strip), at), vector)


def _part_of_row(b: Control, row: Value, at: int, left: int, lanes: int, stride: int,
                 dtype: DType) -> Value:
    """One vector of a row; zeros beyond `left` elements."""
    start = b.offset(row, at * stride, dtype)
    mask = None if left == lanes else b.tail_mask(left, lanes)
    if stride != 1:
        return b.gather(start, b.mul(b.iota(lanes), stride), dtype, mask)
    return b.load(start, 0, dtype, lanes) if mask is None else b.load_masked(start, 0, mask, dtype)


def _transpose_copy(b: Control, source: Value, target: Value, count: Value, width: int,
                    strip: int, column_stride: int, dtype: DType) -> None:
    """Columns lie side by side in the source: square blocks through registers."""
    lanes = b.target.lanes(dtype)
    whole = b.sub(count, b.rem(count, lanes))
    columns = [list(range(at, min(at + lanes, width))) for at in range(0, width, lanes)]

    def block(k: Value, height: Value | None) -> None:
        for group in columns:
            mask = None if height is None else b.tail_mask(height, lanes)
            vectors = [_column(b, source, j * column_stride, k, mask, lanes, dtype) for j in group]
            vectors += [constant(0, dtype, lanes)] * (lanes - len(vectors))
            _store_rows(b, transpose(b, vectors), target, k, height, strip, group[0])

    with b.loop(0, whole, lanes) as k:
        block(k, None)
    rest = b.sub(count, whole)
    if rest.known != 0:
        with b.if_(b.lt(whole, count)):
            block(whole, rest)


def _column(b: Control, source: Value, start: int, k: Value, mask: Value | None, lanes: int,
            dtype: DType) -> Value:
    at = b.offset(b.offset(source, start, dtype), k, dtype)
    return b.load(at, 0, dtype, lanes) if mask is None else b.load_masked(at, 0, mask, dtype)


def _store_rows(b: Control, rows: list[Value], target: Value, k: Value, height: Value | None,
                strip: int, column: int) -> None:
    """Store transposed rows, only those below `height`."""
    base = b.offset(b.offset(target, b.mul(k, strip), rows[0].dtype), column, rows[0].dtype)
    for r, row in enumerate(rows):
        if height is None or (isinstance(height.known, int) and r < height.known):
            b.store(base, r * strip, row)
        elif height.known is None:
            with b.if_(b.lt(r, height)):
                b.store(base, r * strip, row)


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
