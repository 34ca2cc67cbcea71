"""Powers: x ** y, squares and reciprocals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.dtypes import bool_, int64
from ...graph.errors import DTypeError
from ...graph.node import Node, operators
from ..lift import NUMBERS as PYTHON_NUMBERS
from ..lift import cast, common_dtype, lift
from ..sampling import case
from ..structure import constant
from .arithmetic import div, mul
from .compare import eq, ge
from .exponential import log, rsqrt, sqrt
from .family import NUMBERS, Binary, binary, full_like
from .logical import logical_and
from .select import where


class Pow(Binary):
    """x to the power y of every pair; a float below 0 to a fraction is NaN.

    An integer to a negative power is 0, but for 1 and -1.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   number -> the same; integers wrap around
    Source  C's pow; d x^y = y x^(y-1) dx + x^y log(x) dy, both 0 for x = y = 0
    """
    dtypes, ulps, xla, domain = NUMBERS, 4, "pow", (0.1, 3.0)

    def ref(self, x, y):
        if x.dtype.kind == "f":
            return np.power(x, y)
        flipped = np.where(x == -1, 1 - 2 * (y & 1), x == 1)     # (-1)^y and 1^y below y = 0
        return np.where(y < 0, flipped, np.power(x, np.maximum(y, 0))).astype(x.dtype)
    def vjp(self, ct, out, x, y):
        at_zero = eq(x, 0)
        lower = where(logical_and(at_zero, eq(y, 0)), 0, y - 1)  # 0 * 0^0, not 0 * 0^-1
        base = where(logical_and(at_zero, ge(y, 0)), 1, x)       # 0^y * log(1), not 0 * -inf
        return ct * y * Pow()(x, lower), ct * out * log(base)
    def emit(self, b, x, y):
        return b.call("pow", x, y) if x.dtype.is_floating_point else _integer_power(b, x, y)
    @classmethod
    def hard(cls):
        whole = case(cls(), [2, -1, -1, 1, 0, 3, -128], [-1, -3, -2, -5, 0, 5, 1], dtype="i1")
        return [case(cls(), [-2, -1.5, 0, 0, 2], [3, 2, 0, 2, 0]), whole]


_pow = binary(Pow)


def pow(x: Any, y: Any) -> Node:
    """x to the power y; exponents 0, 1, 2, 3, 1/2 and their negatives take a shorter way.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   integers stay integers, unless y is a float
    Raises  E105 for an integer to a negative number, as in torch
    Source  torch.pow
    """
    if isinstance(x, Node) and isinstance(y, PYTHON_NUMBERS):
        dtype = common_dtype("pow", [x, y])
        if not dtype.is_floating_point and y < 0:
            raise DTypeError("E105", "pow", f"an integer to the power {y} is no integer",
                             got={"x": x}, need="a float, or an exponent of at least 0",
                             tries=[("x.float() ** y", lambda: None)])
        if dtype != bool_ and float(y) in _SHORT:
            return _SHORT[float(y)](lift("pow", x, dtype=dtype)[0])
    return _pow(x, y)


def square(x: Any) -> Node:
    """x * x.

    Shape   x (*S) -> (*S)
    Source  definition
    """
    if isinstance(x, Node) and x.dtype == bool_:
        x = cast(x, int64)
    return mul(x, x)


def reciprocal(x: Any) -> Node:
    """1 / x.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float; an integer is first cast to float32
    Source  definition
    """
    return div(1, x)


def _one(x: Node) -> Node:
    """1 everywhere: still a function of x, whose gradient is 0 and not missing."""
    out: Node = where(constant(True), full_like(x, 1), x)
    return out


_SHORT = {0.0: _one, 1.0: lambda x: x, 2.0: square, 3.0: lambda x: x * x * x,
          0.5: sqrt, -0.5: rsqrt,
          -1.0: reciprocal, -2.0: lambda x: reciprocal(square(x))}


def _integer_power(b, x, y):
    """Square and multiply, one step for each bit of the exponent."""
    known = getattr(y, "known", None)
    bits = 8 * x.dtype.size if known is None else int(known).bit_length()
    out, power = b.like(1, x), x
    for bit in range(bits):
        out = b.select(b.eq(b.and_(b.shr(y, bit), 1), 1), b.mul(out, power), out)
        power = b.mul(power, power)
    if not x.dtype.is_signed:
        return out
    turned = b.select(b.eq(b.and_(y, 1), 1), b.like(-1, x), b.like(1, x))
    below = b.select(b.eq(x, -1), turned, b.cast(b.eq(x, 1), x.dtype))
    return b.select(b.lt(y, 0), below, out)


operators.update(pow=pow)
