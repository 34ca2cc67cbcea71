"""Statistics of tensors: variance, norms, medians, quantiles, softmax, logsumexp."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.dtypes import dtype_of, float32
from ..graph.errors import ArgumentError, DTypeError
from ..graph.node import Node
from .core import Core, apply
from .naming import numpy_names
from .reductions import Dims, Extreme, along, reduce_dims
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
        """The square root of var."""
        dim, less = _correction(dim, unbiased, correction)
        root = lambda x, axes: ops.sqrt(ops.var(x, axes, less))
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
        return apply(lambda n: _softmax(n, axes), x)

    def log_softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """log of softmax, without overflow or loss of small probabilities."""
        x, axes = _prepared("log_softmax", self, dim, dtype)
        return apply(lambda n: n - ops.restore(ops.logsumexp(n, axes), n.shape, axes), x)

    # ---- by order ----------------------------------------------------------------------------
    def median(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The middle element (the lower of two); (values, indices) along `dim`. NaN when one is."""
        if dim is None:
            return self.reshape(-1).median(0).values
        return _ranked(self, dim, keepdim, lambda n: (n - 1) // 2)

    def kthvalue(self, k: int, dim: int = -1, keepdim: bool = False) -> Extreme:
        """The k-th smallest, counted from 1, along an axis: (values, indices)."""
        n = self.size(dim)
        if not 1 <= k <= max(n, 1):
            raise ArgumentError("E135", "kthvalue", f"k {k} is outside an axis of length {n}",
                                got={"x": self.node}, need=f"1 <= k <= {n}")
        values, places = self.sort(dim)
        at = axis_of("kthvalue", self.node, dim)
        pick = lambda t: t.narrow(at, k - 1, 1) if keepdim else t.select(at, k - 1)
        return Extreme(pick(values), pick(places)) if self.ndim else Extreme(self.clone(), places)

    def quantile(self, q: Any, dim: int | None = None, keepdim: bool = False, *,
                 interpolation: str = "linear") -> Tensor:
        """The number with a share q in [0, 1] of the elements below it; NaN when one is.

        Shape   q () or (n,) -> (n, without dim)
        Raises  E191 for q outside [0, 1] or an unknown interpolation
        """
        if interpolation not in _BETWEEN:
            raise ArgumentError("E191", "quantile", f"there is no interpolation {interpolation!r}",
                                need=" or ".join(_BETWEEN))
        shares = q.tolist() if hasattr(q, "tolist") else q
        many = isinstance(shares, list | tuple)
        if not all(0 <= s <= 1 for s in (shares if many else [shares])):
            raise ArgumentError("E191", "quantile", f"q = {shares}", need="0 <= q <= 1")
        x = self.reshape(-1) if dim is None else self.movedim(dim, -1)      # (*A, n)
        found = apply(lambda n: _quantiles(n, list(shares) if many else [shares], interpolation), x)
        if keepdim and dim is not None:
            found = found.unsqueeze(1 + axis_of("quantile", self.node, dim))
        elif keepdim:
            found = found.reshape(-1, *(1,) * self.ndim)
        return found if many else found.select(0, 0)

    # ---- several variables -------------------------------------------------------------------
    def cov(self, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
        """Covariances of variables (rows) over observations (columns)."""
        if fweights is not None or aweights is not None:
            raise ArgumentError("E191", "cov", "weights are not taken", need="no weights")
        x: Any = self.reshape(1, -1) if self.ndim < 2 else self
        off = x - x.mean(1, keepdim=True)
        out = off @ off.mT / max(x.shape[1] - correction, 0)
        return out.reshape(()) if self.ndim < 2 else out

    def corrcoef(self) -> Tensor:
        """Correlations of variables (rows) over observations (columns)."""
        c = self.cov()
        if self.ndim < 2:
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


def _quantiles(x: Node, shares: list[float], between: str) -> Node:
    """x (*A, n) -> (q, *A)."""
    last, n = x.ndim - 1, x.shape[-1]
    values, _ = ops.index.sort(x, last)
    at = lambda i: ops.reshape(ops.narrow(values, last, i, 1), x.shape[:-1])
    def one(share: float) -> Node:
        place = share * (n - 1)
        low, high = math.floor(place), math.ceil(place)
        weight = {"linear": place - low, "lower": 0.0, "higher": 1.0, "midpoint": 0.5,
                  "nearest": float(round(place) - low)}[between]
        return at(low) if low == high else at(low) + (at(high) - at(low)) * weight
    out = ops.stack([one(s) for s in shares], 0)
    return ops.where(ops.any(ops.isnan(x), (last,)), math.nan, out)
