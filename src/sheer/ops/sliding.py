"""Sliding windows: what convolution and pooling share. Lengths and settings in, positions out.

Along each spatial axis output p meets tap k at element p * stride + k * dilation - low.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


def lengths(sizes: Sequence[int], window: Sequence[int], stride: Sequence[int],
            padding: Sequence[Sequence[int]], dilation: Sequence[int]) -> Ints:
    """Number of window positions per axis; below 1 where the window does not fit."""
    rows = zip(sizes, window, stride, padding, dilation, strict=True)
    return tuple((n + lo + hi - d * (k - 1) - 1) // s + 1 for n, k, s, (lo, hi), d in rows)


def reach(window: Sequence[int], dilation: Sequence[int]) -> Ints:
    """Elements from the first to the last tap, both included, per axis."""
    return tuple(d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True))


def taps(window: Sequence[int], stride: Sequence[int], dilation: Sequence[int],
         out: Sequence[int]) -> Iterator[tuple[Ints, tuple[Any, ...]]]:
    """Each tap in row-major order, and the slices of the padded array that it meets."""
    rows = list(zip(stride, dilation, out, strict=True))
    for tap in itertools.product(*map(range, window)):
        yield tap, (..., *(slice(k * d, k * d + s * (n - 1) + 1, s)
                           for k, (s, d, n) in zip(tap, rows, strict=True)))


def padded(x: np.ndarray, padding: Pairs, value: Any = 0) -> np.ndarray:
    """x with `value` around its last axes."""
    widths = [(0, 0)] * (x.ndim - len(padding)) + list(padding)
    return np.pad(x, widths, constant_values=value) if any(map(any, padding)) else x


def cropped(x: np.ndarray, padding: Pairs) -> np.ndarray:
    """x without the padding around its last axes: undoes `padded`."""
    ends = x.shape[x.ndim - len(padding):]
    inner: Any = [slice(lo, n - hi) for n, (lo, hi) in zip(ends, padding, strict=True)]
    return x[(..., *inner)]


# ---- settings as users write them --------------------------------------------------------------

def per_axis(op: str, name: str, value: int | Sequence[int], ndim: int) -> Ints:
    """One number per axis, from a number for all or a sequence.

    Raises ArgumentError E123 when the sequence has another length.
    """
    if isinstance(value, int | np.integer):
        return (int(value),) * ndim
    if not isinstance(value, list | tuple | np.ndarray) or not all(
            isinstance(v, int | np.integer) for v in value):
        raise ArgumentError("E123", op, f"{name}={value!r}", need=f"a whole number, or {ndim}")
    if len(value) == 1:
        return (int(value[0]),) * ndim
    if len(value) != ndim:
        raise ArgumentError("E123", op, f"{name} {tuple(value)} does not have {ndim} numbers",
                            need=f"one number, or {ndim}")
    return tuple(int(v) for v in value)


def both_sides(op: str, padding: Any, ndim: int) -> Pairs:
    """(low, high) per axis, from a number, a number per axis, or such pairs."""
    if not isinstance(padding, int | np.integer) and len(padding) == ndim and all(
            not isinstance(p, int | np.integer) for p in padding):
        return tuple((int(lo), int(hi)) for lo, hi in padding)
    return tuple((p, p) for p in per_axis(op, "padding", padding, ndim))


def check(op: str, stride: Ints, padding: Pairs, dilation: Ints, window: Ints = ()) -> None:
    """Raise ArgumentError E123 unless every setting is one a window can have."""
    kernel = {"kernel_size": window} if window else {}       # the stride of a pool is its kernel
    for name, value in {**kernel, "stride": stride, "dilation": dilation}.items():
        if len(value) != len(stride):
            raise ArgumentError("E123", op, f"{name} {value} is not for {len(stride)} axes",
                                need="settings for equally many axes")
        if min(value, default=1) < 1:
            raise ArgumentError("E123", op, f"{name} {value} is below 1",
                                need=f"{name} >= 1 on every axis")
    if len(padding) != len(stride) or any(low < 0 or high < 0 for low, high in padding):
        raise ArgumentError("E123", op, f"padding {padding} is no (low, high) for each axis",
                            need="0 or more on both sides of every axis")
