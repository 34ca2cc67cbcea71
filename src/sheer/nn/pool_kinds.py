"""Pools beside the mean and the largest as layers: power means, drawn steps, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.errors import ArgumentError
from ..ops.sliding import per_axis
from ..tensor import Tensor
from . import functional as F
from .module import Module

Setting = Any     # an int, or a sequence with one per spatial axis


class _LPPool(Module):
    """What power pools hold."""
    norm_type: float
    kernel_size: Setting
    stride: Setting
    ceil_mode: bool

    function = staticmethod(F.lp_pool2d)

    def __init__(self, norm_type: float, kernel_size: Setting, stride: Setting | None = None,
                 ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, float(self.norm_type), self.kernel_size, self.stride,
                             self.ceil_mode)

    def extra_repr(self) -> str:
        return (f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
                f"stride={self.stride}, ceil_mode={self.ceil_mode}")


class LPPool1d(_LPPool):
    """(sum of x^p under each window)^(1/p); its slope is 0 where the sum is.

    Shape   x (N, C, L) or (C, L) -> (N, C, L')
    Raises  E203 for ranks, E122, E123 for settings, E204 for norm_type = 0
    Source  torch.nn.LPPool1d
    Example
        >>> nn.LPPool1d(2, kernel_size=2)(sheer.tensor([[3.0, 4.0, 5.0, 12.0]]))
        tensor([[ 5., 13.]])
    """
    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """(sum of x^p under each window)^(1/p); its slope is 0 where the sum is.

    Shape   x (N, C, H, W) or (C, H, W) -> (N, C, H', W')
    Raises  E203 for ranks, E122, E123 for settings, E204 for norm_type = 0
    Source  torch.nn.LPPool2d
    Example
        >>> nn.LPPool2d(1, kernel_size=2)(sheer.ones(1, 2, 2)).item()           # a sum
        4.0
    """


class LPPool3d(_LPPool):
    """(sum of x^p under each window)^(1/p); its slope is 0 where the sum is.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> (N, C, D', H', W')
    Raises  E203 for ranks, E122, E123 for settings, E204 for norm_type = 0
    Source  torch.nn.LPPool3d
    Example
        >>> nn.LPPool3d(2, kernel_size=2, stride=1)(sheer.ones(1, 1, 3, 3, 3)).shape
        (1, 1, 2, 2, 2)
    """
    function = staticmethod(F.lp_pool3d)


class _FractionalMaxPool(Module):
    """What pools with drawn steps hold."""
    kernel_size: tuple[int, ...]
    return_indices: bool
    output_size: tuple[int, ...] | None
    output_ratio: tuple[float, ...] | None

    axes = 2
    function = staticmethod(F.fractional_max_pool2d)

    def __init__(self, kernel_size: Setting, output_size: Setting | None = None,
                 output_ratio: float | Sequence[float] | None = None,
                 return_indices: bool = False, _random_samples: Tensor | None = None) -> None:
        super().__init__()
        op = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError("E204", op, "one of output_size and output_ratio must be given",
                                need="just one")
        self.kernel_size = per_axis(op, "kernel_size", kernel_size, self.axes)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else per_axis(op, "output_size", output_size,
                                                                     self.axes)
        ratio = (output_ratio,) * self.axes if isinstance(output_ratio, float) else output_ratio
        self.output_ratio = None if ratio is None else tuple(map(float, ratio))
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ArgumentError("E204", op, f"output_ratio = {output_ratio}",
                                need="numbers between 0 and 1")

    def forward(self, x: Tensor) -> Any:
        return self.function(x, self.kernel_size, self.output_size, self.output_ratio,
                             self.return_indices, self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest under windows whose steps are drawn so that output_size of them fit.

    Shape   x (N, C, H, W) or (C, H, W) -> (N, C, *output_size), with return_indices also places
    Raises  E203 for ranks, E123 and E204 for sizes that do not fit
    Source  Graham 2014, arXiv:1412.6071; torch.nn.FractionalMaxPool2d
    Example
        >>> nn.FractionalMaxPool2d(2, output_size=(5, 4))(sheer.ones(1, 3, 8, 7)).shape
        (1, 3, 5, 4)
    """


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest under windows whose steps are drawn so that output_size of them fit.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size), with return_indices also
            places
    Raises  E203 for ranks, E123 and E204 for sizes that do not fit
    Source  Graham 2014, arXiv:1412.6071; torch.nn.FractionalMaxPool3d
    Example
        >>> nn.FractionalMaxPool3d(2, output_ratio=0.5)(sheer.ones(1, 3, 8, 6, 7)).shape
        (1, 3, 4, 3, 3)
    """
    axes, function = 3, staticmethod(F.fractional_max_pool3d)


class RoIPool(Module):
    """The largest element in each bin of each box.

    Shape   x (N, C, H, W), boxes (K, 5) rows of image, x1, y1, x2, y2 -> (K, C, *output_size)
    Raises  E203 for shapes, E123 for output_size, E202 for integers, E130 for a box of an image
            that is not there
    Source  Girshick 2015, arXiv:1504.08083; torchvision.ops.RoIPool
    Example
        >>> x = sheer.arange(16.0).reshape(1, 1, 4, 4)
        >>> box = sheer.tensor([[0.0, 0.0, 0.0, 1.0, 1.0]])      # of image 0, corners included
        >>> nn.RoIPool(1, spatial_scale=1.0)(x, box).item()
        5.0
    """
    output_size: Setting
    spatial_scale: float

    def __init__(self, output_size: Setting, spatial_scale: float) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def forward(self, x: Tensor, boxes: Any) -> Tensor:
        return F.roi_pool(x, boxes, self.output_size, self.spatial_scale)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, spatial_scale={self.spatial_scale}"


class RoIAlign(Module):
    """The mean of bilinear samples in each bin of each box.

    Shape   x (N, C, H, W), boxes (K, 5) rows of image, x1, y1, x2, y2 -> (K, C, *output_size)
    Raises  E203 for shapes, E123 for output_size, E202 for integers, E130 for a box of an image
            that is not there, E204 for sampling_ratio=-1 inside a traced function
    Source  He et al. 2017, arXiv:1703.06870; torchvision.ops.RoIAlign
    Example
        >>> x = sheer.arange(16.0).reshape(1, 1, 4, 4)
        >>> box = sheer.tensor([[0.0, 0.0, 0.0, 2.0, 2.0]])
        >>> centre = nn.RoIAlign(1, spatial_scale=1.0, sampling_ratio=1)
        >>> centre(x, box).item()                   # x at (1, 1)
        5.0
    """
    output_size: Setting
    spatial_scale: float
    sampling_ratio: int
    aligned: bool

    def __init__(self, output_size: Setting, spatial_scale: float, sampling_ratio: int,
                 aligned: bool = False) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale
        self.sampling_ratio, self.aligned = sampling_ratio, aligned

    def forward(self, x: Tensor, boxes: Any) -> Tensor:
        return F.roi_align(x, boxes, self.output_size, self.spatial_scale,
                           self.sampling_ratio, self.aligned)

    def extra_repr(self) -> str:
        return (f"output_size={self.output_size}, spatial_scale={self.spatial_scale}, "
                f"sampling_ratio={self.sampling_ratio}, aligned={self.aligned}")
