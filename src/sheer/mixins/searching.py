"""Order and places: sort, topk, nonzero, unique, bincount, histc, searchsorted."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import ops
from ..graph.dtypes import float64, int32, int64
from ..graph.errors import ArgumentError
from ..graph.node import Node
from ..ops.lift import cast
from .core import Core, apply
from .known import fresh, known
from .naming import numpy_names
from .reductions import Extreme
from .shapes import axis_of

if TYPE_CHECKING:
    from ..tensor import Tensor


class Histogram(NamedTuple):
    """What histogram gives."""

    hist: Any
    bin_edges: Any


@numpy_names
class Searching(Core):
    """Which elements, in which order. Sorting is stable; NaN counts as the largest."""

    __slots__ = ()

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True, *,
             axis: int | None = None) -> Any:
        """(values, indices) along `dim`, in order; with `axis`, values only (array API)."""
        if axis is not None:
            return self.sort(axis, descending).values
        if self.ndim == 0:
            return Extreme(self.clone(), self.argmax())
        axis = axis_of("sort", self.node, dim)
        return Extreme(*apply(ops.index.sort, self, axis=axis, descending=descending))

    def msort(self) -> Tensor:
        """Sorted along the first axis."""
        found: Tensor = self.sort(0).values
        return found

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
        """The places that put an axis in order."""
        found: Tensor = self.sort(dim, descending).indices
        return found

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Extreme:
        """The k largest (smallest) elements of an axis, in order, and their places."""
        if self.ndim == 0:
            return Extreme(*self.sort())
        axis = axis_of("topk", self.node, dim)
        return Extreme(*apply(ops.index.topk, self, k=k, axis=axis, largest=largest))

    # ---- results whose shape depends on values -----------------------------------------------
    def nonzero(self, as_tuple: bool = False) -> Any:
        """Places of elements other than 0: one row each, or one vector per axis.

        Raises  E606 inside a traced function: the shape depends on the values
        """
        found = np.nonzero(np.atleast_1d(known("nonzero", self)))
        if as_tuple:
            return tuple(fresh(i.astype(np.int64)) for i in found)
        rows = np.stack(found, 1).astype(np.int64)                      # (n, ndim)
        return fresh(rows if self.ndim else rows[:, :0])

    def argwhere(self) -> Tensor:
        """As nonzero: one row per element other than 0."""
        return self.nonzero()

    def unique(self, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
               dim: int | None = None) -> Any:
        """The different elements (slices of an axis) in order; where each went; how often each is.

        Raises  E606 inside a traced function
        """
        values = known("unique", self)
        axis = None if dim is None else axis_of("unique", self.node, dim)
        found, inverse, counts = np.unique(values, return_inverse=True, return_counts=True,
                                           axis=axis,
                                           equal_nan=False)
        shape = values.shape if axis is None else (-1,)
        extra = ([inverse.reshape(shape)] if return_inverse else []) + (
            [counts] if return_counts else [])
        out = [fresh(found), *(fresh(e.astype(np.int64)) for e in extra)]
        return tuple(out) if extra else out[0]

    def unique_consecutive(self, return_inverse: bool = False, return_counts: bool = False,
                           dim: int | None = None) -> Any:
        """The flattened elements (slices of an axis) without repetitions of the one before."""
        values = known("unique_consecutive", self)
        at = 0 if dim is None else axis_of("unique_consecutive", self.node, dim)
        rows = values.reshape(-1) if dim is None else np.moveaxis(np.atleast_1d(values), at, 0)
        new = np.ones(len(rows), bool)
        differ = rows[1:] != rows[:-1]
        new[1:] = differ.any(axis=tuple(range(1, differ.ndim)))
        places = np.cumsum(new) - 1
        extra = ([places.reshape(self.shape if dim is None else -1)] if return_inverse else []) + (
            [np.bincount(places)] if return_counts else [])
        kept = np.moveaxis(rows[new], 0, at) if values.ndim or dim is None else values
        out = [fresh(kept), *(fresh(e.astype(np.int64)) for e in extra)]
        return tuple(out) if extra else out[0]

    def bincount(self, weights: Any = None, minlength: int = 0) -> Tensor:
        """How often each of 0, 1, 2, ... occurs in a vector, or the sums of their weights.

        Raises  E606 inside a traced function; E191 for negative or fractional elements
        """
        values = known("bincount", self)
        if minlength < 0:
            raise ArgumentError("E191", "bincount", f"minlength={minlength}", need="0 or more")
        if self.dtype.kind not in ("int", "uint") or values.ndim != 1 or (values < 0).any():
            raise ArgumentError("E191", "bincount", "counts non-negative integers",
                                got={"x": self.node},
                                need="a vector of integers >= 0")
        if weights is None:
            return fresh(np.bincount(values, minlength=minlength).astype(np.int64))
        length = max(int(values.max(initial=-1)) + 1, minlength)
        def total(x: Node, w: Node) -> Node:
            w = w if w.dtype.is_floating_point else cast(w, float64)
            start = ops.broadcast_to(ops.constant(0, w.dtype), (length,))
            return ops.ScatterAdd(1)(start, cast(x, int64), w)
        return apply(total, self, weights)

    def histc(self, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
        """How many elements fall into each of `bins` equal parts of [min, max]; others are left
        out. When min = max, the range is that of the elements. Raises E191 for bins below 1."""
        _check_bins("histc", bins)
        def count(x: Node) -> Node:
            x = ops.stop_gradient(ops.reshape(x, (-1,)))
            start = ops.broadcast_to(ops.constant(0, x.dtype), (bins,))
            if x.size == 0:
                return start
            low, high = (ops.min(x), ops.max(x)) if min == max else (
                ops.constant(min, x.dtype), ops.constant(max, x.dtype))
            flat = ops.eq(low, high)
            low, high = ops.where(flat, low - 1, low), ops.where(flat, high + 1, high)
            inside = ops.logical_and(ops.ge(x, low), ops.le(x, high))
            place = cast(ops.floor(ops.where(inside, (x - low) / (high - low) * bins, 0)), int64)
            ones = cast(inside, x.dtype)
            return ops.ScatterAdd(1)(start, ops.clamp(place, 0, bins - 1), ones)
        return apply(count, self)

    def histogram(self, bins: Any, *, range: Any = None, weight: Any = None,
                  density: bool = False) -> Histogram:
        """How many elements, or how much weight, lies between neighbouring edges; the last edge
        belongs to the last bin. density: divided by the sum and by the width.

        bins: their number, over `range` or the elements' own; or the edges
        Raises  E606 inside a traced function; E191 for integers
        """
        if not self.dtype.is_floating_point:
            raise ArgumentError("E191", "histogram", "counts floats", got={"x": self.node},
                                need="float32 or float64",
                                tries=[("x.float().histogram(bins)", lambda: None)])
        values = known("histogram", self).reshape(-1)
        if isinstance(bins, Core):
            edges = known("histogram", bins)
        else:
            _check_bins("histogram", bins)
            low, high = range or ((values.min(), values.max()) if values.size else (0, 1))
            low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
            edges = np.linspace(low, high, bins + 1, dtype=values.dtype)
        parts = None if weight is None else known("histogram", weight).reshape(-1)
        found, _ = np.histogram(values, edges, weights=parts, density=density)
        return Histogram(fresh(found.astype(values.dtype)), fresh(edges))

    # ---- in sorted sequences -----------------------------------------------------------------
    def searchsorted(self, values: Any, *, out_int32: bool = False, right: bool = False,
                     side: str | None = None, sorter: Tensor | None = None) -> Tensor:
        """How many elements of a sorted last axis are below each value (right: not above)."""
        line: Any = self
        if sorter is not None:
            line = self.gather(-1, sorter) if self.ndim > 1 else self.index_select(0, sorter)
        compare = ops.le if right or side == "right" else ops.lt
        def place(x: Node, v: Any) -> Node:
            v = v if isinstance(v, Node) else ops.constant(v, x.dtype)
            rows = ops.expand_dims(x, x.ndim - 1) if x.ndim > 1 else x         # (*B, 1, n)
            smaller = compare(rows, ops.expand_dims(v, v.ndim))                # (*S, n)
            return ops.sum(cast(smaller, int32 if out_int32 else int64), (smaller.ndim - 1,))
        return apply(place, line, values)

    def bucketize(self, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
        """Between which boundaries every element lies."""
        from ..tensor import as_tensor
        return as_tensor(boundaries).searchsorted(self, out_int32=out_int32, right=right)

    def isin(self, test_elements: Any, *, assume_unique: bool = False,
             invert: bool = False) -> Tensor:
        """Is each element among the given ones?"""
        def among(x: Node, t: Any) -> Node:
            t = t if isinstance(t, Node) else ops.constant(t, x.dtype)
            hits = ops.eq(ops.expand_dims(x, x.ndim), ops.reshape(t, (-1,)))
            found = ops.any(hits, (x.ndim,))
            return ops.logical_not(found) if invert else found
        return apply(among, self, test_elements)


def _check_bins(op: str, bins: int) -> None:
    if bins < 1:
        raise ArgumentError("E191", op, f"{bins} bins", need="at least one")
