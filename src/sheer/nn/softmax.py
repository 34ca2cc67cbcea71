"""Activations that look along an axis: softmax and its kin, GLU."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .activation import _Elementwise
from .functional.pooling import check_images
from .module import Module


class Softmax(_Elementwise):
    """exp(x) over its sum along an axis.

    Shape   x (*S) -> (*S)
    Raises  W204 when dim is left out, W205 for a layer with a single unit
    Source  torch.nn.Softmax
    """
    dim: int | None

    function, settings = staticmethod(F.softmax), ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class LogSoftmax(Softmax):
    """log(softmax(x)) along an axis, without the loss of digits of the two steps.

    Shape   x (*S) -> (*S)
    Raises  W204 when dim is left out, W205 for a layer with a single unit
    Source  torch.nn.LogSoftmax
    """
    function = staticmethod(F.log_softmax)


class Softmin(Softmax):
    """softmax(-x) along an axis.

    Shape   x (*S) -> (*S)
    Raises  W204 when dim is left out, W205 for a layer with a single unit
    Source  torch.nn.Softmin
    """
    function = staticmethod(F.softmin)


class Softmax2d(Module):
    """softmax over the channels of every pixel.

    Shape   x (N, C, H, W) or (C, H, W) -> the same
    Raises  E203 for other axes
    Source  torch.nn.Softmax2d
    """

    def forward(self, x: Tensor) -> Tensor:
        check_images("Softmax2d", 2, x)
        return F.softmax(x, -3)


class GLU(_Elementwise):
    """The first half of an axis times the sigmoid of the second.

    Shape   x (*A, 2 n, *Z) -> (*A, n, *Z)
    Raises  E203 when the axis has an odd length
    Source  Dauphin et al. 2016, arXiv:1612.08083; torch.nn.GLU
    """
    dim: int

    function, settings = staticmethod(F.glu), ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

