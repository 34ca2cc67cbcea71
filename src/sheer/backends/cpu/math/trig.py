"""Trigonometric functions: the argument minus a multiple of pi/2, then polynomials; and inverses.

Source: W. J. Cody and W. Waite, 1980 (the reduction in three parts); S. L. Moshier, Cephes (asin,
acos, atan). Arguments beyond `_LIMIT` go to the C library, lane by lane.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from sheer.graph.dtypes import float32, float64, int32

from ..ir.control import Control
from ..ir.values import Value
from .exp import bits_of, nearest, polynomial
from .libm import per_lane

_LIMIT = 100_000.0    # below it n < 2^17, for which the three parts of pi/2 are exact enough
_HALF_PI_32 = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)
_HALF_PI_64 = (1.57079632673412561417e+00, 6.07710050630396597660e-11,
               2.02226624871116645580e-21, 8.47842766036889956997e-32)   # 33 bits each
_SIN32 = (2.72494202304e-6, -1.98400820722e-4, 8.33333186392e-3, -1.66666666638e-1)
_COS32 = (-2.73006829745e-7, 2.48005978447e-5, -1.38888876662e-3, 4.16666666643e-2)
_SIN64 = (-7.5866338016261404e-13, 1.6058530451739506e-10, -2.5052106224373671e-8,
          2.7557319219313406e-6, -1.9841269841265028e-4, 8.3333333333333315e-3,
          -1.6666666666666667e-1)
_COS64 = (4.7458480594631631e-14, -1.1470460449805604e-11, 2.0876755788064839e-9,
          -2.7557319221393246e-7, 2.4801587301584633e-5, -1.3888888888888888e-3,
          4.1666666666666667e-2)
_TAN32 = (0.00384390647002, 0.0011839635022, 0.00996304668971, 0.0216208536454,
          0.0539945022166, 0.133332307579, 0.33333333981)
_ATAN32 = (-0.00242241139262, 0.0136504573552, -0.036105366102, 0.0627015171716,
           -0.086663578033, 0.110362106739, -0.142788797627, 0.199997544355, -0.333333318534)
_ATAN64 = (0.015195531934933377, -0.03347485552685712, 0.0450356765746004, -0.052184091464861526,
           0.05877022580360425, -0.06666226841831825, 0.07692282764711686, -0.0909090814481257,
           0.11111111088186214, -0.14285714285388154, 0.1999999999999767,
           -0.33333333333333326)                 # up to tan(pi/8), fitted
_ASIN64 = (0.032702415407953246, -0.02111715571383069, 0.02179098204128237, 0.003672034308641296,
           0.010789365271062902, 0.011397284270190025, 0.013981019741881534,
           0.017351595386141516, 0.02237221591313743, 0.030381942674984185, 0.04464285717529326,
           0.07499999999970089, 0.16666666666666763)                                # fitted
_ASIN32 = (0.0381906598441, 0.0265016842001, 0.0450096473595, 0.0749881367075, 0.166666727399)


def _reduce(b: Control, x: Value) -> tuple[Value, Value]:
    """r within pi/4 of 0 and n with x = n pi/2 + r, for |x| below the limit."""
    if x.dtype == float32 and not b.target.fma:
        r, n = _reduce(b, b.cast(x, float64))       # products of float32 would be rounded
        return b.cast(r, float32), b.cast(n, int32)
    parts = _HALF_PI_32 if x.dtype == float32 else _HALF_PI_64
    n, count = nearest(b, b.mul(x, 2 / math.pi))
    for part in parts:
        x = b.fma(n, b.like(-part, n), x)
    return x, count


def sine_and_cosine(b: Control, r: Value) -> tuple[Value, Value]:
    """sin r and cos r for |r| <= pi/4."""
    z = b.mul(r, r)
    narrow = r.dtype == float32
    sine = b.fma(b.mul(r, z), polynomial(b, z, _SIN32 if narrow else _SIN64), r)
    tail = b.mul(b.mul(z, z), polynomial(b, z, _COS32 if narrow else _COS64))
    return sine, b.add(b.fma(z, b.like(-0.5, z), 1.0), tail)


def _by_quadrant(b: Control, x: Value, turn: int) -> Value:
    """sin(x + turn * pi/2)."""
    r, n = _reduce(b, x)
    sine, cosine = sine_and_cosine(b, r)
    quadrant = b.add(n, turn) if turn else n
    value = b.select(b.ne(b.and_(quadrant, 1), 0), cosine, sine)
    integer, _, _ = bits_of(x.dtype)
    sign_at = 8 * x.dtype.size - 1
    flip = b.shl(b.and_(quadrant, 2), sign_at - 1)
    return b.bitcast(b.xor(b.bitcast(value, integer), flip), x.dtype)


def sin(b: Control, x: Value) -> Value:
    """The sine of x in radians."""
    return _odd(b, x, _guarded(b, x, "sin", lambda: _by_quadrant(b, x, 0)))


def cos(b: Control, x: Value) -> Value:
    """The cosine of x in radians."""
    return _guarded(b, x, "cos", lambda: _by_quadrant(b, x, 1))


def tan(b: Control, x: Value) -> Value:
    """tan r in even quadrants, -1 / tan r in odd ones."""
    def fast() -> Value:
        r, n = _reduce(b, x)
        if x.dtype != float32:
            sine, cosine = sine_and_cosine(b, r)
            odd = b.ne(b.and_(n, 1), 0)
            return b.div(b.select(odd, b.neg(cosine), sine), b.select(odd, sine, cosine))
        z = b.mul(r, r)
        t = b.fma(b.mul(r, z), polynomial(b, z, _TAN32), r)
        return b.select(b.ne(b.and_(n, 1), 0), b.div(-1.0, t), t)
    return _odd(b, x, _guarded(b, x, "tan", fast))


def _odd(b: Control, x: Value, y: Value) -> Value:
    """y, but -0 at -0: the reduction of the argument loses the sign of zero."""
    return b.select(b.eq(x, b.like(0, x)), x, y)


def _guarded(b: Control, x: Value, name: str, fast: Callable[[], Value]) -> Value:
    """`fast()`, unless some lane is too large: then the C library for all of them."""
    too_large = b.any(b.ge(b.abs(x), _LIMIT))
    return b.choose(too_large, lambda: [per_lane(b, name, x)], lambda: [fast()])[0]


def atan(b: Control, x: Value) -> Value:
    """pi/2 - atan(1/|x|) above 1, an odd polynomial below."""
    size = b.abs(x)
    large = b.gt(size, 1.0)
    p = _atan_unit(b, b.select(large, b.div(1.0, size), size))
    return b.copysign(b.select(large, b.sub(math.pi / 2, p), p), x)


def _atan_unit(b: Control, t: Value) -> Value:
    """atan for 0 <= t <= 1. In float64 from tan(pi/8) on by atan((t - 1) / (t + 1)) + pi/4."""
    if t.dtype != float32:
        upper = b.gt(t, math.tan(math.pi / 8))
        t = b.select(upper, b.div(b.sub(t, 1.0), b.add(t, 1.0)), t)
        z = b.mul(t, t)
        p = b.fma(b.mul(t, z), polynomial(b, z, _ATAN64), t)
        return b.select(upper, b.add(p, math.pi / 4), p)
    z = b.mul(t, t)
    return b.fma(b.mul(t, z), polynomial(b, z, _ATAN32), t)


def atan2(b: Control, y: Value, x: Value) -> Value:
    """The angle of the point (x, y), with the signs of zeros and infinities as in C."""
    tall, wide = b.abs(y), b.abs(x)
    low, high = b.min(tall, wide), b.max(tall, wide)
    ratio = b.div(low, high)
    ratio = b.select(b.eq(high, 0.0), 0.0, ratio)
    ratio = b.select(b.eq(low, float("inf")), 1.0, ratio)
    p = _atan_unit(b, ratio)
    p = b.select(b.gt(tall, wide), b.sub(math.pi / 2, p), p)
    p = b.select(b.lt(b.copysign(1.0, x), 0.0), b.sub(math.pi, p), p)
    return b.copysign(p, y)


def _asin_parts(b: Control, x: Value) -> tuple[Value, Value]:
    """Whether |x| > 1/2, and asin of |x| or (then) of sqrt((1 - |x|) / 2)."""
    size = b.abs(x)
    large = b.gt(size, 0.5)
    z = b.select(large, b.mul(b.sub(1.0, size), 0.5), b.mul(x, x))
    s = b.select(large, b.sqrt(z), size)
    series = polynomial(b, z, _ASIN32 if x.dtype == float32 else _ASIN64)
    return large, b.fma(b.mul(s, z), series, s)


def asin(b: Control, x: Value) -> Value:
    """The angle whose sine is x; NaN outside -1 ... 1."""
    large, p = _asin_parts(b, x)
    return b.copysign(b.select(large, b.sub(math.pi / 2, b.add(p, p)), p), x)


def acos(b: Control, x: Value) -> Value:
    """The angle whose cosine is x; NaN outside -1 ... 1."""
    large, p = _asin_parts(b, x)
    twice = b.add(p, p)
    far = b.select(b.lt(x, 0.0), b.sub(math.pi, twice), twice)
    return b.select(large, far, b.sub(math.pi / 2, b.copysign(p, x)))
