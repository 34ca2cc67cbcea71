"""Families over positive numbers and shares made of gamma variables: Gamma, Beta, Dirichlet."""

# mypy: no-warn-return-any

from __future__ import annotations

from typing import Any

from ..namespace_joining import stack, where
from ..tensor import Tensor
from . import constraints
from .constraints import domains
from .distribution import Distribution, Shape
from .draws import gamma, one_hot

# The quantiles of a gamma variable have no closed derivative by its shape: draws have no gradient.


class Gamma(Distribution):
    """Density proportional to x^(concentration - 1) exp(-rate x).

    Params  concentration > 0, rate > 0
    Source  torch.distributions.Gamma
    Example
        >>> Gamma(3.0, 2.0).mean.item()
        1.5
    """
    arg_constraints = domains(concentration=constraints.positive, rate=constraints.positive)
    support = constraints.nonnegative
    concentration: Tensor
    rate: Tensor

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration, rate=rate)
    def _draw(self, shape: Shape) -> Tensor:
        return gamma(self.concentration.expand(shape)) / self.rate
    def log_prob(self, value: Any) -> Tensor:
        x, a = self._value(value), self.concentration
        return a * self.rate.log() + (a - 1).xlogy(x) - self.rate * x - a.lgamma()
    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()
    @property
    def mean(self) -> Tensor: return self.concentration / self.rate
    @property
    def mode(self) -> Tensor: return ((self.concentration - 1) / self.rate).clamp(min=0)
    @property
    def variance(self) -> Tensor: return self.concentration / self.rate ** 2


class Dirichlet(Distribution):
    """Density proportional to the product of x_k^(concentration_k - 1) over shares x with sum 1.

    Shape   concentration (*B, K) -> event (K,)
    Params  concentration > 0
    Source  torch.distributions.Dirichlet
    Example
        >>> Dirichlet(sheer.tensor([1.0, 3.0])).mean
        tensor([0.25, 0.75])
    """
    arg_constraints = domains(concentration=constraints.positive_vector)
    support = constraints.simplex
    concentration: Tensor

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration)
    def _draw(self, shape: Shape) -> Tensor:
        x = gamma(self.concentration.expand(shape)).clamp(min=1e-30)
        return x / x.sum(-1, keepdim=True)
    def log_prob(self, value: Any) -> Tensor:
        a = self.concentration
        return (a - 1).xlogy(self._value(value)).sum(-1) - self._log_beta()
    def entropy(self) -> Tensor:
        a = self.concentration
        total = a.sum(-1)
        return (self._log_beta() - (a.shape[-1] - total) * total.digamma()
                - ((a - 1) * a.digamma()).sum(-1))
    @property
    def mean(self) -> Tensor: return self.concentration / self.concentration.sum(-1, keepdim=True)
    @property
    def mode(self) -> Tensor:
        """The largest share alone where no concentration exceeds 1; else shares above 1."""
        a = (self.concentration - 1).clamp(min=0)
        flat = (self.concentration < 1).all(-1, keepdim=True)
        corner = one_hot(self.concentration.argmax(-1), self.concentration)
        return where(flat, corner, a / a.sum(-1, keepdim=True))
    @property
    def variance(self) -> Tensor:
        a, total = self.concentration, self.concentration.sum(-1, keepdim=True)
        return a * (total - a) / (total ** 2 * (total + 1))
    def _log_beta(self) -> Tensor:
        return self.concentration.lgamma().sum(-1) - self.concentration.sum(-1).lgamma()


class Beta(Distribution):
    """Density proportional to x^(concentration1 - 1) (1 - x)^(concentration0 - 1) on [0, 1].

    The first share of a Dirichlet of two, whose formulas it uses.

    Params  concentration1, concentration0 > 0
    Source  torch.distributions.Beta
    Example
        >>> Beta(1.0, 3.0).mean.item()
        0.25
    """
    arg_constraints = domains(concentration1=constraints.positive,
                              concentration0=constraints.positive)
    support = constraints.unit_interval
    concentration1: Tensor
    concentration0: Tensor

    def __init__(self, concentration1: Any, concentration0: Any,
                 validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration1=concentration1, concentration0=concentration0)
    @property
    def _pair(self) -> Dirichlet:
        return Dirichlet(stack([self.concentration1, self.concentration0], -1), validate_args=False)
    def _draw(self, shape: Shape) -> Tensor:
        return self._pair._draw((*shape, 2))[..., 0]
    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        return self._pair.log_prob(stack([x, 1 - x], -1))
    def entropy(self) -> Tensor: return self._pair.entropy()
    @property
    def mean(self) -> Tensor: return self._pair.mean[..., 0]
    @property
    def mode(self) -> Tensor: return self._pair.mode[..., 0]
    @property
    def variance(self) -> Tensor: return self._pair.variance[..., 0]
