"""Exact sums and products: floats flow in, the rounded result and what its rounding lost come out.

Source: T. J. Dekker, "A floating-point technique for extending the available precision", 1971.
"""

from __future__ import annotations

from collections.abc import Callable

from sheer.graph.dtypes import float64

from ..ir.control import Control
from ..ir.values import Value

Pair = tuple[Value, Value]        # a number as the sum of a float and a much smaller one
_SPLITTER = 134217729.0           # 2^27 + 1 cuts a float64 into two halves


def sum_of(b: Control, large: Value, small: Value) -> Pair:
    """large + small, exactly, where |large| >= |small| or large is 0."""
    total = b.add(large, small)
    return total, b.sub(small, b.sub(total, large))


def product_of(b: Control, x: Value, y: Value) -> Pair:
    """x * y, exactly, for float64."""
    total = b.mul(x, y)
    if b.target.fma:
        return total, b.fma(x, y, b.neg(total))
    (xh, xl), (yh, yl) = _halves(b, x), _halves(b, y)
    rest = b.sub(b.mul(xh, yh), total)
    rest = b.add(b.add(rest, b.mul(xh, yl)), b.mul(xl, yh))
    return total, b.add(rest, b.mul(xl, yl))


def _halves(b: Control, x: Value) -> Pair:
    wide = b.mul(x, _SPLITTER)
    high = b.sub(wide, b.sub(wide, x))
    return high, b.sub(x, high)


def in_float64(generate: Callable[..., Value]) -> Callable[..., Value]:
    """A function for float64 that also takes float32: widened, and rounded once at the end."""
    def through(b: Control, *values: Value, **fixed: int) -> Value:
        kind = values[0].dtype
        wide = [b.cast(v, float64) for v in values]
        return b.cast(generate(b, *wide, **fixed), kind)
    return through
