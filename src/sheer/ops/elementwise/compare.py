"""Comparisons and tests: numbers in, a bool out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.dtypes import DTYPES
from ...graph.node import Node, operators
from ..primitive import NoXla
from ..sampling import case
from .family import Predicate, binary, unary


class _Compare(Predicate, abstract=True):
    dtypes, arity = DTYPES, 2

    @classmethod
    def hard(cls): return [case(cls(), [1, np.nan, np.inf, 0.0], [1, np.nan, 1, -0.0])]


class Lt(_Compare):
    """x < y; false when one is NaN.

    Shape   x (*S), y (*S) -> bool (*S)
    Source  IEEE 754
    """
    xla = "lt"

    def ref(self, x, y): return np.less(x, y)
    def emit(self, b, x, y): return b.lt(x, y)


class Le(_Compare):
    """x <= y; false when one is NaN.

    Shape   x (*S), y (*S) -> bool (*S)
    Source  IEEE 754
    """
    xla = "le"

    def ref(self, x, y): return np.less_equal(x, y)
    def emit(self, b, x, y): return b.le(x, y)


class Eq(_Compare):
    """x == y; false when one is NaN.

    Shape   x (*S), y (*S) -> bool (*S)
    Source  IEEE 754
    """
    xla = "eq"

    def ref(self, x, y): return np.equal(x, y)
    def emit(self, b, x, y): return b.eq(x, y)


class Ne(_Compare):
    """x != y; true when one is NaN.

    Shape   x (*S), y (*S) -> bool (*S)
    Source  IEEE 754
    """
    xla = "ne"

    def ref(self, x, y): return np.not_equal(x, y)
    def emit(self, b, x, y): return b.ne(x, y)


class Isnan(Predicate):
    """Is x NaN?

    Shape   x (*S) -> bool (*S)
    Source  IEEE 754
    """
    xla = NoXla("x != x")

    def ref(self, x): return np.isnan(x)
    def emit(self, b, x): return b.isnan(x)


class Isinf(Predicate):
    """Is x infinite?

    Shape   x (*S) -> bool (*S)
    Source  IEEE 754
    """
    xla = NoXla("abs(x) == inf")

    def ref(self, x): return np.isinf(x)
    def emit(self, b, x): return b.eq(b.abs(x), b.like(math.inf, x))


class Isfinite(Predicate):
    """Is x neither infinite nor NaN?

    Shape   x (*S) -> bool (*S)
    Source  IEEE 754
    """
    xla = "is_finite"

    def ref(self, x): return np.isfinite(x)
    def emit(self, b, x): return b.lt(b.abs(x), b.like(math.inf, x))


class Signbit(Predicate):
    """Is the sign bit of x set? True for -0.0.

    Shape   x (*S) -> bool (*S)
    Source  IEEE 754 isSignMinus
    """
    xla = NoXla("a bit of bitcast_convert_type")

    def ref(self, x): return np.signbit(x)
    def emit(self, b, x): return b.lt(b.copysign(b.like(1, x), x), b.like(0, x))


lt, le, eq, ne = binary(Lt), binary(Le), binary(Eq), binary(Ne)
isnan, isinf, isfinite, signbit = (unary(p) for p in (Isnan, Isinf, Isfinite, Signbit))


def gt(x: Any, y: Any) -> Node:
    """x > y, as y < x.

    Shape   x (*S), y (*S) -> bool (*S)
    Source  IEEE 754
    """
    return lt(y, x)


def ge(x: Any, y: Any) -> Node:
    """x >= y, as y <= x.

    Shape   x (*S), y (*S) -> bool (*S)
    Source  IEEE 754
    """
    return le(y, x)


less, less_equal, equal, not_equal, greater, greater_equal = lt, le, eq, ne, gt, ge

operators.update(lt=lt, le=le, gt=gt, ge=ge, eq=eq, ne=ne)
