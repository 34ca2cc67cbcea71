"""The families of elementwise primitives: what unary and binary operations share."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from ...graph.dtypes import FLOATS, INTS, DType, bool_, float32, float64
from ...graph.errors import DTypeError, ShapeError
from ...graph.node import Node, Spec, make
from .. import batching, sampling
from ..lift import alike, common_dtype, lift
from ..primitive import NotDifferentiable, Primitive

Function = Callable[..., Node]
NUMBERS = (*INTS, *FLOATS)


class Elementwise(Primitive, abstract=True):
    """Element i of the result is a function of elements i of the inputs, all of one spec."""

    pointwise = True
    dtypes: ClassVar[tuple[DType, ...]] = FLOATS
    domain: ClassVar[tuple[float, float]] = (-3.0, 3.0)
    arity: ClassVar[int] = 1

    def infer(self, *xs):
        spec = xs[0].spec
        for x in xs:
            if x.spec is not spec:
                raise ShapeError("E102", self.word(), "operands differ in shape or dtype",
                                 got=dict(zip("abc", xs, strict=False)),
                                 need="one shape, one dtype")
        if spec.dtype not in self.dtypes:
            raise DTypeError("E105", self.word(), f"has no meaning for {spec.dtype.name}",
                             got=dict(zip("abc", xs, strict=False)),
                             need=" or ".join(d.name for d in self.dtypes))
        dtype = self.result(spec.dtype)
        return spec if dtype is spec.dtype else Spec(spec.shape, dtype)

    def result(self, dtype):
        """Dtype of the result."""
        return dtype

    def batch(self, args, at): return self(*batching.all_to_front(args, at)), 0

    @classmethod
    @cache
    def word(cls):
        """The name of the function: FloorDivide is floor_divide."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def samples(cls):
        others = [d.numpy for d in cls.dtypes if not d.is_floating_point]
        floats = [float64.numpy] * max(1, len(others)) if float64 in cls.dtypes else []
        return sampling.alike(cls(), cls.arity, [*floats, *others], cls.domain)


class Unary(Elementwise, abstract=True):
    """One operand."""


class Binary(Elementwise, abstract=True):
    """Two operands of one spec."""

    arity = 2


class Predicate(Elementwise, abstract=True):
    """The result is a bool."""

    vjp = NotDifferentiable("the result is a bool")

    def result(self, dtype): return bool_


def unary(primitive: type[Elementwise], *, floating: bool = True) -> Function:
    """The function x -> primitive(x); with `floating`, integers are first cast to float32."""
    together, prim, word = lift_floats if floating else lift, primitive(), primitive.word()
    def apply(x: Any) -> Node:
        return make(prim, together(word, x))
    return _named(apply, primitive)


def binary(primitive: type[Elementwise], *, floating: bool = False) -> Function:
    """The function (x, y) -> primitive(x, y) after promotion and broadcasting."""
    together, prim, word = lift_floats if floating else lift, primitive(), primitive.word()
    def apply(x: Any, y: Any) -> Node:
        return make(prim, together(word, x, y))
    return _named(apply, primitive)


def whole(primitive: type[Elementwise]) -> Function:
    """The function x -> primitive(x) of floats that leaves integers as they are."""
    def apply(x: Any) -> Node:
        (node,) = lift(primitive.word(), x)
        return node if node.dtype.is_integer else primitive()(node)
    return _named(apply, primitive)


def _named(function: Function, primitive: type[Elementwise]) -> Function:
    function.__name__ = function.__qualname__ = primitive.word()
    function.__doc__ = primitive.__doc__
    return function


def lift_floats(op: str, *args: Any) -> tuple[Node, ...]:
    """`lift` to a float type: integers and bools become float32, as in torch."""
    found = alike(args)
    if found is not None and found[0].dtype.is_floating_point:
        return found
    dtype = common_dtype(op, args)
    return lift(op, *args, dtype=dtype if dtype.is_floating_point else float32)


def zeros_like(x: Node) -> Node:
    """Zeros of x's shape and dtype.

    Shape   x (*S) -> (*S)
    Source  definition
    """
    return full_like(x, 0)


def full_like(x: Node, value: Any) -> Node:
    """One number, of x's shape and dtype.

    Shape   x (*S) -> (*S)
    Source  definition
    """
    return lift("full_like", value, x, dtype=x.dtype)[0]
