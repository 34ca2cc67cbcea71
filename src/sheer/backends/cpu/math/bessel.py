"""Modified Bessel functions, scaled by e^-|x|: power series near 0, asymptotic series far away."""

from __future__ import annotations

import math

from sheer.ops.elementwise.bessel import SPLIT, far, powers

from ..ir.control import Control
from ..ir.values import Value
from .exact import in_float64
from .exp import exp, polynomial


@in_float64
def i0e(b: Control, x: Value) -> Value:
    """e^-|x| I_0(x)."""
    return _scaled(b, b.abs(x), 0)


@in_float64
def i1e(b: Control, x: Value) -> Value:
    """e^-|x| I_1(x), odd."""
    return b.copysign(_scaled(b, b.abs(x), 1), x)


def _scaled(b: Control, x: Value, order: int) -> Value:
    """For x >= 0 or NaN."""
    near = b.select(b.lt(x, SPLIT), x, SPLIT)
    half = b.mul(near, 0.5)
    low = b.mul(polynomial(b, b.mul(half, half), powers(order)[::-1]), exp(b, b.neg(near)))
    low = b.mul(low, half) if order else low
    large = b.select(b.lt(x, SPLIT), SPLIT, x)
    high = polynomial(b, b.div(1.0, large), far(order)[::-1])
    high = b.div(high, b.sqrt(b.mul(large, 2 * math.pi)))
    return b.select(b.lt(x, SPLIT), low, high)
