"""Exponentials, logarithms and roots, and what networks make of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.node import Node
from ..lift import lift
from ..primitive import NoXla
from ..sampling import case
from .compare import eq, isinf, le
from .family import Binary, Unary, binary, unary
from .logical import logical_and, logical_or
from .select import where


class Exp(Unary):
    """e to the power of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.2
    """
    ulps, xla = 2, "exp"

    def ref(self, x): return np.exp(x)
    def vjp(self, ct, out, x): return (ct * out,)
    def emit(self, b, x): return b.call("exp", x)


class Exp2(Unary):
    """2 to the power of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  definition
    """
    ulps, xla = 2, "exp2"

    def ref(self, x): return np.exp2(x)
    def vjp(self, ct, out, x): return (ct * out * math.log(2),)
    def emit(self, b, x): return b.call("exp2", x)


class Expm1(Unary):
    """exp(x) - 1 of every element, exact near 0.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.2
    """
    ulps, xla = 4, "expm1"

    def ref(self, x): return np.expm1(x)
    def vjp(self, ct, out, x): return (ct * exp(x),)           # out + 1 would be 0 far below 0
    def emit(self, b, x): return b.call("expm1", x)


class Log(Unary):
    """Natural logarithm of every element; NaN below 0.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.2
    """
    domain, ulps, xla = (0.1, 5.0), 2, "log"

    def ref(self, x): return np.log(x)
    def vjp(self, ct, out, x): return (ct / x,)
    def emit(self, b, x): return b.call("log", x)


class Log1p(Unary):
    """log(1 + x) of every element, exact near 0; NaN below -1.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.2
    """
    domain, ulps, xla = (-0.9, 5.0), 4, "log1p"

    def ref(self, x): return np.log1p(x)
    def vjp(self, ct, out, x): return (ct / (1 + x),)
    def emit(self, b, x): return b.call("log1p", x)


class Log2(Unary):
    """Logarithm to base 2 of every element; NaN below 0.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  definition
    """
    domain, ulps, xla = (0.1, 5.0), 2, NoXla("log(x) / log(2)")

    def ref(self, x): return np.log2(x)
    def vjp(self, ct, out, x): return (ct / (x * math.log(2)),)
    def emit(self, b, x): return b.call("log2", x)


class Log10(Unary):
    """Logarithm to base 10 of every element; NaN below 0.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  definition
    """
    domain, ulps, xla = (0.1, 5.0), 2, NoXla("log(x) / log(10)")

    def ref(self, x): return np.log10(x)
    def vjp(self, ct, out, x): return (ct / (x * math.log(10)),)
    def emit(self, b, x): return b.call("log10", x)


class Sqrt(Unary):
    """Square root of every element; NaN below 0.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  IEEE 754
    """
    domain, xla = (0.1, 5.0), "sqrt"

    def ref(self, x): return np.sqrt(x)
    def vjp(self, ct, out, x): return (ct / (2 * out),)
    def emit(self, b, x): return b.sqrt(x)


class Rsqrt(Unary):
    """1 / sqrt(x) of every element; infinite at 0, NaN below.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  definition
    """
    domain, ulps, xla = (0.1, 5.0), 2, "rsqrt"

    def ref(self, x): return 1 / np.sqrt(x)
    def vjp(self, ct, out, x): return (ct * -0.5 * out / x,)
    def emit(self, b, x): return b.rsqrt(x)


class Sigmoid(Unary):
    """1 / (1 + exp(-x)) of every element, without overflow.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  definition; its derivative is s (1 - s)
    """
    domain, ulps, xla = (-6.0, 6.0), 4, "logistic"

    def ref(self, x):
        small = np.exp(-np.abs(x))                       # in (0, 1]: cannot overflow
        return np.where(x >= 0, 1 / (1 + small), small / (1 + small))
    def vjp(self, ct, out, x): return (ct * out * (1 - out),)
    def emit(self, b, x): return b.call("sigmoid", x)
    @classmethod
    def hard(cls): return [case(cls(), [-1e4, 1e4, 0.0, -np.inf, np.inf, np.nan])]


class Logaddexp(Binary):
    """log(exp(x) + exp(y)) of every pair, without overflow.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   float -> the same float
    Source  max(x, y) + log1p(exp(-|x - y|)); its derivatives are sigmoid(x - y), sigmoid(y - x)
    """
    domain, ulps, xla = (0.0, 5.0), 4, NoXla("jax.numpy.logaddexp")

    def ref(self, x, y): return np.logaddexp(x, y)
    def vjp(self, ct, out, x, y):
        together = logical_and(eq(x, y), isinf(y))       # there x - y is NaN: each takes half
        gap = where(together, 0, x - y)
        return ct * sigmoid(gap), ct * sigmoid(-gap)
    def emit(self, b, x, y):
        gap = b.select(b.eq(x, y), b.like(0, x), b.neg(b.abs(b.sub(x, y))))
        return b.add(b.max(x, y), b.call("log1p", b.call("exp", gap)))
    @classmethod
    def hard(cls): return [case(cls(), [1000, -1000, 1], [999, -1000, 1])]


class Hypot(Binary):
    """sqrt(x^2 + y^2) of every pair, without overflow; infinite when one is infinite.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   float -> the same float
    Source  larger * sqrt(1 + (smaller / larger)^2); the derivatives at the origin are 0
    """
    ulps, xla = 3, NoXla("jax.numpy.hypot")

    def ref(self, x, y): return np.hypot(x, y)
    def vjp(self, ct, out, x, y):
        length = where(eq(out, 0), 1, out)
        return ct * (x / length), ct * (y / length)
    def emit(self, b, x, y):
        x, y, zero, far = b.abs(x), b.abs(y), b.like(0, x), b.like(math.inf, x)
        larger = b.max(x, y)
        ratio = b.div(b.min(x, y), b.select(b.eq(larger, zero), b.like(1, x), larger))
        plain = b.mul(larger, b.sqrt(b.fma(ratio, ratio, b.like(1, x))))
        return b.select(b.or_(b.eq(x, far), b.eq(y, far)), far, plain)
    @classmethod
    def hard(cls): return [case(cls(), [1e200, 3e-200, 0, 3], [1e200, 4e-200, 0, 4])]


exp, exp2, expm1, log, log1p, log2, log10, sqrt, rsqrt, sigmoid = (
    unary(p) for p in (Exp, Exp2, Expm1, Log, Log1p, Log2, Log10, Sqrt, Rsqrt, Sigmoid))
logaddexp, hypot = binary(Logaddexp, floating=True), binary(Hypot, floating=True)


def softplus(x: Any) -> Node:
    """log(1 + exp(x)) of every element, without overflow.

    Shape   x (*S) -> (*S)
    Source  logaddexp(x, 0); its derivative is sigmoid(x)
    """
    return logaddexp(x, 0)


def xlogy(x: Any, y: Any) -> Node:
    """x * log(y) of every pair, 0 where x is 0 and log(y) is not finite.

    Shape   x (*S), y (*S) -> (*S)
    Source  torch.xlogy
    """
    x, y = lift("xlogy", x, y)
    edge = logical_and(eq(x, 0), logical_or(le(y, 0), eq(y, math.inf)))
    return x * log(where(edge, 1, y))
