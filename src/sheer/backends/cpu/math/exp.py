"""The exponential family: polynomials on |r| <= ln(2)/2, scaled by a power of two.

Source: W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980 (the split of
ln 2); S. L. Moshier, Cephes (expf and tanh coefficients).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sheer.graph.dtypes import DType, float32, int32, int64

from ..ir.control import Control
from ..ir.values import Value

# exp(r) = 1 + r + r^2 * P(r), highest power first
_EXP32 = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
          1.6666665459e-1, 5.0000001201e-1)
_EXP64 = (1 / 6227020800, 1 / 479001600, 1 / 39916800, 1 / 3628800, 1 / 362880, 1 / 40320,
          1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2)   # Taylor: error 2^-58 at ln(2)/2
_LN2_32 = (0.693359375, -2.12194440e-4)                        # 9 bits, then the rest
_LN2_64 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_LOG2E = 1.4426950408889634
_TANH32 = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
           -3.33332819422e-1)
_TANH64_P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_TANH64_Q = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)
_SINH64 = tuple(1 / math.factorial(n) for n in range(17, 1, -2))         # Taylor: 2^-57 at 1
_SINH32 = (2.80615051718e-6, 1.9838121271e-4, 8.33333960452e-3, 1.66666666472e-1)  # fitted


def polynomial(b: Control, x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's scheme, the coefficient of the highest power first."""
    result = b.like(coefficients[0], x)
    for c in coefficients[1:]:
        result = b.fma(result, x, b.like(c, x))
    return result


def bits_of(dtype: DType) -> tuple[DType, int, int]:
    """The integer type of a float type's width, its mantissa bits and exponent bias."""
    return (int32, 23, 127) if dtype == float32 else (int64, 52, 1023)


def power_of_two(b: Control, n: Value, dtype: DType) -> Value:
    """2^n for integers n in the normal range, by writing the exponent bits."""
    _, mantissa, bias = bits_of(dtype)
    return b.bitcast(b.shl(b.add(n, bias), mantissa), dtype)


def nearest(b: Control, x: Value) -> tuple[Value, Value]:
    """The nearest whole number as a float and as an integer, by adding 1.5 * 2^mantissa."""
    integer, mantissa, _ = bits_of(x.dtype)
    magic = b.like(1.5 * 2.0**mantissa, x)
    shifted = b.add(x, magic)
    count = b.sub(b.bitcast(shifted, integer), b.like(_magic_bits(x.dtype), b.bitcast(x, integer)))
    return b.sub(shifted, magic), count


def _magic_bits(dtype: DType) -> int:
    _, mantissa, bias = bits_of(dtype)
    return ((bias + mantissa) << mantissa) | (1 << (mantissa - 1))


def scale(b: Control, x: Value, n: Value) -> Value:
    """x * 2^n, also where 2^n itself overflows or is denormal."""
    if b.target.name == "avx512" and x.lanes * x.dtype.size >= 16:
        b.declare(f"llvm.ldexp.{x.suffix}.{n.suffix}", x.type, f"{x.type}, {n.type}")
        return b.call_pure(f"llvm.ldexp.{x.suffix}.{n.suffix}", x.dtype, x.lanes, x, n)
    half = b.shr(n, 1)
    rest = b.sub(n, half)
    return b.mul(b.mul(x, power_of_two(b, half, x.dtype)), power_of_two(b, rest, x.dtype))


def reduced(b: Control, x: Value, rest: Value | None = None) -> tuple[Value, Value]:
    """expm1(r) and n with exp(x + rest) = 2^n * (1 + expm1(r)), for clamped x and tiny rest."""
    narrow = x.dtype == float32
    high, low = _LN2_32 if narrow else _LN2_64
    n, count = nearest(b, b.mul(x, _LOG2E))
    r = b.fma(n, b.like(-low, x), b.fma(n, b.like(-high, x), x))
    r = r if rest is None else b.add(r, rest)
    tail = polynomial(b, r, _EXP32 if narrow else _EXP64)
    return b.fma(b.mul(r, r), tail, r), count


def _clamp(b: Control, x: Value, narrow: tuple[float, float], wide: tuple[float, float]) -> Value:
    """x within bounds where the result is already 0 or infinite; NaN stays."""
    low, high = narrow if x.dtype == float32 else wide
    return b.min(b.max(x, low), high)


def exp(b: Control, x: Value) -> Value:
    """e^x."""
    return _exp_scaled(b, x, 0)


def _exp_scaled(b: Control, x: Value, extra: int) -> Value:
    """e^x * 2^extra, without overflow in between."""
    m, n = reduced(b, _clamp(b, x, (-104.0, 90.0), (-746.0, 711.0)))
    return scale(b, b.add(m, 1.0), b.add(n, extra) if extra else n)


def exp2(b: Control, x: Value) -> Value:
    """2^x."""
    x = _clamp(b, x, (-150.0, 129.0), (-1076.0, 1025.0))
    n, count = nearest(b, x)
    r = b.mul(b.sub(x, n), 0.6931471805599453)
    tail = polynomial(b, r, _EXP32 if x.dtype == float32 else _EXP64)
    return scale(b, b.add(b.fma(b.mul(r, r), tail, r), 1.0), count)


def expm1(b: Control, x: Value) -> Value:
    """e^x - 1 without cancellation: 2 * (s m + (s - 1/2)) with s = 2^(n-1)."""
    m, n = reduced(b, _clamp(b, x, (-20.0, 89.0), (-40.0, 709.9)))
    s = power_of_two(b, b.sub(n, 1), x.dtype)
    result = b.mul(b.fma(s, m, b.sub(s, 0.5)), 2.0)
    return b.copysign(result, x)             # keeps -0


def sigmoid(b: Control, x: Value) -> Value:
    """1 / (1 + e^-x)."""
    return b.div(1.0, b.add(exp(b, b.neg(x)), 1.0))


def tanh(b: Control, x: Value) -> Value:
    """Odd polynomial below 0.625, else 1 - 2 / (e^2|x| + 1)."""
    size = b.abs(x)
    z = b.mul(x, x)
    if x.dtype == float32:
        ratio = polynomial(b, z, _TANH32)
    else:
        ratio = b.div(polynomial(b, z, _TANH64_P), polynomial(b, z, _TANH64_Q))
    small = b.fma(b.mul(x, z), ratio, x)
    large = b.sub(1.0, b.div(2.0, b.add(exp(b, b.add(size, size)), 1.0)))
    return b.copysign(b.select(b.lt(size, 0.625), small, large), x)     # keeps the sign of zero


def sinh(b: Control, x: Value) -> Value:
    """Odd polynomial below 1, else (e^|x| - e^-|x|) / 2 with the halves taken in the exponent."""
    size = b.abs(x)
    half = _exp_scaled(b, size, -1)
    large = b.copysign(b.sub(half, b.div(0.25, half)), x)
    z = b.mul(x, x)
    series = polynomial(b, z, _SINH32 if x.dtype == float32 else _SINH64)
    small = b.fma(b.mul(x, z), series, x)
    return b.select(b.lt(size, 1.0), small, large)


def cosh(b: Control, x: Value) -> Value:
    """(e^|x| + e^-|x|) / 2 with the halves taken in the exponent."""
    half = _exp_scaled(b, b.abs(x), -1)
    return b.add(half, b.div(0.25, half))
