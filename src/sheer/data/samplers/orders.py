"""The length or the labels of a dataset flow in; an order of it for every epoch flows out.

An order is a function of (seed, epoch) alone; `draws` says how.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError
from ..draws import (
    REPLACE,
    SHUFFLE,
    STRATIFIED,
    WEIGHTED,
    Order,
    permuted,
    seed_of,
    stream,
    uniform,
)


class Sampler:
    """An order of examples for every epoch. Iterating gives the next epoch's.

    A subclass defines order(epoch), whose every epoch can be asked for; or, as in torch, __iter__
    and __len__ alone, of which each pass is what comes next.

    Source  torch.utils.data.Sampler
    """

    epoch = 0                            # of the next iteration
    seed = 0

    def __init__(self, data_source: Any = None) -> None:
        """data_source is torch's, for super().__init__(data_source), and is not kept."""

    def order(self, epoch: int) -> Order:
        """The numbers of the examples of an epoch, in order."""
        if type(self).__iter__ is Sampler.__iter__:
            raise NotImplementedError(f"{type(self).__name__} defines neither order nor __iter__")
        return np.fromiter(self, np.int64)

    def set_epoch(self, epoch: int) -> None:
        """Go on with this epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        now, self.epoch = self.epoch, self.epoch + 1
        return iter(self.order(now).tolist())

    def __len__(self) -> int:
        return len(self.order(0))


class SequentialSampler(Sampler):
    """0, 1, ..., N - 1 in every epoch.

    Source  torch.utils.data.SequentialSampler
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def order(self, epoch: int) -> Order:
        return np.arange(len(self.data_source), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """A new permutation in every epoch; with replacement, independent draws instead.

    Params  num_samples  examples per epoch; N unless given. Without replacement more than N are
                         several permutations, one after the other
    Raises  E409 when num_samples is not a number > 0
    Source  torch.utils.data.RandomSampler
    """

    def __init__(self, data_source: Sized, replacement: bool = False,
                 num_samples: int | None = None, generator: Any = None,
                 seed: int | None = None) -> None:
        _check_count("RandomSampler", num_samples)
        self.data_source, self.replacement = data_source, replacement
        self._num_samples, self.seed = num_samples, seed_of(seed, generator)

    @property
    def num_samples(self) -> int:
        """Examples per epoch."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self, epoch: int) -> Order:
        n, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            draws = uniform(wanted, self.seed, epoch, REPLACE)
            return (draws * n).astype(np.int64)          # below n: a draw is at most 1 - 2^-53
        # One stream, cut into rounds of n numbers each: the first round is fit's order.
        rounds = -(-wanted // n) if n else 0
        bits = stream(self.seed, epoch, SHUFFLE).random_raw(rounds * n).reshape(rounds, n)
        return np.argsort(bits, axis=1, kind="stable").astype(np.int64).reshape(-1)[:wanted]

    def __len__(self) -> int:
        return self.num_samples


class WeightedRandomSampler(Sampler):
    """Example i with probability weights[i] / sum(weights), drawn with or without replacement.

    Without replacement the examples are the num_samples largest of log(u_i) / weights[i].

    Raises  E409 weights that are no weights, or more draws than there are examples of weight > 0
    Source  torch.utils.data.WeightedRandomSampler; Efraimidis and Spirakis 2006,
            doi:10.1016/j.ipl.2005.11.003, for draws without replacement
    """

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True,
                 generator: Any = None, seed: int | None = None) -> None:
        _check_count("WeightedRandomSampler", num_samples)
        self.weights = np.asarray(weights, np.float64)
        self.num_samples, self.replacement = num_samples, replacement
        self.seed = seed_of(seed, generator)
        total = self.weights.sum()
        holds = np.isfinite(total) and total > 0 and (self.weights >= 0).all()
        if self.weights.ndim != 1 or not holds:
            raise ArgumentError("E409", "WeightedRandomSampler", "these are no weights",
                                got={"weights": np.array2string(self.weights, threshold=6)},
                                need="one axis of finite numbers >= 0, not all zero")
        possible = int((self.weights > 0).sum())
        if not replacement and num_samples > possible:
            raise ArgumentError(
                "E409", "WeightedRandomSampler", f"{num_samples} different examples of {possible}",
                need=f"num_samples <= {possible}, the examples with a weight > 0",
                tries=[("replacement=True", lambda: None)])

    def order(self, epoch: int) -> Order:
        if self.replacement:
            ends = np.cumsum(self.weights)
            draws = uniform(self.num_samples, self.seed, epoch, WEIGHTED) * ends[-1]
            last = int(np.flatnonzero(self.weights)[-1])          # rounding may step past the end
            found: Order = np.searchsorted(ends, draws, side="right").astype(np.int64)
            return np.minimum(found, last)
        u = uniform(len(self.weights), self.seed, epoch, WEIGHTED)
        with np.errstate(divide="ignore"):
            keys = np.log(u + 2.0**-54) / self.weights            # -inf for a weight of zero
        return np.argsort(-keys, kind="stable")[:self.num_samples].astype(np.int64)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given examples, in a new order in every epoch.

    Source  torch.utils.data.SubsetRandomSampler
    """

    def __init__(self, indices: Sequence[int], generator: Any = None,
                 seed: int | None = None) -> None:
        self.indices, self.seed = np.asarray(indices, np.int64), seed_of(seed, generator)

    def order(self, epoch: int) -> Order:
        return self.indices[permuted(len(self.indices), self.seed, epoch)]

    def __len__(self) -> int:
        return len(self.indices)


class StratifiedSampler(Sampler):
    """Every example once, so mixed that each stretch of the order has the classes' shares.

    Example j of the n of a class, in random order, is placed at (j + u) / n for a random u in
    [0, 1); the places are then sorted.

    Params  labels  the class of each example
    Source  stratified sampling, Cochran 1977, chapter 5, applied to the order
    """

    def __init__(self, labels: Any, generator: Any = None, seed: int | None = None) -> None:
        self.labels, self.seed = np.asarray(labels), seed_of(seed, generator)
        if self.labels.ndim != 1:
            raise ArgumentError("E409", "StratifiedSampler", "labels are one number per example",
                                got={"labels": f"shape {self.labels.shape}"}, need="one axis")

    def order(self, epoch: int) -> Order:
        place = uniform(len(self.labels), self.seed, epoch, STRATIFIED)
        shuffled = permuted(len(self.labels), self.seed, epoch)
        for label in np.unique(self.labels):
            rows = shuffled[self.labels[shuffled] == label]
            place[rows] = (np.arange(len(rows)) + place[rows]) / len(rows)
        return np.argsort(place, kind="stable").astype(np.int64)

    def __len__(self) -> int:
        return len(self.labels)


def by_epoch(sampler: Any) -> bool:
    """Can it be asked for the order of any epoch, not only for what comes next?"""
    return isinstance(sampler, Sampler) and type(sampler).order is not Sampler.order


def _check_count(who: str, count: int | None) -> None:
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ArgumentError("E409", who, f"num_samples = {count!r}", need="a whole number >= 1")
