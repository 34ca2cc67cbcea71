"""Elementwise methods of tensors, with torch's names and aliases."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.dtypes import bool_, float32, float64
from ..graph.errors import ArgumentError
from ..ops import lift
from .arithmetic import Arithmetic
from .core import apply
from .naming import binary, unary

if TYPE_CHECKING:
    from ..tensor import Tensor

NUMBER = int | float


class Elementwise(Arithmetic):
    """Element i of the result depends on element i of the operands alone."""

    __slots__ = ()

    abs = absolute = unary(ops.abs)
    neg = negative = unary(ops.neg)
    positive, signbit = unary(ops.positive), unary(ops.signbit)
    sign = sgn = unary(ops.sign)
    square, sqrt, rsqrt = unary(ops.square), unary(ops.sqrt), unary(ops.rsqrt)
    reciprocal, relu, sigmoid = unary(ops.reciprocal), unary(ops.relu), unary(ops.sigmoid)
    exp, exp2, expm1 = unary(ops.exp), unary(ops.exp2), unary(ops.expm1)
    log, log2, log10, log1p = unary(ops.log), unary(ops.log2), unary(ops.log10), unary(ops.log1p)
    sin, cos, tan = unary(ops.sin), unary(ops.cos), unary(ops.tan)
    sinh, cosh, tanh = unary(ops.sinh), unary(ops.cosh), unary(ops.tanh)
    asin = arcsin = unary(ops.asin)
    acos = arccos = unary(ops.acos)
    atan = arctan = unary(ops.atan)
    asinh = arcsinh = unary(ops.asinh)
    acosh = arccosh = unary(ops.acosh)
    atanh = arctanh = unary(ops.atanh)
    floor, ceil = unary(ops.floor), unary(ops.ceil)
    trunc = fix = unary(ops.trunc)
    erf, erfc, erfinv = unary(ops.erf), unary(ops.erfc), unary(ops.erfinv)
    lgamma, digamma = unary(ops.lgamma), unary(ops.digamma)
    isnan, isinf, isfinite = unary(ops.isnan), unary(ops.isinf), unary(ops.isfinite)
    bitwise_not = bitwise_invert = unary(ops.bitwise_invert)
    logical_not = unary(ops.logical_not)

    mul = multiply = binary(ops.mul)
    floor_divide, fmod = binary(ops.floor_divide), binary(ops.fmod)
    remainder = binary(ops.remainder)
    pow, atan2 = binary(ops.pow), binary(ops.atan2)
    arctan2 = atan2
    maximum, minimum = binary(ops.maximum), binary(ops.minimum)
    hypot, logaddexp, xlogy = binary(ops.hypot), binary(ops.logaddexp), binary(ops.xlogy)
    copysign, nextafter = binary(ops.copysign), binary(ops.nextafter)
    eq, ne = binary(ops.eq), binary(ops.ne)
    not_equal = ne
    lt = less = binary(ops.lt)
    le = less_equal = binary(ops.le)
    gt = greater = binary(ops.gt)
    ge = greater_equal = binary(ops.ge)
    bitwise_and, bitwise_or = binary(ops.bitwise_and), binary(ops.bitwise_or)
    bitwise_xor, bitwise_left_shift = binary(ops.bitwise_xor), binary(ops.bitwise_left_shift)
    bitwise_right_shift = binary(ops.bitwise_right_shift)
    logical_and, logical_or = binary(ops.logical_and), binary(ops.logical_or)
    logical_xor = binary(ops.logical_xor)

    def add(self, other: Any, *, alpha: NUMBER = 1) -> Tensor:
        """self + alpha * other."""
        return apply(ops.add, self, other if alpha == 1 else other * alpha)

    def sub(self, other: Any, *, alpha: NUMBER = 1) -> Tensor:
        """self - alpha * other."""
        return apply(ops.sub, self, other if alpha == 1 else other * alpha)

    subtract = sub

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """self / other, as it is, or rounded: to "floor" or towards zero ("trunc").

        Raises  E191 for another rounding_mode
        """
        if rounding_mode not in (None, "floor", "trunc"):
            raise ArgumentError("E191", "div", f"there is no rounding_mode {rounding_mode!r}",
                                need='None, "floor" or "trunc"')
        if rounding_mode == "floor":
            return apply(ops.floor_divide, self, other)
        if rounding_mode is None:
            return apply(ops.div, self, other)
        def toward_zero(x: Any, y: Any) -> Any:
            x, y = lift.lift("div", x, y)
            whole = ops.floor_divide(x, y)
            short = ops.logical_and(ops.lt(whole, 0), ops.ne(whole * y, x))
            if x.dtype.is_floating_point:
                return ops.trunc(x / y)
            return ops.where(short, whole + 1, whole)
        return apply(toward_zero, self, other)

    divide = true_divide = div

    def round(self, *, decimals: int = 0) -> Tensor:
        """To the nearest integer, halves to the even one; or to so many decimals."""
        if decimals == 0:
            return apply(ops.round, self)
        return apply(lambda x: ops.round(x * 10.0**decimals) / 10.0**decimals, self)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Kept within [min, max]; either bound may be missing, a number or a tensor.

        Raises  E191 without any bound
        """
        if min is None and max is None:
            raise ArgumentError("E191", "clamp", "neither min nor max is given",
                                need="at least one")
        bounds = [b for b in (min, max) if b is not None]
        def within(x: Any, *given: Any) -> Any:
            x, *rest = lift.lift("clamp", x, *given)
            low = rest.pop(0) if min is not None else None
            return ops.clamp(x, low, rest[0] if rest else None)
        return apply(within, self, *bounds)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """As clamp; x itself without bounds (array API)."""
        return self.clamp(min, max) if not (min is None and max is None) else self.positive()

    def clamp_min(self, min: Any) -> Tensor:
        """Elements below `min` become `min`."""
        return self.clamp(min=min)

    def clamp_max(self, max: Any) -> Tensor:
        """Elements above `max` become `max`."""
        return self.clamp(max=max)

    def polygamma(self, n: int) -> Tensor:
        """Derivative number n of digamma."""
        return apply(lambda x: ops.polygamma(n, x), self)

    def frac(self) -> Tensor:
        """What is behind the point, with the sign of x: x - trunc(x)."""
        return self - self.trunc()

    def logit(self, eps: float | None = None) -> Tensor:
        """log(x / (1 - x)), the inverse of sigmoid; x is first clamped to [eps, 1 - eps]."""
        x: Any = self if eps is None else self.clamp(eps, 1 - eps)
        return (x / (1 - x)).log()

    def rad2deg(self) -> Tensor:
        """Radians as degrees."""
        return self * 57.29577951308232                # 180 / pi

    def deg2rad(self) -> Tensor:
        """Degrees as radians."""
        return self * 0.017453292519943295             # pi / 180

    def sinc(self) -> Tensor:
        """sin(pi x) / (pi x), and 1 at 0."""
        def wave(x: Any) -> Any:
            (x,) = lift.lift("sinc", x, dtype=x.dtype if x.dtype.is_floating_point else float32)
            angle = ops.where(ops.eq(x, 0), 1, x) * 3.141592653589793
            return ops.where(ops.eq(x, 0), 1, ops.sin(angle) / angle)
        return apply(wave, self)

    def logaddexp2(self, other: Any) -> Tensor:
        """log2(2^x + 2^y) without overflow."""
        ln2 = 0.6931471805599453
        return apply(lambda x, y: ops.logaddexp(x * ln2, y * ln2) / ln2, self, other)

    def float_power(self, exponent: Any) -> Tensor:
        """self ** exponent in float64."""
        return apply(lambda x, y: ops.pow(*lift.lift("float_power", x, y, dtype=float64)), self,
                     exponent)

    def ldexp(self, other: Any) -> Tensor:
        """self * 2^other."""
        return apply(lambda x, y: x * ops.exp2(y), self, other)

    def heaviside(self, values: Any) -> Tensor:
        """0 below 0, 1 above it, and `values` at it."""
        def step(x: Any, v: Any) -> Any:
            x, v = lift.lift("heaviside", x, v)
            return ops.where(ops.eq(x, 0), v, lift.cast(ops.gt(x, 0), x.dtype))
        return apply(step, self, values)

    def fmax(self, other: Any) -> Tensor:
        """The larger one; a number wins over NaN."""
        return apply(lambda x, y: _number_wins(ops.ge, "fmax", x, y), self, other)

    def fmin(self, other: Any) -> Tensor:
        """The smaller one; a number wins over NaN."""
        return apply(lambda x, y: _number_wins(ops.le, "fmin", x, y), self, other)

    def nan_to_num(self, nan: float = 0.0, posinf: float | None = None,
                   neginf: float | None = None) -> Tensor:
        """NaN and infinities replaced by numbers; infinities by the largest floats by default."""
        def finite(x: Any) -> Any:
            if not x.dtype.is_floating_point:
                return x
            top = _largest(x)
            x = ops.where(ops.isnan(x), nan, x)
            x = ops.where(ops.eq(x, float("inf")), top if posinf is None else posinf, x)
            return ops.where(ops.eq(x, float("-inf")), -top if neginf is None else neginf, x)
        return apply(finite, self)

    def isposinf(self) -> Tensor:
        """Is x +infinity?"""
        return self == float("inf")

    def isneginf(self) -> Tensor:
        """Is x -infinity?"""
        return self == float("-inf")

    def isreal(self) -> Tensor:
        """True: there are no complex numbers here."""
        return apply(lambda x: ops.full_like(lift.cast(x, bool_), True), self)

    def isclose(self, other: Any, rtol: float = 1e-5, atol: float = 1e-8,
                equal_nan: bool = False) -> Tensor:
        """|self - other| <= atol + rtol |other|, or equal (infinities, and NaN if equal_nan)."""
        def near(x: Any, y: Any) -> Any:
            x, y = lift.lift("isclose", x, y)
            same = ops.eq(x, y)
            if not x.dtype.is_floating_point:
                x, y = lift.cast(x, float64), lift.cast(y, float64)
            if equal_nan:
                same = ops.logical_or(same, ops.logical_and(ops.isnan(x), ops.isnan(y)))
            gap = ops.le(ops.abs(x - y), ops.abs(y) * rtol + atol)
            return ops.logical_or(same, ops.logical_and(ops.isfinite(x - y), gap))
        return apply(near, self, other)

    def lerp(self, end: Any, weight: Any) -> Tensor:
        """self + weight * (end - self)."""
        return apply(ops.lerp, self, end, weight)

    def addcmul(self, tensor1: Any, tensor2: Any, *, value: NUMBER = 1) -> Tensor:
        """self + value * tensor1 * tensor2."""
        return apply(lambda x, a, b: x + a * b * value, self, tensor1, tensor2)

    def addcdiv(self, tensor1: Any, tensor2: Any, *, value: NUMBER = 1) -> Tensor:
        """self + value * tensor1 / tensor2."""
        return apply(lambda x, a, b: x + a / b * value, self, tensor1, tensor2)


def _number_wins(better: Any, op: str, x: Any, y: Any) -> Any:
    """x where it is at least as good or y is NaN, else y: of equal ones x gets the gradient."""
    x, y = lift.lift(op, x, y)
    mine = better(x, y)
    if x.dtype.is_floating_point:
        mine = ops.logical_or(mine, ops.isnan(y))
    return ops.where(mine, x, y)


def _largest(x: Any) -> float:
    import numpy as np
    return float(np.finfo(x.dtype.numpy).max)
