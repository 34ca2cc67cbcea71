"""Powers: the logarithm in twice the precision, so that multiplying by y keeps every bit.

Source: the series of atanh for log((1 + s) / (1 - s)), its tail fitted for least relative error;
edges as in IEEE 754-2019, 9.2.1.
"""

from __future__ import annotations

from sheer.graph.dtypes import float32, float64

from ..ir.control import Control
from ..ir.values import Value
from .exact import Pair, product_of, sum_of
from .exp import exp2, polynomial, reduced, scale
from .log import LN2_64, log, split

# atanh(s) = s + s^3 / 3 + s^5 * P(s^2) for |s| <= 0.1716
_ATANH = (0.05998788573895469, 0.058368947011637744, 0.06668184077878336, 0.07692277775572383,
          0.09090909444838785, 0.11111111108689256, 0.1428571428572288, 0.19999999999999987)
_THIRD = (1 / 3, 1.850371707708594e-17)       # 1/3 and what rounding it lost
_FARTHEST = 1e25                              # a larger y gives 0, 1 or infinity all the same
_LOG2E = 1.4426950408889634


def power(b: Control, x: Value, y: Value) -> Value:
    """x^y."""
    size = b.abs(x)
    if x.dtype == float32:
        product = b.mul(b.cast(y, float64), b.mul(log(b, b.cast(size, float64)), _LOG2E))
        return _edges(b, x, y, b.cast(exp2(b, product), float32))
    result = _finite(b, size, y)
    falls = b.lt(y, 0.0)
    result = b.select(b.eq(size, 0.0), b.select(falls, float("inf"), b.like(0.0, x)), result)
    result = b.select(b.eq(size, float("inf")),
                      b.select(falls, 0.0, b.like(float("inf"), x)), result)
    return _edges(b, x, y, b.select(b.isnan(x), x, result))


def _finite(b: Control, x: Value, y: Value) -> Value:
    """x^y for finite x > 0."""
    y = b.min(b.max(y, -_FARTHEST), _FARTHEST)
    high, low = _logarithm(b, x)
    product, rest = product_of(b, high, y)
    rest = b.fma(low, y, rest)
    rest = b.select(b.lt(b.abs(product), 750.0), rest, 0.0)
    m, n = reduced(b, b.min(b.max(product, -746.0), 711.0), rest)
    return scale(b, b.add(m, 1.0), n)


def _logarithm(b: Control, x: Value) -> Pair:
    """log x as a pair."""
    f, e = split(b, x)
    below = b.add(f, 2.0)
    lost = b.sub(f, b.sub(below, 2.0))
    s = b.div(f, below)
    product, rest = product_of(b, s, below)
    s_low = b.div(b.sub(b.sub(b.sub(f, product), rest), b.mul(s, lost)), below)
    z, z_low = product_of(b, s, s)
    z_low = b.fma(b.add(s, s), s_low, z_low)
    cube, cube_low = product_of(b, s, z)
    cube_low = b.add(cube_low, b.fma(s, z_low, b.mul(s_low, z)))
    third, third_low = product_of(b, cube, b.like(_THIRD[0], x))
    third_low = b.add(third_low, b.fma(cube, b.like(_THIRD[1], x), b.mul(cube_low, _THIRD[0])))
    tail = b.mul(b.mul(cube, z), polynomial(b, z, _ATANH))
    high, low = sum_of(b, s, third)
    low = b.add(low, b.add(b.add(s_low, third_low), tail))
    total, rest = sum_of(b, b.mul(e, LN2_64[0]), b.add(high, high))
    return sum_of(b, total, b.add(rest, b.fma(e, b.like(LN2_64[1], x), b.add(low, low))))


def _edges(b: Control, x: Value, y: Value, result: Value) -> Value:
    """Signs of negative bases, and what NaN, infinities, 0 and 1 give."""
    size = b.abs(x)
    whole = b.eq(b.floor(y), y)
    half = b.mul(y, 0.5)
    odd = b.and_(whole, b.ne(b.floor(half), half))
    result = b.select(b.eq(size, 1.0), 1.0, result)       # also for y infinite
    result = b.select(b.and_(odd, b.lt(b.copysign(1.0, x), 0.0)), b.neg(result), result)
    inside = b.and_(b.lt(x, 0.0), b.gt(x, float("-inf")))
    finite = b.lt(b.abs(y), float("inf"))
    undefined = b.and_(b.and_(inside, finite), b.not_(whole))
    result = b.select(undefined, float("nan"), result)
    result = b.select(b.isnan(y), y, result)
    return b.select(b.or_(b.eq(x, 1.0), b.eq(y, 0.0)), 1.0, result)
