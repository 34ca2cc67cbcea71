"""Arithmetic: sums, products, quotients, remainders, the larger and the smaller."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...graph.dtypes import DTYPES, bool_
from ...graph.errors import NumericError
from ...graph.node import Node, operators
from ..lift import lift
from ..primitive import NoXla
from ..sampling import case
from .compare import gt, lt
from .family import NUMBERS, Binary, Function, Unary, binary, unary, zeros_like
from .rounding import sign, trunc
from .select import where


class Add(Binary):
    """x + y of every pair of elements; of bools, their disjunction.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   any -> the same; integers wrap around
    Source  definition
    """
    dtypes, xla = DTYPES, "add"

    def ref(self, x, y): return np.add(x, y)
    def vjp(self, ct, out, x, y): return ct, ct
    def emit(self, b, x, y): return b.or_(x, y) if x.dtype == bool_ else b.add(x, y)


class Sub(Binary):
    """x - y of every pair of elements.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   number -> the same; integers wrap around
    Source  definition
    """
    dtypes, xla = NUMBERS, "sub"

    def ref(self, x, y): return np.subtract(x, y)
    def vjp(self, ct, out, x, y): return ct, -ct
    def emit(self, b, x, y): return b.sub(x, y)


class Mul(Binary):
    """x * y of every pair of elements; of bools, their conjunction.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   any -> the same; integers wrap around
    Source  definition
    """
    dtypes, xla = DTYPES, "mul"

    def ref(self, x, y): return np.multiply(x, y)
    def vjp(self, ct, out, x, y): return ct * y, ct * x
    def emit(self, b, x, y): return b.and_(x, y) if x.dtype == bool_ else b.mul(x, y)


class Div(Binary):
    """x / y of every pair of elements.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   float -> the same float
    Source  definition; IEEE 754 at 0 and infinity
    """
    xla = "div"

    def ref(self, x, y): return np.divide(x, y)
    def vjp(self, ct, out, x, y): return ct / y, -ct * out / y
    def emit(self, b, x, y): return b.div(x, y)


class Neg(Unary):
    """-x of every element.

    Shape   x (*S) -> (*S)
    Dtype   number -> the same; integers wrap around
    Source  definition
    """
    dtypes, xla = NUMBERS, "neg"

    def ref(self, x): return np.negative(x)
    def vjp(self, ct, out, x): return (-ct,)
    def emit(self, b, x): return b.neg(x)


class Abs(Unary):
    """|x| of every element.

    Shape   x (*S) -> (*S)
    Dtype   number -> the same; the lowest integer stays as it is
    Source  definition; the derivative at 0 is 0
    """
    dtypes, xla = NUMBERS, "abs"

    def ref(self, x): return np.abs(x)
    def vjp(self, ct, out, x): return (ct * sign(x),)
    def emit(self, b, x): return b.abs(x)


class Relu(Unary):
    """max(x, 0) of every element; NaN stays NaN.

    Shape   x (*S) -> (*S)
    Dtype   number -> the same
    Source  Nair and Hinton 2010; the derivative at 0 is 0, as in torch
    """
    dtypes, xla = NUMBERS, NoXla("max(x, 0)")

    def ref(self, x): return np.maximum(x, np.zeros((), x.dtype))
    def vjp(self, ct, out, x): return (where(gt(out, 0), ct, zeros_like(ct)),)
    def emit(self, b, x): return b.max(x, b.like(0, x))


class Maximum(Binary):
    """The larger of every pair; NaN when one is NaN. Equal elements share the gradient.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   any -> the same
    Source  definition; ties as torch.maximum
    """
    dtypes, xla = DTYPES, "max"

    def ref(self, x, y): return np.maximum(x, y)
    def vjp(self, ct, out, x, y): return _share(ct, gt(x, y), lt(x, y))
    def emit(self, b, x, y): return b.max(x, y)
    @classmethod
    def hard(cls): return [case(cls(), [1, np.nan, 0.0], [1, 1, -0.0])]


class Minimum(Binary):
    """The smaller of every pair; NaN when one is NaN. Equal elements share the gradient.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   any -> the same
    Source  definition; ties as torch.minimum
    """
    dtypes, xla = DTYPES, "min"

    def ref(self, x, y): return np.minimum(x, y)
    def vjp(self, ct, out, x, y): return _share(ct, lt(x, y), gt(x, y))
    def emit(self, b, x, y): return b.min(x, y)
    @classmethod
    def hard(cls): return [case(cls(), [1, np.nan, 0.0], [1, 1, -0.0])]


class FloorDivide(Binary):
    """x / y rounded down; an integer divided by 0 gives 0.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   number -> the same; the lowest integer divided by -1 stays as it is
    Source  Python's //, which agrees with %; its derivative is 0
    """
    dtypes, xla = NUMBERS, NoXla("jax.lax.div rounds towards zero")

    def ref(self, x, y): return np.floor_divide(x, y)
    def vjp(self, ct, out, x, y): return zeros_like(ct), zeros_like(ct)
    def emit(self, b, x, y): return b.floordiv(x, y)
    @classmethod
    def hard(cls): return [case(cls(), [1, -1, 7], [0.1, 0.1, -2]), *_integers(cls)]


class Remainder(Binary):
    """x - floor(x / y) * y, with the sign of y; an integer remainder by 0 is 0.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   number -> the same
    Source  Python's %
    """
    dtypes, xla = NUMBERS, NoXla("jax.lax.rem has the sign of x")

    def ref(self, x, y): return np.remainder(x, y)
    def vjp(self, ct, out, x, y): return ct, -ct * floor_divide(x, y)
    def emit(self, b, x, y): return b.rem(x, y)
    @classmethod
    def hard(cls): return [case(cls(), [1, -1, 7], [0.1, 0.1, -2]), *_integers(cls)]


class Fmod(Binary):
    """x - trunc(x / y) * y, with the sign of x; an integer remainder by 0 is 0.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   number -> the same
    Source  C's fmod, C's % of integers
    """
    dtypes, xla = NUMBERS, "rem"

    def ref(self, x, y): return np.fmod(x, y)
    def vjp(self, ct, out, x, y): return ct, -ct * trunc(x / y)
    def emit(self, b, x, y):
        if x.dtype.is_floating_point:
            return b.copysign(b.rem(b.abs(x), b.abs(y)), x)
        rest = b.rem(x, y)                                       # it has the sign of y
        if not x.dtype.is_signed:
            return rest
        wrong = b.and_(b.ne(rest, 0), b.xor(b.lt(x, 0), b.lt(y, 0)))
        return b.select(wrong, b.sub(rest, y), rest)
    @classmethod
    def hard(cls): return _integers(cls)


add, sub, mul, div = binary(Add), binary(Sub), binary(Mul), binary(Div, floating=True)
neg, abs, relu = (unary(p, floating=False) for p in (Neg, Abs, Relu))
maximum, minimum = binary(Maximum), binary(Minimum)
def _dividing(primitive: type[Binary]) -> Function:
    """A division that refuses the number 0 below integers. A 0 inside a tensor of integers gives 0:
    a compiled kernel has no way to stop there."""
    divide = binary(primitive)
    @functools.wraps(divide)
    def apply(x: Any, y: Any) -> Node:
        if type(y) is int and y == 0 and isinstance(x, Node) and not x.dtype.is_floating_point:
            raise NumericError("E109", primitive.word(), "integers divided by 0", got={"x": x},
                               need="another divisor",
                               tries=[("x.float(), which has inf and NaN", lambda: None)])
        return divide(x, y)
    return apply


floor_divide, remainder, fmod = (_dividing(p) for p in (FloorDivide, Remainder, Fmod))

subtract, multiply, divide, negative = sub, mul, div, neg        # the array API's words


def positive(x: Any) -> Node:
    """x itself.

    Shape   x (*S) -> (*S)
    Dtype   number -> the same
    Source  definition
    """
    (node,) = lift("positive", x)
    Neg().infer(node)                                            # which refuses bools
    return node


def _share(ct, first, second):
    """ct to the operand that won; half to each where neither did."""
    half, none = ct * 0.5, zeros_like(ct)
    return where(first, ct, where(second, none, half)), where(second, ct, where(first, none, half))


def _integers(cls):
    """Every pair of delicate int8 values."""
    edge = [-128, -7, -1, 0, 1, 3, 127]
    return [case(cls(), [[x] * len(edge) for x in edge], [edge] * len(edge), dtype="i1")]


operators.update(add=add, sub=sub, mul=mul, div=div, neg=neg, abs=abs, floor_divide=floor_divide,
                 remainder=remainder)
