"""Running extremes, the commonest element, medians and quantiles that pass over NaN."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.dtypes import int64
from ..graph.node import Node
from ..ops.lift import cast
from ..ops.structure import iota
from .core import Core, apply
from .naming import numpy_names
from .reductions import Extreme, along, shared
from .shapes import axis_of
from .statistics import need_elements

if TYPE_CHECKING:
    from ..tensor import Tensor


@numpy_names
class Ranking(Core):
    """What order says about elements."""

    __slots__ = ()

    def cummax(self, dim: int) -> Extreme:
        """The largest of the first 1, 2, ... elements along an axis, and where the last such
        stands. From a NaN on, NaN.
        """
        return _running(self, "cummax", ops.ge, dim)

    def cummin(self, dim: int) -> Extreme:
        """The smallest of the first 1, 2, ... elements along an axis, and where the last such
        stands. From a NaN on, NaN.
        """
        return _running(self, "cummin", ops.le, dim)

    def mode(self, dim: int = -1, keepdim: bool = False) -> Extreme:
        """The commonest element along an axis (the smallest of those), where the last such stands.

        Every element is compared with every other one: memory grows with the square of the axis.
        """
        at = axis_of("mode", self.node, dim)
        need_elements("mode", self, dim)
        if self.ndim == 0:
            return Extreme(self.clone(), self.argmax())
        def place(x: Node) -> Node:
            x = ops.batching.move_axis(x, at, x.ndim - 1)
            values, last = ops.index.sort(x, x.ndim - 1)[0], x.ndim - 1
            same = ops.eq(ops.expand_dims(values, x.ndim), ops.expand_dims(values, last))
            commonest = ops.argmax(ops.sum(cast(same, int64), (last + 1,)), last)
            value = ops.index.take_along(values, ops.expand_dims(commonest, last), last)
            hits = ops.eq(x, ops.broadcast_to(value, x.shape))
            return ops.max(ops.where(hits, iota(x.shape[last], int64), -1), (last,))
        places = apply(place, self.detach()).detach()
        return Extreme(along(self, places, at, keepdim),
                       places.unsqueeze(at) if keepdim else places)

    def nanmedian(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The middle of what is not NaN (the lower of two); (values, indices) along `dim`."""
        if dim is None:
            return shared(self, self.detach().reshape(-1).nanmedian(0).values)
        at = axis_of("nanmedian", self.node, dim)
        need_elements("nanmedian", self, dim)
        if self.ndim == 0 or not self.dtype.is_floating_point:
            return self.median(dim, keepdim)
        _, order = self.detach().sort(at)
        known = (~self.isnan()).sum(at, keepdim=True)                      # NaN is sorted last
        middle = (known - 1).clamp_min(0).floor_divide(2)
        places = order.gather(at, middle).squeeze(at).detach()
        return Extreme(along(self, places, at, keepdim),
                       places.unsqueeze(at) if keepdim else places)

    def nanquantile(self, q: Any, dim: int | None = None, keepdim: bool = False, *,
                    interpolation: str = "linear") -> Tensor:
        """As quantile, of what is not NaN; NaN where nothing is left.

        Raises  E191 for q outside [0, 1] or an unknown interpolation
        """
        from .statistics import quantile_of
        return quantile_of("nanquantile", self, q, dim, keepdim, interpolation, skip_nan=True)


def _running(x: Any, op: str, wins: Any, dim: int) -> Extreme:
    """After step k every place knows the winner among itself and the 2^k - 1 before it."""
    at = axis_of(op, x.node, dim)
    if x.ndim == 0:
        return Extreme(x.clone(), x.detach().argmax())
    def places(n: Node) -> Node:
        length = n.shape[at]
        line = ops.reshape(iota(length, int64), [length if a == at else 1 for a in range(n.ndim)])
        index, value = ops.broadcast_to(line, n.shape), n
        for k in range(max(length - 1, 0).bit_length()):
            step = min(2 ** k, length)
            before = lambda t, step=step: ops.concat(
                [ops.narrow(t, at, 0, step), ops.narrow(t, at, 0, length - step)], at)
            keeps = wins(value, before(value))
            if n.dtype.is_floating_point:
                keeps = ops.logical_or(ops.isnan(value), ops.logical_and(
                    keeps, ops.logical_not(ops.isnan(before(value)))))
            own = ops.broadcast_to(ops.lt(line, step), n.shape)            # nobody stands before
            keeps = ops.logical_or(own, keeps)
            index = ops.where(keeps, index, before(index))
            value = ops.where(keeps, value, before(value))
        return index
    found = apply(places, x.detach()).detach()
    return Extreme(apply(lambda n, i: ops.index.take_along(n, i, at), x, found), found)
