"""Reductions of tensors: sum, mean, max, argmax, any, ... with PyTorch's names, dim and keepdim."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import ops
from ..graph.dtypes import bool_, dtype_of, int64
from ..graph.errors import DTypeError
from ..graph.node import Node
from ..ops.lift import cast
from .core import Core, apply
from .naming import numpy_names
from .shapes import axes_of, axis_of

if TYPE_CHECKING:
    from ..tensor import Tensor

Dims = int | Sequence[int] | None


class Extreme(NamedTuple):
    """What max, min, sort, median, topk, ... along a dim give (torch.return_types)."""

    values: Any
    indices: Any


class MinMax(NamedTuple):
    """What aminmax gives."""

    min: Any
    max: Any


def reduce_dims(op: str, x: Core, function: Callable[..., Node], dim: Dims, keepdim: bool) -> Any:
    """Apply a reduction over `dim` (None: all axes), leaving axes of length 1 if asked."""
    axes = axes_of(op, x.node, dim)
    def run(n: Node) -> Node:
        out = function(n, axes)
        return ops.keep_dims(out, axes) if keepdim else out
    return apply(run, x)


@numpy_names
class Reductions(Core):
    """Many elements in, one out."""

    __slots__ = ()

    def sum(self, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Added up; integers and bools as int64 unless dtype says otherwise."""
        return reduce_dims("sum", _widened(self, dtype), ops.sum, dim, keepdim)

    def prod(self, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Multiplied together; integers and bools as int64 unless dtype says otherwise."""
        return reduce_dims("prod", _widened(self, dtype), ops.prod, dim, keepdim)

    def mean(self, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """Arithmetic mean. Raises E105 for integers unless a float dtype is given."""
        return reduce_dims("mean", _as(self, dtype), ops.mean, dim, keepdim)

    def nansum(self, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The sum of all that is not NaN."""
        return self.masked_fill(self.isnan(), 0).sum(dim, keepdim, dtype=dtype)

    def nanmean(self, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The mean of all that is not NaN."""
        known = (~self.isnan()).sum(dim, keepdim)
        return self.nansum(dim, keepdim, dtype=dtype) / known

    def any(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """Is any element different from 0?"""
        return reduce_dims("any", self, lambda x, axes: ops.any(cast(x, bool_), axes), dim, keepdim)

    def all(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """Are all elements different from 0?"""
        return reduce_dims("all", self, lambda x, axes: ops.all(cast(x, bool_), axes), dim, keepdim)

    def count_nonzero(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """How many elements are not 0."""
        return self.ne(0).sum(dim, keepdim)

    # ---- extremes ----------------------------------------------------------------------------
    def amax(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """The largest; elements that share it share its gradient."""
        return reduce_dims("amax", self, ops.max, dim, keepdim)

    def amin(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """The smallest; elements that share it share its gradient."""
        return reduce_dims("amin", self, ops.min, dim, keepdim)

    def aminmax(self, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
        """(smallest, largest)."""
        return MinMax(self.amin(dim, keepdim), self.amax(dim, keepdim))

    def max(self, dim: Any = None, keepdim: bool = False, *, axis: Any = None,
            keepdims: bool = False, other: Any = None) -> Any:
        """The largest of all; (values, indices) along `dim`; elementwise against another tensor.

        With `axis` it is the array API's max: values only.
        """
        return _extreme(self, "max", dim if other is None else other, keepdim, axis, keepdims)

    def min(self, dim: Any = None, keepdim: bool = False, *, axis: Any = None,
            keepdims: bool = False, other: Any = None) -> Any:
        """The smallest of all; (values, indices) along `dim`; elementwise against another tensor.

        With `axis` it is the array API's min: values only.
        """
        return _extreme(self, "min", dim if other is None else other, keepdim, axis, keepdims)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the largest element stands, the first of equals; without dim, as flattened."""
        return _arg(self, "argmax", ops.argmax, dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the smallest element stands, the first of equals; without dim, as flattened."""
        return _arg(self, "argmin", ops.argmin, dim, keepdim)

    # ---- running -----------------------------------------------------------------------------
    def cumsum(self, dim: int, *, dtype: Any = None) -> Tensor:
        """Sums of the first 1, 2, ... elements along an axis."""
        return _running(self, "cumsum", ops.cumsum, dim, dtype)

    def cumprod(self, dim: int, *, dtype: Any = None) -> Tensor:
        """Products of the first 1, 2, ... elements along an axis."""
        return _running(self, "cumprod", ops.cumprod, dim, dtype)

    def logcumsumexp(self, dim: int) -> Tensor:
        """log of the running sum of exp, relative to the largest element of the axis."""
        top = self.amax(dim, True).detach()
        top = top.where(top.isfinite(), 0)
        return (self - top).exp().cumsum(dim).log() + top


def along(x: Core, places: Core, axis: int, keepdim: bool) -> Any:
    """The elements of x at one place per row along an axis; gradients go there alone."""
    def pick(n: Node, at: Node) -> Node:
        wide = ops.keep_dims(at, (axis,))
        out = ops.index.take_along(n, wide, axis)
        return out if keepdim else ops.reshape(out, at.shape)
    if x.node.ndim == 0:
        return apply(lambda n: ops.reshape(n, ()), x)
    return apply(pick, x, places)


def shared(x: Any, value: Any) -> Any:
    """The value of an element of x, whose gradient all elements that are equal to it share."""
    if not x.dtype.is_floating_point:
        return value
    same = (x == value).logical_or(x.isnan().logical_and(value.isnan()))
    mean = x.where(same, 0).div(same.sum()).sum()
    exact = mean + (value - mean).detach()                # n times v / n is not always v
    return exact.where(value.isfinite(), mean)


def _extreme(x: Any, name: str, dim: Any, keepdim: bool, axis: Any, keepdims: bool) -> Any:
    if isinstance(dim, Core):
        return x.maximum(dim) if name == "max" else x.minimum(dim)
    if dim is None:
        return (x.amax if name == "max" else x.amin)(axis, keepdims or keepdim)
    at = axis_of(name, x.node, dim)
    keepdim = keepdim or keepdims
    places = _arg(x, f"arg{name}", ops.argmax if name == "max" else ops.argmin, dim, False)
    values = along(x, places, at, keepdim)
    return Extreme(values, places.unsqueeze(at) if keepdim and x.ndim else places)


def _arg(x: Any, op: str, function: Callable[..., Node], dim: int | None, keepdim: bool) -> Any:
    if dim is None or x.ndim == 0:
        flat = apply(lambda n: function(ops.reshape(n, (-1,)), axis=0), x)
        return flat.reshape((1,) * x.ndim) if keepdim else flat
    at = axis_of(op, x.node, dim)
    out = apply(function, x, axis=at)
    return out.unsqueeze(at) if keepdim else out


def _running(x: Any, op: str, function: Callable[..., Node], dim: int, dtype: Any) -> Any:
    x = _widened(x, dtype)
    at = axis_of(op, x.node, dim)
    return x.clone() if x.node.ndim == 0 else apply(function, x, axis=at)


def _as(x: Any, dtype: Any) -> Any:
    if dtype is not None and not dtype_of(dtype).is_floating_point:
        raise DTypeError("E105", "mean", f"has no meaning for {dtype_of(dtype).name}",
                         got={"x": x.node}, need="float32 or float64")
    return x if dtype is None else x.to(dtype)


def _widened(x: Any, dtype: Any) -> Any:
    """Sums of small integers are int64, as in torch: they would soon overflow."""
    if dtype is not None:
        return x.to(dtype)
    return x if x.dtype.is_floating_point else x.to(int64)
