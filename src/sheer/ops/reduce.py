"""Reduce: many elements in, one out, along any axes. Each rule names its start and its step."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.dtypes import DTYPES, FLOATS, INTS, bool_, int64
from ..graph.errors import DTypeError, ShapeError
from ..graph.node import Node
from . import batching, elementwise, movement, sampling
from .lift import cast
from .primitive import KernelIn, NotDifferentiable, NoXla, Primitive
from .structure import iota, stop_gradient

NUMBERS = (*INTS, *FLOATS)


def check_axes(op: str, x: Any, axes: Sequence[int]) -> bool:
    """True, or ShapeError E110 unless every axis exists and none is repeated."""
    if len({*axes} & {*range(len(x.shape))}) != len(axes):
        raise ShapeError("E110", op, f"axes {tuple(axes)} do not all exist once", got={"x": x},
                         need=f"different axes from {tuple(range(len(x.shape)))}")
    return True


class Reduce(Primitive, abstract=True):
    """Combine all elements along `axes`, starting from `start(dtype)`, in a fixed order."""

    axes: tuple[int, ...]
    emit = KernelIn("backends/cpu: a loop over `combine`")
    dtypes = NUMBERS
    empty = True                       # has it a meaning for no elements?

    def infer(self, x):
        check_axes(self.word(), x, self.axes)
        if x.dtype not in self.dtypes:
            raise DTypeError("E105", self.word(), f"has no meaning for {x.dtype.name}",
                             got={"x": x}, need=" or ".join(d.name for d in self.dtypes))
        if not self.empty and math.prod(x.shape[a] for a in self.axes) == 0:
            raise ShapeError("E117", self.word(), "nothing to choose from: an axis has length 0",
                             got={"x": x}, need="at least one element along the axes")
        return x.to(*(s for i, s in enumerate(x.shape) if i not in self.axes))
    def flops(self, out, x): return x.size
    def batch(self, args, at):
        x = batching.to_front(args[0], at[0], 0)
        return type(self)(tuple(a + 1 for a in self.axes))(x), 0
    def start(self, dtype):
        """What a reduction over nothing gives."""
        raise NotImplementedError
    def combine(self, b, so_far, x):
        """One more element, through the builder."""
        raise NotImplementedError
    @classmethod
    def word(cls): return cls.__name__.lower()
    @classmethod
    def samples(cls):
        shapes = [(3,), (2, 3), (2, 3, 4), (1, 4), (2, 1, 3)]
        def draw(rng):
            shape = shapes[rng.integers(len(shapes))]
            keep = rng.random(len(shape)) < 0.5
            dtype = rng.choice([d.name for d in cls.dtypes if d.name != "float32"])
            axes = tuple(i for i in range(len(shape)) if keep[i])
            return cls(axes), (sampling.values(shape, dtype, seed=int(rng.integers(99))),)
        return sampling.cases(draw)


class Sum(Reduce):
    """Add up the given axes and drop them.

    Shape   x (*S) -> S without `axes`
    Raises  E110 when an axis is out of range or repeated
    Source  definition; the sum of nothing is 0
    """
    xla = "reduce_sum"

    def ref(self, x): return np.sum(x, axis=self.axes, dtype=x.dtype)
    def vjp(self, ct, out, x): return (restore(ct, x.shape, self.axes),)
    def start(self, dtype): return 0
    def combine(self, b, so_far, x): return b.add(so_far, x)
    @classmethod
    def hard(cls):
        return [(cls((0, 2)), (np.arange(24.0).reshape(2, 3, 4),)),
                (cls((0,)), (np.ones((0, 2)),))]


class Deviation(Reduce):
    """Add up the squared deviations from the mean along the axes, and drop them.

    An operation of its own for its derivative: the mean moves too, but adds nothing to the first
    order, and a chain of `sum` and `sub` would spend two more passes on finding that out.

    Shape   x (*S) -> S without `axes`
    Raises  E110 when an axis is out of range or repeated
    Source  sum_i (x_i - mean)^2, d/dx_i = 2 (x_i - mean); Chan et al. 1983, the two-pass form
    """
    dtypes = FLOATS
    xla = NoXla("a mean, then a sum of squares")
    emit = KernelIn("compile/rewrites/simplify.py: a sum, then a sum of squares")

    def ref(self, x):
        count = builtins.max(math.prod(x.shape[a] for a in self.axes), 1)
        centred = x - np.sum(x, axis=self.axes, keepdims=True, dtype=x.dtype) / count
        return np.sum(centred * centred, axis=self.axes, dtype=x.dtype)
    def vjp(self, ct, out, x):
        return (from_mean(x, self.axes) * restore(ct * 2, x.shape, self.axes),)
    @classmethod
    def hard(cls):
        return [(cls((0, 2)), (np.arange(24.0).reshape(2, 3, 4) + 1e4,)),
                (cls((0,)), (np.ones((0, 2)),)), (cls((1,)), (np.array([[1.0, np.inf, 2.0]]),))]


class Prod(Reduce):
    """Multiply the given axes together and drop them.

    Shape   x (*S) -> S without `axes`
    Raises  E110 when an axis is out of range or repeated
    Source  definition; the gradient is right for zeros too: products of the others
    """
    xla = "reduce_prod"

    def ref(self, x): return np.prod(x, axis=self.axes, dtype=x.dtype)
    def vjp(self, ct, out, x):
        flat, undo = _axes_to_last(x, self.axes)
        forward = _exclusive(flat, reverse=False)
        backward = _exclusive(flat, reverse=True)
        share = undo(forward * backward)
        return (restore(ct, x.shape, self.axes) * share,)
    def start(self, dtype): return 1
    def combine(self, b, so_far, x): return b.mul(so_far, x)
    @classmethod
    def hard(cls):
        return [(cls((0,)), (np.array([2.0, 0.0, 3.0]),)), (cls((0,)), (np.ones((0, 2)),))]


class _Extreme(Reduce, abstract=True):
    """max or min: tied elements share the gradient equally, as torch.amax does."""

    dtypes, empty = DTYPES, False

    def vjp(self, ct, out, x):
        hit = cast(elementwise.eq(x, restore(out, x.shape, self.axes)), ct.dtype)
        count = sum(hit, self.axes)
        return (hit * restore(ct / count, x.shape, self.axes),)


class Max(_Extreme):
    """The largest element along the axes; NaN when one is NaN.

    Shape   x (*S) -> S without `axes`
    Raises  E110 for a wrong axis, E117 when there is no element
    Source  definition; torch.amax
    """
    xla = "reduce_max"

    def ref(self, x): return np.max(x, axis=self.axes)
    def start(self, dtype): return lowest(dtype)
    def combine(self, b, so_far, x): return b.max(so_far, x)
    @classmethod
    def hard(cls): return [(cls((0,)), (np.array([1.0, np.nan, 2.0]),))]


class Min(_Extreme):
    """The smallest element along the axes; NaN when one is NaN.

    Shape   x (*S) -> S without `axes`
    Raises  E110 for a wrong axis, E117 when there is no element
    Source  definition; torch.amin
    """
    xla = "reduce_min"

    def ref(self, x): return np.min(x, axis=self.axes)
    def start(self, dtype): return highest(dtype)
    def combine(self, b, so_far, x): return b.min(so_far, x)
    @classmethod
    def hard(cls): return [(cls((0,)), (np.array([1.0, np.nan, 2.0]),))]


class Any_(Reduce):
    """Is any element true?

    Shape   x bool (*S) -> bool S without `axes`
    Raises  E110 for a wrong axis
    Source  definition; false for nothing
    """
    dtypes, xla = (bool_,), "reduce_or"
    vjp = NotDifferentiable("the result is a bool")

    def ref(self, x): return np.any(x, axis=self.axes)
    def start(self, dtype): return False
    def combine(self, b, so_far, x): return b.or_(so_far, x)
    @classmethod
    def word(cls): return "any"


class All_(Reduce):
    """Are all elements true?

    Shape   x bool (*S) -> bool S without `axes`
    Raises  E110 for a wrong axis
    Source  definition; true for nothing
    """
    dtypes, xla = (bool_,), "reduce_and"
    vjp = NotDifferentiable("the result is a bool")

    def ref(self, x): return np.all(x, axis=self.axes)
    def start(self, dtype): return True
    def combine(self, b, so_far, x): return b.and_(so_far, x)
    @classmethod
    def word(cls): return "all"


class _ArgExtreme(Primitive, abstract=True):
    """Where along one axis the extreme element stands: the first of equals, or the first NaN."""

    axis: int
    vjp = NotDifferentiable("the result is an index")
    emit = KernelIn("backends/cpu: a loop that keeps the best element and its place")
    dtypes = DTYPES

    def flops(self, out, x): return x.size
    def infer(self, x):
        check_axes(self.word(), x, (self.axis,))
        if x.shape[self.axis] == 0:
            raise ShapeError("E117", self.word(), "nothing to choose from: the axis has length 0",
                             got={"x": x}, need="at least one element along the axis")
        return x.to(*x.shape[:self.axis], *x.shape[self.axis + 1:], dtype=int64)
    def batch(self, args, at):
        return type(self)(self.axis + 1)(batching.to_front(args[0], at[0], 0)), 0
    @classmethod
    def word(cls): return cls.__name__.lower()
    @classmethod
    def samples(cls): return sampling.arrays(cls(1), (2, 5, 3))
    @classmethod
    def hard(cls):
        return [(cls(0), (np.array([1.0, np.nan, 3.0, np.nan]),)),
                (cls(0), (np.array([2, 2, 2]),))]


class ArgMax(_ArgExtreme):
    """Index of the largest element along one axis.

    Shape   x (*S) -> int64 S without `axis`
    Raises  E110 for a wrong axis, E117 when there is no element
    Source  numpy.argmax
    """
    xla = "argmax"

    def ref(self, x): return np.argmax(x, axis=self.axis)
    def better(self, b, x, best): return b.gt(x, best)


class ArgMin(_ArgExtreme):
    """Index of the smallest element along one axis.

    Shape   x (*S) -> int64 S without `axis`
    Raises  E110 for a wrong axis, E117 when there is no element
    Source  numpy.argmin
    """
    xla = "argmin"

    def ref(self, x): return np.argmin(x, axis=self.axis)
    def better(self, b, x, best): return b.lt(x, best)


class _Scanned(Primitive, abstract=True):
    """A running reduction along one axis; the shape stays."""

    axis: int
    emit = KernelIn("backends/cpu: a loop along the axis")
    dtypes = NUMBERS

    def flops(self, out, x): return x.size
    def infer(self, x):
        check_axes(type(self).__name__.lower(), x, (self.axis,))
        return x.to(*x.shape)
    def batch(self, args, at):
        return type(self)(self.axis + 1)(batching.to_front(args[0], at[0], 0)), 0
    @classmethod
    def samples(cls): return sampling.arrays(cls(1), (2, 5, 3))
    @classmethod
    def hard(cls):
        return [(cls(0), (np.zeros((0, 2)),)), (cls(0), (np.array([2.0, 0.0, 3.0, 0.0]),))]


class CumSum(_Scanned):
    """Sums of the first 1, 2, ... elements along one axis.

    Shape   x (*S) -> (*S)
    Raises  E110 for a wrong axis
    Source  definition
    """
    xla = "cumsum"

    def ref(self, x): return np.cumsum(x, axis=self.axis, dtype=x.dtype)
    def vjp(self, ct, out, x):
        back = lambda t: movement.flip(t, (self.axis,))
        return (back(cumsum(back(ct), self.axis)),)
    def start(self, dtype): return 0
    def combine(self, b, so_far, x): return b.add(so_far, x)


class CumProd(_Scanned):
    """Products of the first 1, 2, ... elements along one axis.

    Shape   x (*S) -> (*S)
    Raises  E110 for a wrong axis
    Source  definition; the gradient is right for zeros too
    """
    xla = "cumprod"

    def ref(self, x): return np.cumprod(x, axis=self.axis, dtype=x.dtype)
    def vjp(self, ct, out, x):
        last = x.ndim - 1
        order = batching.move_axis(x, self.axis, last)
        flow = batching.move_axis(ct, self.axis, last)
        n = x.shape[self.axis]
        row = movement.expand_dims(iota(n, int64), 1)
        column = movement.expand_dims(iota(n, int64), 0)
        others = movement.broadcast_to(movement.expand_dims(order, last), (*order.shape[:-1], n, n))
        diagonal = elementwise.eq(row, column)
        without = elementwise.where(diagonal, 1, others)  # (*S, i, j): x_j, 1 at j=i
        partial = cumprod(without, last + 1)              # (*S, i, k): product of x_j, j<=k, j!=i
        kept = elementwise.where(elementwise.ge(column, row), partial, 0)
        share = sum(kept * movement.expand_dims(flow, last), (last + 1,))
        return (batching.move_axis(share, last, self.axis),)
    def start(self, dtype): return 1
    def combine(self, b, so_far, x): return b.mul(so_far, x)


# ---- the functions rules and tensors call ------------------------------------------------------

def _wanted(x: Node, axes: Sequence[int] | None) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axes is None else tuple(axes)


def _function(primitive: type[Reduce]) -> Callable[..., Node]:
    def apply(x: Node, axes: Sequence[int] | None = None) -> Node:
        wanted = _wanted(x, axes)
        return primitive(tuple(sorted(wanted)))(x) if wanted else _of_one(primitive, x)
    apply.__name__ = apply.__qualname__ = primitive.word()
    apply.__doc__ = primitive.__doc__
    return apply


def _of_one(primitive: type[Reduce], x: Node) -> Node:
    """A reduction along no axes changes nothing; the primitive still checks the dtype."""
    primitive(()).infer(x)
    return x


sum, prod, max, min = _function(Sum), _function(Prod), _function(Max), _function(Min)
any, all = _function(Any_), _function(All_)


def argmax(x: Node, axis: int) -> Node:
    """Index of the largest element along one axis."""
    return ArgMax(axis)(x)


def argmin(x: Node, axis: int) -> Node:
    """Index of the smallest element along one axis."""
    return ArgMin(axis)(x)


def cumsum(x: Node, axis: int) -> Node:
    """Running sums along one axis."""
    return CumSum(axis)(x)


def cumprod(x: Node, axis: int) -> Node:
    """Running products along one axis."""
    return CumProd(axis)(x)


def mean(x: Node, axes: Sequence[int] | None = None) -> Node:
    """Arithmetic mean along the axes. Raises DTypeError E105 for integers, as torch does."""
    if not x.dtype.is_floating_point:
        raise DTypeError("E105", "mean", f"has no meaning for {x.dtype.name}", got={"x": x},
                         need="float32 or float64", tries=[("x.float().mean()", lambda: None)])
    return sum(x, axes) / _count(x, axes)


def var(x: Node, axes: Sequence[int] | None = None, correction: float = 1) -> Node:
    """Variance along the axes: squared deviations over (count - correction), in two passes."""
    if not x.dtype.is_floating_point:
        mean(x, axes)                                                        # says why not
    wanted = tuple(sorted(_wanted(x, axes)))
    return Deviation(wanted)(x) / builtins.max(_count(x, wanted) - correction, 0)


def from_mean(x: Node, axes: Sequence[int]) -> Node:
    """x minus its mean along the axes."""
    return x - restore(mean(x, axes), x.shape, axes)


def logsumexp(x: Node, axes: Sequence[int] | None = None) -> Node:
    """log of the sum of exp along the axes, without overflow."""
    wanted = _wanted(x, axes)
    if not _count(x, wanted):
        return elementwise.log(sum(elementwise.exp(x), wanted))              # of nothing: -inf
    top = stop_gradient(max(x, wanted))
    finite = elementwise.where(elementwise.lt(elementwise.abs(top), math.inf), top, 0)
    shifted = elementwise.exp(x - restore(finite, x.shape, wanted))
    return elementwise.log(sum(shifted, wanted)) + finite


def keep_dims(x: Node, axes: Sequence[int]) -> Node:
    """A reduced node with its lost axes back as axes of length 1."""
    ndim = x.ndim + len(axes)
    lengths = iter(x.shape)
    return movement.reshape(x, tuple(1 if i in axes else next(lengths) for i in range(ndim)))


def restore(x: Node, shape: Sequence[int], axes: Sequence[int]) -> Node:
    """A reduced node repeated along the axes it lost: back to `shape`."""
    return movement.broadcast_to(keep_dims(x, axes), shape)


def lowest(dtype: Any) -> Any:
    """The value below all others."""
    return _end(dtype, -math.inf, False, "min")


def highest(dtype: Any) -> Any:
    """The value above all others."""
    return _end(dtype, math.inf, True, "max")


def _end(dtype: Any, floating: float, boolean: bool, name: str) -> Any:
    if dtype.is_floating_point:
        return floating
    return boolean if dtype == bool_ else int(getattr(np.iinfo(dtype.numpy), name))


def _count(x: Node, axes: Sequence[int] | None) -> int:
    return math.prod(x.shape[a] for a in _wanted(x, axes))


def _axes_to_last(x: Node, axes: Sequence[int]) -> tuple[Node, Any]:
    """x with the axes flattened into one last axis, and the way back."""
    kept = [a for a in range(x.ndim) if a not in axes]
    order = (*kept, *axes)
    moved = movement.permute(x, order)
    size = math.prod(x.shape[a] for a in axes)
    flat = movement.reshape(moved, (*(x.shape[a] for a in kept), size))
    back = tuple(np.argsort(order).tolist())
    return flat, lambda t: movement.permute(movement.reshape(t, moved.shape), back)


def _exclusive(x: Node, reverse: bool) -> Node:
    """Products of all elements before (after, when reversed) each one along the last axis."""
    last = x.ndim - 1
    turn = (lambda t: movement.flip(t, (last,))) if reverse else (lambda t: t)
    widths = [(0, 0, 0)] * last + [(1, -1, 0)]
    return turn(cumprod(movement.pad(turn(x), widths, 1), last))


__all__ = [
    "All_", "Any_", "ArgMax", "ArgMin", "CumProd", "CumSum", "Deviation", "Max", "Min", "Prod",
    "Reduce", "Sum", "all", "any", "argmax", "argmin", "check_axes", "cumprod", "cumsum", "highest",
    "keep_dims", "logsumexp", "lowest", "max", "mean", "min", "prod", "restore", "sum",
    "var",
]
