"""Whole numbers near a number, its sign, and its neighbours among the floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.dtypes import bool_, float32, int32, int64
from ...graph.node import Node
from ..primitive import NotDifferentiable, NoXla
from ..sampling import case
from .family import NUMBERS, Binary, Unary, binary, full_like, unary, whole, zeros_like


class _Whole(Unary, abstract=True):
    """Piecewise constant: the derivative is 0."""

    def vjp(self, ct, out, x): return (zeros_like(ct),)


class Floor(_Whole):
    """The largest whole number that is not above x.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; integers stay as they are
    Source  IEEE 754 roundToIntegralTowardNegative
    """
    xla = "floor"

    def ref(self, x): return np.floor(x)
    def emit(self, b, x): return b.floor(x)


class Ceil(_Whole):
    """The smallest whole number that is not below x.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; integers stay as they are
    Source  IEEE 754 roundToIntegralTowardPositive
    """
    xla = "ceil"

    def ref(self, x): return np.ceil(x)
    def emit(self, b, x): return b.ceil(x)


class Trunc(_Whole):
    """x without its fraction.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; integers stay as they are
    Source  IEEE 754 roundToIntegralTowardZero
    """
    xla = NoXla("floor or ceil, by sign")

    def ref(self, x): return np.trunc(x)
    def emit(self, b, x): return b.trunc(x)


class Round(_Whole):
    """The nearest whole number; halves go to the even one.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; integers stay as they are
    Source  IEEE 754 roundToIntegralTiesToEven
    """
    xla = NoXla("jax.lax.round takes the rounding method as an argument")

    def ref(self, x): return np.rint(x)
    def emit(self, b, x): return b.round(x)
    @classmethod
    def hard(cls): return [case(cls(), [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])]


class Sign(_Whole):
    """-1, 0 or 1; NaN stays NaN.

    Shape   x (*S) -> (*S)
    Dtype   number -> the same
    Source  definition; the derivative is 0
    """
    dtypes, xla = NUMBERS, "sign"

    def ref(self, x): return np.sign(x)
    def emit(self, b, x):
        one, zero = b.like(1, x), b.like(0, x)
        negative = b.like(-1, x) if x.dtype.is_signed else zero
        plain = b.select(b.gt(x, zero), one, b.select(b.lt(x, zero), negative, zero))
        return b.select(b.isnan(x), x, plain) if x.dtype.is_floating_point else plain


class Copysign(Binary):
    """|x| with the sign bit of y.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   float -> the same float
    Source  IEEE 754 copySign; the derivative at x = 0 is 0, as in torch
    """
    xla = NoXla("abs, and a choice by the sign bit")

    def ref(self, x, y): return np.copysign(x, y)
    def vjp(self, ct, out, x, y): return ct * sign(x) * copysign(full_like(y, 1), y), zeros_like(ct)
    def emit(self, b, x, y): return b.copysign(x, y)


class Nextafter(Binary):
    """The float next to x in the direction of y; y where they are equal.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   float -> the same float
    Source  IEEE 754 nextUp and nextDown; C's nextafter
    """
    xla, vjp = "nextafter", NotDifferentiable("a step of one unit in the last place")

    def ref(self, x, y): return np.nextafter(x, y)
    def emit(self, b, x, y):
        whole = int32 if x.dtype == float32 else int64   # floats of one sign count like integers
        bits, outward = b.bitcast(x, whole), b.eq(b.gt(x, 0.0), b.lt(x, y))
        near = b.bitcast(b.select(outward, b.add(bits, 1), b.sub(bits, 1)), x.dtype)
        least = b.copysign(b.like(float(np.finfo(x.dtype.numpy).smallest_subnormal), x), y)
        moved = b.select(b.eq(x, y), y, b.select(b.eq(x, 0.0), least, near))
        return b.select(b.or_(b.isnan(x), b.isnan(y)), b.add(x, y), moved)


floor, ceil, trunc, round = (whole(p) for p in (Floor, Ceil, Trunc, Round))
_sign = unary(Sign, floating=False)
copysign, nextafter = binary(Copysign, floating=True), binary(Nextafter, floating=True)


def sign(x: Any) -> Node:
    """-1, 0 or 1; NaN stays NaN, and a bool as it is.

    Shape   x (*S) -> (*S)
    Dtype   any -> the same
    Source  definition
    """
    return x if isinstance(x, Node) and x.dtype == bool_ else _sign(x)
