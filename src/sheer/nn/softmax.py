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
    Raises  E110 for an axis that does not exist, E202 for integers, E204 for a tensor in place of a
            setting; warns W204 when dim is left out, W205 for a layer with a single unit
    Source  torch.nn.Softmax
    Example
        >>> nn.Softmax(dim=1)(sheer.tensor([[0.0, 0.0], [1000.0, 0.0]]))
        tensor([[0.5, 0.5],
                [1. , 0. ]])
    """
    dim: int | None

    function, settings = staticmethod(F.softmax), ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class LogSoftmax(Softmax):
    """log(softmax(x)) along an axis, without the loss of digits of the two steps.

    Shape   x (*S) -> (*S)
    Raises  E110 for an axis that does not exist, E202 for integers, E204 for a tensor in place of a
            setting; warns W204 when dim is left out, W205 for a layer with a single unit
    Source  torch.nn.LogSoftmax
    Example
        >>> nn.LogSoftmax(dim=1)(sheer.tensor([[0.0, 0.0], [100.0, 0.0]]))
        tensor([[  -0.6931,   -0.6931],
                [   0.    , -100.    ]])
    """
    function = staticmethod(F.log_softmax)


class Softmin(Softmax):
    """softmax(-x) along an axis.

    Shape   x (*S) -> (*S)
    Raises  E110 for an axis that does not exist, E202 for integers, E204 for a tensor in place of a
            setting; warns W204 when dim is left out, W205 for a layer with a single unit
    Source  torch.nn.Softmin
    Example
        >>> nn.Softmin(dim=0)(sheer.tensor([1.0, 2.0]))
        tensor([0.7311, 0.2689])
    """
    function = staticmethod(F.softmin)


class Softmax2d(Module):
    """softmax over the channels of every pixel.

    Shape   x (N, C, H, W) or (C, H, W) -> the same
    Raises  E203 for other axes, E202 for integers
    Source  torch.nn.Softmax2d
    Example
        >>> y = nn.Softmax2d()(sheer.randn(3, 2, 2))
        >>> y.sum(0)                                # 1 at every pixel
        tensor([[1., 1.],
                [1., 1.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        check_images("Softmax2d", 2, x)
        return F.softmax(x, -3)


class GLU(_Elementwise):
    """The first half of an axis times the sigmoid of the second.

    Shape   x (*A, 2 n, *Z) -> (*A, n, *Z)
    Raises  E203 when the axis has an odd length, E110 when there is none, E204 for a tensor in
            place of a setting
    Source  Dauphin et al. 2016, arXiv:1612.08083; torch.nn.GLU
    Example
        >>> nn.GLU()(sheer.tensor([[3.0, 5.0, 0.0, 100.0]]))
        tensor([[1.5, 5. ]])
    """
    dim: int

    function, settings = staticmethod(F.glu), ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

