"""MultivariateNormal: a mean and a covariance in one of three forms flow in, vectors flow out."""

from __future__ import annotations

import math
from typing import Any

from .. import linalg
from ..graph.errors import ArgumentError
from ..namespace_creation import eye
from ..random import randn
from ..tensor import Tensor
from . import constraints
from .constraints import domains
from .distribution import Distribution, Shape


class MultivariateNormal(Distribution):
    """loc + L z with z standard normal, where L L^T is the covariance.

    Shape   loc (*B, d) or a number; a matrix (*B, d, d) -> event (d,)
    Params  covariance_matrix, or precision_matrix (its inverse), or scale_tril (L)
    Raises  E541 unless one of the three is given
    Source  torch.distributions.MultivariateNormal
    Example
        >>> law = MultivariateNormal(sheer.zeros(2), sheer.tensor([[4.0, 2.0], [2.0, 5.0]]))
        >>> law.scale_tril
        tensor([[2., 0.],
                [1., 2.]])
    """
    arg_constraints = domains(loc=constraints.real_vector,
                              _covariance=constraints.positive_definite,
                              _precision=constraints.positive_definite,
                              _scale_tril=constraints.lower_cholesky)
    support = constraints.real_vector
    has_rsample = True
    loc: Tensor

    def __init__(self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None,
                 scale_tril: Any = None, validate_args: bool | None = None) -> None:
        forms = {"_covariance": covariance_matrix, "_precision": precision_matrix,
                 "_scale_tril": scale_tril}
        given = {n: m for n, m in forms.items() if m is not None}
        if len(given) != 1:
            raise ArgumentError("E541", "MultivariateNormal", f"{len(given)} matrices are given",
                                need="covariance_matrix, precision_matrix or scale_tril")
        self._take(validate_args, loc=loc, **given)

    @property
    def scale_tril(self) -> Tensor:
        """L, lower triangular."""
        kind, matrix = self._given[1], getattr(self, self._given[1])
        if kind == "_scale_tril":
            return matrix  # type: ignore[no-any-return]
        if kind == "_covariance":
            return linalg.cholesky(matrix)
        upside_down = linalg.cholesky(matrix.flip((-2, -1))).flip((-2, -1))     # U U^T = precision
        return linalg.solve_triangular(upside_down.mT, eye(matrix.shape[-1], dtype=matrix.dtype)
                                       .expand(matrix.shape), upper=False)
    @property
    def covariance_matrix(self) -> Tensor:
        """L L^T."""
        if self._given[1] == "_covariance":
            return self._covariance  # type: ignore[attr-defined,no-any-return]
        scale = self.scale_tril
        return scale @ scale.mT
    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        if self._given[1] == "_precision":
            return self._precision  # type: ignore[attr-defined,no-any-return]
        return linalg.inv(self.covariance_matrix)
    def _draw(self, shape: Shape) -> Tensor:
        z = randn(shape, dtype=self.loc.dtype).unsqueeze(-1)
        return self.loc + (self.scale_tril @ z).squeeze(-1)
    def log_prob(self, value: Any) -> Tensor:
        scale = self.scale_tril
        apart = self._value(value) - self.loc                                   # (*S, d)
        z = whitened(scale, apart.unsqueeze(-1))
        return -0.5 * (z * z).sum((-2, -1)) - self._log_volume(scale)
    def entropy(self) -> Tensor:
        return self._log_volume(self.scale_tril) + 0.5 * self.event_shape[0]
    @property
    def mean(self) -> Tensor: return self.loc
    @property
    def mode(self) -> Tensor: return self.loc
    @property
    def variance(self) -> Tensor: return (self.scale_tril ** 2).sum(-1)
    def _log_volume(self, scale: Tensor) -> Tensor:
        return log_diagonal(scale) + 0.5 * self.event_shape[0] * math.log(2 * math.pi)


def whitened(scale: Tensor, x: Tensor) -> Tensor:
    """L^-1 x for L (*B, d, d) and columns x (*S, *B, d, n)."""
    wide = x.shape[:-2]
    if len(wide) < scale.ndim - 2:
        x = x.expand((*scale.shape[:-2], *x.shape[-2:]))
    return linalg.solve_triangular(scale.expand((*x.shape[:-2], *scale.shape[-2:])), x, upper=False)


def log_diagonal(scale: Tensor) -> Tensor:
    """The logarithm of the determinant of a triangle."""
    return scale.diagonal(dim1=-2, dim2=-1).log().sum(-1)
