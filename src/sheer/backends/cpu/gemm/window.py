"""Packing what windows see: a strip of B whose axes are odometers in, rows side by side out.

Nearly all lanes of a vector lie close together, though not side by side: at the end of an image's
row they go on in the next one. Two loads and a shuffle bring them in; only where even that does not
reach, lanes are gathered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sheer.graph.dtypes import DType, int32, int64

from ..ir.control import Control
from ..ir.target import Target
from ..ir.values import UINT32, Value, constant
from ..ir.vectors import can_pick
from .axis import Axis, digits_of, divided, inner, place, places
from .pack import Packing

_UNROLLED = 8     # taps in a row, written one after the other
Load = Callable[[Value], Value]


@dataclass(frozen=True)
class WindowPacking:
    """Copies rows `first` to `end` of `width` columns from `column` on, of a matrix with `rows`
    (of which there are `depth`) and `columns` (`size`), to rows of `strip` elements at `target`.
    """

    b: Control
    source: Value
    target: Value
    first: Value
    end: Value
    column: Value
    width: int
    strip: int
    rows: Axis
    depth: int
    columns: Axis
    size: int
    dtype: DType

    def write(self) -> None:
        """The slowest digit of the rows in a loop over the block, the others inside it."""
        b, digits = self.b, digits_of(self.rows, self.depth)
        span = inner(digits)
        begin, stop = (divided(b, x, span) for x in (self.first, self.end))
        turned = digits[-1][1] == 1 and isinstance(self.columns, int) and self.columns != 1
        loads = [] if turned else Columns(b, self.columns, self.size, self.dtype).loads(
            self.column, self.width)
        if turned and len(digits) == 1:
            self._turned(place(b, 1, begin), constant(0, int64), b.sub(stop, begin))
            return
        with b.loop(begin, stop) as i:
            at, row = b.mul(i, digits[0][1]), b.mul(b.sub(i, begin), span)
            self._rows(digits[1:], at, row, loads)

    def _rows(self, digits: tuple[tuple[int, int], ...], at: Value, row: Value,
              loads: list[Load]) -> None:
        """The rows under the given digits, from `at` in the source and row number `row` on."""
        b = self.b
        if not loads and len(digits) == 1:
            self._turned(at, row, constant(digits[0][0], int64))
            return
        if not digits:
            self._row(at, row, loads)
            return
        (count, stride), *rest = digits
        span = inner(digits)
        deeper = lambda i: self._rows(tuple(rest), b.add(at, b.mul(i, stride)),
                                      b.add(row, b.mul(i, span)), loads)
        if not rest and count <= _UNROLLED:
            for tap in range(count):
                deeper(constant(tap, int64))
            return
        with b.loop(0, count) as i:
            deeper(i)

    def _row(self, at: Value, row: Value, loads: list[Load]) -> None:
        b, lanes = self.b, self.b.target.lanes(self.dtype)
        source = b.offset(self.source, at, self.dtype)
        for v, load in enumerate(loads):
            b.store(self.target, b.add(b.mul(row, self.strip), v * lanes), load(source))

    def _turned(self, at: Value, row: Value, count: Value) -> None:
        """Rows that lie side by side: square blocks turned over."""
        b, step = self.b, self.columns
        assert isinstance(step, int)
        start = b.add(at, b.mul(self.column, step))
        Packing(b, b.offset(self.source, start, self.dtype),
                b.offset(self.target, b.mul(row, self.strip), self.dtype), count, self.width,
                self.strip, (1, step), self.dtype).write()


# ---- how to read the vectors of a row ----------------------------------------------------------

@dataclass(frozen=True)
class Columns:
    """`size` columns of a matrix with this axis: how to read vectors of them."""

    b: Control
    axis: Axis
    size: int
    dtype: DType

    def loads(self, column: Value, width: int) -> list[Load]:
        """What reads each vector of a row from `column` on, given the address of the row."""
        lanes = self.b.target.lanes(self.dtype)
        near = reach(self.axis, self.size, self.dtype, self.b.target)
        return [self._load(self.b.add(column, at), min(lanes, width - at), near)
                for at in range(0, width, lanes)]

    def _load(self, first: Value, count: int, near: int) -> Load:
        b, kind = self.b, self.dtype
        lanes = b.target.lanes(kind)
        base = place(b, self.axis, first)
        if near == 1:
            mask = None if count == lanes else b.tail_mask(count, lanes)
            return lambda row: self._read(row, base, mask)
        number = b.min(b.add(b.iota(lanes, int32), b.cast(first, int32)), self.size - 1)
        steps = b.sub(self._places(number), b.cast(base, int32))
        if near == 0:
            return lambda row: b.gather(b.offset(row, base, kind), steps, kind)
        span = b.add(b.extract(steps, lanes - 1), 1)
        low = None if count == lanes else b.tail_mask(b.cast(span, int64), lanes)
        high = b.tail_mask(b.cast(b.sub(span, lanes), int64), lanes)
        beyond = b.add(base, lanes)
        return lambda row: b.pick(self._read(row, base, low), self._read(row, beyond, high), steps)

    def _read(self, row: Value, at: Value, mask: Value | None) -> Value:
        b, kind = self.b, self.dtype
        if mask is None:
            return b.load(row, at, kind, b.target.lanes(kind))
        return b.load_masked(row, at, mask, kind)

    def _places(self, number: Value) -> Value:
        """`place` in every lane."""
        b, axis = self.b, digits_of(self.axis, self.size)
        total, rest = constant(0, int32, number.lanes), b.cast(number, UINT32)
        for size, stride in reversed(axis[1:]):
            by = constant(size, UINT32, number.lanes)
            total = b.add(total, b.mul(b.cast(b.rem(rest, by), int32), stride))
            rest = b.floordiv(rest, by)
        return b.add(total, b.mul(b.cast(rest, int32), axis[0][1]))


@lru_cache(maxsize=1024)
def reach(axis: Axis, size: int, dtype: DType, target: Target) -> int:
    """Loads that cover a vector of columns, wherever it starts: 1 or 2; 0: it must be gathered."""
    lanes = target.lanes(dtype)
    at = places(digits_of(axis, size), np.arange(size))
    if (np.diff(at) < 1).any():
        return 0
    first = np.arange(0, size, lanes)
    last = np.minimum(first + lanes - 1, size - 1)
    span = at[last] - at[first] + 1
    if (span == last - first + 1).all():
        return 1
    return 2 if span.max() <= 2 * lanes and can_pick(target, dtype) else 0
