"""Logarithms and what is made of them: exponent and mantissa split by bits, a polynomial on f.

Source: S. L. Moshier, Cephes (the order of the sums); fdlibm e_log.c (float64). The float32
polynomials were fitted for least relative error.
"""

from __future__ import annotations

from sheer.graph.dtypes import float32

from ..ir.control import Control
from ..ir.values import Value
from .exp import bits_of, polynomial

# log(1 + f) = f - f^2/2 + f^3 * P(f) for sqrt(1/2) - 1 <= f <= sqrt(2) - 1
_LOG32 = (0.0703468321417, -0.115122033955, 0.116769857749, -0.124204892866, 0.142493638522,
          -0.166680432611, 0.200007130258, -0.249999941428, 0.333333311826)
# log(1 + f) = f - s * (f - R), s = f / (2 + f), R = s^2 * P(s^2)
_LOG64 = (1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
          2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
          6.666666666666735130e-01)
_LN2_32 = (0.693359375, -2.12194440e-4)
LN2_64 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_LOG10_2 = (3.0078125e-1, 2.48745663981195213739e-4)      # 8 bits, then the rest
_LOG10_E = (4.3359375e-1, 7.00731903251827651129e-4)
_LOG2E_REST = 0.44269504088896340736                      # log2(e) - 1
_ASINH32 = (0.00995380520425, -0.0205375993945, 0.0301585403437, -0.0446302325461,
            0.0749997355071, -0.166666665761)
_ATANH32 = (0.16314544414, 0.0932802294993, 0.14454473513, 0.199945509424, 0.333333610909)
_LARGE = 1e9              # beyond it x^2 + 1 is x^2, and x^2 may overflow
_LN2 = 0.6931471805599453


def split(b: Control, x: Value) -> tuple[Value, Value]:
    """f and e with x = 2^e * (1 + f), f within sqrt(1/2) - 1 ... sqrt(2) - 1, for x > 0."""
    integer, mantissa, bias = bits_of(x.dtype)
    tiny = b.lt(x, 2.0 ** (1 - bias))                     # denormal: lift by 2^(mantissa + 2)
    lifted = b.select(tiny, b.mul(x, 2.0 ** (mantissa + 2)), x)
    bits = b.bitcast(lifted, integer)
    root = 0x3F3504F3 if mantissa == 23 else 0x3FE6A09E667F3BCD      # sqrt(1/2)
    shifted = b.add(bits, (bias << mantissa) - root)
    count = b.sub(b.shr(shifted, mantissa), bias)
    count = b.select(tiny, b.sub(count, mantissa + 2), count)
    fraction = b.add(b.and_(shifted, (1 << mantissa) - 1), root)
    return b.sub(b.bitcast(fraction, x.dtype), 1.0), b.cast(count, x.dtype)


def _tail(b: Control, f: Value) -> Value:
    """log(1 + f) - f."""
    square = b.mul(f, f)
    if f.dtype == float32:
        return b.fma(b.mul(square, f), polynomial(b, f, _LOG32), b.mul(square, -0.5))
    s = b.div(f, b.add(f, 2.0))
    z = b.mul(s, s)
    half = b.mul(square, 0.5)
    return b.sub(b.mul(s, b.fma(polynomial(b, z, _LOG64), z, half)), half)


def _finish(b: Control, x: Value, result: Value) -> Value:
    """The logarithm's values at the edges: -inf at 0, NaN below, inf and NaN as they are."""
    result = b.select(b.lt(x, float("inf")), result, x)
    result = b.select(b.lt(x, 0.0), float("nan"), result)
    return b.select(b.eq(x, 0.0), float("-inf"), result)


def log(b: Control, x: Value) -> Value:
    """The natural logarithm."""
    return _finish(b, x, _log_inside(b, x))


def _log_inside(b: Control, x: Value) -> Value:
    """The natural logarithm of finite x > 0."""
    f, e = split(b, x)
    high, low = _LN2_32 if x.dtype == float32 else LN2_64
    tail = b.fma(e, b.like(low, x), _tail(b, f))
    return b.fma(e, b.like(high, x), b.add(f, tail))


def log2(b: Control, x: Value) -> Value:
    """The logarithm to base 2; whole for powers of two."""
    f, e = split(b, x)
    tail = _tail(b, f)
    small = b.fma(f, b.like(_LOG2E_REST, x), b.mul(tail, _LOG2E_REST))
    return _finish(b, x, b.add(b.add(b.add(small, tail), f), e))


def log10(b: Control, x: Value) -> Value:
    """The logarithm to base 10."""
    f, e = split(b, x)
    tail = _tail(b, f)
    total = b.mul(b.add(f, tail), _LOG10_E[1])
    total = b.fma(tail, b.like(_LOG10_E[0], x), total)
    total = b.fma(e, b.like(_LOG10_2[1], x), total)
    total = b.fma(f, b.like(_LOG10_E[0], x), total)
    return _finish(b, x, b.fma(e, b.like(_LOG10_2[0], x), total))


def log1p(b: Control, x: Value) -> Value:
    """log(1 + x): the rounding of 1 + x is put back divided by it."""
    u = b.add(x, 1.0)
    lost = b.sub(x, b.sub(u, 1.0))
    result = b.add(_log_inside(b, u), b.div(lost, u))
    result = b.select(b.eq(u, 1.0), x, result)            # keeps tiny x and -0
    return _finish(b, u, result)


def asinh(b: Control, x: Value) -> Value:
    """Odd polynomial below 1/2, else log(|x| + sqrt(x^2 + 1)) with the sign of x. In float64
    log1p(|x| + x^2 / (1 + sqrt(x^2 + 1))), which loses nothing near 0.
    """
    size = b.abs(x)
    z = b.mul(x, x)
    if x.dtype != float32:
        huge = b.gt(size, _LARGE)
        root = b.sqrt(b.add(z, 1.0))
        grown = b.add(size, b.div(z, b.add(root, 1.0)))
        result = log1p(b, b.select(huge, b.sub(size, 1.0), grown))
        return b.copysign(b.select(huge, b.add(result, _LN2), result), x)
    small = b.fma(b.mul(x, z), polynomial(b, z, _ASINH32), x)
    huge = b.gt(size, _LARGE)
    inner = b.select(huge, size, b.add(size, b.sqrt(b.add(z, 1.0))))
    large = log(b, inner)
    large = b.select(huge, b.add(large, _LN2), large)
    return b.copysign(b.select(b.lt(size, 0.5), small, large), x)       # keeps the sign of zero


def acosh(b: Control, x: Value) -> Value:
    """log1p(t + sqrt(2t + t^2)) with t = x - 1; NaN below 1."""
    t = b.sub(x, 1.0)
    huge = b.gt(x, _LARGE)
    inner = b.select(huge, t, b.add(t, b.sqrt(b.fma(t, t, b.add(t, t)))))
    result = log1p(b, inner)
    result = b.select(huge, b.add(result, _LN2), result)
    return b.select(b.lt(x, 1.0), float("nan"), result)


def atanh(b: Control, x: Value) -> Value:
    """Odd polynomial below 1/2, else log((1 + |x|) / (1 - |x|)) / 2 with the sign of x. In float64
    log1p(2 |x| / (1 - |x|)) / 2.
    """
    size = b.abs(x)
    if x.dtype != float32:
        grown = log1p(b, b.div(b.add(size, size), b.sub(1.0, size)))
        return b.copysign(b.mul(grown, 0.5), x)
    z = b.mul(x, x)
    small = b.fma(b.mul(x, z), polynomial(b, z, _ATANH32), x)
    ratio = b.div(b.add(size, 1.0), b.sub(1.0, size))
    large = b.mul(log(b, ratio), 0.5)
    result = b.select(b.lt(size, 0.5), small, b.copysign(large, x))
    return b.select(b.gt(size, 1.0), float("nan"), result)
