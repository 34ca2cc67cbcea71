"""Pools with torch's names: images flow in, smaller ones out, and back (unpool)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.sliding import per_axis
from ...ops.structure import check_shape
from ...tensor import Tensor
from .common import passes_if

Setting = Any     # an int, or a sequence with one per spatial axis
Pooled = Any      # a Tensor, or a pair (Tensor, indices) with return_indices


def max_pool1d(input: Tensor, kernel_size: Setting, stride: Setting | None = None,
               padding: Setting = 0,
               dilation: Setting = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Pooled:
    """The largest element under each window; with return_indices also its place in the image.

    Shape   (N, C, L) or (C, L) -> (N, C, L') or without N
    Raises  E203 for ranks, E122 for a window that does not fit, E123 for settings, E124 for padding
            wider than half a window
    Source  torch.nn.functional.max_pool1d
    Example
        >>> F.max_pool1d(sheer.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
        tensor([[3., 5.]])
    """
    return _max(1, input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


def max_pool2d(input: Tensor, kernel_size: Setting, stride: Setting | None = None,
               padding: Setting = 0,
               dilation: Setting = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Pooled:
    """The largest element under each window; with return_indices also its place in the image.

    Shape   (N, C, H, W) or (C, H, W) -> (N, C, H', W') or without N
    Raises  E203 for ranks, E122 for a window that does not fit, E123 for settings, E124 for padding
            wider than half a window
    Source  torch.nn.functional.max_pool2d
    Example
        >>> F.max_pool2d(sheer.arange(16.0).reshape(1, 4, 4), 2)
        tensor([[[ 5.,  7.],
                 [13., 15.]]])
    """
    return _max(2, input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


def max_pool3d(input: Tensor, kernel_size: Setting, stride: Setting | None = None,
               padding: Setting = 0,
               dilation: Setting = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Pooled:
    """The largest element under each window; with return_indices also its place in the image.

    Shape   (N, C, D, H, W) or (C, D, H, W) -> (N, C, D', H', W') or without N
    Raises  E203 for ranks, E122 for a window that does not fit, E123 for settings, E124 for padding
            wider than half a window
    Source  torch.nn.functional.max_pool3d
    Example
        >>> F.max_pool3d(sheer.arange(64.0).reshape(1, 4, 4, 4), (4, 2, 2))
        tensor([[[[53., 55.],
                  [61., 63.]]]])
    """
    return _max(3, input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


def avg_pool1d(input: Tensor, kernel_size: Setting, stride: Setting | None = None,
               padding: Setting = 0,
               ceil_mode: bool = False, count_include_pad: bool = True) -> Tensor:
    """The mean under each window.

    Shape   (N, C, L) or (C, L) -> (N, C, L') or without N
    Raises  as max_pool1d, E105 for integers
    Source  torch.nn.functional.avg_pool1d
    Example
        >>> F.avg_pool1d(sheer.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
        tensor([[2. , 3.5]])
    """
    return _avg(1, input, (kernel_size, stride, padding, ceil_mode, count_include_pad, None))


def avg_pool2d(input: Tensor, kernel_size: Setting, stride: Setting | None = None,
               padding: Setting = 0,
               ceil_mode: bool = False, count_include_pad: bool = True,
               divisor_override: int | None = None) -> Tensor:
    """The mean under each window.

    Shape   (N, C, H, W) or (C, H, W) -> (N, C, H', W') or without N
    Raises  as max_pool2d, E105 for integers
    Source  torch.nn.functional.avg_pool2d
    Example
        >>> F.avg_pool2d(sheer.arange(16.0).reshape(1, 4, 4), 2)
        tensor([[[ 2.5,  4.5],
                 [10.5, 12.5]]])
    """
    return _avg(2,
                input, (kernel_size, stride, padding, ceil_mode, count_include_pad,
                        divisor_override))


def avg_pool3d(input: Tensor, kernel_size: Setting, stride: Setting | None = None,
               padding: Setting = 0,
               ceil_mode: bool = False, count_include_pad: bool = True,
               divisor_override: int | None = None) -> Tensor:
    """The mean under each window.

    Shape   (N, C, D, H, W) or (C, D, H, W) -> (N, C, D', H', W') or without N
    Raises  as max_pool3d, E105 for integers
    Source  torch.nn.functional.avg_pool3d
    Example
        >>> F.avg_pool3d(sheer.arange(64.0).reshape(1, 4, 4, 4), (4, 2, 2))
        tensor([[[[26.5, 28.5],
                  [34.5, 36.5]]]])
    """
    return _avg(3,
                input, (kernel_size, stride, padding, ceil_mode, count_include_pad,
                        divisor_override))


def adaptive_avg_pool1d(input: Tensor, output_size: Setting) -> Tensor:
    """The mean of each of output_size nearly equal parts.

    Shape   (N, C, L) or (C, L) -> (N, C, *output_size) or without N
    Raises  E203 for ranks, E124 for a size below 1, E204 for more than one, E105 for integers
    Source  torch.nn.functional.adaptive_avg_pool1d
    Example
        >>> F.adaptive_avg_pool1d(sheer.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
        tensor([[2. , 3.5]])
    """
    return _adaptive_avg(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Setting) -> Tensor:
    """The mean of each of output_size parts; None keeps an axis.

    Shape   (N, C, H, W) or (C, H, W) -> (N, C, *output_size) or without N
    Raises  E203 for ranks, E124 for a size below 1, E204 for another number of sizes, E105 for
            integers
    Source  torch.nn.functional.adaptive_avg_pool2d
    Example
        >>> F.adaptive_avg_pool2d(sheer.arange(16.0).reshape(1, 4, 4), (None, 1))
        tensor([[[ 1.5],
                 [ 5.5],
                 [ 9.5],
                 [13.5]]])
    """
    return _adaptive_avg(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Setting) -> Tensor:
    """The mean of each of output_size parts; None keeps an axis.

    Shape   (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size) or without N
    Raises  E203 for ranks, E124 for a size below 1, E204 for another number of sizes, E105 for
            integers
    Source  torch.nn.functional.adaptive_avg_pool3d
    Example
        >>> F.adaptive_avg_pool3d(sheer.arange(64.0).reshape(1, 4, 4, 4), 1)
        tensor([[[[31.5]]]])
    """
    return _adaptive_avg(3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Setting,
                        return_indices: bool = False) -> Pooled:
    """The largest of each of output_size nearly equal parts.

    Shape   (N, C, L) or (C, L) -> (N, C, *output_size) or without N
    Raises  E203 for ranks, E124 for a size below 1, E204 for more than one
    Source  torch.nn.functional.adaptive_max_pool1d
    Example
        >>> F.adaptive_max_pool1d(sheer.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
        tensor([[3., 5.]])
    """
    return _adaptive_max(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Setting,
                        return_indices: bool = False) -> Pooled:
    """The largest of each of output_size parts; None keeps an axis.

    Shape   (N, C, H, W) or (C, H, W) -> (N, C, *output_size) or without N
    Raises  E203 for ranks, E124 for a size below 1, E204 for another number of sizes
    Source  torch.nn.functional.adaptive_max_pool2d
    Example
        >>> F.adaptive_max_pool2d(sheer.arange(16.0).reshape(1, 4, 4), (None, 1))
        tensor([[[ 3.],
                 [ 7.],
                 [11.],
                 [15.]]])
    """
    return _adaptive_max(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Setting,
                        return_indices: bool = False) -> Pooled:
    """The largest of each of output_size parts; None keeps an axis.

    Shape   (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size) or without N
    Raises  E203 for ranks, E124 for a size below 1, E204 for another number of sizes
    Source  torch.nn.functional.adaptive_max_pool3d
    Example
        >>> F.adaptive_max_pool3d(sheer.arange(64.0).reshape(1, 4, 4, 4), 1)
        tensor([[[[63.]]]])
    """
    return _adaptive_max(3, input, output_size, return_indices)


def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Setting,
                 stride: Setting | None = None,
                 padding: Setting = 0, output_size: Sequence[int] | None = None) -> Tensor:
    """Each element back at the place it had before max_pool1d, zeros elsewhere.

    Shape   (N, C, L') or without N, indices of the same shape -> (N, C, L) or (C, L)
    Raises  E203 for ranks, E132 when the shapes differ, E134 for indices that are no integers, E130
            for one outside the image
    Source  torch.nn.functional.max_unpool1d
    Example
        >>> y, places = F.max_pool1d(sheer.tensor([[1.0, 3.0, 2.0, 5.0]]), 2, return_indices=True)
        >>> F.max_unpool1d(y, places, 2)
        tensor([[0., 3., 0., 5.]])
    """
    return _unpool(1, input, indices, (kernel_size, stride, padding), output_size)


def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Setting,
                 stride: Setting | None = None,
                 padding: Setting = 0, output_size: Sequence[int] | None = None) -> Tensor:
    """Each element back at the place it had before max_pool2d, zeros elsewhere.

    Shape   (N, C, H', W') or without N, indices of the same shape -> (N, C, H, W) or (C, H, W)
    Raises  E203 for ranks, E132 when the shapes differ, E134 for indices that are no integers, E130
            for one outside the image
    Source  torch.nn.functional.max_unpool2d
    Example
        >>> y, places = F.max_pool2d(sheer.arange(4.0).reshape(1, 2, 2), 2, return_indices=True)
        >>> F.max_unpool2d(y, places, 2)
        tensor([[[0., 0.],
                 [0., 3.]]])
    """
    return _unpool(2, input, indices, (kernel_size, stride, padding), output_size)


def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Setting,
                 stride: Setting | None = None,
                 padding: Setting = 0, output_size: Sequence[int] | None = None) -> Tensor:
    """Each element back at the place it had before max_pool3d, zeros elsewhere.

    Shape   (N, C, D', H', W') or without N, indices of the same shape -> (N, C, D, H, W) or (C, D,
            H, W)
    Raises  E203 for ranks, E132 when the shapes differ, E134 for indices that are no integers, E130
            for one outside the image
    Source  torch.nn.functional.max_unpool3d
    Example
        >>> y, places = F.max_pool3d(sheer.arange(8.0).reshape(1, 2, 2, 2), 2, return_indices=True)
        >>> F.max_unpool3d(y, places, 2).flatten()
        tensor([0., 0., 0., 0., 0., 0., 0., 7.])
    """
    return _unpool(3, input, indices, (kernel_size, stride, padding), output_size)


def check_images(op: str, axes: int, input: Any) -> None:
    """Raise E203 unless the input has channels, this many spatial axes, and maybe a batch."""
    if input.ndim not in (axes + 1, axes + 2):
        where = ", ".join("DHW"[3 - axes:])
        raise ShapeError("E203", op, f"input has {input.ndim} axes", got={"input": input.node},
                         need=f"(N, C, {where}) or (C, {where})",
                         tries=[("input.unsqueeze(0)", passes_if(input.ndim == axes))])


def _max(axes: int, x: Tensor, settings: tuple[Any, ...], indices: bool) -> Pooled:
    check_images(f"max_pool{axes}d", axes, x)
    kernel, stride, padding, dilation, ceil_mode = settings
    window = per_axis(f"max_pool{axes}d", "kernel_size", kernel, axes)
    pair = apply(ops.max_pool, x, window=window, stride=stride, padding=padding, dilation=dilation,
                 ceil_mode=ceil_mode)
    return pair if indices else pair[0]


def _avg(axes: int, x: Tensor, settings: tuple[Any, ...]) -> Tensor:
    check_images(f"avg_pool{axes}d", axes, x)
    kernel, stride, padding, ceil_mode, count, divisor = settings
    window = per_axis(f"avg_pool{axes}d", "kernel_size", kernel, axes)
    stride = None if stride == () else stride             # torch has it so
    result: Tensor = apply(ops.avg_pool, x, window=window, stride=stride, padding=padding,
                           ceil_mode=ceil_mode,
                           count_include_pad=count, divisor_override=divisor)
    return result


def _sizes(axes: int, output_size: Setting) -> tuple[int | None, ...]:
    """One length per axis; None stays None."""
    many = list(output_size) if isinstance(output_size, list | tuple) else [output_size] * axes
    if len(many) != axes:
        raise ArgumentError("E204", "adaptive_pool",
                            f"output_size {tuple(many)} is for {len(many)} axes",
                            need=f"one number, or {axes}")
    return tuple(many)


def _adaptive_avg(axes: int, x: Tensor, output_size: Setting) -> Tensor:
    check_images(f"adaptive_avg_pool{axes}d", axes, x)
    result: Tensor = apply(ops.adaptive_avg_pool, x, sizes=_sizes(axes, output_size))
    return result


def _adaptive_max(axes: int, x: Tensor, output_size: Setting, indices: bool) -> Pooled:
    check_images(f"adaptive_max_pool{axes}d", axes, x)
    pair = apply(ops.adaptive_max_pool, x, sizes=_sizes(axes, output_size))
    return pair if indices else pair[0]


def _unpool(axes: int, x: Tensor, indices: Tensor, settings: tuple[Any, ...],
            output_size: Sequence[int] | None) -> Tensor:
    op = f"max_unpool{axes}d"
    check_images(op, axes, x)
    kernel, stride, padding = settings
    window = per_axis(op, "kernel_size", kernel, axes)
    steps = window if stride is None else per_axis(op, "stride", stride, axes)
    around = per_axis(op, "padding", padding, axes)
    size = tuple((n - 1) * s - 2 * p + k for n, s, p, k in
                 zip(x.shape[x.ndim - axes:], steps, around, window, strict=True))
    if output_size is not None:
        size = tuple(int(n) for n in output_size)[-axes:]
    check_shape(op, size)
    def run(n: Node, places: Node) -> Node:
        return ops.max_unpool(n, places, size, op)
    result: Tensor = apply(run, x, indices)
    return result
