"""Rarer elementwise methods: Bessel functions, divisors, gamma of several dimensions, frexp."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import ops
from ..graph.dtypes import int32
from ..graph.errors import ArgumentError
from ..graph.node import Node
from ..ops import lift
from .core import Core, apply
from .naming import binary, unary

if TYPE_CHECKING:
    from ..tensor import Tensor


class Frexp(NamedTuple):
    """What frexp gives."""

    mantissa: Any
    exponent: Any


class Special(Core):
    """Functions that few models need, and those of complex numbers for real ones."""

    __slots__ = ()

    i0, gcd, lcm = unary(ops.i0), binary(ops.gcd), binary(ops.lcm)

    def mvlgamma(self, p: int) -> Tensor:
        """The logarithm of the gamma function of p dimensions.

        Raises  E191 for p < 1
        """
        if p < 1:
            raise ArgumentError("E191", "mvlgamma", f"{p} dimensions", need="p >= 1")
        def total(x: Node) -> Node:
            (x,) = lift.lift("mvlgamma", x) if x.dtype.is_floating_point else lift.lift(
                "mvlgamma", x, 1.0)[:1]
            out = p * (p - 1) / 4 * math.log(math.pi)
            return sum((ops.lgamma(x - k / 2) for k in range(p)), start=x * 0 + out)
        return apply(total, self)

    def frexp(self) -> Frexp:
        """(m, e) with x = m 2^e and 0.5 <= |m| < 1; 0, infinities and NaN stay, with e = 0."""
        def exponent(x: Node) -> Node:
            size = ops.abs(x)
            plain = ops.logical_and(ops.isfinite(x), ops.ne(x, 0))
            # the logarithm may be off by a rounding: then m falls out of its range by a step
            e = ops.floor(ops.log2(ops.where(plain, size, 0.5))) + 1
            m = size * _power(e)
            e = ops.where(ops.ge(m, 1), e + 1, ops.where(ops.lt(m, 0.5), e - 1, e))
            return ops.where(plain, e, 0)
        found = apply(exponent, self.detach()).detach()
        return Frexp(apply(lambda x, e: x * _power(e), self, found), found.to(int32))

    def hardshrink(self, lambd: float = 0.5) -> Tensor:
        """x, and 0 where |x| <= lambd."""
        return apply(lambda x: ops.where(ops.le(ops.abs(x), lambd), 0, x), self)

    def angle(self) -> Tensor:
        """pi for negative numbers, else 0; NaN for NaN."""
        def turn(x: Node) -> Node:
            (x,) = lift.lift("angle", x) if x.dtype.is_floating_point else lift.lift(
                "angle", x, 1.0)[:1]
            return ops.where(ops.isnan(x), x, ops.where(ops.lt(x, 0), math.pi, 0.0))
        return apply(turn, self)

    # ---- of real numbers -----------------------------------------------------------------------
    @property
    def real(self) -> Tensor:
        """This tensor: its numbers are real."""
        return self  # type: ignore[return-value]

    def conj(self) -> Tensor:
        """This tensor: its numbers are real."""
        return self  # type: ignore[return-value]

    conj_physical = resolve_conj = resolve_neg = conj


def _power(e: Node) -> Node:
    """2^-e in two factors, because 2^1074 is no float."""
    half = ops.trunc(e * 0.5)
    return ops.exp2(-half) * ops.exp2(half - e)
