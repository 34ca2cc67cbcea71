"""Draws without a simple inverse: parameters flow in, numbers flow out, rejection without a loop.

A sampler by rejection tries until it accepts. Here a fixed number of proposals is made at once and
the first that is accepted counts; how seldom none is stands beside each number of proposals.
"""

from __future__ import annotations

from typing import Any

from ..namespace_creation import arange, full_like
from ..namespace_joining import where
from ..random import rand, randn
from ..tensor import Tensor

_GAMMA = 8       # at least 95 % of proposals are accepted: none of 8 once in 2e10 draws
_POISSON = 20    # at least 75 % where it is used: none of 20 once in 1e12 draws
_TERMS = 64      # a Poisson number of rate <= 12 is above once in 1e24 draws


def open_uniform(shape: tuple[int, ...], dtype: Any) -> Tensor:
    """Numbers in (0, 1): their logarithm is finite."""
    return rand(shape, dtype=dtype).clamp(min=2.0 ** -25)


def one_hot(k: Tensor, probs: Tensor) -> Tensor:
    """A one at place k (*S) of the last axis of probs (*B, K) -> (*S, K)."""
    return (k.unsqueeze(-1) == arange(probs.shape[-1])).to(probs.dtype)


def gamma(shape: Tensor) -> Tensor:
    """Gamma variables of rate 1, one for each element of shape > 0; no gradient.

    Source  Marsaglia and Tsang 2000, A simple method for generating gamma variables; below shape 1
            a variable of shape + 1 times u^(1 / shape), their section 6
    """
    a = shape.detach()
    small = a < 1
    d = where(small, a + 1, a) - 1 / 3
    z = randn((_GAMMA, *a.shape), dtype=a.dtype)
    v = (1 + z / (9 * d).sqrt()) ** 3
    u = open_uniform(z.shape, a.dtype)
    accepted = (v > 0) & (u.log() < 0.5 * z * z + d * (1 - v + v.clamp(min=1e-30).log()))
    drawn: Tensor = d * _first(accepted, v)
    boost = open_uniform(a.shape, a.dtype) ** (1 / where(small, a, full_like(a, 1.0)))
    drawn = where(small, drawn * boost, drawn)
    return drawn


def poisson(rate: Tensor) -> Tensor:
    """Poisson variables, one for each element of rate >= 0; no gradient.

    Source  from rate 12 on PTRS, Hörmann 1993, The transformed rejection method for generating
            Poisson random variables; below, inversion: how many sums of probabilities lie under u
    """
    rate = rate.detach()
    drawn: Tensor = where(rate < 12, _few(rate.clamp(max=12)), _many(rate.clamp(min=12)))
    return drawn


def _few(rate: Tensor) -> Tensor:
    k = arange(1, _TERMS + 1, dtype=rate.dtype)
    logs = k * rate.unsqueeze(-1).clamp(min=1e-38).log() - rate.unsqueeze(-1) - (k + 1).lgamma()
    first = (-rate).exp().unsqueeze(-1)
    below = first + logs.exp().cumsum(-1) - logs.exp()       # P(X < k) for k = 1, 2, ...
    u = rand(rate.shape, dtype=rate.dtype).unsqueeze(-1)
    return (u >= below).sum(-1).to(rate.dtype)


def _many(rate: Tensor) -> Tensor:
    b = 0.931 + 2.53 * rate.sqrt()
    a = -0.059 + 0.02483 * b
    u = rand((_POISSON, *rate.shape), dtype=rate.dtype) - 0.5
    v = open_uniform(u.shape, rate.dtype)
    us = (0.5 - u.abs()).clamp(min=1e-7)
    k = ((2 * a / us + b) * u + rate + 0.43).floor()
    quick = (us >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
    density = k * rate.log() - rate - (k.clamp(min=0) + 1).lgamma()
    height = (v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (us * us) + b)).log()
    slow = (k >= 0) & ((us >= 0.013) | (v <= us)) & (height <= density)
    return _first(quick | slow, k)


def _first(accepted: Tensor, proposals: Tensor) -> Tensor:
    """The first proposal along axis 0 that is accepted."""
    at = accepted.to(proposals.dtype).argmax(0, keepdim=True)
    return proposals.gather(0, at).squeeze(0)
