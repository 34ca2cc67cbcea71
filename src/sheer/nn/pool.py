"""Pooling layers: each has the settings of the function of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops.sliding import per_axis
from ..tensor import Tensor
from . import functional as F
from .module import Module

Setting = Any     # an int, or a sequence with one per spatial axis


class _MaxPool(Module):
    """What max pools hold."""
    kernel_size: Setting
    stride: Setting
    padding: Setting
    dilation: Setting
    return_indices: bool
    ceil_mode: bool

    function = staticmethod(F.max_pool2d)

    def __init__(self, kernel_size: Setting, stride: Setting | None = None, padding: Setting = 0,
                 dilation: Setting = 1, return_indices: bool = False,
                 ceil_mode: bool = False) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x: Tensor) -> Any:
        return self.function(x, self.kernel_size, self.stride, self.padding, self.dilation,
                             self.ceil_mode,
                             self.return_indices)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPool):
    """The largest element under each window; padding never wins.

    The gradient goes to the place of the largest, the first of equal maxima.

    Shape   x (N, C, L) or (C, L) -> (N, C, L'), with return_indices also int64 places
    Raises  E203 for ranks, E122, E123, E124 for settings
    Source  torch.nn.MaxPool1d
    Example
        >>> nn.MaxPool1d(2)(sheer.tensor([[1.0, 5.0, 3.0, 2.0]]))
        tensor([[5., 3.]])
        >>> nn.MaxPool1d(2, return_indices=True)(sheer.tensor([[1.0, 5.0, 3.0, 2.0]]))[1]
        tensor([[1, 2]])
    """
    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest element under each window; padding never wins.

    The gradient goes to the place of the largest, the first of equal maxima.

    Shape   x (N, C, H, W) or (C, H, W) -> (N, C, H', W'), with return_indices also int64 places
    Raises  E203 for ranks, E122, E123, E124 for settings
    Source  torch.nn.MaxPool2d
    Example
        >>> nn.MaxPool2d(3, stride=2, padding=1)(sheer.ones(1, 8, 7, 7)).shape
        (1, 8, 4, 4)
    """


class MaxPool3d(_MaxPool):
    """The largest element under each window; padding never wins.

    The gradient goes to the place of the largest, the first of equal maxima.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> (N, C, D', H', W'), with return_indices also int64
            places
    Raises  E203 for ranks, E122, E123, E124 for settings
    Source  torch.nn.MaxPool3d
    Example
        >>> nn.MaxPool3d((1, 2, 2))(sheer.ones(1, 8, 5, 6, 6)).shape
        (1, 8, 5, 3, 3)
    """
    function = staticmethod(F.max_pool3d)


class _MaxUnpool(Module):
    """What unpools hold."""
    kernel_size: Setting
    stride: Setting
    padding: Setting

    function = staticmethod(F.max_unpool2d)
    axes = 2

    def __init__(self, kernel_size: Setting, stride: Setting | None = None,
                 padding: Setting = 0) -> None:
        super().__init__()
        spread = lambda what, value: per_axis(type(self).__name__, what, value, self.axes)
        self.kernel_size = spread("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else spread("stride", stride)
        self.padding = spread("padding", padding)

    def forward(self, x: Tensor, indices: Tensor,
                output_size: Sequence[int] | None = None) -> Tensor:
        return self.function(x, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Each element back where MaxPool1d found it, zeros elsewhere.

    Shape   x (N, C, L'), indices the same -> (N, C, L)
    Raises  E130 for a place outside the result, E203 for ranks, E132 for indices of another shape,
            E134 for indices that are floats, E123 for settings
    Source  torch.nn.MaxUnpool1d
    Example
        >>> y, places = nn.MaxPool1d(2, return_indices=True)(sheer.tensor([[1.0, 5.0, 3.0, 2.0]]))
        >>> nn.MaxUnpool1d(2)(y, places)
        tensor([[0., 5., 3., 0.]])
    """
    function = staticmethod(F.max_unpool1d)
    axes = 1


class MaxUnpool2d(_MaxUnpool):
    """Each element back where MaxPool2d found it, zeros elsewhere.

    Shape   x (N, C, H', W'), indices the same -> (N, C, H, W)
    Raises  E130 for a place outside the result, E203 for ranks, E132 for indices of another shape,
            E134 for indices that are floats, E123 for settings
    Source  torch.nn.MaxUnpool2d
    Example
        >>> x = sheer.arange(16.0).reshape(1, 4, 4)
        >>> y, places = nn.MaxPool2d(2, return_indices=True)(x)
        >>> nn.MaxUnpool2d(2)(y, places)[0]
        tensor([[ 0.,  0.,  0.,  0.],
                [ 0.,  5.,  0.,  7.],
                [ 0.,  0.,  0.,  0.],
                [ 0., 13.,  0., 15.]])
    """


class MaxUnpool3d(_MaxUnpool):
    """Each element back where MaxPool3d found it, zeros elsewhere.

    Shape   x (N, C, D', H', W'), indices the same -> (N, C, D, H, W)
    Raises  E130 for a place outside the result, E203 for ranks, E132 for indices of another shape,
            E134 for indices that are floats, E123 for settings
    Source  torch.nn.MaxUnpool3d
    Example
        >>> y, places = nn.MaxPool3d(2, return_indices=True)(sheer.randn(1, 1, 4, 4, 4))
        >>> back = nn.MaxUnpool3d(2)(y, places)
        >>> back.shape, int((back != 0).sum())
        ((1, 1, 4, 4, 4), 8)
    """
    function = staticmethod(F.max_unpool3d)
    axes = 3


class AvgPool1d(Module):
    """The mean under each window.

    Shape   x (N, C, L) or (C, L) -> (N, C, L')
    Raises  E203 for ranks, E122, E123, E124 for settings
    Source  torch.nn.AvgPool1d
    Example
        >>> nn.AvgPool1d(2)(sheer.tensor([[1.0, 5.0, 3.0, 2.0]]))
        tensor([[3. , 2.5]])
    """
    kernel_size: Setting
    stride: Setting
    padding: Setting
    ceil_mode: bool
    count_include_pad: bool

    def __init__(self, kernel_size: Setting, stride: Setting | None = None, padding: Setting = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        if type(self) is AvgPool1d:
            spread = lambda what, value: per_axis("AvgPool1d", what, value, 1)
            self.kernel_size, self.stride = spread("kernel_size",
                                                   kernel_size), spread("stride", self.stride)
            self.padding = spread("padding", padding)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(AvgPool1d):
    """The mean under each window.

    Shape   x (N, C, H, W) or (C, H, W) -> (N, C, H', W')
    Raises  E203 for ranks, E122, E123, E124 for settings
    Source  torch.nn.AvgPool2d
    Example
        >>> x = sheer.ones(1, 2, 2)                 # zeros around it count, unless told otherwise
        >>> nn.AvgPool2d(2, padding=1)(x)[0, 0].tolist()
        [0.25, 0.25]
        >>> nn.AvgPool2d(2, padding=1, count_include_pad=False)(x)[0, 0].tolist()
        [1.0, 1.0]
    """
    divisor_override: int | None

    function = staticmethod(F.avg_pool2d)

    def __init__(self, kernel_size: Setting, stride: Setting | None = None, padding: Setting = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True,
                 divisor_override: int | None = None) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                             self.count_include_pad, self.divisor_override)


class AvgPool3d(AvgPool2d):
    """The mean under each window.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> (N, C, D', H', W')
    Raises  E203 for ranks, E122, E123, E124 for settings
    Source  torch.nn.AvgPool3d
    Example
        >>> volume = sheer.ones(1, 1, 2, 2, 2)
        >>> nn.AvgPool3d(2)(volume).item(), nn.AvgPool3d(2, divisor_override=1)(volume).item()
        (1.0, 8.0)
    """
    function = staticmethod(F.avg_pool3d)


class _AdaptiveAvg(Module):
    """What adaptive average pools hold."""
    output_size: Setting

    function = staticmethod(F.adaptive_avg_pool2d)

    def __init__(self, output_size: Setting) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """The mean of each of output_size nearly equal parts.

    Shape   x (N, C, L) or (C, L) -> (N, C, output_size)
    Raises  E203 for ranks, E124 for sizes below 1, E204 for a number of sizes that does not fit
    Source  torch.nn.AdaptiveAvgPool1d
    Example
        >>> halves = nn.AdaptiveAvgPool1d(2)        # of an odd length, they share the middle
        >>> halves(sheer.tensor([[1.0, 2.0, 3.0, 4.0, 8.0]]))
        tensor([[2., 5.]])
    """
    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """The mean of each of output_size nearly equal parts; None keeps an axis; 1 is global pooling.

    Shape   x (N, C, H, W) or (C, H, W) -> (N, C, *output_size)
    Raises  E203 for ranks, E124 for sizes below 1, E204 for a number of sizes that does not fit
    Source  torch.nn.AdaptiveAvgPool2d
    Example
        >>> nn.AdaptiveAvgPool2d(1)(sheer.ones(2, 8, 5, 7)).shape
        (2, 8, 1, 1)
        >>> nn.AdaptiveAvgPool2d((None, 3))(sheer.ones(2, 8, 5, 7)).shape
        (2, 8, 5, 3)
    """


class AdaptiveAvgPool3d(_AdaptiveAvg):
    """The mean of each of output_size nearly equal parts; None keeps an axis.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size)
    Raises  E203 for ranks, E124 for sizes below 1, E204 for a number of sizes that does not fit
    Source  torch.nn.AdaptiveAvgPool3d
    Example
        >>> nn.AdaptiveAvgPool3d(1)(sheer.arange(8.0).reshape(1, 2, 2, 2)).item()
        3.5
    """
    function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMax(Module):
    """What adaptive max pools hold."""
    output_size: Setting
    return_indices: bool

    function = staticmethod(F.adaptive_max_pool2d)

    def __init__(self, output_size: Setting, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, x: Tensor) -> Any:
        return self.function(x, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest of each of output_size nearly equal parts.

    Shape   x (N, C, L) or (C, L) -> (N, C, output_size), with return_indices also int64 places
    Raises  E203 for ranks, E124 for sizes below 1, E204 for a number of sizes that does not fit
    Source  torch.nn.AdaptiveMaxPool1d
    Example
        >>> nn.AdaptiveMaxPool1d(2)(sheer.tensor([[1.0, 2.0, 7.0, 4.0, 9.0]]))
        tensor([[7., 9.]])
    """
    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest of each of output_size nearly equal parts; None keeps an axis.

    Shape   x (N, C, H, W) or (C, H, W) -> (N, C, *output_size), with return_indices also int64
            places
    Raises  E203 for ranks, E124 for sizes below 1, E204 for a number of sizes that does not fit
    Source  torch.nn.AdaptiveMaxPool2d
    Example
        >>> largest = nn.AdaptiveMaxPool2d(1, return_indices=True)
        >>> y, place = largest(sheer.arange(12.0).reshape(1, 3, 4))
        >>> y.item(), place.item()
        (11.0, 11)
    """


class AdaptiveMaxPool3d(_AdaptiveMax):
    """The largest of each of output_size nearly equal parts; None keeps an axis.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size), with return_indices also
            int64 places
    Raises  E203 for ranks, E124 for sizes below 1, E204 for a number of sizes that does not fit
    Source  torch.nn.AdaptiveMaxPool3d
    Example
        >>> nn.AdaptiveMaxPool3d((1, None, 2))(sheer.ones(1, 2, 3, 4, 5)).shape
        (1, 2, 1, 4, 2)
    """
    function = staticmethod(F.adaptive_max_pool3d)
