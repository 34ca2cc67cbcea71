"""where: one of two values, chosen by a bool; clamp: a value kept within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.dtypes import DTYPES, bool_
from ...graph.errors import DTypeError, ShapeError
from ...graph.node import Node
from .. import batching, movement, sampling
from ..lift import broadcast_shapes, lift
from ..primitive import Primitive
from .compare import gt, lt
from .family import zeros_like


class Where(Primitive):
    """x where the condition holds, else y.

    Shape   condition (*S), x (*S), y (*S) -> (*S)
    Dtype   bool, any, the same -> the same
    Raises  E102 when shapes differ, E105 when dtypes do
    Source  definition
    """
    pointwise = True
    dtypes, xla = DTYPES, "select"

    def infer(self, condition, x, y):
        if condition.dtype != bool_ or x.dtype != y.dtype:
            raise DTypeError("E105", "where", "needs a bool and two values of one dtype",
                             got={"condition": condition, "x": x, "y": y}, need="bool, T, T")
        if not condition.shape == x.shape == y.shape:
            raise ShapeError("E102", "where", "operands differ in shape",
                             got={"condition": condition, "x": x, "y": y}, need="one shape")
        return x.to(*x.shape)
    def ref(self, condition, x, y): return np.where(condition, x, y)
    def vjp(self, ct, out, condition, x, y):
        none = zeros_like(ct)
        return None, where(condition, ct, none), where(condition, none, ct)
    def emit(self, b, condition, x, y): return b.select(condition, x, y)
    def batch(self, args, at): return self(*batching.all_to_front(args, at)), 0
    @classmethod
    def samples(cls):
        pair = lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
        return sampling.cases(lambda rng: (cls(), (rng.random((2, 3)) < 0.5, *pair(rng))))
    @classmethod
    def hard(cls):
        mask = np.array([True, False])
        return [(cls(), (mask, np.array([1, 2], "i4"), np.array([3, 4], "i4"))),
                (cls(), (mask, np.array([0.0, np.nan]), np.array([np.inf, 1.0])))]


def where(condition: Any, x: Any, y: Any) -> Node:
    """x where the condition holds, else y, after promotion and broadcasting.

    Shape   condition (*S), x (*S), y (*S) -> (*S)
    Raises  E102 when the shapes do not broadcast
    Source  torch.where; a condition that is not bool holds where it is not 0
    """
    x, y = lift("where", x, y)
    (condition,) = lift("where", condition, dtype=bool_)
    shape = broadcast_shapes("where", [condition, x])
    return Where()(*(movement.broadcast_to(n, shape) for n in (condition, x, y)))


def clamp(x: Any, low: Any = None, high: Any = None) -> Node:
    """x kept within [low, high]; either bound may be missing, a number or a node.

    NaN stays NaN; where low is above high the result is high.

    Shape   x (*S) -> (*S)
    Source  torch.clamp: the derivative is 1 inside and on the bounds
    """
    (out,) = lift("clamp", x)
    if low is not None:
        out = where(lt(out, low), low, out)
    return out if high is None else where(gt(out, high), high, out)


def lerp(start: Any, end: Any, weight: Any) -> Node:
    """start + weight (end - start), reckoned from the nearer end: exact, or infinite, as that is.

    Shape   start (*S), end (*S), weight (*S) -> (*S)
    Source  torch.lerp
    """
    a, b = lift("lerp", start, end)
    near, far = a + (b - a) * weight, b - (b - a) * (1 - weight)
    if isinstance(weight, int | float):
        return near if abs(weight) < 0.5 else far
    return where(lt(weight * weight, 0.25), near, far)


clip = clamp
