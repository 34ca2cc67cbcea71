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
    Raises  E204 for a mode that does not fit
    Source  torch.nn.Upsample
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
    Source  torch.nn.UpsamplingNearest2d
    """

    def __init__(self, size: Setting = None, scale_factor: Setting = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """An image of another size, from linearly weighted neighbours, corners aligned.

    Shape   x (N, C, H, W) -> (N, C, *size)
    Source  torch.nn.UpsamplingBilinear2d
    """

    def __init__(self, size: Setting = None, scale_factor: Setting = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Module):
    """Channels spread over a finer grid.

    Shape   x (*B, C r r, H, W) -> (*B, C, H r, W r)
    Raises  E203 when the channels do not divide by r r
    Source  Shi et al. 2016, arXiv:1609.05158; torch.nn.PixelShuffle
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
    Raises  E203 when the image does not divide by r
    Source  torch.nn.PixelUnshuffle
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
    """Zeros around the last axis. Shape: x (*B, L) -> (*B, L + low + high)."""
    axes = 1


class ZeroPad2d(_Pad):
    """Zeros around the last two axes. Shape: x (*B, H, W) -> (*B, H', W')."""


class ZeroPad3d(_Pad):
    """Zeros around the last three axes. Shape: x (*B, D, H, W) -> (*B, D', H', W')."""
    axes = 3


class ConstantPad1d(_Pad):
    """A number around the last axis. Shape: x (*B, L) -> (*B, L + low + high)."""
    value: float

    axes = 1

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def fill(self) -> float: return self.value
    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """A number around the last two axes. Shape: x (*B, H, W) -> (*B, H', W')."""
    axes = 2


class ConstantPad3d(ConstantPad1d):
    """A number around the last three axes. Shape: x (*B, D, H, W) -> (*B, D', H', W')."""
    axes = 3


class ReflectionPad1d(_Pad):
    """The array mirrored at its ends. Shape: x (*B, L) -> (*B, L + low + high)."""
    axes, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The image mirrored at its edges. Shape: x (*B, H, W) -> (*B, H', W')."""
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """The volume mirrored at its faces. Shape: x (*B, D, H, W) -> (*B, D', H', W')."""
    axes, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The ends repeated. Shape: x (*B, L) -> (*B, L + low + high)."""
    axes, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The edges repeated. Shape: x (*B, H, W) -> (*B, H', W')."""
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """The faces repeated. Shape: x (*B, D, H, W) -> (*B, D', H', W')."""
    axes, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """The array wrapped around. Shape: x (*B, L) -> (*B, L + low + high)."""
    axes, mode = 1, "circular"


class CircularPad2d(_Pad):
    """The image wrapped around. Shape: x (*B, H, W) -> (*B, H', W')."""
    mode = "circular"


class CircularPad3d(_Pad):
    """The volume wrapped around. Shape: x (*B, D, H, W) -> (*B, D', H', W')."""
    axes, mode = 3, "circular"
