"""Ready parametrisations: weight_norm (length and direction), spectral_norm (bounded gain)."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...graph.errors import ArgumentError
from ...graph.node import Node
from ...mixins.core import apply, no_grad
from ...mixins.missing import refusing as _refusing
from ...random import randn
from ...tensor import Tensor
from .. import functional as F
from ..module import Module
from ..parameter import Buffer, put
from .parametrize import register_parametrization

__all__ = ["spectral_norm", "weight_norm"]
__getattr__ = _refusing("nn.utils.parametrizations", __all__)


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """weight = g v / |v|: its length (original0) and its direction (original1) are learned apart.

    dim is the axis that keeps lengths of its own; None: one length for all.

    Raises  E252 for a name that is no parameter
    Source  Salimans and Kingma 2016, arXiv:1602.07868; torch.nn.utils.parametrizations.weight_norm
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1,
                  eps: float = 1e-12, dim: int | None = None) -> Module:
    """weight = w / sigma, sigma the largest singular value, by power iteration in training.

    dim is the axis of the outputs: 1 for transposed convolutions, else 0.

    Raises  E252 for a name that is no parameter, E204 for settings
    Source  Miyato et al. 2018, arXiv:1802.05957, algorithm 1;
            torch.nn.utils.parametrizations.spectral_norm
    """
    weight = module.get_parameter(name) if name in module._parameters else None
    if weight is None:
        return register_parametrization(module, name, Module())       # says what is wrong
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    return register_parametrization(module, name,
                                    _SpectralNorm(weight, n_power_iterations, dim, eps))


def _length(v: Node, dim: int | None) -> Node:
    """The norm over all axes but one, which stay with length 1."""
    axes = tuple(a for a in range(v.ndim) if dim is None or a != dim % v.ndim)
    total = ops.sqrt(ops.sum(v * v, axes))
    return ops.reshape(total, [1 if a in axes else n for a, n in enumerate(v.shape)]) \
        if dim is not None else total


class _WeightNorm(Module):
    dim: int | None

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = None if dim == -1 else dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        result: Tensor = apply(lambda g, v: ops.mul(v, ops.div(g, _length(v, self.dim))), g, v)
        return result

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Length and direction of a weight."""
        return apply(lambda v: _length(v, self.dim), weight), weight


class _SpectralNorm(Module):
    dim: int
    eps: float
    n_power_iterations: int

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        if n_power_iterations < 1 or not -weight.ndim <= dim < weight.ndim:
            raise ArgumentError("E204", "spectral_norm",
                                f"n_power_iterations={n_power_iterations}, dim={dim}",
                                need="at least one iteration, and an axis of the weight")
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim, eps, n_power_iterations
        if weight.ndim > 1:
            with no_grad():
                matrix = self._matrix(weight.detach())
                h, w = matrix.shape
                self._u = Buffer(F.normalize(randn(h, dtype=weight.dtype), dim=0, eps=eps))
                self._v = Buffer(F.normalize(randn(w, dtype=weight.dtype), dim=0, eps=eps))
                self._iterate(matrix, 15)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            with no_grad():
                self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.detach().clone(), self._v.detach().clone()
        return weight / u.dot(matrix.mv(v))

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.moveaxis(self.dim, 0).reshape(weight.shape[self.dim], -1)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        u: Any = self._u
        v: Any = self._v
        for _ in range(times):
            u = F.normalize(matrix.mv(v), dim=0, eps=self.eps)
            v = F.normalize(matrix.mT.mv(u), dim=0, eps=self.eps)
        put(self._u, u)
        put(self._v, v)

    def right_inverse(self, value: Tensor) -> Tensor:
        """Any weight is its own original, up to its length."""
        return value
