"""Sums of powers: the zeta function of Riemann and Hurwitz."""

from __future__ import annotations

import math
from typing import Any

from ...graph.node import Node
from .compare import eq, le, lt
from .family import lift_floats
from .logical import logical_and
from .power import pow
from .rounding import floor
from .select import where

_TERMS = 12                                              # added one by one
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
              43867 / 798, -174611 / 330)                # B2, B4, ...; the error is below 1e-16


def zeta(x: Any, q: Any) -> Node:
    """The sum of (k + q)^-x over k = 0, 1, 2, ...: Hurwitz's zeta function; Riemann's for q = 1.

    Infinite for x = 1 and where q is 0, -1, ...; NaN for x < 1, and for other negative q unless x
    is whole.

    Shape   x (*S), q (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  DLMF 25.11.5, Euler and Maclaurin; torch.special.zeta
    """
    x, q = lift_floats("zeta", x, q)
    fits, whole = lt(1.0, x), eq(floor(q), q)
    power, start = where(fits, x, 2.0), where(logical_and(le(q, 0.0), whole), 1.0, q)
    total = pow(start, -power)
    at = start
    for _ in range(_TERMS - 1):
        at = at + 1
        total = total + pow(where(eq(at, 0), 1.0, at), -power)
    at = at + 1
    tail = pow(at, -power)
    total = total + tail * at / (power - 1) + tail * 0.5
    rising = tail * power / at                           # x (x + 1) ... at^(-x - 2j + 1)
    for j, b in enumerate(_BERNOULLI, 1):
        total = total + rising * (b / math.factorial(2 * j))
        rising = rising * (power + (2 * j - 1)) * (power + 2 * j) / (at * at)
    total = where(logical_and(le(q, 0.0), whole), math.inf, total)
    strange = logical_and(lt(q, 0.0), lt(floor(x), x))
    total = where(logical_and(strange, lt(floor(q), q)), math.nan, total)
    return where(fits, total, where(eq(x, 1.0), math.inf, math.nan)) + (x + q) * 0
