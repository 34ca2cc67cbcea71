"""Products with a very thin side whose operands both run along k: dot products, lanes along k."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..ir.control import Control
from ..ir.values import Value, constant
from .axis import place
from .tile import Epilogue

if TYPE_CHECKING:
    from .plan import Gemm

_AT_ONCE = 8       # independent sums: enough to hide the latency of one
Limits = tuple[Value, Value]


@dataclass(frozen=True)
class Dot:
    """C[i, j] (+)= sum over k of A[i, k] * B[k, j] for a_col = b_row = 1."""

    b: Control
    spec: Gemm
    a: Value
    other: Value
    c: Value
    epilogue: Epilogue | None

    def write(self, rows: Limits, columns: Limits) -> None:
        """Groups of rows (or columns, whichever are more) share the loads of the other side."""
        if self._along_rows:
            with self.b.loop(*columns) as j:
                self._grouped(rows, lambda i, count: self._group(i, j, count))
        else:
            with self.b.loop(*rows) as i:
                self._grouped(columns, lambda j, count: self._group(i, j, count))

    @property
    def _along_rows(self) -> bool:
        return self.spec.m >= self.spec.n

    def _grouped(self, limits: Limits, body: Callable[[Value, int], None]) -> None:
        """`body(first, count)` over the range, `_AT_ONCE` at a time and then one by one."""
        b, (begin, end) = self.b, limits
        whole = b.sub(end, b.rem(b.sub(end, begin), _AT_ONCE))
        with b.loop(begin, whole, _AT_ONCE) as first:
            body(first, _AT_ONCE)
        with b.loop(whole, end) as first:
            body(first, 1)

    def _group(self, i: Value, j: Value, count: int) -> None:
        """`count` neighbouring elements of C, each one sum over k."""
        b, spec = self.b, self.spec
        row_of_a = b.offset(self.a, place(b, spec.a_row, i), spec.dtype)
        column_of_b = b.offset(self.other, place(b, spec.b_col, j), spec.dtype)
        many, shared = ((row_of_a, column_of_b) if self._along_rows
                        else (column_of_b, row_of_a))
        step = spec.a_row if self._along_rows else spec.b_col
        starts = [b.offset(many, place(b, step, g), spec.dtype) for g in range(count)]
        for g, total in enumerate(self._sums(starts, shared)):
            if self._along_rows:
                self._finish(b.add(i, g), j, total)
            else:
                self._finish(i, b.add(j, g), total)

    def _finish(self, row: Value, column: Value, total: Value) -> None:
        b, spec = self.b, self.spec
        at = b.add(b.mul(row, spec.c_row), b.mul(column, spec.c_col))
        if spec.accumulate:
            total = b.add(total, b.load(self.c, at, spec.dtype))
        if self.epilogue is not None:
            total = self.epilogue(b, total, row, column, None)
        b.store(self.c, at, total)

    def _sums(self, starts: list[Value], shared: Value) -> list[Value]:
        """The dot product of each start with the shared side: whole vectors, then a masked one."""
        b, kind, k = self.b, self.spec.dtype, self.spec.k
        lanes = b.target.lanes(kind)
        whole = k - k % lanes
        zeros = [constant(0, kind, lanes)] * len(starts)
        with b.loop_with(0, whole, lanes, *zeros) as loop:
            x = b.load(shared, loop.index, kind, lanes)
            loop.next(*(b.fma(b.load(at, loop.index, kind, lanes), x, total)
                        for at, total in zip(starts, loop.values, strict=True)))
        sums = list(loop.results)
        if k % lanes:
            mask = b.tail_mask(k % lanes, lanes)
            x = b.load_masked(shared, whole, mask, kind)
            sums = [b.fma(b.load_masked(at, whole, mask, kind), x, total)
                    for at, total in zip(starts, sums, strict=True)]
        return [b.reduce("add", total) for total in sums]
