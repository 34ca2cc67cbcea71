"""Families over counts and classes: probabilities or logits flow in, whole numbers flow out."""

# mypy: no-warn-return-any

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from ..namespace_creation import arange, zeros_like
from ..namespace_joining import where
from ..random import multinomial, rand
from ..tensor import Tensor
from . import constraints
from .constraints import Constraint, domains
from .distribution import Distribution, Shape
from .draws import one_hot, poisson


def _inner(probs: Tensor) -> Tensor:
    """Probabilities kept off 0 and 1, so that their logarithms are finite."""
    eps = float(np.finfo(probs.dtype.numpy).eps)
    return probs.clamp(eps, 1 - eps)


def _softplus(x: Tensor) -> Tensor: return x.logaddexp(zeros_like(x))


class _Chances(Distribution):
    """Families that are given probs or logits: one is kept, the other follows from it."""

    def _chances(self, validate_args: bool | None, probs: Any, logits: Any, **other: Any) -> None:
        if (probs is None) == (logits is None):
            raise ArgumentError("E541", type(self).__name__, "probs or logits, one of them",
                                need="probs=... or logits=...")
        given = {"logits": logits} if probs is None else {"probs": probs}
        self._take(validate_args, **{f"_{n}": v for n, v in given.items()}, **other)

    def _other(self) -> Tensor:
        raise NotImplementedError


class _Binary(_Chances):
    """logits = log(p / (1 - p))."""

    arg_constraints = domains(_probs=constraints.unit_interval, _logits=constraints.real)
    _probs: Tensor
    _logits: Tensor

    @property
    def probs(self) -> Tensor:
        """The probability of 1."""
        return self._probs if "_probs" in self._given else self._logits.sigmoid()
    @property
    def logits(self) -> Tensor:
        """log(p / (1 - p))."""
        return self._logits if "_logits" in self._given else _inner(self._probs).logit()


class Bernoulli(_Binary):
    """1 with probability p, else 0.

    Params  probs in [0, 1], or logits
    Source  torch.distributions.Bernoulli
    Example
        >>> Bernoulli(0.25).variance.item()
        0.1875
    """
    support = constraints.boolean

    def __init__(self, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        self._chances(validate_args, probs, logits)
    def _draw(self, shape: Shape) -> Tensor:
        p = self.probs
        return (rand(shape, dtype=p.dtype) < p).to(p.dtype)
    def log_prob(self, value: Any) -> Tensor:
        return self._value(value) * self.logits - _softplus(self.logits)
    def entropy(self) -> Tensor: return _softplus(self.logits) - self.probs * self.logits
    @property
    def mean(self) -> Tensor: return self.probs
    @property
    def mode(self) -> Tensor:
        p = self.probs
        return where(p == 0.5, p * np.nan, (p >= 0.5).to(p.dtype))
    @property
    def variance(self) -> Tensor: return self.probs * (1 - self.probs)


class Binomial(_Binary):
    """How many of total_count trials succeed, each with probability p.

    A draw adds up the trials, so it takes memory for all of them.

    Params  total_count >= 0; probs in [0, 1], or logits
    Source  torch.distributions.Binomial
    Example
        >>> round(Binomial(3, 0.5).log_prob(2).exp().item(), 4)         # 3 of 8 ways
        0.375
    """
    arg_constraints = domains(total_count=constraints.nonnegative_integer,
                              **_Binary.arg_constraints)
    total_count: Tensor

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        many = isinstance(total_count, Tensor)
        self._most = int(total_count.max()) if many else total_count
        self._several = many and bool((total_count != self._most).any())
        self._chances(validate_args, probs, logits, total_count=total_count)
    @property
    def support(self) -> Constraint:
        """Whole numbers up to total_count."""
        return constraints.integer_interval(0, self.total_count)
    def _draw(self, shape: Shape) -> Tensor:
        p = self.probs.unsqueeze(-1)
        hits = rand((*shape, self._most), dtype=p.dtype) < p
        trials = arange(self._most) < self.total_count.unsqueeze(-1)
        return (hits & trials).sum(-1).to(p.dtype)
    def log_prob(self, value: Any) -> Tensor:
        k, n = self._value(value), self.total_count
        ways = (n + 1).lgamma() - (k + 1).lgamma() - (n - k + 1).lgamma()
        return ways + k * self.logits - n * _softplus(self.logits)
    def entropy(self) -> Tensor:
        """By adding up; as in PyTorch only for one total_count."""
        k = arange(self._most + 1, dtype=self.total_count.dtype)
        if self._several:
            raise self._lacks("entropy of several total_count")
        logs = self.log_prob(k.reshape(-1, *(1,) * len(self.batch_shape)))
        return -(logs.exp() * logs).sum(0)
    @property
    def mean(self) -> Tensor: return self.total_count * self.probs
    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)
    @property
    def variance(self) -> Tensor: return self.mean * (1 - self.probs)


class Poisson(Distribution):
    """Events in a unit of time, at rate events per unit.

    Params  rate >= 0
    Source  torch.distributions.Poisson
    Example
        >>> round(Poisson(2.0).log_prob(0).item(), 4)
        -2.0
    """
    arg_constraints = domains(rate=constraints.nonnegative)
    support = constraints.nonnegative_integer
    rate: Tensor

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)
    def _draw(self, shape: Shape) -> Tensor: return poisson(self.rate.expand(shape))
    def log_prob(self, value: Any) -> Tensor:
        k = self._value(value)
        return k.xlogy(self.rate) - self.rate - (k + 1).lgamma()
    @property
    def mean(self) -> Tensor: return self.rate
    @property
    def mode(self) -> Tensor: return self.rate.floor()
    @property
    def variance(self) -> Tensor: return self.rate


class _Classes(_Chances):
    """probs (*B, K) of K classes, made to add up to 1; logits up to a constant."""

    arg_constraints = domains(_probs=constraints.independent(constraints.nonnegative, 1),
                              _logits=constraints.real_vector)
    _probs: Tensor
    _logits: Tensor

    @property
    def probs(self) -> Tensor:
        """The probability of each class."""
        if "_logits" in self._given:
            return self._logits.softmax(-1)
        return self._probs / self._probs.sum(-1, keepdim=True)
    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        if "_logits" in self._given:
            return self._logits.log_softmax(-1)
        return _inner(self.probs).log()
    @property
    def param_shape(self) -> Shape:
        """The shape of probs and logits."""
        return getattr(self, self._given[0]).shape

    def _places(self, shape: Shape) -> Tensor:
        """Class numbers, of a shape that ends with that of the batch."""
        rows = self.probs.detach().reshape(-1, self.param_shape[-1])                    # (B, K)
        drawn = multinomial(rows, math.prod(shape) // max(rows.shape[0], 1), replacement=True)
        return drawn.mT.reshape(shape)

    def entropy(self) -> Tensor:
        """The mean of -log p."""
        return -(self.probs * self.logits).sum(-1)


class Categorical(_Classes):
    """Class k with probability p_k.

    Shape   probs or logits (*B, K) -> batch (*B), event ()
    Params  probs >= 0, or logits
    Source  torch.distributions.Categorical
    Example
        >>> Categorical(probs=sheer.tensor([1.0, 3.0])).log_prob(1).exp().item()
        0.75
    """

    def __init__(self, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        self._chances(validate_args, probs, logits)
        self.event_shape = ()
    @property
    def support(self) -> Constraint:
        """Numbers of classes."""
        return constraints.integer_interval(0, self.param_shape[-1] - 1)
    def _draw(self, shape: Shape) -> Tensor: return self._places(shape)
    def log_prob(self, value: Any) -> Tensor:
        k = self._value(value).long()
        shape = np.broadcast_shapes(k.shape, self.batch_shape)
        logs = self.logits.expand((*shape, self.param_shape[-1]))
        return logs.gather(-1, k.expand(shape).unsqueeze(-1)).squeeze(-1)
    @property
    def mean(self) -> Tensor: return self.probs[..., 0] * np.nan          # classes have no order
    variance = mean
    @property
    def mode(self) -> Tensor: return self.probs.argmax(-1)
    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All classes, (K, *B)."""
        k = arange(self.param_shape[-1]).reshape(-1, *(1,) * len(self.batch_shape))
        return k.expand((-1, *self.batch_shape)) if expand else k


class OneHotCategorical(_Classes):
    """A one for the class that is drawn, among zeros.

    Shape   probs or logits (*B, K) -> event (K,)
    Params  probs >= 0, or logits
    Source  torch.distributions.OneHotCategorical
    Example
        >>> OneHotCategorical(probs=sheer.tensor([1.0, 3.0])).mode
        tensor([0., 1.])
    """
    support = constraints.one_hot

    def __init__(self, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        self._chances(validate_args, probs, logits)
    def _draw(self, shape: Shape) -> Tensor:
        return one_hot(self._places(shape[:-1]), self.probs)
    def log_prob(self, value: Any) -> Tensor: return (self._value(value) * self.logits).sum(-1)
    @property
    def mean(self) -> Tensor: return self.probs
    @property
    def mode(self) -> Tensor: return one_hot(self.probs.argmax(-1), self.probs)
    @property
    def variance(self) -> Tensor: return self.probs * (1 - self.probs)


class Multinomial(_Classes):
    """How often each class comes in total_count draws.

    Shape   probs or logits (*B, K) -> event (K,)
    Params  total_count >= 0, one number; probs >= 0, or logits
    Raises  E541 for a total_count that is no whole number >= 0
    Source  torch.distributions.Multinomial
    Example
        >>> Multinomial(4, probs=sheer.tensor([1.0, 3.0])).mean
        tensor([1., 3.])
    """
    total_count: int

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        if isinstance(total_count, bool) or not isinstance(total_count, int) or total_count < 0:
            raise ArgumentError("E541", "Multinomial", "total_count is not what it can be",
                                got={"total_count": total_count}, need="one whole number >= 0")
        self.total_count = total_count
        self._chances(validate_args, probs, logits)
    @property
    def support(self) -> Constraint:
        """Counts that add up to total_count."""
        return Constraint(f"whole numbers >= 0 with sum {self.total_count} in the last axis",
                          lambda x: constraints.nonnegative_integer.holds(x).all(-1)
                          & (x.sum(-1) == self.total_count), 1, True)
    def _draw(self, shape: Shape) -> Tensor:
        k = self._places((self.total_count, *shape[:-1]))
        return one_hot(k, self.probs).sum(0)                        # (*S, K)
    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        ways = (x.sum(-1) + 1).lgamma() - (x + 1).lgamma().sum(-1)
        return ways + (x * self.logits).sum(-1)
    def entropy(self) -> Tensor:
        """log n! terms: the mean of lgamma(x + 1) adds up over each class's binomial."""
        n = self.total_count
        one = Binomial(n, probs=self.probs, validate_args=False)
        k = arange(1, n + 1, dtype=self.probs.dtype).reshape(-1, *(1,) * len(self.param_shape))
        spread = (one.log_prob(k).exp() * (k + 1).lgamma()).sum((0, -1))
        return n * super().entropy() - float(np.sum(np.log(np.arange(1, n + 1)))) + spread
    @property
    def mean(self) -> Tensor: return self.probs * self.total_count
    @property
    def variance(self) -> Tensor: return self.total_count * self.probs * (1 - self.probs)
