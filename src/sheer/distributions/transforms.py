"""Transforms: an invertible function of single elements, its inverse and its derivative."""

# mypy: no-warn-return-any

from __future__ import annotations

import math
from typing import Any

from ..tensor import Tensor, as_tensor
from . import constraints
from .constraints import Constraint


class Transform:
    """y = f(x), increasing (sign 1) or decreasing (sign -1).

    Source  torch.distributions.transforms
    """

    sign: int = 1
    codomain: Constraint = constraints.real

    def __call__(self, x: Tensor) -> Tensor:
        raise NotImplementedError(type(self).__name__)

    def inv(self, y: Tensor) -> Tensor:
        """x from y."""
        raise NotImplementedError(type(self).__name__)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |dy / dx|."""
        raise NotImplementedError(type(self).__name__)

    def __repr__(self) -> str: return f"{type(self).__name__}()"


class ExpTransform(Transform):
    """y = exp(x).

    Source  torch.distributions.transforms.ExpTransform
    Example
        >>> ExpTransform().inv(sheer.tensor(1.0)).item()
        0.0
    """
    codomain = constraints.positive
    def __call__(self, x: Tensor) -> Tensor: return x.exp()
    def inv(self, y: Tensor) -> Tensor: return y.log()
    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor: return x


class SigmoidTransform(Transform):
    """y = 1 / (1 + exp(-x)).

    Source  torch.distributions.transforms.SigmoidTransform
    Example
        >>> SigmoidTransform()(sheer.tensor(0.0)).item()
        0.5
    """
    codomain = constraints.unit_interval
    def __call__(self, x: Tensor) -> Tensor: return x.sigmoid()
    def inv(self, y: Tensor) -> Tensor: return y.logit()
    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -x.abs() - 2 * (-x.abs()).exp().log1p()


class TanhTransform(Transform):
    """y = tanh(x).

    Source  torch.distributions.transforms.TanhTransform
    Example
        >>> TanhTransform().log_abs_det_jacobian(sheer.tensor(0.0), sheer.tensor(0.0)).item()
        0.0
    """
    codomain = constraints.interval(-1, 1)
    def __call__(self, x: Tensor) -> Tensor: return x.tanh()
    def inv(self, y: Tensor) -> Tensor: return y.atanh()
    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return SigmoidTransform().log_abs_det_jacobian(2 * x, y) + math.log(4)


class AffineTransform(Transform):
    """y = loc + scale * x; scale is of one sign.

    Source  torch.distributions.transforms.AffineTransform
    Example
        >>> AffineTransform(1.0, 2.0)(sheer.tensor([0.0, 1.0]))
        tensor([1., 3.])
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc, self.scale = loc, scale
    @property
    def sign(self) -> int:  # type: ignore[override]
        """That of scale."""
        return 1 if bool((as_tensor(self.scale) > 0).all()) else -1
    def __call__(self, x: Tensor) -> Tensor: return self.loc + self.scale * x
    def inv(self, y: Tensor) -> Tensor: return (y - self.loc) / self.scale
    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x * 0 + as_tensor(self.scale, x.dtype).abs().log()
