"""Families of one shape, moved and stretched: the standard one's formulas flow in, all else out."""

# mypy: no-warn-return-any

from __future__ import annotations

import math
from typing import Any

from .. import special
from ..namespace_joining import where
from ..random import rand, randn
from ..tensor import Tensor
from . import constraints
from .constraints import Constraint, domains
from .distribution import Distribution, Shape
from .draws import gamma, open_uniform

_EULER = 0.5772156649015329


class LocationScale(Distribution):
    """x = loc + scale * z. A family says how z behaves: its density, distribution function and
    quantiles, and its mean, variance, mode and entropy as numbers.
    """

    arg_constraints = domains(loc=constraints.real, scale=constraints.positive)
    has_rsample = True
    support = constraints.real
    loc: Tensor
    scale: Tensor
    z_mean: Any = 0.0
    z_variance: Any
    z_mode: Any = 0.0
    z_entropy: Any

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    def _z_log_prob(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def _z_cdf(self, z: Tensor) -> Tensor:
        raise self._lacks("cdf")

    def _z_icdf(self, u: Tensor) -> Tensor:
        raise self._lacks("icdf")

    def _z_draw(self, shape: Shape) -> Tensor:
        return self._z_icdf(open_uniform(shape, self.scale.dtype))

    # ---- what follows ----------------------------------------------------------------------------
    def _draw(self, shape: Shape) -> Tensor: return self.loc + self.scale * self._z_draw(shape)
    def log_prob(self, value: Any) -> Tensor:
        return self._z_log_prob((self._value(value) - self.loc) / self.scale) - self.scale.log()
    def cdf(self, value: Any) -> Tensor:
        return self._z_cdf((self._value(value) - self.loc) / self.scale)
    def icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * self._z_icdf(value + self.scale * 0)
    def entropy(self) -> Tensor: return self.scale.log() + self.z_entropy
    @property
    def mean(self) -> Tensor: return self.loc + self.scale * self.z_mean
    @property
    def mode(self) -> Tensor: return self.loc + self.scale * self.z_mode
    @property
    def variance(self) -> Tensor: return self.scale * self.scale * self.z_variance


class Normal(LocationScale):
    """Density exp(-z^2 / 2) / sqrt(2 pi).

    Params  loc, scale > 0
    Source  torch.distributions.Normal
    Example
        >>> Normal(0.0, 2.0).entropy().item() > Normal(0.0, 1.0).entropy().item()
        True
    """
    z_variance, z_entropy = 1.0, 0.5 + 0.5 * math.log(2 * math.pi)
    def _z_log_prob(self, z: Tensor) -> Tensor: return -0.5 * z * z - 0.5 * math.log(2 * math.pi)
    def _z_cdf(self, z: Tensor) -> Tensor: return special.ndtr(z)
    def _z_icdf(self, u: Tensor) -> Tensor: return special.ndtri(u)
    def _z_draw(self, shape: Shape) -> Tensor: return randn(shape, dtype=self.scale.dtype)


class Laplace(LocationScale):
    """Density exp(-|z|) / 2.

    Params  loc, scale > 0
    Source  torch.distributions.Laplace
    Example
        >>> Laplace(0.0, 1.0).log_prob(0.0).exp().item()
        0.5
    """
    z_variance, z_entropy = 2.0, 1 + math.log(2)
    def _z_log_prob(self, z: Tensor) -> Tensor: return -z.abs() - math.log(2)
    def _z_cdf(self, z: Tensor) -> Tensor: return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()
    def _z_icdf(self, u: Tensor) -> Tensor:
        return -(u - 0.5).sign() * (-2 * (u - 0.5).abs()).log1p()


class Cauchy(LocationScale):
    """Density 1 / (pi (1 + z^2)); it has no mean: NaN, and an infinite variance.

    Params  loc, scale > 0
    Source  torch.distributions.Cauchy
    Example
        >>> Cauchy(0.0, 1.0).cdf(sheer.tensor([-1.0, 0.0, 1.0]))
        tensor([0.25, 0.5 , 0.75])
    """
    z_mean, z_variance, z_entropy = math.nan, math.inf, math.log(4 * math.pi)
    def _z_log_prob(self, z: Tensor) -> Tensor: return -(z * z).log1p() - math.log(math.pi)
    def _z_cdf(self, z: Tensor) -> Tensor: return z.atan() / math.pi + 0.5
    def _z_icdf(self, u: Tensor) -> Tensor: return (math.pi * (u - 0.5)).tan()


class Gumbel(LocationScale):
    """Density exp(-z - exp(-z)): of the largest of many.

    Params  loc, scale > 0
    Source  torch.distributions.Gumbel
    Example
        >>> round(Gumbel(0.0, 1.0).mean.item(), 4)                     # Euler's constant
        0.5772
    """
    z_mean, z_variance, z_entropy = _EULER, math.pi ** 2 / 6, 1 + _EULER
    def _z_log_prob(self, z: Tensor) -> Tensor: return -z - (-z).exp()
    def _z_cdf(self, z: Tensor) -> Tensor: return (-(-z).exp()).exp()
    def _z_icdf(self, u: Tensor) -> Tensor: return -(-u.log()).log()


class StudentT(LocationScale):
    """Density proportional to (1 + z^2 / df)^(-(df + 1) / 2).

    Params  df > 0, loc, scale > 0
    Source  torch.distributions.StudentT; z = normal / sqrt(gamma(df / 2) / (df / 2)). Draws carry
            gradients to loc and scale; to df none is known (`rsample` wants df without gradient)
    Example
        >>> StudentT(4.0).variance.item()                               # df / (df - 2)
        2.0
    """
    arg_constraints = domains(df=constraints.positive, **LocationScale.arg_constraints)
    df: Tensor

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0,
                 validate_args: bool | None = None) -> None:
        self._take(validate_args, df=df, loc=loc, scale=scale)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws with gradients with respect to loc and scale. Raises E543 when df wants one."""
        if self.df.requires_grad:
            raise self._lacks("rsample for df", ["StudentT(df.detach(), loc, scale)"])
        return super().rsample(sample_shape)

    @property
    def z_variance(self) -> Any:
        wide = where(self.df > 1, math.inf, math.nan)
        return where(self.df > 2, self.df / (self.df - 2), wide.to(self.df.dtype))
    @property
    def z_mean(self) -> Any:
        return where(self.df > 1, 0.0, math.nan).to(self.df.dtype)
    @property
    def z_entropy(self) -> Any:
        half, next_ = self.df / 2, (self.df + 1) / 2
        lbeta = half.lgamma() + math.lgamma(0.5) - next_.lgamma()
        return next_ * (next_.digamma() - half.digamma()) + 0.5 * self.df.log() + lbeta
    def _z_log_prob(self, z: Tensor) -> Tensor:
        half, next_ = self.df / 2, (self.df + 1) / 2
        return (next_.lgamma() - half.lgamma() - 0.5 * (self.df * math.pi).log()
                - next_ * (z * z / self.df).log1p())
    def _z_draw(self, shape: Shape) -> Tensor:
        half = (self.df / 2).expand(shape).detach()
        return randn(shape, dtype=half.dtype) * (half / gamma(half)).sqrt()


class Exponential(LocationScale):
    """Density rate * exp(-rate x) for x >= 0.

    Params  rate > 0
    Source  torch.distributions.Exponential
    Example
        >>> Exponential(4.0).mean.item()
        0.25
    """
    arg_constraints = domains(rate=constraints.positive)
    support = constraints.nonnegative
    loc, z_mean, z_variance, z_entropy = 0.0, 1.0, 1.0, 1.0  # type: ignore[assignment]
    rate: Tensor

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)
    @property
    def scale(self) -> Tensor:  # type: ignore[override]
        """The mean waiting time."""
        return 1 / self.rate
    def _z_log_prob(self, z: Tensor) -> Tensor: return -z
    def _z_cdf(self, z: Tensor) -> Tensor: return -(-z).expm1()
    def _z_icdf(self, u: Tensor) -> Tensor: return -(-u).log1p()


class HalfNormal(LocationScale):
    """|x| of a normal x with mean 0.

    Params  scale > 0
    Source  torch.distributions.HalfNormal
    Example
        >>> round(HalfNormal(1.0).mean.item(), 4)                       # sqrt(2 / pi)
        0.7979
    """
    arg_constraints = domains(scale=constraints.positive)
    support = constraints.nonnegative
    loc = 0.0  # type: ignore[assignment]
    z_mean, z_variance = math.sqrt(2 / math.pi), 1 - 2 / math.pi
    z_entropy = 0.5 * math.log(math.pi / 2) + 0.5

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, scale=scale)
    def _z_log_prob(self, z: Tensor) -> Tensor:
        inside = -0.5 * z * z + 0.5 * math.log(2 / math.pi)
        return where(z >= 0, inside, -math.inf)
    def _z_cdf(self, z: Tensor) -> Tensor: return (z / math.sqrt(2)).erf()
    def _z_icdf(self, u: Tensor) -> Tensor: return u.erfinv() * math.sqrt(2)
    def _z_draw(self, shape: Shape) -> Tensor: return randn(shape, dtype=self.scale.dtype).abs()


class Uniform(LocationScale):
    """Density 1 / (high - low) for low <= x < high.

    Params  low < high
    Source  torch.distributions.Uniform
    Example
        >>> Uniform(0.0, 4.0).log_prob(1.0).exp().item()
        0.25
    """
    arg_constraints = domains(low=constraints.real, high=constraints.real)
    z_mean, z_variance, z_entropy = 0.5, 1 / 12, 0.0
    low: Tensor
    high: Tensor

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, low=low, high=high)
        self._check("E541", "high", self.high, Constraint("numbers > low", lambda x: x > self.low))
    @property
    def loc(self) -> Tensor:  # type: ignore[override]
        """The lower end."""
        return self.low
    @property
    def scale(self) -> Tensor:  # type: ignore[override]
        """The width."""
        return self.high - self.low
    @property
    def support(self) -> Constraint:  # type: ignore[override]
        """From low to high."""
        return constraints.interval(self.low, self.high)
    @property
    def mode(self) -> Tensor:
        """There is no most probable value: NaN."""
        return self.low * math.nan
    def _z_log_prob(self, z: Tensor) -> Tensor: return where((z >= 0) & (z < 1), z * 0, -math.inf)
    def _z_cdf(self, z: Tensor) -> Tensor: return z.clamp(0, 1)
    def _z_icdf(self, u: Tensor) -> Tensor: return u
    def _z_draw(self, shape: Shape) -> Tensor: return rand(shape, dtype=self.scale.dtype)
