"""Writing to places with a reduction: scatter_reduce, index_reduce, put; renorm of slices."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.dtypes import int64
from ..graph.errors import ArgumentError, ShapeError
from ..graph.node import Node
from ..ops.lift import cast
from ..ops.structure import iota
from .core import Core, apply
from .shapes import axis_of

if TYPE_CHECKING:
    from ..tensor import Tensor

_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


class Placing(Core):
    """Several values may go to one place; a reduction says what stands there in the end."""

    __slots__ = ()

    def scatter_reduce(self, dim: int, index: Tensor, src: Tensor, reduce: str, *,
                       include_self: bool = True) -> Tensor:
        """x with the sum, prod, mean, amax or amin of what src brings to the places index names.

        include_self: what stands in x takes part too. Elements that share an extreme share its
        gradient. A product compares every element of src with every place of the axis.
        Raises  E191 for another reduction; E130, E132, E134 as scatter
        """
        if reduce not in _REDUCTIONS:
            raise ArgumentError("E191", "scatter_reduce", f"there is no reduction {reduce!r}",
                                need=" or ".join(_REDUCTIONS))
        if self.ndim == 0:
            one: Any = self.reshape(1)
            return one.scatter_reduce(0, index.reshape(-1), src.reshape(-1), reduce,
                                      include_self=include_self).reshape(())
        at = axis_of("scatter_reduce", self.node, dim)
        rule = {"sum": _sum, "mean": _mean, "prod": _prod}.get(reduce, _extreme)
        return apply(lambda x, i, s: rule(x, i, _cut(s, i), at, include_self, reduce),
                     self, index, src)

    def index_reduce(self, dim: int, index: Tensor, source: Tensor, reduce: str, *,
                     include_self: bool = True) -> Tensor:
        """As scatter_reduce ("prod", "mean", "amax", "amin"), for whole slices of an axis."""
        at = axis_of("index_reduce", self.node, dim)
        if self.ndim == 0:
            one: Any = self.reshape(1)
            return one.index_reduce(0, index.reshape(-1), source.reshape(-1), reduce,
                                    include_self=include_self).reshape(())
        line = [-1 if a == at else 1 for a in range(self.ndim)]
        wide = index.reshape(line).expand(source.shape)
        return self.scatter_reduce(at, wide, source, reduce, include_self=include_self)

    def put(self, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
        """x with elements of source at places counted through the flattened tensor.

        Raises  E132 unless there is one element of source for every place
        """
        if index.numel() != source.numel():
            raise ShapeError("E132", "put", f"{source.numel()} elements for {index.numel()} places",
                             got={"index": index.node, "source": source.node},
                             need="one for each")
        primitive = ops.ScatterAdd if accumulate else ops.ScatterSet
        def write(x: Node, i: Node, s: Node) -> Node:
            flat = lambda t: ops.reshape(t, (-1,))
            out = primitive(1, True)(flat(x), flat(cast(i, int64)), flat(cast(s, x.dtype)))
            return ops.reshape(out, x.shape)
        return apply(write, self, index, source)

    def renorm(self, p: float, dim: int, maxnorm: float) -> Tensor:
        """Slices along an axis whose p-norm exceeds maxnorm, scaled down to it."""
        at = axis_of("renorm", self.node, dim)
        others = tuple(a for a in range(self.ndim) if a != at)
        size = self.norm(p, others, keepdim=True)
        tiny = 1e-7                                       # as torch: keeps the quotient finite
        return self * (maxnorm / (size + tiny)).where(size > maxnorm, 1)


def _cut(src: Node, index: Node) -> Node:
    """What of src there is an index for."""
    if src.ndim != index.ndim or any(s < i for s, i in zip(src.shape, index.shape, strict=False)):
        raise ShapeError("E132", "scatter_reduce",
                         f"src {src.shape} is smaller than index {index.shape}",
                         got={"index": index, "src": src}, need="an element for every index")
    return ops.slice_(src, (0,) * src.ndim, index.shape, (1,) * src.ndim)


def _start(x: Node, index: Node, at: int, own: bool, neutral: Any) -> Node:
    """x, with the neutral element at the places named unless x takes part."""
    return x if own else ops.index.scatter(x, index, ops.full_like(
        ops.broadcast_to(ops.constant(0, x.dtype), index.shape), neutral), at)


def _sum(x: Node, index: Node, src: Node, at: int, own: bool, how: str) -> Node:
    return ops.index.scatter_add(_start(x, index, at, own, 0), index, src, at)


def _mean(x: Node, index: Node, src: Node, at: int, own: bool, how: str) -> Node:
    total = _sum(x, index, src, at, own, how)
    count = ops.index.scatter_add(ops.full_like(x, 1 if own else 0), index,
                                  ops.full_like(src, 1), at)
    count = ops.maximum(count, 1)
    return total / count if x.dtype.is_floating_point else ops.floor_divide(total, count)


def _prod(x: Node, index: Node, src: Node, at: int, own: bool, how: str) -> Node:
    n = x.shape[at]
    last = lambda t: ops.batching.move_axis(t, at, t.ndim - 1)
    i, s = last(ops.index.along.index_node("scatter_reduce", index)), last(src)  # (*B, k)
    hits = ops.eq(ops.expand_dims(i, i.ndim - 1), ops.reshape(iota(n, int64), (n, 1)))
    each = ops.where(hits, ops.expand_dims(s, s.ndim - 1), 1)                    # (*B, n, k)
    found = ops.batching.move_axis(ops.prod(each, (each.ndim - 1,)), i.ndim - 1, at)
    start = _start(x, index, at, own, 1)
    if found.shape != x.shape:                       # index may be shorter on the other axes
        found = ops.pad(found, [(0, b - a, 0) for a, b in zip(found.shape, x.shape, strict=True)],
                        1)
    return start * cast(found, x.dtype)


def _extreme(x: Node, index: Node, src: Node, at: int, own: bool, how: str) -> Node:
    """In order, the last of equal places wins: the extreme. Those that reach it share gradients."""
    low = how == "amax"
    far = ops.reduce.lowest(x.dtype) if low else ops.reduce.highest(x.dtype)
    start = _start(x, index, at, own, far)
    still, given = ops.stop_gradient(start), ops.stop_gradient(src)
    ordered, order = ops.index.sort(given, at, descending=not low)
    places = ops.index.take_along(ops.index.along.index_node("scatter_reduce", index), order, at)
    best = ops.index.scatter(ops.full_like(x, far), places, ordered, at)
    best = ops.maximum(still, best) if low else ops.minimum(still, best)
    if not x.dtype.is_floating_point:
        return best
    alike = lambda a, b: ops.logical_or(ops.eq(a, b), ops.logical_and(ops.isnan(a), ops.isnan(b)))
    reach = alike(given, ops.index.take_along(best, index, at))
    mine = alike(still, best) if own else ops.logical_and(alike(still, best), ops.ne(
        ops.index.scatter(ops.full_like(x, 0), index, ops.full_like(src, 1), at), 1))
    count = ops.index.scatter_add(cast(mine, x.dtype), index, cast(reach, x.dtype), at)
    share = lambda t, hit: ops.where(ops.logical_and(hit, ops.isfinite(t)),
                                     t - ops.stop_gradient(t), 0)
    change = ops.index.scatter_add(share(start, mine), index, share(src, reach), at)
    return best + change / ops.maximum(count, 1)         # 0, with the gradient's shares
