"""Statistics of tensors: variance, norms, medians, quantiles, softmax, logsumexp."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..graph.dtypes import dtype_of, float32, int64
from ..graph.errors import ArgumentError, DTypeError, ShapeError
from ..graph.node import Node
from ..transforms import execute
from .core import Core, apply
from .naming import numpy_names
from .reductions import Dims, Extreme, along, reduce_dims, shared
from .shapes import axes_of, axis_of

if TYPE_CHECKING:
    from ..tensor import Tensor

NUMBER = int | float
_BETWEEN = ("linear", "lower", "higher", "midpoint", "nearest")


@numpy_names
class Statistics(Core):
    """What describes many numbers by a few."""

    __slots__ = ()

    def var(self, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *,
            correction: NUMBER | None = None) -> Tensor:
        """Mean squared deviation, over (count - correction); correction is 1 unless given.

        Raises  E105 for integers
        """
        dim, less = _correction(dim, unbiased, correction)
        return reduce_dims("var", self, lambda x, axes: ops.var(x, axes, less), dim, keepdim)

    def std(self, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *,
            correction: NUMBER | None = None) -> Tensor:
        """The square root of var; its slope is 0 where all numbers are equal."""
        dim, less = _correction(dim, unbiased, correction)
        def root(x: Node, axes: Sequence[int]) -> Node:
            var = ops.var(x, axes, less)
            none = ops.eq(var, 0)
            return ops.where(none, 0, ops.sqrt(ops.where(none, 1, var)))
        return reduce_dims("std", self, root, dim, keepdim)

    def var_mean(self, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *,
                 correction: NUMBER | None = None) -> tuple[Tensor, Tensor]:
        """(var, mean)."""
        return (self.var(dim, unbiased, keepdim, correction=correction),
                self.mean(_correction(dim, unbiased, correction)[0], keepdim))

    def std_mean(self, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *,
                 correction: NUMBER | None = None) -> tuple[Tensor, Tensor]:
        """(std, mean)."""
        return (self.std(dim, unbiased, keepdim, correction=correction),
                self.mean(_correction(dim, unbiased, correction)[0], keepdim))

    def norm(self, p: NUMBER | str | None = "fro", dim: Dims = None, keepdim: bool = False,
             dtype: Any = None) -> Tensor:
        """(sum of |x|^p)^(1/p) of all numbers along dim; "nuc" of a matrix."""
        x: Any = self if dtype is None else self.to(dtype_of(dtype))
        axes = axes_of("norm", x.node, dim)
        if p == "nuc":
            return apply(lambda n: ops.host.matrix_norm(n, "nuc", axes, keepdim), x)
        order: Any = 2 if p in ("fro", None) else p
        if isinstance(order, str):
            raise ArgumentError("E166", "norm", f"there is no norm {p!r}",
                                need='a number, "fro" or "nuc"')
        return apply(lambda n: ops.host.vector_norm(n, order, axes, keepdim), x)

    def dist(self, other: Any, p: NUMBER = 2) -> Tensor:
        """The norm of the difference."""
        return (self - other).norm(p)

    def logsumexp(self, dim: Dims, keepdim: bool = False) -> Tensor:
        """log of the sum of exp, without overflow."""
        return reduce_dims("logsumexp", _floating(self), ops.logsumexp, dim, keepdim)

    def softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """exp(x) over its sum along an axis, without overflow."""
        x, axes = _prepared("softmax", self, dim, dtype)
        if x.numel() == 0:
            return x.clone()
        return apply(lambda n: _softmax(n, axes), x)

    def log_softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """log of softmax, without overflow or loss of small probabilities."""
        x, axes = _prepared("log_softmax", self, dim, dtype)
        if x.numel() == 0:
            return x.clone()
        return apply(lambda n: n - ops.restore(ops.logsumexp(n, axes), n.shape, axes), x)

    # ---- by order ----------------------------------------------------------------------------
    def median(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The middle element (the lower of two); (values, indices) along `dim`. NaN when one is."""
        if dim is None:
            return shared(self, self.detach().reshape(-1).median(0).values)
        need_elements("median", self, dim)
        return _ranked(self, dim, keepdim, lambda n: (n - 1) // 2)

    def kthvalue(self, k: int, dim: int = -1, keepdim: bool = False) -> Extreme:
        """The k-th smallest, counted from 1, along an axis: (values, indices)."""
        if self.ndim == 0:
            one: Any = self.reshape(1)
            values, places = one.kthvalue(k, 0)
            return Extreme(values.reshape(()), places.reshape(()))
        n = self.size(dim)
        if not 1 <= k <= max(n, 1):
            raise ArgumentError("E135", "kthvalue", f"k {k} is outside an axis of length {n}",
                                got={"x": self.node}, need=f"1 <= k <= {n}")
        values, places = self.sort(dim)
        at = axis_of("kthvalue", self.node, dim)
        pick = lambda t: t.narrow(at, k - 1, 1) if keepdim else t.select(at, k - 1)
        return Extreme(pick(values), pick(places))

    def quantile(self, q: Any, dim: int | None = None, keepdim: bool = False, *,
                 interpolation: str = "linear") -> Tensor:
        """The number with a share q in [0, 1] of the elements below it; NaN when one is.

        Shape   q () or (n,) -> (n, without dim)
        Raises  E191 for q outside [0, 1] or an unknown interpolation
        """
        return quantile_of("quantile", self, q, dim, keepdim, interpolation, skip_nan=False)

    # ---- several variables -------------------------------------------------------------------
    def cov(self, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
        """Covariances of variables (rows) over observations (columns).

        fweights: how often each observation counts; aweights: how important it is
        """
        x: Any = _floating(self.reshape(1, -1) if self.ndim < 2 else self)
        given = [w.to(x.dtype) for w in (fweights, aweights) if w is not None]
        w = given[0] * given[1] if len(given) > 1 else given[0] if given else x[0] * 0 + 1
        total = w.sum()
        off = x - ((x * w).sum(1) / total).unsqueeze(1)
        less = (w * aweights).sum() / total if aweights is not None else 1
        out = (off * w) @ off.mT / (total - correction * less).clamp_min(0)
        return out.reshape(()) if x.shape[0] == 1 else out

    def corrcoef(self) -> Tensor:
        """Correlations of variables (rows) over observations (columns)."""
        c = self.cov()
        if c.ndim == 0:
            return c / c
        scale = c.diagonal().sqrt()
        return (c / scale.unsqueeze(1) / scale.unsqueeze(0)).clamp(-1, 1)


def _correction(dim: Any, unbiased: bool | None, correction: NUMBER | None) -> tuple[Any, NUMBER]:
    """torch: var(False) is var(unbiased=False), var(0) is var(dim=0)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    return dim, correction


def _softmax(x: Node, axes: tuple[int, ...]) -> Node:
    top = ops.stop_gradient(ops.restore(ops.max(x, axes), x.shape, axes))
    powers = ops.exp(x - top)
    return powers / ops.restore(ops.sum(powers, axes), x.shape, axes)


def _prepared(op: str, x: Any, dim: int, dtype: Any) -> tuple[Any, tuple[int, ...]]:
    x = x if dtype is None else x.to(dtype_of(dtype))
    if not x.dtype.is_floating_point:
        raise DTypeError("E105", op, f"has no meaning for {x.dtype.name}", got={"x": x.node},
                         need="float32 or float64", tries=[(f"x.float().{op}(dim)", lambda: None)])
    return x, axes_of(op, x.node, dim)


def need_elements(op: str, x: Any, dim: int) -> None:
    """Raise E117 for an axis of length 0: nothing of it is in the middle, or the commonest."""
    if x.ndim and not x.shape[axis_of(op, x.node, dim)]:
        raise ShapeError("E117", op, "nothing to choose from: the axis has length 0",
                         got={"x": x.node}, need="at least one element along the axis")


def _floating(x: Any) -> Any:
    return x if x.dtype.is_floating_point else x.to(float32)


def _ranked(x: Any, dim: int, keepdim: bool, rank: Any) -> Extreme:
    """The element of a rank along an axis, and its place; the first NaN when there is one."""
    at = axis_of("median", x.node, dim)
    if x.ndim == 0:
        return Extreme(x.clone(), x.argmax())
    _, order = x.sort(at)
    places = order.select(at, rank(x.shape[at]))
    if x.dtype.is_floating_point:
        places = x.argmax(at).where(x.isnan().any(at), places)     # the first NaN
    places = places.detach()
    return Extreme(along(x, places, at, keepdim), places.unsqueeze(at) if keepdim else places)


def quantile_of(op: str, x: Any, q: Any, dim: int | None, keepdim: bool, between: str,
                skip_nan: bool) -> Any:
    """quantile, or nanquantile, of a tensor; gradients pass to x and to a tensor q."""
    if between not in _BETWEEN:
        raise ArgumentError("E191", op, f"there is no interpolation {between!r}",
                            need=" or ".join(_BETWEEN))
    shares: Any = q if isinstance(q, Core) else x.new_tensor(q)
    known = execute.value_of(shares.node) if execute.is_known(shares.node) else np.zeros(0)
    if not ((known >= 0) & (known <= 1)).all():
        raise ArgumentError("E191", op, f"q = {shares.tolist()}", need="0 <= q <= 1")
    flat = dim is None or x.ndim == 0
    rows = x.reshape(-1) if flat else x.movedim(dim, -1)                    # (*A, n)
    found = apply(lambda n, s: _quantiles(n, s, between, skip_nan), rows, shares.reshape(-1))
    if keepdim:
        at = None if flat else axis_of(op, x.node, dim)  # type: ignore[arg-type]
        found = found.reshape(-1, *(1,) * x.ndim) if at is None else found.unsqueeze(1 + at)
    return found if shares.ndim else found.select(0, 0)


def _quantiles(x: Node, shares: Node, between: str, skip_nan: bool) -> Node:
    """x (*A, n), shares (q,) -> (q, *A)."""
    last = x.ndim - 1
    values, _ = ops.index.sort(x, last)                                     # NaN comes last
    nan = ops.isnan(x)
    count = ops.sum(ops.cast(ops.logical_not(nan), int64), (last,))
    count = ops.keep_dims(count, (last,)) if skip_nan else ops.full_like(
        ops.keep_dims(count, (last,)), x.shape[last])                       # (*A, 1)
    wide = (*x.shape[:last], shares.shape[0])
    place = ops.broadcast_to(shares, wide) * ops.cast(ops.maximum(count - 1, 0), x.dtype)
    low, high = ops.floor(place), ops.ceil(place)
    at = lambda p: ops.index.take_along(values, ops.cast(p, int64), last)   # (*A, q)
    if between in ("lower", "higher", "nearest"):
        pick = {"lower": low, "higher": high, "nearest": ops.round(place)}[between]
        out = at(pick)
    else:
        weight = place - low if between == "linear" else 0.5
        out = ops.lerp(at(low), at(high), weight)
    none = ops.eq(count, 0) if skip_nan else ops.keep_dims(ops.any(nan, (last,)), (last,))
    out = ops.where(ops.broadcast_to(none, out.shape), math.nan, out)
    return ops.batching.move_axis(out, last, 0)
