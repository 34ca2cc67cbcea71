"""The error function in float32: an odd polynomial near 0, else 1 - e^polynomial.

Source: coefficients as N. Juffa has posted them, quoted from memory; the ULP test is their proof.
"""

from __future__ import annotations

from .control import Control
from .math_exp import exp, polynomial
from .values import Value

_SPLIT = 0.927734375
_NEAR = (-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1,
         1.28379166e-1)                                  # 2/sqrt(pi) - 1 last: x is added to it
_FAR_EVEN = (-1.72853470e-5, 3.83197126e-4)
_FAR_ODD = (-3.88396438e-3, 2.42546219e-2)
_FAR = (-1.06777877e-1, -6.34846687e-1, -1.28717512e-1)


def erf(b: Control, x: Value) -> Value:
    """2/sqrt(pi) times the integral of e^-t^2 from 0 to x."""
    size, square = b.abs(x), b.mul(x, x)
    near = b.fma(polynomial(b, square, _NEAR), x, x)
    far = b.fma(polynomial(b, size, _FAR_EVEN), square, polynomial(b, size, _FAR_ODD))
    for c in _FAR:
        far = b.fma(far, size, b.like(c, x))
    far = b.sub(1.0, exp(b, b.fma(far, size, b.neg(size))))
    # beyond 4 the result is 1 to the last bit, and the polynomial would overflow to NaN
    far = b.select(b.gt(size, 4.0), 1.0, far)
    return b.select(b.gt(size, _SPLIT), b.copysign(far, x), near)
