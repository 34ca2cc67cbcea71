"""Convolutions with torch's names: images and filters flow in, feature maps out."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...graph.errors import ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.sliding import per_axis
from ...tensor import Tensor
from ..notes import SCORES, mark
from .common import passes_if, same_dtype
from .padding import pad_node

Setting = Any     # an int, or a sequence with one per spatial axis


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Setting = 1,
           padding: Any = 0, dilation: Setting = 1, groups: int = 1) -> Tensor:
    """Cross-correlation over one axis.

    Shape   input (N, I, L) or (I, L), weight (O, I / groups, k), bias (O,) -> (N, O, L') or without
            N
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a filter larger than the
            image, E123 for settings, E124 for padding, E102 for a bias
    Source  torch.nn.functional.conv1d
    Example
        >>> F.conv1d(sheer.tensor([[1.0, 2.0, 4.0, 7.0]]), sheer.tensor([[[-1.0, 1.0]]]))
        tensor([[1., 2., 3.]])
    """
    return _conv(1, input, weight, bias, (stride, padding, dilation, groups))


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Setting = 1,
           padding: Any = 0, dilation: Setting = 1, groups: int = 1) -> Tensor:
    """Cross-correlation over two axes.

    Shape   input (N, I, H, W) or (I, H, W), weight (O, I / groups, *k), bias (O,) -> (N, O, H', W')
            or without N
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a filter larger than the
            image, E123 for settings, E124 for padding, E102 for a bias
    Source  torch.nn.functional.conv2d
    Example
        >>> F.conv2d(sheer.arange(9.0).reshape(1, 3, 3), sheer.ones(1, 1, 2, 2))
        tensor([[[ 8., 12.],
                 [20., 24.]]])
    """
    return _conv(2, input, weight, bias, (stride, padding, dilation, groups))


def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Setting = 1,
           padding: Any = 0, dilation: Setting = 1, groups: int = 1) -> Tensor:
    """Cross-correlation over three axes.

    Shape   input (N, I, D, H, W) or (I, D, H, W), weight (O, I / groups, *k), bias (O,) -> (N, O,
            D', H', W') or without N
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a filter larger than the
            image, E123 for settings, E124 for padding, E102 for a bias
    Source  torch.nn.functional.conv3d
    Example
        >>> F.conv3d(sheer.ones(1, 3, 3, 3), sheer.ones(1, 1, 3, 3, 3))
        tensor([[[[27.]]]])
    """
    return _conv(3, input, weight, bias, (stride, padding, dilation, groups))


def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Setting = 1,
                     padding: Setting = 0, output_padding: Setting = 0, groups: int = 1,
                     dilation: Setting = 1) -> Tensor:
    """conv1d backwards: learned upsampling.

    Shape   input (N, I, L) or (I, L), weight (I, O / groups, k), bias (O,) -> (N, O, L') or without
            N
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 when nothing is left, E123 for
            settings, E124 for output_padding, E102 for a bias
    Source  torch.nn.functional.conv_transpose1d
    Example
        >>> F.conv_transpose1d(sheer.tensor([[1.0, 2.0]]), sheer.tensor([[[1.0, 10.0]]]), stride=2)
        tensor([[ 1., 10.,  2., 20.]])
    """
    return _transposed(1, input, weight, bias, (stride, padding, output_padding, groups, dilation))


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Setting = 1,
                     padding: Setting = 0, output_padding: Setting = 0, groups: int = 1,
                     dilation: Setting = 1) -> Tensor:
    """conv2d backwards: learned upsampling.

    Shape   input (N, I, H, W) or (I, H, W), weight (I, O / groups, *k), bias (O,) -> (N, O, H', W')
            or without N
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 when nothing is left, E123 for
            settings, E124 for output_padding, E102 for a bias
    Source  torch.nn.functional.conv_transpose2d
    Example
        >>> F.conv_transpose2d(sheer.tensor([[[1.0, 2.0]]]), sheer.ones(1, 1, 2, 2), stride=2)
        tensor([[[1., 1., 2., 2.],
                 [1., 1., 2., 2.]]])
    """
    return _transposed(2, input, weight, bias, (stride, padding, output_padding, groups, dilation))


def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Setting = 1,
                     padding: Setting = 0, output_padding: Setting = 0, groups: int = 1,
                     dilation: Setting = 1) -> Tensor:
    """conv3d backwards: learned upsampling.

    Shape   input (N, I, D, H, W) or (I, D, H, W), weight (I, O / groups, *k), bias (O,) -> (N, O,
            D', H', W') or without N
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 when nothing is left, E123 for
            settings, E124 for output_padding, E102 for a bias
    Source  torch.nn.functional.conv_transpose3d
    Example
        >>> F.conv_transpose3d(sheer.ones(1, 1, 1, 1), sheer.ones(1, 1, 1, 2, 2))
        tensor([[[[1., 1.],
                  [1., 1.]]]])
    """
    return _transposed(3, input, weight, bias, (stride, padding, output_padding, groups, dilation))


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """conv1d with time first.

    Shape   input (T, N, I), weight (k, I, O), bias (O,) -> (T', N, O)
    Raises  E110 for fewer axes; E202, E121, E122 and E102 as conv1d
    Source  torch.nn.functional.conv_tbc
    Example
        >>> x = sheer.tensor([1.0, 2.0, 4.0]).reshape(3, 1, 1)
        >>> F.conv_tbc(x, sheer.ones(2, 1, 1), sheer.zeros(1)).reshape(-1)
        tensor([3., 6.])
    """
    found = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return found.permute(2, 0, 1)


def padded_conv(axes: int, input: Tensor, weight: Tensor, bias: Tensor | None,
                settings: tuple[Any, ...],
                mode: str) -> Tensor:
    """A convolution whose padding mirrors or repeats the image in place of zeros (padding_mode)."""
    stride, padding, dilation, groups = settings
    if mode == "zeros" or padding == "valid":
        return _conv(axes, input, weight, bias, settings)
    dilations = per_axis("conv", "dilation", dilation, axes)
    if padding == "same":
        spans = [d * (k - 1) for k, d in zip(weight.shape[2:], dilations, strict=True)]
        pairs = [(n // 2, n - n // 2) for n in spans]
    else:
        pairs = [(p, p) for p in per_axis("conv", "padding", padding, axes)]
    wide: Tensor = apply(pad_node, input, pairs=pairs, mode=mode)
    return _conv(axes, wide, weight, bias, (stride, 0, dilation, groups))


def _conv(axes: int, input: Tensor, weight: Tensor, bias: Tensor | None,
          settings: tuple[Any, ...]) -> Tensor:
    same_dtype(f"conv{axes}d", input, weight)
    _check_rank(f"conv{axes}d", axes, input, weight)
    stride, padding, dilation, groups = settings
    def run(x: Node, w: Node, *b: Node) -> Node:
        return _biased(ops.conv(x, w, stride, padding, dilation, groups), b, axes)
    result: Tensor = apply(run, input, weight, *([] if bias is None else [bias]))
    return result


def _transposed(axes: int, input: Tensor, weight: Tensor, bias: Tensor | None,
                settings: tuple[Any, ...]) -> Tensor:
    same_dtype(f"conv_transpose{axes}d", input, weight)
    _check_rank(f"conv_transpose{axes}d", axes, input, weight)
    def run(x: Node, w: Node, *b: Node) -> Node:
        return _biased(ops.conv_transpose(x, w, *settings), b, axes)
    result: Tensor = apply(run, input, weight, *([] if bias is None else [bias]))
    return result


def _biased(y: Node, bias: tuple[Node, ...], axes: int) -> Node:
    """y (N, O, *P) plus one number per channel, marked as what a layer scores."""
    if bias:
        y = ops.add(y, ops.reshape(bias[0], (-1, *(1,) * axes)))
    return mark(y, SCORES)


def _check_rank(op: str, axes: int, input: Tensor, weight: Tensor) -> None:
    """Raise ShapeError E203 unless the operands have this many spatial axes."""
    if input.ndim in (axes + 1, axes + 2) and weight.ndim == axes + 2:
        return
    need = f"input (N, C, {', '.join('DHW'[3 - axes:])}) or without N, weight of {axes + 2} axes"
    raise ShapeError("E203", op, f"input has {input.ndim} axes, weight {weight.ndim}",
                     got={"input": input.node, "weight": weight.node}, need=need,
                     tries=[("input.unsqueeze(0), the axis of the one channel",
                             passes_if(input.ndim == axes and weight.shape[1] == 1))])
