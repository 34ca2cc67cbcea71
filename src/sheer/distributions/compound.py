"""Distributions made of others: several as one, mixtures, and draws sent through functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..graph.errors import ArgumentError
from ..mixins.core import no_grad
from ..tensor import Tensor, as_tensor
from . import constraints
from .constraints import Constraint
from .discrete import Categorical
from .distribution import Distribution, Shape
from .location_scale import Normal
from .transforms import ExpTransform, Transform


class Independent(Distribution):
    """The last axes of a batch as axes of one event: their log_prob adds up.

    Params  reinterpreted_batch_ndims  how many axes
    Raises  E541 for more axes than the batch has
    Source  torch.distributions.Independent
    Example
        >>> law = Independent(Normal(sheer.zeros(3, 2), 1.0), 1)
        >>> law.batch_shape, law.event_shape
        ((3,), (2,))
    """

    def __init__(self, base_distribution: Distribution, reinterpreted_batch_ndims: int,
                 validate_args: bool | None = None) -> None:
        batch, count = base_distribution.batch_shape, reinterpreted_batch_ndims
        if not 0 <= count <= len(batch):
            raise ArgumentError("E541", "Independent", f"{count} axes of a batch of {len(batch)}",
                                got={"batch_shape": batch},
                                need="at most as many axes as the batch has")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, count
        cut = len(batch) - count
        super().__init__(batch[:cut], batch[cut:] + base_distribution.event_shape, validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """As the base."""
        return self.base_dist.has_rsample
    @property
    def support(self) -> Constraint:
        """Arrays of what the base draws."""
        return constraints.independent(self.base_dist.support, self.reinterpreted_batch_ndims)
    def _summed(self, x: Tensor) -> Tensor:
        axes = tuple(range(-self.reinterpreted_batch_ndims, 0))
        return x.sum(axes) if axes else x
    def sample(self, sample_shape: Any = ()) -> Tensor: return self.base_dist.sample(sample_shape)
    def rsample(self, sample_shape: Any = ()) -> Tensor: return self.base_dist.rsample(sample_shape)
    def log_prob(self, value: Any) -> Tensor: return self._summed(self.base_dist.log_prob(value))
    def entropy(self) -> Tensor: return self._summed(self.base_dist.entropy())
    @property
    def mean(self) -> Tensor: return self.base_dist.mean
    @property
    def mode(self) -> Tensor: return self.base_dist.mode
    @property
    def variance(self) -> Tensor: return self.base_dist.variance
    def expand(self, batch_shape: Sequence[int]) -> Independent:
        """The same with the base expanded."""
        count = self.reinterpreted_batch_ndims
        own = self.event_shape[:count]
        base = self.base_dist.expand((*batch_shape, *own))
        return Independent(base, count, self.validate_args)
    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """One of K distributions, chosen anew for every draw.

    Shape   mixture_distribution of batch (*B), component_distribution of batch (*B, K)
    Raises  E541 when these do not fit
    Source  torch.distributions.MixtureSameFamily
    Example
        >>> halves = Categorical(probs=sheer.tensor([0.5, 0.5]))
        >>> MixtureSameFamily(halves, Normal(sheer.tensor([-2.0, 2.0]), 1.0)).variance.item()
        5.0
    """

    def __init__(self, mixture_distribution: Categorical, component_distribution: Distribution,
                 validate_args: bool | None = None) -> None:
        batch = component_distribution.batch_shape
        if (not isinstance(mixture_distribution, Categorical) or not batch
                or batch[-1] != mixture_distribution.param_shape[-1]):
            raise ArgumentError("E541", "MixtureSameFamily", "the parts do not fit the weights",
                                got={"mixture": mixture_distribution, "components": batch},
                                need="a Categorical of K classes, and a batch (*B, K)")
        self.mixture_distribution = mixture_distribution
        self.component_distribution = component_distribution
        super().__init__(batch[:-1], component_distribution.event_shape, validate_args)

    @property
    def support(self) -> Constraint:
        """What a component draws."""
        return self.component_distribution.support
    def _lifted(self, value: Any) -> Tensor:
        return as_tensor(value).unsqueeze(-1 - len(self.event_shape))
    def _weights(self) -> Tensor:
        """Probabilities that meet draws: (*B, K, 1, ...)."""
        p = self.mixture_distribution.probs
        return p.reshape((*p.shape, *(1,) * len(self.event_shape)))
    def _mean_of(self, x: Tensor) -> Tensor:
        return (self._weights() * x).sum(-1 - len(self.event_shape))
    def _draw(self, shape: Shape) -> Tensor:
        front = shape[:len(shape) - len(self.batch_shape) - len(self.event_shape)]
        axis = -1 - len(self.event_shape)
        with no_grad():
            k = self.mixture_distribution.expand(self.batch_shape).sample(front)
            drawn = self.component_distribution.sample(front)
            at = k.reshape((*k.shape, *(1,) * (1 + len(self.event_shape))))
            at = at.expand((*drawn.shape[:axis], 1, *drawn.shape[len(drawn.shape) + axis + 1:]))
            return drawn.gather(axis, at).squeeze(axis)
    def log_prob(self, value: Any) -> Tensor:
        parts = self.component_distribution.log_prob(self._lifted(value))
        return (parts + self.mixture_distribution.logits).logsumexp(-1)
    def cdf(self, value: Any) -> Tensor:
        parts = self.component_distribution.cdf(self._lifted(value))
        return (self.mixture_distribution.probs * parts).sum(-1)
    @property
    def mean(self) -> Tensor: return self._mean_of(self.component_distribution.mean)
    @property
    def variance(self) -> Tensor:
        """Within the components, and between them."""
        apart = self.component_distribution.mean - self._lifted(self.mean)
        return self._mean_of(self.component_distribution.variance) + self._mean_of(apart * apart)
    def expand(self, batch_shape: Sequence[int]) -> MixtureSameFamily:
        """The same with both parts expanded."""
        parts = self.component_distribution.expand(
            (*batch_shape, self.component_distribution.batch_shape[-1]))
        return MixtureSameFamily(self.mixture_distribution.expand(batch_shape), parts,
                                 self.validate_args)
    def __repr__(self) -> str:
        return f"MixtureSameFamily({self.mixture_distribution}, {self.component_distribution})"


class TransformedDistribution(Distribution):
    """Draws of a base sent through invertible functions of single elements, one after the other.

    Source  torch.distributions.TransformedDistribution
    Example
        >>> to_shares = sheer.distributions.SigmoidTransform()
        >>> TransformedDistribution(Normal(0.0, 1.0), to_shares).cdf(0.5).item()
        0.5
    """

    def __init__(self, base_distribution: Distribution, transforms: Transform | Sequence[Transform],
                 validate_args: bool | None = None) -> None:
        self.base_dist = base_distribution
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        super().__init__(base_distribution.batch_shape, base_distribution.event_shape,
                         validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """As the base."""
        return self.base_dist.has_rsample
    @property
    def support(self) -> Constraint:
        """What the last function gives."""
        last = self.transforms[-1].codomain if self.transforms else self.base_dist.support
        return constraints.independent(last, len(self.event_shape) - last.event_dim)
    def _through(self, x: Tensor) -> Tensor:
        for t in self.transforms:
            x = t(x)
        return x
    def _back(self, value: Any) -> tuple[Tensor, Tensor]:
        """The draw of the base behind a value, and the logarithm of how far it was stretched."""
        y = as_tensor(value)
        self._check("E542", "value", y, self.support)
        stretch = y * 0
        for t in reversed(self.transforms):
            x = t.inv(y)
            stretch = stretch + t.log_abs_det_jacobian(x, y)
            y = x
        axes = tuple(range(-len(self.event_shape), 0))
        return y, stretch.sum(axes) if axes else stretch
    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return self._through(self.base_dist.sample(sample_shape))
    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._through(self.base_dist.rsample(sample_shape))
    def log_prob(self, value: Any) -> Tensor:
        x, stretch = self._back(value)
        return self.base_dist.log_prob(x) - stretch
    def _falls(self) -> bool:
        return math.prod(t.sign for t in self.transforms) < 0
    def cdf(self, value: Any) -> Tensor:
        below = self.base_dist.cdf(self._back(value)[0])
        return 1 - below if self._falls() else below
    def icdf(self, value: Any) -> Tensor:
        return self._through(self.base_dist.icdf(1 - value if self._falls() else value))
    def expand(self, batch_shape: Sequence[int]) -> TransformedDistribution:
        """The same with the base expanded."""
        return TransformedDistribution(self.base_dist.expand(batch_shape), self.transforms,
                                       self.validate_args)
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist}, {self.transforms})"


class LogNormal(TransformedDistribution):
    """exp of a normal variable.

    Params  loc, scale > 0: of the logarithm
    Source  torch.distributions.LogNormal
    Example
        >>> LogNormal(0.0, 1.0).cdf(1.0).item()
        0.5
    """
    base_dist: Normal

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)
    @property
    def loc(self) -> Tensor:
        """The mean of the logarithm."""
        return self.base_dist.loc
    @property
    def scale(self) -> Tensor:
        """The standard deviation of the logarithm."""
        return self.base_dist.scale
    def entropy(self) -> Tensor: return self.base_dist.entropy() + self.loc
    @property
    def mean(self) -> Tensor: return (self.loc + self.scale ** 2 / 2).exp()
    @property
    def mode(self) -> Tensor: return (self.loc - self.scale ** 2).exp()
    @property
    def variance(self) -> Tensor:
        spread = self.scale ** 2
        return spread.expm1() * (2 * self.loc + spread).exp()
    def expand(self, batch_shape: Sequence[int]) -> LogNormal:
        """The same with expanded parameters."""
        base = self.base_dist.expand(batch_shape)
        return LogNormal(base.loc, base.scale, self.validate_args)
