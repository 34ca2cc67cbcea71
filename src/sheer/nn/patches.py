"""Layers that rearrange images: windows as columns and back, channels shuffled, SAME padding."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .module import Module

Setting = Any     # an int, or a sequence with one per spatial axis


class Unfold(Module):
    """The elements under each position of a window, as columns.

    Shape   x (N, C, H, W) or (C, H, W) -> (N, C * product of kernel_size, positions)
    Raises  E203 for ranks and for a window that does not fit, E123 for settings
    Source  torch.nn.Unfold
    Example
        >>> x = sheer.arange(9.0).reshape(1, 3, 3)
        >>> nn.Unfold(2)(x)[:, 0]                   # the first window
        tensor([0., 1., 3., 4.])
        >>> nn.Unfold(2)(sheer.ones(1, 3, 3, 3)).shape
        (1, 12, 4)
    """
    kernel_size: Setting
    dilation: Setting
    padding: Setting
    stride: Setting

    def __init__(self, kernel_size: Setting, dilation: Setting = 1, padding: Setting = 0,
                 stride: Setting = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
                f"padding={self.padding}, stride={self.stride}")


class Fold(Unfold):
    """Columns added up at the places Unfold took them from.

    Shape   x (N, C * product of kernel_size, positions) or without N -> (N, C, *output_size)
    Raises  E203 for columns that are not those of output_size, E123 for settings
    Source  torch.nn.Fold
    Example
        >>> columns = nn.Unfold(2)(sheer.ones(1, 3, 3))
        >>> nn.Fold((3, 3), 2)(columns)[0]          # how many windows saw each place
        tensor([[1., 2., 1.],
                [2., 4., 2.],
                [1., 2., 1.]])
    """
    output_size: Setting

    def __init__(self, output_size: Setting, kernel_size: Setting, dilation: Setting = 1,
                 padding: Setting = 0, stride: Setting = 1) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return F.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding,
                      self.stride)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"


class ChannelShuffle(Module):
    """Channels dealt out from `groups` piles in turn.

    Shape   x (N, C, *S) -> (N, C, *S)
    Raises  E203 when the channels do not divide by groups, or there are none
    Source  Zhang et al. 2017, arXiv:1707.01083; torch.nn.ChannelShuffle
    Example
        >>> nn.ChannelShuffle(2)(sheer.arange(6).reshape(1, 6, 1)).flatten().tolist()
        [0, 3, 1, 4, 2, 5]
    """
    groups: int

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class SamePad(Module):
    """TensorFlow's SAME padding for a layer behind it that has none.

    Shape   x (N, C, *S) -> (N, C, *S'), of which a window has ceil(S / stride) positions
    Raises  E203 without spatial axes, E123 for settings
    Source  tf.nn.convolution
    Example
        >>> stem = nn.Sequential(nn.SamePad(3, stride=2), nn.Conv2d(3, 8, 3, stride=2))
        >>> stem(sheer.ones(1, 3, 7, 6)).shape
        (1, 8, 4, 3)
    """
    kernel_size: Setting
    stride: Setting
    dilation: Setting
    value: float

    def __init__(self, kernel_size: Setting, stride: Setting = 1, dilation: Setting = 1,
                 value: float = 0.0) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.dilation, self.value = dilation, value

    def forward(self, x: Tensor) -> Tensor:
        return F.same_pad(x, self.kernel_size, self.stride, self.dilation, self.value)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, "
                f"dilation={self.dilation}, value={self.value}")
