"""The error function, its complement and its inverse: polynomials near 0, else scaled by e^-x^2.

Source: float32 coefficients as N. Juffa has posted them, quoted from memory; those of float64 were
fitted for least relative error (the variable (x - 4) / (x + 4) is M. Shepherd and J. Laframboise,
1981). The ULP test is their proof. The inverse starts as S. Winitzki, 2008, then Halley's method.
"""

from __future__ import annotations

import math

from sheer.graph.dtypes import float32

from ..ir.control import Control
from ..ir.values import Value
from .exact import in_float64, product_of
from .exp import exp, polynomial, reduced, scale
from .log import log

_SPLIT = 0.927734375
_NEAR = (-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1,
         1.28379166e-1)                                  # 2/sqrt(pi) - 1 last: x is added to it
_FAR_EVEN = (-1.72853470e-5, 3.83197126e-4)
_FAR_ODD = (-3.88396438e-3, 2.42546219e-2)
_FAR = (-1.06777877e-1, -6.34846687e-1, -1.28717512e-1)
_NEAR64 = (
    5.4134663397577726e-11, -1.1100899595107558e-09, 1.4600429892777249e-08,
    -1.634289558758024e-07, 1.6460414541064437e-06, -1.492556480187613e-05,
    0.00012055330059059042, -0.0008548326956992579, 0.005223977624477185, -0.026866170645048176,
    0.11283791670954756, -0.3761263890318375, 0.1283791670955126)
# erfc(x) e^(x^2) (1 + 2 x) as a polynomial in t = (x - 4) / (x + 4) for 0 <= x <= 28
_COMPLEMENT = (
    1.201653050752573e-09, 1.68287712260756e-09, -1.408372241591592e-08, -1.7493394693144957e-08,
    1.1035230674392878e-07, 7.41472691110101e-08, -8.259809591991327e-07, 2.9412075022567765e-07,
    5.710202367868852e-06, -1.1222158299675048e-05, -2.4399443029460846e-05,
    0.00015062171395481582, -0.00019925662570044873, -0.0007577732968873144,
    0.005031969964973689, -0.016197734056572127, 0.03716751553896343, -0.06633036581232714,
    0.09373283499825721, -0.10103906603629925, 0.0680970542546953, 0.01537965210261965,
    -0.13962111684056253, 1.2329951186255526)
_LAST = 28.0              # from here on erfc is 0
# sqrt(pi) x erfcx(x) in 1/x^2
_ASYMPTOTIC = (10395 / 64, -945 / 32, 105 / 16, -15 / 8, 3 / 4, -1 / 2, 1.0)
_WINITZKI = 0.147


def erf(b: Control, x: Value) -> Value:
    """2/sqrt(pi) times the integral of e^-t^2 from 0 to x."""
    size, square = b.abs(x), b.mul(x, x)
    if x.dtype != float32:
        near = b.fma(polynomial(b, square, _NEAR64), x, x)
        far = b.copysign(b.sub(1.0, _complement(b, size)), x)
        return b.select(b.gt(size, _SPLIT), far, near)
    near = b.fma(polynomial(b, square, _NEAR), x, x)
    far = b.fma(polynomial(b, size, _FAR_EVEN), square, polynomial(b, size, _FAR_ODD))
    for c in _FAR:
        far = b.fma(far, size, b.like(c, x))
    far = b.sub(1.0, exp(b, b.fma(far, size, b.neg(size))))
    # beyond 4 the result is 1 to the last bit, and the polynomial would overflow to NaN
    far = b.select(b.gt(size, 4.0), 1.0, far)
    return b.select(b.gt(size, _SPLIT), b.copysign(far, x), near)


def _complement(b: Control, x: Value) -> Value:
    """erfc of float64 x >= 0."""
    x = b.min(x, _LAST)
    square, lost = product_of(b, x, x)
    m, n = reduced(b, b.neg(square), b.neg(lost))
    t = b.div(b.sub(x, 4.0), b.add(x, 4.0))
    below = b.add(b.add(x, x), 1.0)
    return scale(b, b.mul(b.add(m, 1.0), b.div(polynomial(b, t, _COMPLEMENT), below)), n)


@in_float64
def erfc(b: Control, x: Value) -> Value:
    """1 - erf(x) without cancellation."""
    far = _complement(b, b.abs(x))
    return b.select(b.lt(x, 0.0), b.sub(2.0, far), far)


@in_float64
def erfcx(b: Control, x: Value) -> Value:
    """e^(x^2) erfc(x): the polynomial up to _LAST, then the asymptotic series (DLMF 7.12.1)."""
    size = b.abs(x)
    near = b.min(size, _LAST)
    t = b.div(b.sub(near, 4.0), b.add(near, 4.0))
    low = b.div(polynomial(b, t, _COMPLEMENT), b.add(b.add(near, near), 1.0))
    inverse = b.div(1.0, b.max(size, _LAST))
    terms = polynomial(b, b.mul(inverse, inverse), _ASYMPTOTIC)
    high = b.mul(b.mul(terms, inverse), 1 / math.sqrt(math.pi))
    above = b.select(b.gt(size, _LAST), high, low)
    square, lost = product_of(b, near, near)
    below = b.mul(exp(b, square), b.add(b.add(lost, lost), 2.0))     # 2 e^(square + lost)
    return b.select(b.lt(x, 0.0), b.sub(below, above), above)


@in_float64
def erfinv(b: Control, x: Value) -> Value:
    """The number whose error function is x; infinite at -1 and 1, NaN outside."""
    size = b.abs(x)
    rest = b.sub(1.0, size)
    half = b.mul(log(b, b.mul(rest, b.add(size, 1.0))), 0.5)
    t = b.add(half, 2 / (math.pi * _WINITZKI))
    root = b.sqrt(b.sub(b.mul(t, t), b.mul(half, 2 / _WINITZKI)))
    start = b.select(b.gt(size, 1e-4), b.sqrt(b.sub(root, t)), size)
    with b.loop_with(0, 3, 1, start) as loop:           # the error is cubed: 2e-3, 1e-8, 1e-24
        (y,) = loop.values
        off = b.select(b.lt(size, 0.5), b.sub(erf(b, y), size), b.sub(rest, _complement(b, y)))
        step = b.mul(b.mul(off, exp(b, b.mul(y, y))), math.sqrt(math.pi) / 2)
        loop.next(b.sub(y, b.div(step, b.fma(y, step, b.like(1.0, x)))))
    y = b.select(b.eq(size, 1.0), float("inf"), loop.results[0])
    return b.copysign(b.select(b.gt(size, 1.0), float("nan"), y), x)
