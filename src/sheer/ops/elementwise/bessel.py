"""Modified Bessel functions of the first kind, scaled so that they do not overflow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.node import Node
from .. import sampling
from .arithmetic import abs
from .compare import eq
from .exponential import exp
from .family import Unary, lift_floats, unary
from .rounding import sign
from .select import where

# The power series below SPLIT, the asymptotic one from there on: both exact in float64.
SPLIT, POWERS, FAR = 18.0, 50, 28


class I0e(Unary):
    """e^-|x| I_0(x), I_0 the modified Bessel function of order 0.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 10.25.2 and, for large x, 10.40.1
    """
    domain, ulps, xla = (-30.0, 30.0), 40, "bessel_i0e"

    def ref(self, x): return _series(0, np.abs(x.astype(np.float64))).astype(x.dtype)
    def vjp(self, ct, out, x): return (ct * (i1e(x) - sign(x) * out),)
    def emit(self, b, x): return b.call("i0e", x)
    @classmethod
    def hard(cls): return [sampling.case(cls(), [0, 1e-9, 17.99, 18, 700, 1e5])]


class I1e(Unary):
    """e^-|x| I_1(x), I_1 the modified Bessel function of order 1.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 10.25.2 and, for large x, 10.40.1
    """
    domain, ulps, xla = (-30.0, 30.0), 40, "bessel_i1e"

    def ref(self, x):
        wide = x.astype(np.float64)
        return (_series(1, np.abs(wide)) * np.sign(wide)).astype(x.dtype)
    def vjp(self, ct, out, x):
        none = eq(x, 0)
        ratio = where(none, 0.5, out / where(none, 1, x))           # I_1(x) / x is 1/2 at 0
        return (ct * (i0e(x) - sign(x) * out - ratio),)
    def emit(self, b, x): return b.call("i1e", x)
    @classmethod
    def hard(cls): return [sampling.case(cls(), [0, -1e-9, 17.99, -18, 700, 1e5])]


i0e, i1e = unary(I0e), unary(I1e)


def i0(x: Any) -> Node:
    """The modified Bessel function of order 0.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  torch.special.i0
    """
    (x,) = lift_floats("i0", x)
    return i0e(x) * exp(abs(x))


def i1(x: Any) -> Node:
    """The modified Bessel function of order 1.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  torch.special.i1
    """
    (x,) = lift_floats("i1", x)
    return i1e(x) * exp(abs(x))


def powers(order: int) -> list[float]:
    """Coefficients of I_n(x) / (x/2)^n in (x/2)^2, the constant first."""
    return [1 / (math.factorial(k) * math.factorial(k + order)) for k in range(POWERS)]


def far(order: int) -> list[float]:
    """Coefficients of sqrt(2 pi x) e^-x I_n(x) in 1/x, the constant first."""
    found = [1.0]
    for k in range(1, FAR):
        found.append(-found[-1] * (4 * order * order - (2 * k - 1) ** 2) / (8 * k))
    return found


def _series(order: int, x: np.ndarray) -> np.ndarray:
    near, large = np.minimum(x, SPLIT), np.maximum(x, SPLIT)
    low = np.polynomial.polynomial.polyval(near * near / 4, powers(order))
    low = low * np.exp(-near) * (near / 2) ** order
    high = np.polynomial.polynomial.polyval(1 / large, far(order)) / np.sqrt(2 * np.pi * large)
    return np.where(np.isnan(x), x, np.where(x < SPLIT, low, high))
