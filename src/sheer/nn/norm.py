"""Normalisation layers without memory: layer, group, root mean square, local response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from . import init
from .linear import empty, positive
from .module import Module
from .parameter import Parameter


class LayerNorm(Module):
    """Every example minus its mean over its deviation, along the last axes.

    Shape   x (*B, *normalized_shape) -> the same
    Params  weight = 1 and bias = 0, of normalized_shape
    Raises  E201 when the last axes have another shape, E202 for dtypes
    Source  Ba et al. 2016, arXiv:1607.06450; torch.nn.LayerNorm
    Example
        >>> nn.LayerNorm(2)(sheer.tensor([[1.0, 3.0], [10.0, 50.0]])).detach()
        tensor([[-1.,  1.],
                [-1.,  1.]])
    """
    normalized_shape: tuple[int, ...]
    eps: float
    elementwise_affine: bool
    weight: Parameter | None
    bias: Parameter | None

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5,
                 elementwise_affine: bool = True,
                 bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape,
                                                  int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", empty(shape, dtype) if elementwise_affine else None)
        self.register_parameter("bias",
                                empty(shape, dtype) if elementwise_affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}")


class RMSNorm(Module):
    """Every example over the root of its mean square, along the last axes.

    Shape   x (*B, *normalized_shape) -> the same
    Params  weight = 1, of normalized_shape; eps=None is the smallest step of the dtype at 1
    Raises  E201 when the last axes have another shape, E202 for dtypes
    Source  Zhang and Sennrich 2019, arXiv:1910.07467; torch.nn.RMSNorm
    Example
        >>> nn.RMSNorm(2)(sheer.tensor([[3.0, 4.0]])).detach()       # over the root of 12.5
        tensor([[0.8485, 1.1314]])
    """
    normalized_shape: tuple[int, ...]
    eps: float | None
    elementwise_affine: bool
    weight: Parameter | None

    def __init__(self, normalized_shape: int | Sequence[int], eps: float | None = None,
                 elementwise_affine: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape,
                                                  int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", empty(shape, dtype) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.elementwise_affine}")


class GroupNorm(Module):
    """Every group of channels of every example minus its mean over its deviation.

    Shape   x (N, num_channels, *S) -> the same
    Params  weight (num_channels,) = 1, bias (num_channels,) = 0
    Raises  E204 when the channels do not divide into the groups, E203 for other channels, E202 for
            dtypes
    Source  Wu and He 2018, arXiv:1803.08494; torch.nn.GroupNorm
    Example
        >>> y = nn.GroupNorm(2, 4)(sheer.randn(1, 4, 5, 5) + 7)
        >>> bool(y.reshape(2, 50).mean(1).abs().max() < 1e-5)        # two channels a group
        True
    """
    num_groups: int
    num_channels: int
    eps: float
    affine: bool
    weight: Parameter | None
    bias: Parameter | None

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
                 device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__()
        positive("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ArgumentError("E204", "GroupNorm",
                                f"{num_channels} channels do not divide into {num_groups} groups",
                                need="num_channels divisible by num_groups")
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self.register_parameter("weight", empty((num_channels,), dtype) if affine else None)
        self.register_parameter("bias", empty((num_channels,), dtype) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
                f"bias={self.bias is not None}")


class LocalResponseNorm(Module):
    """Every element over a power of the mean square of its neighbours in other channels.

    Shape   x (N, C, *S) -> the same
    Raises  E204 for a size below 1, E110 without channels, E202 for integers
    Source  Krizhevsky et al. 2012, section 3.3; torch.nn.LocalResponseNorm
    Example
        >>> near = nn.LocalResponseNorm(3, alpha=3.0, beta=1.0)
        >>> near(sheer.ones(1, 3, 1)).flatten()     # only the middle has two neighbours
        tensor([0.3333, 0.25  , 0.3333])
    """
    size: int
    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
