"""Products of few rows over a long k that both operands run along: lanes go along k, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheer.graph.dtypes import int64

from ..ir.control import Control
from ..ir.target import Target
from ..ir.values import Value, constant
from .axis import digits_of, place, refined
from .tile import Epilogue
from .window import reach

if TYPE_CHECKING:
    from .plan import Gemm

_ROWS = 8          # of A, all held in registers beside the sums
_COLUMNS = 8       # at once, at most
_UNROLLED = 4      # vectors along k, written one after the other
Offsets = tuple[Value, Value]


def fits_long(spec: Gemm, target: Target) -> bool:
    """Few rows, k side by side in both operands, and columns that no vector could read at once?"""
    digits = refined(digits_of(spec.a_col, spec.k), digits_of(spec.b_row, spec.k))
    lanes = target.lanes(spec.dtype)
    if digits is None or digits[-1][1:] != (1, 1) or spec.accumulate:
        return False
    few = spec.m <= _ROWS and 2 * spec.m < target.registers and spec.k >= 8 * lanes
    return few and 2 * digits[-1][0] > lanes and reach(spec.b_col, spec.n, spec.dtype, target) == 0


@dataclass(frozen=True)
class LongDot:
    """C[i, j] = sum over k of A[i, k] * B[k, j], all rows of A with a few columns of B at once."""

    b: Control
    spec: Gemm
    a: Value
    other: Value
    c: Value
    epilogue: Epilogue | None

    def write(self, columns: tuple[Value, Value]) -> None:
        """Groups of columns, then the rest one by one."""
        b, (begin, end) = self.b, columns
        free = b.target.registers - 2 - self.spec.m
        count = max(1, min(_COLUMNS, free // self.spec.m))
        whole = b.sub(end, b.rem(b.sub(end, begin), count))
        with b.loop(begin, whole, count) as column:
            self._group(column, count)
        if count > 1:
            with b.loop(whole, end) as column:
                self._group(column, 1)

    def _group(self, column: Value, count: int) -> None:
        b, spec = self.b, self.spec
        rows = [b.offset(self.a, place(b, spec.a_row, r), spec.dtype) for r in range(spec.m)]
        starts = [b.offset(self.other, place(b, spec.b_col, b.add(column, j)), spec.dtype)
                  for j in range(count)]
        zero = constant(0, int64)
        sums = [constant(0, spec.dtype, b.target.lanes(spec.dtype))] * (spec.m * count)
        sums = self._over(0, (zero, zero), rows, starts, sums)
        for j in range(count):
            for r in range(spec.m):
                self._finish(constant(r, int64), b.add(column, j),
                             b.reduce("add", sums[j * spec.m + r]))

    def _finish(self, row: Value, column: Value, total: Value) -> None:
        b, spec = self.b, self.spec
        at = b.add(b.mul(row, spec.c_row), b.mul(column, spec.c_col))
        if self.epilogue is not None:
            total = self.epilogue(b, total, row, column, None)
        b.store(self.c, at, total)

    # ---- along k ---------------------------------------------------------------------------
    def _over(self, level: int, at: Offsets, rows: list[Value], starts: list[Value],
              sums: list[Value]) -> list[Value]:
        """All turns of one digit of k."""
        b, spec = self.b, self.spec
        digits = refined(digits_of(spec.a_col, spec.k), digits_of(spec.b_row, spec.k))
        assert digits is not None
        size, left, right = digits[level]
        if level == len(digits) - 1:
            return self._along(size, at, rows, starts, sums)
        with b.loop_with(0, size, 1, *sums) as loop:
            i = loop.index
            deeper = (b.add(at[0], b.mul(i, left)), b.add(at[1], b.mul(i, right)))
            loop.next(*self._over(level + 1, deeper, rows, starts, list(loop.values)))
        return list(loop.results)

    def _along(self, size: int, at: Offsets, rows: list[Value], starts: list[Value],
               sums: list[Value]) -> list[Value]:
        """The fastest digit, in vectors; the last one masked."""
        b, kind = self.b, self.spec.dtype
        lanes = b.target.lanes(kind)
        whole, rest = divmod(size, lanes)

        def step(i: Value, sums: list[Value], load: Callable[[Value, Value], Value]) -> list[Value]:
            x = [load(row, b.add(at[0], i)) for row in rows]
            made = []
            for j, start in enumerate(starts):
                y = load(start, b.add(at[1], i))
                made += [b.fma(v, y, sums[j * len(rows) + r]) for r, v in enumerate(x)]
            return made
        plain = lambda p, i: b.load(p, i, kind, lanes)
        if whole > _UNROLLED:
            with b.loop_with(0, whole * lanes, lanes, *sums) as loop:
                loop.next(*step(loop.index, list(loop.values), plain))
            sums = list(loop.results)
        else:
            for v in range(whole):
                sums = step(constant(v * lanes, int64), sums, plain)
        if rest:
            mask = b.tail_mask(rest, lanes)
            sums = step(constant(whole * lanes, int64), sums,
                        lambda p, i: b.load_masked(p, i, mask, kind))
        return sums
