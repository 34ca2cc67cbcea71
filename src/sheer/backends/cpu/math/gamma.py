"""The logarithm of gamma and its derivatives: shifted to where a polynomial or a series holds.

Source: DLMF 5.5.1 and 5.5.3 (recurrence and reflection), 5.11.1 and 5.15.8 (series for large
arguments); the polynomial around 2 was fitted for least relative error.
"""

from __future__ import annotations

import math

import numpy as np

from ..ir.control import Control
from ..ir.values import Value, constant
from .exact import in_float64
from .exp import polynomial
from .log import log
from .trig import sine_and_cosine

# lgamma(2 + u) = u * P(u) for |u| <= 1/2
_AROUND_2 = (
    -1.3622857040324935e-07, 2.78956228421826e-07, -4.2799339706216957e-07, 9.198335975895013e-07,
    -2.0460273529294858e-06, 4.384796044768062e-06, -9.43817889065544e-06, 2.050557047409631e-05,
    -4.492639232068076e-05, 9.945767610796223e-05, -0.00022315474717898883, 0.0005096695152302415,
    -0.0011927539121743505, 0.0028905103310410806, -0.007385551028663934, 0.020580808427780265,
    -0.06735230105319819, 0.32246703342411326, 0.42278433509846713)
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
              43867 / 798, -174611 / 330)              # B2, B4, ...
_LARGE = 8.0              # from here on the ten terms of the series are exact to the last bit
_RAISED = 16              # where the series of polygamma, with eight terms, begins
_HALF_LOG_2PI = 0.41893853320467274178                 # log(2 pi) / 2 - 1/2


@in_float64
def lgamma(b: Control, x: Value) -> Value:
    """log |gamma(x)|; infinite at 0, -1, -2, ..."""
    size = b.abs(x)
    value = b.select(b.lt(size, _LARGE), _near(b, size), _far(b, size))
    sine, cosine, odd = _turns(b, size)
    wave = b.abs(b.select(odd, cosine, sine))
    mirrored = b.sub(b.sub(log(b, b.div(math.pi, wave)), log(b, size)), value)
    value = b.select(b.lt(x, 0.0), mirrored, value)
    return b.select(b.eq(size, float("inf")), size, value)


def _near(b: Control, x: Value) -> Value:
    """Below 8: by x gamma(x) = gamma(x + 1) to the polynomial around 2."""
    low, half = b.lt(x, 1.5), b.lt(x, 0.5)
    u, product = b.sub(x, 2.0), b.like(1.0, x)
    for _ in range(6):
        above = b.gt(u, 0.5)
        product = b.select(above, b.mul(product, b.add(u, 1.0)), product)
        u = b.select(above, b.sub(u, 1.0), u)
    u = b.select(half, x, b.select(low, b.sub(x, 1.0), u))
    product = b.select(half, b.mul(x, b.add(x, 1.0)), b.select(low, x, product))
    shift = log(b, product)
    return b.fma(polynomial(b, u, _AROUND_2), u, b.select(low, b.neg(shift), shift))


def _far(b: Control, x: Value) -> Value:
    """Stirling's series."""
    inverse = b.div(1.0, x)
    terms = [c / (2 * k * (2 * k - 1)) for k, c in enumerate(_BERNOULLI, 1)]
    series = b.mul(polynomial(b, b.mul(inverse, inverse), terms[::-1]), inverse)
    main = b.mul(b.sub(x, 0.5), b.sub(log(b, x), 1.0))
    return b.add(main, b.add(series, _HALF_LOG_2PI))


def _turns(b: Control, x: Value) -> tuple[Value, Value, Value]:
    """Sine and cosine of pi (x - q/2) for the nearest whole q, and whether q is odd."""
    q = b.round(b.add(x, x))
    half = b.mul(q, 0.5)
    sine, cosine = sine_and_cosine(b, b.mul(b.sub(x, half), math.pi))
    return sine, cosine, b.ne(b.floor(half), half)


@in_float64
def polygamma(b: Control, x: Value, order: int) -> Value:
    """Derivative number order + 1 of lgamma: raised to 16 and more, below 0 by reflection."""
    below = b.lt(x, 0.0)
    turn = math.factorial(order) * (-1.0) ** order
    start = b.select(below, b.sub(1.0, x), x)
    with b.loop_with(0, _RAISED, 1, start, constant(0.0, x.dtype, x.lanes)) as loop:
        at, sum_ = loop.values
        small = b.lt(at, float(_RAISED))
        less = b.sub(sum_, b.div(turn, _whole_power(b, at, order + 1)))
        loop.next(b.select(small, b.add(at, 1.0), at), b.select(small, less, sum_))
    raised, sum_ = loop.results
    value = b.add(sum_, _series(b, raised, order))
    sine, cosine, odd = _turns(b, x)
    cotangent = b.select(odd, b.neg(b.div(sine, cosine)), b.div(cosine, sine))
    wave = b.mul(polynomial(b, cotangent, _cotangent(order)), math.pi ** (order + 1))
    mirrored = b.sub(b.mul(value, (-1.0) ** order), wave)
    pole = math.nan if order % 2 == 0 else math.inf      # the sign changes there, or does not
    mirrored = b.select(b.eq(b.floor(x), x), pole, mirrored)
    return b.select(below, mirrored, value)


def _series(b: Control, x: Value, order: int) -> Value:
    """The series of polygamma for large x."""
    inverse = b.div(1.0, x)
    terms = [c * math.factorial(2 * k + order - 1) / math.factorial(2 * k)
             for k, c in enumerate(_BERNOULLI[:8], 1)]
    square = b.mul(inverse, inverse)
    tail = b.mul(polynomial(b, square, terms[::-1]), square)
    tail = b.add(tail, b.mul(inverse, math.factorial(order) / 2))
    if order == 0:
        return b.sub(log(b, x), tail)
    scaled = b.mul(b.add(tail, float(math.factorial(order - 1))), _whole_power(b, inverse, order))
    return b.mul(scaled, (-1.0) ** (order + 1))


def _whole_power(b: Control, x: Value, n: int) -> Value:
    result = x
    for _ in range(n - 1):
        result = b.mul(result, x)
    return result


def _cotangent(n: int) -> list[float]:
    """The n-th derivative of cot as a polynomial in c = cot: that of p(c) is -p'(c) (1 + c^2)."""
    p = np.polynomial.Polynomial([0, 1])
    for _ in range(n):
        p = p.deriv() * np.polynomial.Polynomial([-1, 0, -1])
    return [float(c) for c in p.coef[::-1]]
