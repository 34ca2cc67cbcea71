"""Pools: one number for every position of a window that slides over the last axes, and back."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..graph.dtypes import DTYPES, FLOATS, INTS, DType, dtype_of, int64
from ..graph.errors import DTypeError, ShapeError
from . import batching, movement, reduce, sampling, sliding
from .index.along import places_along, take_along
from .index.bounds import Word
from .primitive import KernelIn, NoXla, Primitive, results
from .structure import constant

__all__ = ["MaxPool", "MaxPoolInput", "SumPool", "SumPoolInput"]


class _Pool(Primitive, abstract=True):
    """Settings and rules that all pools share; leading axes are independent of each other."""

    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    op: ClassVar[str] = "pool"
    dtypes: ClassVar[tuple[DType, ...]] = (*INTS, *FLOATS)
    emit = KernelIn("backends/cpu: a loop over the window")

    @property
    def settings(self) -> tuple[Any, Any, Any, Any]:
        return self.window, self.stride, self.padding, self.dilation
    def lengths(self, sizes): return sliding.lengths(sizes, *self.settings)
    def positions(self, x, sizes):
        """Number of window positions per axis of `sizes`; raises unless there is one."""
        sliding.check(self.op, self.stride, self.padding, self.dilation, self.window)
        if x.dtype not in self.dtypes:
            raise DTypeError("E105", self.op, f"has no meaning for {x.dtype.name}",
                             got={"input": x}, need=" or ".join(d.name for d in self.dtypes))
        if x.ndim < len(self.window) or len(sizes) != len(self.window):
            raise too_few_axes(self.op, x, len(self.window))
        if min(self.lengths(sizes)) < 1:
            span = sliding.reach(self.window, self.dilation)
            room = tuple(n + lo + hi for n, (lo, hi) in zip(sizes, self.padding, strict=True))
            raise ShapeError("E122", self.op, f"the window spans {span}, the padded input {room}",
                             got={"input": x}, need="a window no larger than the padded input")
        return self.lengths(sizes)
    def spatial(self, x): return x.shape[max(x.ndim - len(self.window), 0):]
    def flops(self, out, x):
        values = out[0] if isinstance(out, tuple) else out
        return values.size * math.prod(self.window)         # one comparison or addition per tap
    def taps(self, out): return sliding.taps(self.window, self.stride, self.dilation, out)
    def batch(self, args, at): return self(batching.move_axis(args[0], at[0], 0)), 0


class MaxPool(_Pool):
    """The largest element under each window, and its place: a flat index over the spatial axes.

    Padding never wins; NaN does, the first of several; so does the first of equal elements.

    Shape   x (*B, *S) -> values (*B, *P), int64 indices (*B, *P)
    Dtype   any -> the same, int64
    Raises  E105, E120, E122, E123 for wrong operands, E126 when a window holds only padding
    Source  torch.nn.functional.max_pool2d with return_indices
    """
    op, dtypes = "max_pool", DTYPES
    xla = NoXla("reduce_window over (value, index) pairs")

    def infer(self, x):
        out = self.positions(x, self.spatial(x))
        rows = zip(self.spatial(x), out, *self.settings, strict=True)
        if any(map(any, self.padding)) and not all(_touches(*row) for row in rows):
            raise ShapeError("E126", self.op, "a window holds only padding",
                             got={"input": x}, need=f"less padding than {self.padding}")
        shape = (*x.shape[:x.ndim - len(out)], *out)
        return x.to(*shape), x.to(*shape, dtype=int64)
    def ref(self, x):
        sizes = self.spatial(x)
        plane = np.arange(math.prod(sizes)).reshape(sizes)
        values = sliding.padded(x, self.padding, reduce.lowest(dtype_of(x.dtype)))
        places = sliding.padded(plane, self.padding, -1)
        nan = np.isnan if x.dtype.kind == "f" else lambda t: np.zeros(t.shape, bool)
        (_, first), *others = self.taps(self.lengths(sizes))
        best = values[first].copy()
        found = np.broadcast_to(places[first], best.shape).copy()
        for _, where in others:
            value, place = values[where], places[where]
            larger = (value > best) | (nan(value) & ~nan(best))
            wins = (place >= 0) & (larger | (found < 0))
            best[wins] = value[wins]
            found[wins] = np.broadcast_to(place, wins.shape)[wins]
        return best, found
    def vjp(self, ct, out, x):
        return (MaxPoolInput(*self.settings, self.spatial(x))(ct[0], out[1]),)
    def batch(self, args, at):
        return results(self(batching.move_axis(args[0], at[0], 0))), (0, 0)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng))
    @classmethod
    def hard(cls):
        low = np.array([[-np.inf, -np.inf, 1.0, np.nan, 2.0, np.nan]])
        uneven = cls((2, 2), (2, 1), ((0, 1), (1, 0)), (1, 2))
        return [(cls((3,), (1,), ((1, 1),), (1,)), (low,)),
                (uneven, (np.arange(12).reshape(3, 4) // 4,)),
                (cls((2,), (1,), ((0, 0),), (1,)), (np.zeros((0, 3)),))]


class MaxPoolInput(_Pool):
    """Each window's number added to the element that was its largest: the gradient of `MaxPool`.

    Shape   y (*B, *P), int64 places (*B, *P) under their windows -> x (*B, *size)
    Dtype   number -> the same
    Raises  E105, E120, E122, E123 for wrong operands, E125 when `MaxPool` of size does not give P
    Source  torch.nn.functional.max_pool2d
    """
    size: tuple[int, ...]
    op, xla = "max_pool_input", NoXla("scatter_add at the places")

    def infer(self, y, places):
        if y.shape != places.shape or self.positions(y, self.size) != self.spatial(y):
            raise wrong_image(self, y)
        return y.to(*y.shape[:y.ndim - len(self.size)], *self.size)
    def ref(self, y, places):
        lead, flat = math.prod(y.shape[:y.ndim - len(self.size)]), math.prod(self.size)
        rows = np.repeat(np.arange(lead), math.prod(self.spatial(y))) * flat
        x = np.zeros(lead * flat, y.dtype)
        np.add.at(x, rows + places.ravel(), y.ravel())
        return x.reshape(*y.shape[:y.ndim - len(self.size)], *self.size)
    def flops(self, out, y, places): return y.size
    def vjp(self, ct, out, y, places): return picked(ct, places, len(self.size)), None
    def batch(self, args, at): return self(*batching.all_to_front(args, at)), 0
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng))


class SumPool(_Pool):
    """The sum of the elements under each window; padding counts as 0.

    Shape   x (*B, *S) -> (*B, *P), P = (S + low + high - dilation (window - 1) - 1) // stride + 1
    Dtype   number -> the same
    Raises  E105, E120, E122, E123 for wrong operands
    Source  definition
    """
    op, xla = "sum_pool", "reduce_window"

    def infer(self, x):
        out = self.positions(x, self.spatial(x))
        return x.to(*x.shape[:x.ndim - len(out)], *out)
    def ref(self, x):
        out, whole = self.lengths(self.spatial(x)), sliding.padded(x, self.padding)
        total = np.zeros((*x.shape[:x.ndim - len(out)], *out), x.dtype)
        for _, where in self.taps(out):
            total += whole[where]
        return total
    def vjp(self, ct, out, x): return (SumPoolInput(*self.settings, self.spatial(x))(ct),)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng))


class SumPoolInput(_Pool):
    """Each window's number added to every element under it: the adjoint of `SumPool`.

    Shape   y (*B, *P) -> x (*B, *size), where `SumPool` of size gives P
    Dtype   number -> the same
    Raises  E105, E120, E122, E123 for wrong operands, E125 when `SumPool` of size does not give P
    Source  definition
    """
    size: tuple[int, ...]
    op, xla = "sum_pool_input", NoXla("pad and reduce_window with the window dilated by the stride")

    def infer(self, y):
        if self.positions(y, self.size) != self.spatial(y):
            raise wrong_image(self, y)
        return y.to(*y.shape[:y.ndim - len(self.size)], *self.size)
    def ref(self, y):
        around = [lo + n + hi for n, (lo, hi) in zip(self.size, self.padding, strict=True)]
        x = np.zeros((*y.shape[:y.ndim - len(around)], *around), y.dtype)
        for _, where in self.taps(self.spatial(y)):
            x[where] += y
        return sliding.cropped(x, self.padding)
    def flops(self, out, y): return y.size * math.prod(self.window)
    def vjp(self, ct, out, y): return (SumPool(*self.settings)(ct),)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng))


# ---- helpers ------------------------------------------------------------------------------------

def too_few_axes(op, x, axes):
    """E120: fewer axes than the window has."""
    return ShapeError("E120", op, f"a {axes}-d window over a {x.ndim}-d input",
                      got={"input": x}, need=f"at least {axes} axes: (*B, *spatial)")


def wrong_image(prim, y):
    """E125: an image of `size` does not have as many positions as y."""
    return ShapeError("E125", prim.op, f"an image of {prim.size} gives positions "
                      f"{prim.lengths(prim.size)}, not {prim.spatial(y)}", got={"result": y},
                      need="sizes that belong together under these settings")


def picked(x, places, axes):
    """Elements of x (*B, *S) at flat places (*B, *P) over the last `axes` axes: (*B, *P)."""
    lead = x.shape[:x.ndim - axes]
    rows = lambda t: movement.reshape(t, (math.prod(lead), math.prod(t.shape[t.ndim - axes:])))
    return movement.reshape(take_along(rows(x), rows(places), 1), places.shape)


def _touches(n, positions, k, stride, around, dilation):
    """Does every window of one axis hold an element?"""
    at = np.arange(positions)[:, None] * stride + np.arange(k) * dilation - around[0]
    return bool(((at >= 0) & (at < n)).any(1).all())


def scattered(primitive, y, indices, size, op):
    """Zeros (*B, *size) with y (*B, *P) added or written at flat places."""
    lead, axes = y.shape[:y.ndim - len(size)], len(size)
    rows = lambda t: movement.reshape(t, (math.prod(lead), math.prod(t.shape[t.ndim - axes:])))
    ct, places = rows(y), rows(indices)
    empty = movement.broadcast_to(constant(0, y.dtype), (math.prod(lead), math.prod(size)))
    plane = primitive(2, False, Word(op))(empty, *places_along(places, 1), ct)
    return movement.reshape(plane, (*lead, *size))


def _example(cls, rng):
    """A pool with random settings and an array that fits."""
    axes = int(rng.integers(1, 4))
    most = 4 if axes < 3 else 3
    draw = lambda low, high: tuple(rng.integers(low, high, axes).tolist())
    window, stride, dilation = draw(1, most), draw(1, 3), draw(1, 3)
    padding = tuple((int(rng.integers(k // 2 + 1)), int(rng.integers(k // 2 + 1))) for k in window)
    span = sliding.reach(window, dilation)
    size = tuple(n + more for n, more in zip(span, draw(0, most - 1), strict=True))
    prim = SumPool(window, stride, padding, dilation)
    x = rng.normal(size=(2, *size))
    if cls is SumPoolInput:
        return cls(*prim.settings, size), (rng.normal(size=(2, *prim.lengths(size))),)
    if cls is MaxPoolInput:
        best, places = MaxPool(*prim.settings).ref(x)
        return cls(*prim.settings, size), (rng.normal(size=best.shape), places)
    return cls(*prim.settings), (x,)
