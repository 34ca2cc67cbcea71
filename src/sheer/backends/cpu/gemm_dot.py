"""Products with a very thin side whose operands both run along k: dot products, lanes along k."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .control import Control
from .gemm_tile import Epilogue
from .values import Value, constant

if TYPE_CHECKING:
    from .gemm import Gemm

_AT_ONCE = 8       # independent sums: enough to hide the latency of one


def emit_dot(b: Control, spec: Gemm, a: Value, other: Value, c: Value,
             rows: tuple[Value, Value], columns: tuple[Value, Value],
             epilogue: Epilogue | None) -> None:
    """C[i, j] (+)= sum over k of A[i, k] * B[k, j] for a_col = b_row = 1.

    Groups of rows (or columns, whichever are more) share the loads of the other side.
    """
    if spec.m >= spec.n:
        with b.loop(*columns) as j:
            _grouped(b, rows, lambda i, count: _group(
                b, spec, (a, other, c), (i, j), count, True, epilogue))
    else:
        with b.loop(*rows) as i:
            _grouped(b, columns, lambda j, count: _group(
                b, spec, (a, other, c), (i, j), count, False, epilogue))


def _grouped(b: Control, limits: tuple[Value, Value], body: Callable[[Value, int], None]) -> None:
    """`body(first, count)` over the range, `_AT_ONCE` at a time and then one by one."""
    begin, end = limits
    whole = b.sub(end, b.rem(b.sub(end, begin), _AT_ONCE))
    with b.loop(begin, whole, _AT_ONCE) as first:
        body(first, _AT_ONCE)
    with b.loop(whole, end) as first:
        body(first, 1)


def _group(b: Control, spec: Gemm, pointers: tuple[Value, Value, Value],
           corner: tuple[Value, Value], count: int, along_rows: bool,
           epilogue: Epilogue | None) -> None:
    """`count` neighbouring elements of C, each one sum over k."""
    a, other, c = pointers
    i, j = corner
    kind = spec.dtype
    one_row = b.offset(a, b.mul(i, spec.a_row), kind)
    one_column = b.offset(other, b.mul(j, spec.b_col), kind)
    step = spec.a_row if along_rows else spec.b_col
    many = one_row if along_rows else one_column
    shared = one_column if along_rows else one_row
    starts = [b.offset(many, g * step, kind) for g in range(count)]
    for g, total in enumerate(_sums(b, spec, starts, shared)):
        row, column = (b.add(i, g), j) if along_rows else (i, b.add(j, g))
        at = b.add(b.mul(row, spec.c_row), b.mul(column, spec.c_col))
        if spec.accumulate:
            total = b.add(total, b.load(c, at, kind))
        if epilogue is not None:
            total = epilogue(b, total, row, column, None)
        b.store(c, at, total)


def _sums(b: Control, spec: Gemm, starts: list[Value], shared: Value) -> list[Value]:
    """The dot product of each start with the shared side: lanes first, then the tail, one by one."""
    lanes, kind = b.target.lanes(spec.dtype), spec.dtype
    whole = spec.k - spec.k % lanes
    zeros = [constant(0, kind, lanes)] * len(starts)
    with b.loop_with(0, whole, lanes, *zeros) as loop:
        x = b.load(shared, loop.index, kind, lanes)
        loop.next(*(b.fma(b.load(at, loop.index, kind, lanes), x, total)
                    for at, total in zip(starts, loop.values, strict=True)))
    sums = list(loop.results)
    if spec.k % lanes:
        mask = b.tail_mask(spec.k % lanes, lanes)
        x = b.load_masked(shared, whole, mask, kind)
        sums = [b.fma(b.load_masked(at, whole, mask, kind), x, total)
                for at, total in zip(starts, sums, strict=True)]
    return [b.reduce("add", total) for total in sums]
