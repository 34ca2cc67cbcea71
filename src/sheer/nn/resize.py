"""Layers that change the size of images without learning: padding, upsampling, pixel shuffling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from .module import Module

Setting = Any     # an int, or a sequence with one per spatial axis


class Upsample(Module):
    """An image of another size.

    Shape   x (N, C, *S) -> (N, C, *size)
    Raises  E204 for a size or a mode that does not fit, E202 for integers that would be weighted
    Source  torch.nn.Upsample
    Example
        >>> nn.Upsample(scale_factor=2)(sheer.tensor([[[1.0, 5.0]]]))
        tensor([[[1., 1., 5., 5.]]])
        >>> nn.Upsample(scale_factor=2, mode="linear")(sheer.tensor([[[1.0, 5.0]]]))
        tensor([[[1., 2., 4., 5.]]])
    """
    size: Setting
    scale_factor: Setting
    mode: str
    align_corners: bool | None
    recompute_scale_factor: bool | None

    def __init__(self, size: Setting = None, scale_factor: Setting = None, mode: str = "nearest",
                 align_corners: bool | None = None,
                 recompute_scale_factor: bool | None = None) -> None:
        super().__init__()
        many = tuple(map(float,
                         scale_factor)) if isinstance(scale_factor, list | tuple) else scale_factor
        self.scale_factor = float(many) if isinstance(many, int | float) else many
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners,
                             self.recompute_scale_factor)

    def extra_repr(self) -> str:
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """An image of another size, from nearest neighbours.

    Shape   x (N, C, H, W) -> (N, C, *size)
    Raises  E204 for sizes that do not fit
    Source  torch.nn.UpsamplingNearest2d
    Example
        >>> nn.UpsamplingNearest2d(scale_factor=2)(sheer.tensor([[[[1, 2]]]]))[0, 0]
        tensor([[1, 1, 2, 2],
                [1, 1, 2, 2]])
    """

    def __init__(self, size: Setting = None, scale_factor: Setting = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """An image of another size, from linearly weighted neighbours, corners aligned.

    Shape   x (N, C, H, W) -> (N, C, *size)
    Raises  E204 for sizes that do not fit, E202 for integers
    Source  torch.nn.UpsamplingBilinear2d
    Example
        >>> nn.UpsamplingBilinear2d(size=(1, 3))(sheer.tensor([[[[1.0, 5.0]]]]))[0, 0]
        tensor([[1., 3., 5.]])
    """

    def __init__(self, size: Setting = None, scale_factor: Setting = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Module):
    """Channels spread over a finer grid.

    Shape   x (*B, C r r, H, W) -> (*B, C, H r, W r)
    Raises  E203 when the channels do not divide by r r, E204 for r below 1
    Source  Shi et al. 2016, arXiv:1609.05158; torch.nn.PixelShuffle
    Example
        >>> nn.PixelShuffle(2)(sheer.arange(4).reshape(4, 1, 1))[0]
        tensor([[0, 1],
                [2, 3]])
        >>> nn.PixelShuffle(3)(sheer.ones(1, 18, 4, 4)).shape
        (1, 2, 12, 12)
    """
    upscale_factor: int

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """The inverse of PixelShuffle.

    Shape   x (*B, C, H r, W r) -> (*B, C r r, H, W)
    Raises  E203 when the image does not divide by r, E204 for r below 1
    Source  torch.nn.PixelUnshuffle
    Example
        >>> x = sheer.randn(2, 3, 4, 6)
        >>> y = nn.PixelUnshuffle(2)(x)
        >>> y.shape, bool((nn.PixelShuffle(2)(y) == x).all())
        ((2, 12, 2, 3), True)
    """
    downscale_factor: int

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class _Pad(Module):
    """What padding layers hold: (low, high) of the last axis, then of the one before."""
    padding: tuple[int, ...]

    axes = 2
    mode = "constant"

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.axes) if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != 2 * self.axes:
            raise ArgumentError("E204", type(self).__name__, f"{len(self.padding)} widths",
                                need=f"1 or {2 * self.axes}")

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.padding, self.mode, self.fill())

    def fill(self) -> float:
        """What the new elements are, in constant mode."""
        return 0.0

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_Pad):
    """Zeros around the last axis.

    Shape   x (*B, L) -> (*B, L + low + high)
    Raises  E204 for a number of widths or axes that does not fit, E114 for widths below 0 that
            leave nothing
    Source  torch.nn.ZeroPad1d
    Example
        >>> nn.ZeroPad1d((1, 2))(sheer.tensor([7, 8])).tolist()
        [0, 7, 8, 0, 0]
    """
    axes = 1


class ZeroPad2d(_Pad):
    """Zeros around the last two axes.

    Shape   x (*B, H, W) -> (*B, H', W')
    Raises  E204 for a number of widths or axes that does not fit, E114 for widths below 0 that
            leave nothing
    Source  torch.nn.ZeroPad2d
    Example
        >>> nn.ZeroPad2d((1, 0, 0, 1))(sheer.tensor([[7, 8]]))        # left, right, top, bottom
        tensor([[0, 7, 8],
                [0, 0, 0]])
    """


class ZeroPad3d(_Pad):
    """Zeros around the last three axes.

    Shape   x (*B, D, H, W) -> (*B, D', H', W')
    Raises  E204 for a number of widths or axes that does not fit, E114 for widths below 0 that
            leave nothing
    Source  torch.nn.ZeroPad3d
    Example
        >>> nn.ZeroPad3d((0, 0, 1, 1, 2, 2))(sheer.ones(1, 4, 4, 4)).shape        # W, H, D
        (1, 8, 6, 4)
    """
    axes = 3


class ConstantPad1d(_Pad):
    """A number around the last axis.

    Shape   x (*B, L) -> (*B, L + low + high)
    Raises  E204 for a number of widths or axes that does not fit, E114 for widths below 0 that
            leave nothing
    Source  torch.nn.ConstantPad1d
    Example
        >>> nn.ConstantPad1d((2, 0), -1)(sheer.tensor([7, 8])).tolist()
        [-1, -1, 7, 8]
    """
    value: float

    axes = 1

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def fill(self) -> float: return self.value
    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """A number around the last two axes.

    Shape   x (*B, H, W) -> (*B, H', W')
    Raises  E204 for a number of widths or axes that does not fit, E114 for widths below 0 that
            leave nothing
    Source  torch.nn.ConstantPad2d
    Example
        >>> nn.ConstantPad2d(1, 9)(sheer.tensor([[7]]))
        tensor([[9, 9, 9],
                [9, 7, 9],
                [9, 9, 9]])
    """
    axes = 2


class ConstantPad3d(ConstantPad1d):
    """A number around the last three axes.

    Shape   x (*B, D, H, W) -> (*B, D', H', W')
    Raises  E204 for a number of widths or axes that does not fit, E114 for widths below 0 that
            leave nothing
    Source  torch.nn.ConstantPad3d
    Example
        >>> nn.ConstantPad3d(-1, 0.0)(sheer.ones(1, 4, 4, 5)).shape       # below 0: cut off
        (1, 2, 2, 3)
    """
    axes = 3


class ReflectionPad1d(_Pad):
    """The array mirrored at its ends.

    Shape   x (*B, L) -> (*B, L + low + high)
    Raises  E204 for a number of widths or axes that does not fit, or a width as wide as the axis,
            E115 for widths below 0 that leave nothing
    Source  torch.nn.ReflectionPad1d
    Example
        >>> nn.ReflectionPad1d(2)(sheer.tensor([[1, 2, 3]])).tolist()
        [[3, 2, 1, 2, 3, 2, 1]]
    """
    axes, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The image mirrored at its edges.

    Shape   x (*B, H, W) -> (*B, H', W')
    Raises  E204 for a number of widths or axes that does not fit, or a width as wide as the axis,
            E115 for widths below 0 that leave nothing
    Source  torch.nn.ReflectionPad2d
    Example
        >>> nn.ReflectionPad2d((0, 1, 1, 0))(sheer.tensor([[[1, 2], [3, 4]]]))[0]
        tensor([[3, 4, 3],
                [1, 2, 1],
                [3, 4, 3]])
    """
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """The volume mirrored at its faces.

    Shape   x (*B, D, H, W) -> (*B, D', H', W')
    Raises  E204 for a number of widths or axes that does not fit, or a width as wide as the axis,
            E115 for widths below 0 that leave nothing
    Source  torch.nn.ReflectionPad3d
    Example
        >>> nn.ReflectionPad3d(1)(sheer.arange(8).reshape(1, 2, 2, 2))[0, 0, 0].tolist()
        [7, 6, 7, 6]
    """
    axes, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The ends repeated.

    Shape   x (*B, L) -> (*B, L + low + high)
    Raises  E204 for a number of widths or axes that does not fit
    Source  torch.nn.ReplicationPad1d
    Example
        >>> nn.ReplicationPad1d((1, 3))(sheer.tensor([[1, 2, 3]])).tolist()
        [[1, 1, 2, 3, 3, 3, 3]]
    """
    axes, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The edges repeated.

    Shape   x (*B, H, W) -> (*B, H', W')
    Raises  E204 for a number of widths or axes that does not fit
    Source  torch.nn.ReplicationPad2d
    Example
        >>> nn.ReplicationPad2d(1)(sheer.tensor([[[1, 2]]]))[0]
        tensor([[1, 1, 2, 2],
                [1, 1, 2, 2],
                [1, 1, 2, 2]])
    """
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """The faces repeated.

    Shape   x (*B, D, H, W) -> (*B, D', H', W')
    Raises  E204 for a number of widths or axes that does not fit
    Source  torch.nn.ReplicationPad3d
    Example
        >>> nn.ReplicationPad3d((0, 0, 0, 0, 1, 0))(sheer.tensor([[[[5]]]])).flatten().tolist()
        [5, 5]
    """
    axes, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """The array wrapped around.

    Shape   x (*B, L) -> (*B, L + low + high)
    Raises  E204 for a number of widths or axes that does not fit, or a width wider than the axis,
            E115 for widths below 0 that leave nothing
    Source  torch.nn.CircularPad1d
    Example
        >>> nn.CircularPad1d((1, 2))(sheer.tensor([[1, 2, 3]])).tolist()
        [[3, 1, 2, 3, 1, 2]]
    """
    axes, mode = 1, "circular"


class CircularPad2d(_Pad):
    """The image wrapped around.

    Shape   x (*B, H, W) -> (*B, H', W')
    Raises  E204 for a number of widths or axes that does not fit, or a width wider than the axis,
            E115 for widths below 0 that leave nothing
    Source  torch.nn.CircularPad2d
    Example
        >>> nn.CircularPad2d((1, 0, 0, 1))(sheer.tensor([[[1, 2], [3, 4]]]))[0]
        tensor([[2, 1, 2],
                [4, 3, 4],
                [2, 1, 2]])
    """
    mode = "circular"


class CircularPad3d(_Pad):
    """The volume wrapped around.

    Shape   x (*B, D, H, W) -> (*B, D', H', W')
    Raises  E204 for a number of widths or axes that does not fit, or a width wider than the axis,
            E115 for widths below 0 that leave nothing
    Source  torch.nn.CircularPad3d
    Example
        >>> x = sheer.arange(8).reshape(1, 2, 2, 2)
        >>> nn.CircularPad3d((0, 0, 0, 0, 2, 0))(x)[0, :, 0, 0].tolist()
        [0, 4, 0, 4]
    """
    axes, mode = 3, "circular"
