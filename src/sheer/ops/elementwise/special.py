"""Functions without a closed form: erf and its inverse, log of gamma and its derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.node import Node
from .. import sampling
from ..primitive import NoXla
from .exponential import exp
from .family import Unary, lift_floats, unary

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)  # B2, B4
_LARGE = 16            # from here on eight terms of the asymptotic series are exact in float64


class Erf(Unary):
    """Error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 7.2.1
    """
    ulps, xla = 6, "erf"

    def ref(self, x): return np.vectorize(math.erf, otypes=[x.dtype])(x)
    def vjp(self, ct, out, x): return (ct * (2 / math.sqrt(math.pi)) * exp(-(x * x)),)
    def emit(self, b, x): return b.call("erf", x)


class Erfinv(Unary):
    """The number whose error function is x; infinite at -1 and 1, NaN outside.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  Winitzki 2008 for a start, then Halley's method
    """
    domain, ulps, xla = (-0.95, 0.95), 8, "erf_inv"

    def ref(self, x): return np.vectorize(_erfinv, otypes=[x.dtype])(x)
    def vjp(self, ct, out, x): return (ct * (math.sqrt(math.pi) / 2) * exp(out * out),)
    def emit(self, b, x): return b.call("erfinv", x)
    @classmethod
    def hard(cls): return [sampling.case(cls(), [-1, 1 - 1e-15, 1e-300, 0, 2, np.nan])]


class Lgamma(Unary):
    """Logarithm of |gamma(x)| of every element; infinite at 0, -1, -2, ...

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 5.2; the derivative is digamma
    """
    domain, ulps, xla = (2.5, 8.0), 8, "lgamma"

    def ref(self, x): return np.vectorize(_lgamma, otypes=[x.dtype])(x)
    def vjp(self, ct, out, x): return (ct * digamma(x),)
    def emit(self, b, x): return b.call("lgamma", x)
    @classmethod
    def hard(cls): return [sampling.case(cls(), [-1.5, 0.1, 0.5, 1.2, 30])]


class Polygamma(Unary):
    """Derivative number order + 1 of lgamma; order 0 is digamma.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 5.11.2 and 5.15.8, after the recurrence 5.15.5 and, below 0, reflection 5.15.6
    """
    order: int = 0

    domain, ulps, xla = (0.5, 8.0), 20, NoXla("digamma, or polygamma with the order as an array")

    def ref(self, x): return _polygamma(self.order, x.astype(np.float64)).astype(x.dtype)
    def vjp(self, ct, out, x): return (ct * polygamma(self.order + 1, x),)
    def emit(self, b, x): return b.call("polygamma", x, order=self.order)
    @classmethod
    def samples(cls):
        draw = lambda rng: (cls(int(rng.integers(4))), (rng.uniform(0.5, 8, size=5),))
        return sampling.cases(draw)
    @classmethod
    def hard(cls): return [sampling.case(cls(n), [-2.3, -0.5, 0.01, 40]) for n in (0, 1, 2)]


erf, erfinv, lgamma = (unary(p) for p in (Erf, Erfinv, Lgamma))


def digamma(x: Any) -> Node:
    """The derivative of lgamma.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  torch.digamma
    """
    return polygamma(0, x)


def polygamma(order: int, x: Any) -> Node:
    """Derivative number `order` of digamma.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  torch.polygamma
    """
    return Polygamma(order)(*lift_floats("polygamma", x))


def _erfinv(x: float) -> float:
    if not abs(x) < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    size = abs(x)
    half = math.log1p(-size * size) / 2
    t = 2 / (math.pi * 0.147) + half                     # 0.147: Winitzki's constant
    y = math.sqrt(math.sqrt(t * t - 2 * half / 0.147) - t) if size > 1e-4 else size
    for _ in range(3):                                   # the error is cubed: 2e-3, 1e-8, 1e-24
        off = math.erf(y) - size if size < 0.5 else (1 - size) - math.erfc(y)
        step = off * (math.sqrt(math.pi) / 2) * math.exp(y * y)
        y -= step / (1 + y * step)
    return math.copysign(y, x)


def _lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):      # a pole, or beyond the largest float
        return math.inf


def _polygamma(n: int, x: np.ndarray) -> np.ndarray:
    """Below 0 by reflection, elsewhere raised by the recurrence to where the series holds."""
    below = x < 0
    out, x, angle = np.zeros_like(x), np.where(below, 1 - x, x), math.pi * (x - np.rint(x))
    turn = math.factorial(n) * (-1) ** n
    for _ in range(_LARGE):
        small = x < _LARGE
        out = out - np.where(small, turn / x ** (n + 1), 0)
        x = np.where(small, x + 1, x)
    out = out + _series(n, x)
    pole = np.nan if n % 2 == 0 else np.inf                    # the sign changes there, or does not
    mirrored = (-1) ** n * out - _cotangent(n, angle) * math.pi ** (n + 1)
    return np.where(below, np.where(angle == 0, pole, mirrored), out)


def _cotangent(n: int, angle: np.ndarray) -> np.ndarray:
    """The n-th derivative of cot, a polynomial in c = cot: that of p(c) is -p'(c) (1 + c^2)."""
    p = np.polynomial.Polynomial([0, 1])
    for _ in range(n):
        p = p.deriv() * np.polynomial.Polynomial([-1, 0, -1])
    return np.asarray(p(1 / np.tan(angle)))


def _series(n: int, x: np.ndarray) -> np.ndarray:
    """The asymptotic series of the n-th derivative of digamma."""
    factor = lambda k: math.factorial(2 * k + n - 1) / math.factorial(2 * k)
    terms = sum(b * factor(k) / x ** (2 * k + n) for k, b in enumerate(_BERNOULLI, 1))
    terms = terms + math.factorial(n) / (2 * x ** (n + 1))
    if n == 0:
        return np.asarray(np.log(x) - terms)
    return np.asarray((-1) ** (n + 1) * (math.factorial(n - 1) / x ** n + terms))
