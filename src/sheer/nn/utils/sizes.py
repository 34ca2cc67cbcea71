"""Sizes by formula: a layer and the size of its input flow in, the size of its output flows out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...graph.errors import ArgumentError
from ...ops.pooling import ceiled
from ...ops.sliding import lengths, per_axis
from ..functional.same import same_pairs


def window_length(n: int, kernel_size: int, stride: int = 1, padding: Any = 0, dilation: int = 1,
                  ceil_mode: bool = False) -> int:
    """Positions of a window on n elements: (n + padding - dilation (kernel - 1) - 1) // stride + 1.

    Params  padding    at both ends; a pair for different ones; "valid", or "same": ceil(n / stride)
            ceil_mode  count a last, partial window that starts inside the data, too
    Raises  E255 where no window fits
    Source  definition
    Example
        >>> window_length(7, 5, padding="valid"), window_length(7, 5, padding="same")
        (3, 7)
    """
    if padding == "same":
        low, high = same_pairs([n], kernel_size, stride, dilation)[0]
    else:
        low, high = (0, 0) if padding == "valid" else (
            padding if isinstance(padding, tuple | list) else (padding, padding))
    if ceil_mode:
        low, high = ceiled(n, kernel_size, stride, (low, high), dilation)
    found = lengths([n], [kernel_size], [stride], [(low, high)], [dilation])[0]
    if found < 1:
        raise ArgumentError("E255", "output size",
                            f"a window of {dilation * (kernel_size - 1) + 1} does not fit {n}",
                            got={"padding": (low, high)},
                            need="a window no larger than n + padding")
    return found


def output_size(layer: Any, input_size: Sequence[int]) -> tuple[int, ...]:
    """The spatial size behind a convolution, transposed convolution, pool or a row of such.

    Params  layer       a layer with a window, a Sequential of them, or a list
            input_size  (L,), (H, W) or (D, H, W)
    Raises  E255 where no window fits, and for a layer without one
    Source  definition
    Example
        >>> output_size(sheer.nn.Conv2d(1, 1, 3, stride=2, padding=1), (7, 8))
        (4, 4)
    """
    size = tuple(int(n) for n in input_size)
    for part in _row(layer):
        if hasattr(part, "kernel_size"):
            size = _through(part, size)
        elif hasattr(part, "output_size"):
            wanted = per_axis_or_none(part.output_size, len(size))
            size = tuple(n if w is None else w for n, w in zip(size, wanted, strict=True))
    return size


def receptive_field(layer: Any, axes: int = 2) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(field, stride): elements of the input that one element of the output sees, and how far
    apart the fields of neighbours lie, per axis.

    Raises  E255 for a layer whose field is not a window
    Source  Araujo et al. 2019, Computing receptive fields of convolutional neural networks
    """
    field, jump = [1] * axes, [1] * axes
    for part in _row(layer):
        if hasattr(part, "kernel_size"):
            k, s, d = _settings(part, axes)
            for a in range(axes):
                field[a] += jump[a] * d[a] * (k[a] - 1)
                jump[a] *= s[a]
    return tuple(field), tuple(jump)


def per_axis_or_none(value: Any, axes: int) -> tuple[int | None, ...]:
    """One length per axis; None keeps an axis."""
    return tuple(value) if isinstance(value, tuple | list) else (value,) * axes


def _row(layer: Any) -> Iterable[Any]:
    """The layers of a row, each of which keeps the size or has a window."""
    parts = layer if isinstance(layer, tuple | list) else None
    if parts is None:
        from ..containers import Sequential
        parts = list(layer.children()) if isinstance(layer, Sequential) else None
    if parts is not None:
        return [p for part in parts for p in _row(part)]
    if hasattr(layer, "weight") and not hasattr(layer, "kernel_size") and not hasattr(
            layer, "num_features"):
        raise ArgumentError("E255", "output size", f"{type(layer).__name__} has no window",
                            need="convolutions, pools, and layers that keep the size")
    return [layer]


def _settings(layer: Any, axes: int) -> list[tuple[int, ...]]:
    """kernel_size, stride and dilation per axis; the stride of a pool is its kernel_size."""
    kernel, stride = layer.kernel_size, getattr(layer, "stride", 1)
    given = kernel, kernel if stride is None else stride, getattr(layer, "dilation", 1)
    return [per_axis("output size", name, value, axes)
            for name, value in zip(("kernel_size", "stride", "dilation"), given, strict=True)]


def _through(layer: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    axes = len(size)
    kernel, stride, dilation = _settings(layer, axes)
    padding = getattr(layer, "padding", 0)
    read = lambda name: per_axis("output size", name, getattr(layer, name, 0), axes)
    if hasattr(layer, "output_padding"):
        around, extra = read("padding"), read("output_padding")
        rows = zip(size, kernel, stride, around, dilation, extra, strict=True)
        return tuple((n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, k, s, p, d, e in rows)
    padded: Any = [padding] * axes if isinstance(padding, str) else read("padding")
    ceil = bool(getattr(layer, "ceil_mode", False))
    return tuple(window_length(n, k, s, p, d, ceil) for n, k, s, p, d in
                 zip(size, kernel, stride, padded, dilation, strict=True))
