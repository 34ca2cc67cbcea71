"""Batch and instance normalisation.

Running statistics are buffers that training updates in place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..graph.dtypes import DType, dtype_of, float32, int64
from ..graph.errors import ShapeError
from ..mixins.core import apply, evaluate
from ..ops.structure import constant
from ..tensor import Tensor
from ..transforms import execute, trace
from . import functional as F
from . import init
from .functional.normalization import (
    batch_statistics,
    check_channels,
    check_eps,
    check_values_per_channel,
    follow,
)
from .linear import empty, positive
from .module import Module
from .parameter import Buffer, Parameter


class _Tracking(Module):
    """What batch and instance normalisation hold."""
    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    ranks: tuple[int, ...] = (2, 3)
    need = "(N, C) or (N, C, L)"

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True,
                 track_running_stats: bool = True, device: Any = None, dtype: Any = None, *,
                 bias: bool = True) -> None:
        super().__init__()
        positive(type(self).__name__, num_features=num_features)
        check_eps(type(self).__name__, eps)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", empty((num_features,), dtype) if affine else None)
        self.register_parameter("bias", empty((num_features,), dtype) if affine and bias else None)
        kind = float32 if dtype is None else dtype_of(dtype)
        def tracked(shape: tuple[int, ...], kind: DType) -> Buffer | None:
            return Buffer(Tensor(constant(np.zeros(shape), kind))) if track_running_stats else None
        self.register_buffer("running_mean", tracked((num_features,), kind))
        self.register_buffer("running_var", tracked((num_features,), kind))
        self.register_buffer("num_batches_tracked", tracked((), int64))
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget what was tracked: mean 0, variance 1."""
        tracked = self.running_mean, self.running_var, self.num_batches_tracked
        for buffer, value in zip(tracked, (0, 1, 0), strict=True):
            if buffer is not None:
                init.constant_(buffer, value)

    def reset_parameters(self) -> None:
        """weight 1, bias 0, and nothing tracked."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def check_input(self, x: Tensor) -> None:
        """Raise ShapeError E203 unless x has the axes this layer is for."""
        if x.ndim not in self.ranks:
            raise ShapeError("E203", type(self).__name__, f"input has {x.ndim} axes",
                             got={"input": x.node},
                             need=self.need)

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
                f"affine={self.affine}, bias={self.bias is not None}, "
                f"track_running_stats={self.track_running_stats}")


class _BatchNorm(_Tracking):
    """Batch normalisation over the axes its subclass names."""

    def forward(self, x: Tensor) -> Tensor:
        self.check_input(x)
        tracked = self.running_mean is not None
        training = self.training
        if not training and tracked:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                                False, 0.0, self.eps)
        check_channels(type(self).__name__, x, self.running_mean, self.weight)
        if training:
            check_values_per_channel(type(self).__name__, x)
        y, mean, var = batch_statistics(x, self.weight, self.bias, self.eps)
        if training and tracked:
            self._track(x, mean, var)
        return y

    def _track(self, x: Tensor, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics, in place."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        handles = self.running_mean, self.running_var, self.num_batches_tracked
        if trace.current() is None:
            # Steps that nobody looks at would otherwise pile up as one ever longer pending program.
            # The statistics themselves were kept when the loss of the last step was evaluated.
            if not all(execute.is_known(h.node) for h in handles):
                evaluate(handles)
            self.__dict__["_last"] = mean, var
        count = self.num_batches_tracked
        count._rebind(count.node + 1)
        momentum = self.momentum
        step: Any = momentum
        if momentum is None:                        # the plain average over all batches
            step = apply(lambda n: 1 / ops.cast(n, mean.dtype), count)
        follow(self.running_mean, mean, step)
        follow(self.running_var, var, step, x.node.size // x.shape[1])

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_last"}


class BatchNorm1d(_BatchNorm):
    """Every feature minus its mean over the batch, over its deviation; running ones in eval mode.

    Shape   x (N, C) or (N, C, L) -> the same
    Params  weight (C,) = 1, bias (C,) = 0; buffers running_mean = 0, running_var = 1,
            num_batches_tracked = 0; momentum=None averages over all batches
    Raises  E203 for other axes or channels, E220 for one value per channel in training, E202 for
            dtypes, E204 for num_features below 1 or an eps below 0
    Source  Ioffe and Szegedy 2015, arXiv:1502.03167; torch.nn.BatchNorm1d
    Example
        >>> norm = nn.BatchNorm1d(1)
        >>> norm(sheer.tensor([[4.0], [8.0]])).detach()
        tensor([[-1.],
                [ 1.]])
        >>> round(norm.running_mean.item(), 4)      # 0.1 of the way from 0 to the mean, 6
        0.6
    """


class BatchNorm2d(_BatchNorm):
    """Every channel minus its mean over batch and image, over its deviation.

    Eval mode takes the running mean and variance.

    Shape   x (N, C, H, W) -> the same
    Params  weight (C,) = 1, bias (C,) = 0; buffers running_mean = 0, running_var = 1,
            num_batches_tracked = 0; momentum=None averages over all batches
    Raises  E203 for other axes or channels, E220 for one value per channel in training, E202 for
            dtypes, E204 for num_features below 1 or an eps below 0
    Source  Ioffe and Szegedy 2015, arXiv:1502.03167; torch.nn.BatchNorm2d
    Example
        >>> y = nn.BatchNorm2d(3)(5 + 2 * sheer.randn(8, 3, 4, 4))
        >>> bool(y.mean((0, 2, 3)).abs().max() < 1e-5), round(y.var().item(), 1)
        (True, 1.0)
    """
    ranks, need = (4,), "(N, C, H, W)"


class BatchNorm3d(_BatchNorm):
    """Every channel minus its mean over batch and volume, over its deviation.

    Eval mode takes the running mean and variance.

    Shape   x (N, C, D, H, W) -> the same
    Params  weight (C,) = 1, bias (C,) = 0; buffers running_mean = 0, running_var = 1,
            num_batches_tracked = 0; momentum=None averages over all batches
    Raises  E203 for other axes or channels, E220 for one value per channel in training, E202 for
            dtypes, E204 for num_features below 1 or an eps below 0
    Source  Ioffe and Szegedy 2015, arXiv:1502.03167; torch.nn.BatchNorm3d
    Example
        >>> norm = nn.BatchNorm3d(2).eval()         # with what was tracked: mean 0, variance 1
        >>> norm(sheer.ones(1, 2, 1, 1, 1)).flatten().detach()
        tensor([1., 1.])
    """
    ranks, need = (5,), "(N, C, D, H, W)"


class _InstanceNorm(_Tracking):
    """Instance normalisation over the axes its subclass names."""

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1,
                 affine: bool = False,
                 track_running_stats: bool = False, device: Any = None, dtype: Any = None, *,
                 bias: bool = True) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype,
                         bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        self.check_input(x)
        single = x.ndim == min(self.ranks)
        x = x.unsqueeze(0) if single else x
        own = self.training or self.running_mean is None
        if own and self.running_mean is not None and trace.current() is None:
            evaluate(list(self.buffers()))
        y = F.instance_norm(x, self.running_mean, self.running_var, self.weight, self.bias, own,
                            self.momentum, self.eps)  # type: ignore[arg-type]
        return y.squeeze(0) if single else y


class InstanceNorm1d(_InstanceNorm):
    """Every channel of every example minus its mean, over its deviation.

    Shape   x (N, C, L) or (C, L) -> the same
    Params  none; with affine weight (C,) = 1, bias (C,) = 0
    Raises  E203 for other axes or channels, E220 for one value per channel, E202 for dtypes, E204
            for num_features below 1 or an eps below 0
    Source  Ulyanov et al. 2016, arXiv:1607.08022; torch.nn.InstanceNorm1d
    Example
        >>> nn.InstanceNorm1d(2)(sheer.tensor([[1.0, 3.0], [10.0, 50.0]]))
        tensor([[-1.,  1.],
                [-1.,  1.]])
    """
    ranks, need = (2, 3), "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    """Every channel of every image minus its mean, over its deviation.

    Shape   x (N, C, H, W) or (C, H, W) -> the same
    Params  none; with affine weight (C,) = 1, bias (C,) = 0
    Raises  E203 for other axes or channels, E220 for one value per channel, E202 for dtypes, E204
            for num_features below 1 or an eps below 0
    Source  Ulyanov et al. 2016, arXiv:1607.08022; torch.nn.InstanceNorm2d
    Example
        >>> y = nn.InstanceNorm2d(3)(sheer.randn(2, 3, 4, 4) * 9 + 1)
        >>> bool(y.mean((2, 3)).abs().max() < 1e-5)               # each channel of each image
        True
        >>> len(list(nn.InstanceNorm2d(3, affine=True).parameters()))
        2
    """
    ranks, need = (3, 4), "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    """Every channel of every volume minus its mean, over its deviation.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> the same
    Params  none; with affine weight (C,) = 1, bias (C,) = 0
    Raises  E203 for other axes or channels, E220 for one value per channel, E202 for dtypes, E204
            for num_features below 1 or an eps below 0
    Source  Ulyanov et al. 2016, arXiv:1607.08022; torch.nn.InstanceNorm3d
    Example
        >>> nn.InstanceNorm3d(2)(sheer.randn(4, 2, 3, 3, 3)).shape
        (4, 2, 3, 3, 3)
    """
    ranks, need = (4, 5), "(N, C, D, H, W) or (C, D, H, W)"
