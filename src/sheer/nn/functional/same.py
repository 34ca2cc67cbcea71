"""TensorFlow's SAME padding: ceil(n / stride) positions, the odd element of padding at the end."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...graph.errors import ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.sliding import check, per_axis
from ...tensor import Tensor
from .convolution import conv1d, conv2d, conv3d
from .padding import pad_node

Setting = Any     # an int, or a sequence with one per spatial axis


def same_pairs(size: Any, kernel_size: Setting, stride: Setting = 1,
               dilation: Setting = 1) -> list[tuple[int, int]]:
    """(low, high) of every axis, so that a window has ceil(size / stride) positions.

    Raises  E123 for settings that no window has
    Source  the documented rule of tf.nn.convolution: in all max((ceil(n / s) - 1) s + d (k - 1) + 1
            - n, 0), the larger half at the end
    """
    axes = len(size)
    window, steps, gaps = (per_axis("same_pad", name, value, axes) for name, value in
                           (("kernel_size", kernel_size), ("stride", stride),
                            ("dilation", dilation)))
    check("same_pad", steps, ((0, 0),) * axes, gaps, window)
    total = [max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
             for n, k, s, d in zip(size, window, steps, gaps, strict=True)]
    return [(t // 2, t - t // 2) for t in total]


def same_pad(input: Tensor, kernel_size: Setting, stride: Setting = 1, dilation: Setting = 1,
             value: float = 0.0) -> Tensor:
    """Put elements around an image as SAME asks for it, for a convolution without padding.

    Shape   input (N, C, *S) -> (N, C, *S')
    Raises  E203 without spatial axes, E123 for settings
    Source  tf.nn.convolution
    Example
        >>> F.same_pad(sheer.ones(1, 1, 3), 2)
        tensor([[[1., 1., 1., 0.]]])
    """
    pairs = _pairs("same_pad", input, kernel_size, stride, dilation)
    result: Tensor = apply(pad_node, input, pairs=pairs, value=value)
    return result


def same_conv(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Setting = 1,
              dilation: Setting = 1, groups: int = 1) -> Tensor:
    """Cross-correlation with SAME padding, for any stride.

    Shape   input (N, I, *S), weight (O, I / groups, *k) -> (N, O, *ceil(S / stride))
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E123 for settings
    Source  tf.nn.convolution with padding="SAME"
    Example
        >>> F.same_conv(sheer.ones(1, 1, 5), sheer.ones(1, 1, 2), stride=2)
        tensor([[[2., 2., 1.]]])
    """
    wide = same_pad(input, weight.shape[2:], stride, dilation)
    function = (conv1d, conv2d, conv3d)[input.ndim - 3]
    return function(wide, weight, bias, stride, 0, dilation, groups)


def same_max_pool(input: Tensor, kernel_size: Setting, stride: Setting | None = None) -> Tensor:
    """The largest element under each window with SAME padding, which never wins.

    Shape   input (N, C, *S) -> (N, C, *ceil(S / stride))
    Raises  E203 without spatial axes, E123 for settings
    Source  tf.nn.max_pool with padding="SAME"
    Example
        >>> F.same_max_pool(sheer.tensor([[[-1.0, -2.0, -3.0]]]), 2)
        tensor([[[-1., -3.]]])
    """
    window, steps, pairs = _pool("same_max_pool", input, kernel_size, stride)
    def run(x: Node) -> Node:
        return ops.max_pool(pad_node(x, pairs, value=ops.lowest(x.dtype)), window, steps)[0]
    result: Tensor = apply(run, input)
    return result


def same_avg_pool(input: Tensor, kernel_size: Setting, stride: Setting | None = None) -> Tensor:
    """The mean of the elements under each window with SAME padding, which does not count.

    Shape   input (N, C, *S) -> (N, C, *ceil(S / stride))
    Raises  E203 without spatial axes, E123 for settings
    Source  tf.nn.avg_pool with padding="SAME"
    Example
        >>> F.same_avg_pool(sheer.tensor([[[1.0, 3.0, 5.0]]]), 2)
        tensor([[[2., 5.]]])
    """
    window, steps, pairs = _pool("same_avg_pool", input, kernel_size, stride)
    def run(x: Node) -> Node:
        ones = pad_node(ops.full_like(x, 1), pairs)
        return ops.avg_pool(pad_node(x, pairs), window, steps) / ops.avg_pool(ones, window, steps)
    result: Tensor = apply(run, input)
    return result


def _pool(op: str, x: Tensor, kernel: Setting, stride: Setting | None) -> tuple[Any, Any, Any]:
    pairs = _pairs(op, x, kernel, kernel if stride is None else stride, 1)
    window = per_axis(op, "kernel_size", kernel, x.ndim - 2)
    return window, window if stride is None else stride, pairs


def _pairs(op: str, x: Tensor, kernel: Setting, stride: Setting,
           dilation: Setting) -> list[tuple[int, int]]:
    if not 3 <= x.ndim <= 5:
        raise ShapeError("E203", op, f"input has {x.ndim} axes", got={"input": x.node},
                         need="(N, C, L), (N, C, H, W) or (N, C, D, H, W)")
    return same_pairs(x.shape[2:], kernel, stride, dilation)
