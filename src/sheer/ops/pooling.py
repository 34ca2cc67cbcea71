"""max_pool, avg_pool, their adaptive kin and max_unpool as users call them, on nodes."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, DTypeError, ShapeError
from ..graph.node import Node
from . import elementwise, movement, reduce, sliding
from .index.along import take, take_along
from .index.gather import ScatterSet
from .primitive import results
from .structure import constant
from .window import MaxPool, SumPool, scattered, too_few_axes

__all__ = ["adaptive_avg_pool", "adaptive_max_pool", "avg_pool", "max_pool", "max_unpool"]


def max_pool(x: Node, window: tuple[int, ...], stride: Any = None, padding: Any = 0,
             dilation: Any = 1, ceil_mode: bool = False) -> tuple[Node, ...]:
    """(largest element, its flat place) under each window over the last len(window) axes.

    Shape   x (*B, *S) -> (*B, *P), int64 (*B, *P)
    Raises  as `MaxPool`; E124 for padding above half the window
    Source  torch.nn.functional.max_pool1d, max_pool2d, max_pool3d
    """
    settings, _ = _settings("max_pool", x, window, stride, padding, dilation, ceil_mode)
    return results(MaxPool(*settings)(x))


def avg_pool(x: Node, window: tuple[int, ...], stride: Any = None, padding: Any = 0,
             ceil_mode: bool = False, count_include_pad: bool = True,
             divisor_override: float | None = None) -> Node:
    """The mean under each window over the last len(window) axes.

    count_include_pad divides by the window's size, though never for what ceil_mode added; without
    it, by the number of elements under it. divisor_override divides by that number instead.

    Shape   x (*B, *S) -> (*B, *P)
    Raises  as `SumPool`; E105 for integers, E124 for padding above half the window or divisor 0
    Source  torch.nn.functional.avg_pool1d, avg_pool2d, avg_pool3d
    """
    _need_floats("avg_pool", x)
    if divisor_override == 0:
        raise ArgumentError("E124", "avg_pool", "divisor_override is 0",
                            need="any other number, or None")
    settings, around = _settings("avg_pool", x, window, stride, padding, 1, ceil_mode)
    total = SumPool(*settings)(x)
    if divisor_override is not None:
        return total / divisor_override
    limits = around if count_include_pad else ((0, 0),) * len(window)
    rows = zip(_tail(x, len(window)), _tail(total, len(window)), *settings[:3], limits, strict=True)
    return total / _divisor([_counted(*row) for row in rows], x.dtype)


def max_unpool(x: Node, indices: Node, size: tuple[int, ...],
               op: str = "max_unpool") -> Node:
    """Zeros of spatial lengths `size` with each element of x at its flat place; the last one wins.

    Shape   x (*B, *P), int64 indices (*B, *P) -> (*B, *size)
    Raises  E130 for a place outside size, E132 when x and indices differ in shape
    Source  torch.nn.functional.max_unpool2d
    """
    if x.shape != indices.shape or x.ndim < len(size):
        raise ShapeError("E132", op, "every element needs one place",
                         got={"input": x, "indices": indices},
                         need=f"equal shapes with at least {len(size)} axes")
    return scattered(ScatterSet, x, indices, tuple(size), op)


def adaptive_avg_pool(x: Node, sizes: Any) -> Node:
    """The mean of each of `sizes` nearly equal parts of the last axes; None keeps an axis as it is.

    Part i of o covers floor(i n / o) to ceil((i + 1) n / o): parts may overlap.

    Shape   x (*B, *S) -> (*B, *sizes)
    Raises  E105 for integers, E120 for too few axes, E124 for sizes below 1
    Source  torch.nn.functional.adaptive_avg_pool2d
    """
    sizes, spatial, window = _parts("adaptive_avg_pool", x, sizes)
    if window is not None:
        return avg_pool(x, window)
    _need_floats("adaptive_avg_pool", x)
    places, inside = _members(spatial, sizes)
    taken = take(_flat(x, len(sizes)), places, -1)                              # (*B, P, L)
    parts = elementwise.where(constant(inside), taken, 0)
    mean = reduce.sum(parts, (parts.ndim - 1,)) / constant(inside.sum(-1), x.dtype)
    return movement.reshape(mean, (*x.shape[:x.ndim - len(sizes)], *sizes))


def adaptive_max_pool(x: Node, sizes: Any) -> tuple[Node, ...]:
    """(largest element, its flat place) of each of `sizes` parts, cut as in `adaptive_avg_pool`.

    Shape   x (*B, *S) -> (*B, *sizes), int64 (*B, *sizes)
    Raises  E120 for too few axes, E124 for sizes below 1
    Source  torch.nn.functional.adaptive_max_pool2d
    """
    sizes, spatial, window = _parts("adaptive_max_pool", x, sizes)
    if window is not None:
        return max_pool(x, window)
    places, _ = _members(spatial, sizes)
    flat = _flat(x, len(sizes))
    parts = take(flat, places, -1)                                              # (*B, P, L)
    best = movement.expand_dims(reduce.argmax(parts, parts.ndim - 1), parts.ndim - 1)
    table = movement.broadcast_to(constant(places), parts.shape)
    index = take_along(table, best, -1)                                         # (*B, P, 1)
    found = movement.reshape(index, index.shape[:-1])
    shape = (*x.shape[:x.ndim - len(sizes)], *sizes)
    return movement.reshape(take_along(flat, found, -1), shape), movement.reshape(found, shape)


# ---- helpers ------------------------------------------------------------------------------------

def _settings(op, x, window, stride, padding, dilation, ceil_mode):
    """Fields of a pool from what users write, and the padding before ceil_mode added to it."""
    axes = len(window)
    window = tuple(int(k) for k in window)
    stride = window if stride is None else sliding.per_axis(op, "stride", stride, axes)
    dilation = sliding.per_axis(op, "dilation", dilation, axes)
    around = sliding.both_sides(op, padding, axes)
    sliding.check(op, stride, around, dilation, window)
    if any(max(pair) > k // 2 for pair, k in zip(around, window, strict=True)):
        raise ArgumentError("E124", op, f"padding {around} is more than half of window {window}",
                            need="padding <= window // 2")
    if x.ndim < axes:
        raise too_few_axes(op, x, axes)
    rows = zip(_tail(x, axes), window, stride, around, dilation, strict=True)
    grown = tuple(ceiled(*row) for row in rows) if ceil_mode else around
    return (window, stride, grown, dilation), around


def ceiled(n, k, stride, around, dilation):
    """(low, high) with room for a last, partial window, if that starts inside or on the left; for
    the first and only one too.
    """
    low, high = around
    span = dilation * (k - 1) + 1
    room = n + low + high - span
    last = -(-room // stride) * stride
    return (low, high + last - room) if 0 <= last < n + low else around


def _counted(n, positions, k, stride, around, limit):
    """How many elements from -limit[0] to n + limit[1] are under each window of one axis."""
    starts = np.arange(positions) * stride - around[0]
    return np.minimum(starts + k, n + limit[1]) - np.maximum(starts, -limit[0])


def _divisor(counts, dtype):
    """The product of counts per axis: a number, and a line for each axis where they differ."""
    lines = [movement.reshape(constant(c, dtype), [-1 if b == a else 1 for b in range(len(counts))])
             for a, c in enumerate(counts) if (c != c[0]).any()]
    same = math.prod(int(c[0]) for c in counts if (c == c[0]).all())
    return functools.reduce(operator.mul, [*lines, same] if same != 1 or not lines else lines)


def _tail(x, axes):
    """Lengths of the last axes."""
    return x.shape[x.ndim - axes:]


def _flat(x, axes):
    """x with its last axes in one."""
    return movement.reshape(x, (*x.shape[:x.ndim - axes], math.prod(_tail(x, axes))))


def _parts(op, x, sizes):
    """(sizes without None, lengths they divide, the window when all parts are equal)."""
    if x.ndim < len(sizes):
        raise too_few_axes(op, x, len(sizes))
    spatial = _tail(x, len(sizes))
    sizes = tuple(n if s is None else int(s) for s, n in zip(sizes, spatial, strict=True))
    if min(*sizes, *spatial) < 1:
        raise ArgumentError("E124", op, f"{spatial} cannot be cut into {sizes} parts",
                            got={"input": x}, need="at least one element and one part per axis")
    pairs = list(zip(spatial, sizes, strict=True))
    window = tuple(n // s for n, s in pairs) if all(n % s == 0 for n, s in pairs) else None
    return sizes, spatial, window


def _members(spatial, sizes):
    """Flat places (P, L) of every part, filled up with its first one, and which are its own."""
    cut = lambda n, o: [range(i * n // o, -(-(i + 1) * n // o)) for i in range(o)]
    parts = [np.ravel_multi_index(np.meshgrid(*ranges, indexing="ij"), spatial).ravel()
             for ranges in itertools.product(*map(cut, spatial, sizes))]
    longest = max(map(len, parts))
    places = np.stack([np.r_[p, np.full(longest - len(p), p[0])] for p in parts])
    return places, np.arange(longest) < np.array([[len(p)] for p in parts])


def _need_floats(op: str, x: Node) -> None:
    if not x.dtype.is_floating_point:
        raise DTypeError("E105", op, f"has no meaning for {x.dtype.name}", got={"input": x},
                         need="float32 or float64", tries=[("input.float()", lambda: None)])
