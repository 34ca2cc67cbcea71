"""KL divergence: two distributions flow in; how badly the second stands for the first flows out."""

# mypy: no-warn-return-any

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..graph.errors import StateError
from ..namespace_joining import where
from ..tensor import Tensor
from .compound import Independent, LogNormal
from .discrete import Bernoulli, Binomial, Categorical, OneHotCategorical, Poisson
from .distribution import Distribution
from .location_scale import Cauchy, Exponential, Gumbel, HalfNormal, Laplace, Normal, Uniform
from .normal_vectors import MultivariateNormal, log_diagonal, whitened
from .positive import Beta, Dirichlet, Gamma

Rule = Callable[[Any, Any], Tensor]
_rules: dict[tuple[type, type], Rule] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Rule], Rule]:
    """The decorated function (p, q) -> tensor is the divergence for these families, and those
    below them that have none of their own.

    Source  torch.distributions.register_kl
    Example
        >>> class Coin(sheer.distributions.Bernoulli): pass
        >>> @register_kl(Coin, Coin)
        ... def same(p, q):
        ...     return p.probs - q.probs
        >>> kl_divergence(Coin(0.75), Coin(0.25)).item()
        0.5
    """
    def register(rule: Rule) -> Rule:
        _rules[type_p, type_q] = rule
        return rule
    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The mean of log p(x) - log q(x) over draws x of p.

    Shape   -> the batch shape
    Raises  E543 for a pair of families without a formula
    Source  torch.distributions.kl_divergence; Kullback and Leibler 1951
    Example
        >>> from sheer.distributions import Normal
        >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0)).item()
        0.5
    """
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (kind_p, kind_q) in _rules:
                return _rules[kind_p, kind_q](p, q)
    raise StateError("E543", "kl_divergence",
                     f"no formula for {type(p).__name__} and {type(q).__name__}",
                     need="a pair that has one, or register_kl",
                     tries=[("(p.log_prob(x) - q.log_prob(x)).mean(0) of x = p.sample((1000,))",
                             lambda: None)])


# ---- exponential families: the mean of the difference of two log densities -----------------------
@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio, apart = (p.scale / q.scale) ** 2, ((p.loc - q.loc) / q.scale) ** 2
    return 0.5 * (ratio + apart - 1 - ratio.log())


@register_kl(LogNormal, LogNormal)
def _log_normal(p: LogNormal, q: LogNormal) -> Tensor: return _normal(p.base_dist, q.base_dist)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(Normal(0.0, p.scale), Normal(0.0, q.scale))


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    def share(a: Tensor, b: Tensor) -> Tensor:
        return a.xlogy(a) - a.xlogy(b)                         # inf where only b is 0
    return share(p.probs, q.probs) + share(1 - p.probs, 1 - q.probs)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    each = p.total_count * _bernoulli(Bernoulli(p.probs), Bernoulli(q.probs))
    return where(p.total_count > q.total_count, math.inf, each)


@register_kl(Categorical, Categorical)
@register_kl(OneHotCategorical, OneHotCategorical)
def _classes(p: Any, q: Any) -> Tensor:
    each = p.probs * (p.logits - q.logits)
    each = where(q.probs == 0, math.inf, each)
    return where(p.probs == 0, 0.0, each).sum(-1)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    return (b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * a.digamma()
            + (q.rate - p.rate) * (a / p.rate))


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Exponential, q: Gamma) -> Tensor:
    return _gamma(Gamma(p.rate * 0 + 1, p.rate), q)


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Gamma, q: Exponential) -> Tensor:
    return _gamma(p, Gamma(q.rate * 0 + 1, q.rate))


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    centred = a.digamma() - a.sum(-1, keepdim=True).digamma()
    return q._log_beta() - p._log_beta() + ((a - b) * centred).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor: return _dirichlet(p._pair, q._pair)


@register_kl(MultivariateNormal, MultivariateNormal)
def _vectors(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    a, b = p.scale_tril, q.scale_tril
    wide, apart = whitened(b, a), whitened(b, (p.loc - q.loc).unsqueeze(-1))
    return (log_diagonal(b) - log_diagonal(a) + 0.5 * (
        (wide * wide).sum((-2, -1)) + (apart * apart).sum((-2, -1)) - p.event_shape[0]))


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise StateError("E543", "kl_divergence", "the events have other numbers of axes",
                         got={"p": p.event_shape, "q": q.event_shape},
                         need="the same reinterpreted_batch_ndims")
    return p._summed(kl_divergence(p.base_dist, q.base_dist))


# ---- others --------------------------------------------------------------------------------------
@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    both = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return both.log() - (4 * p.scale * q.scale).log()


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc) / q.scale
    rest = (ratio + 1).lgamma().exp() * (-apart).exp()
    return -ratio.log() + p.z_mean * (ratio - 1) + apart + rest - 1


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    return where((q.low > p.low) | (q.high < p.high), math.inf, (q.scale / p.scale).log())


@register_kl(Uniform, Normal)
@register_kl(Laplace, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Beta, Normal)
def _to_normal(p: Any, q: Normal) -> Tensor:
    """Of -log q only the first two moments of p are needed."""
    squares = (p.variance + (p.mean - q.loc) ** 2) / q.scale ** 2
    return -p.entropy() + q.scale.log() + 0.5 * math.log(2 * math.pi) + 0.5 * squares
