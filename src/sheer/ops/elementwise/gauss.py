"""Areas under the bell curve: the complement of erf, scaled too; ndtr, its log, its inverse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.node import Node
from .. import sampling
from ..primitive import NoXla
from .arithmetic import maximum
from .compare import lt
from .exponential import exp, log, log1p, sqrt
from .family import Unary, lift_floats, unary
from .select import where
from .special import erfinv

_SQRT2, _ROOT_PI = math.sqrt(2), math.sqrt(math.pi)
_FRACTION = 60        # terms of the continued fraction; from x = 2 on exact in float64
_NEWTON = 4           # steps: the error is squared, 4e-4, 1e-7, 1e-14


class Erfc(Unary):
    """1 - erf(x), without the cancellation of that difference for large x.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 7.2.2
    """
    ulps, xla = 8, "erfc"

    def ref(self, x): return np.vectorize(math.erfc, otypes=[x.dtype])(x)
    def vjp(self, ct, out, x): return (ct * (-2 / _ROOT_PI) * exp(-(x * x)),)
    def emit(self, b, x): return b.call("erfc", x)
    @classmethod
    def hard(cls): return [sampling.case(cls(), [-30, -6, 6, 15, 26])]


class Erfcx(Unary):
    """e^(x^2) erfc(x): what erfc is small by is taken out of it.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 7.2.3 and, for large x, the continued fraction 7.9.1
    """
    ulps, xla = 12, NoXla("erfc times exp of the square, which overflows")

    def ref(self, x): return np.vectorize(_erfcx, otypes=[x.dtype])(x)
    def vjp(self, ct, out, x): return (ct * (2 * x * out - 2 / _ROOT_PI),)
    def emit(self, b, x): return b.call("erfcx", x)
    @classmethod
    def hard(cls): return [sampling.case(cls(), [-5, 0, 1.9, 2.1, 27, 29, 1e6])]


erfc, erfcx = unary(Erfc), unary(Erfcx)


def ndtr(x: Any) -> Node:
    """The share of a normal distribution below x: erfc(-x / sqrt(2)) / 2.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  torch.special.ndtr
    """
    (x,) = lift_floats("ndtr", x)
    return erfc(x * (-1 / _SQRT2)) * 0.5


def log_ndtr(x: Any) -> Node:
    """The logarithm of ndtr, exact also where ndtr is too small for a float.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  torch.special.log_ndtr
    """
    (x,) = lift_floats("log_ndtr", x)
    low = where(lt(x, -1.0), x, -1.0)                    # each side sees only what it is made for
    tail = log(erfcx(low * (-1 / _SQRT2)) * 0.5) - low * low * 0.5
    rest = log1p(erfc(maximum(x, -1.0) * (1 / _SQRT2)) * -0.5)
    return where(lt(x, -1.0), tail, rest)


def ndtri(p: Any) -> Node:
    """The x below which a normal distribution has the share p; infinite for 0 and 1.

    The smaller of p and 1 - p is inverted: in the middle by erfinv, in the tail by Newton's method
    on log_ndtr from the first terms of its asymptotic series.

    Shape   p (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  torch.special.ndtri
    """
    (p,) = lift_floats("ndtri", p)
    less = where(lt(p, 0.5), p, 1 - p)
    inside = lt(0.02, less)
    small = where(inside, 0.02, where(lt(0.0, less), less, 0.01))
    goal = log(small)
    x = -sqrt(-2 * goal - log(-2 * goal) - math.log(2 * math.pi))
    for _ in range(_NEWTON):                             # its slope is density over share
        slope = (math.sqrt(2 / math.pi)) / erfcx(x * (-1 / _SQRT2))
        x = x - (log_ndtr(x) - goal) / slope
    middle = erfinv(where(inside, less, 0.25) * 2 - 1) * _SQRT2
    found = where(inside, middle, x)
    found = where(lt(0.0, less), found, where(lt(less, 0.0), math.nan, -math.inf))
    return where(lt(p, 0.5), found, -found) + p * 0      # NaN stays NaN


def _erfcx(x: float) -> float:
    if x < 2:
        return math.exp(x * x) * math.erfc(x) if x > -26.7 else math.inf
    tail = x
    for k in range(_FRACTION, 0, -1):
        tail = x + k / 2 / tail
    return 1 / (tail * _ROOT_PI)
