"""Samplers that keep rows together: groups, or stretches of time, flow out one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.errors import ArgumentError
from ..draws import Order, permuted, seed_of
from ..rows import array
from .orders import Sampler


class GroupSampler(Sampler):
    """Every example once; those of a group in a row, in their own order, the groups in a new order.

    Params  groups  the group of each example: a speaker, a recording, a patient
    Raises  E661 unless there is one per example
    Source  definition
    Example
        >>> GroupSampler(["a", "b", "a"], seed=1).order(0).tolist() in ([0, 2, 1], [1, 0, 2])
        True
    """

    def __init__(self, groups: Any, generator: Any = None, seed: int | None = None) -> None:
        self.groups = _one_axis("GroupSampler", "groups", groups)
        self.seed = seed_of(seed, generator)
        names, self._member = np.unique(self.groups, return_inverse=True)
        self._count = len(names)

    def order(self, epoch: int) -> Order:
        place = np.argsort(permuted(self._count, self.seed, epoch))
        return np.argsort(place[self._member], kind="stable").astype(np.int64)

    def __len__(self) -> int:
        return len(self.groups)


class TimeSampler(Sampler):
    """Every example once, in order of time; or stretches of time, in a new order in every epoch.

    Params  times  of each example, anything that can be sorted
            block  examples per stretch; 0 keeps all of them in order
    Raises  E661 unless there is one time per example
    Source  moving-block resampling, Kunsch 1989, doi:10.1214/aos/1176347265, without replacement
    Example
        >>> TimeSampler([30, 10, 20]).order(0).tolist()
        [1, 2, 0]
    """

    def __init__(self, times: Any, block: int = 0, generator: Any = None,
                 seed: int | None = None) -> None:
        self.times, self.seed = _one_axis("TimeSampler", "times", times), seed_of(seed, generator)
        if block < 0:
            raise ArgumentError("E661", "TimeSampler", f"block = {block}", need="at least 0")
        self.block, self._sorted = block, np.argsort(self.times, kind="stable").astype(np.int64)

    def order(self, epoch: int) -> Order:
        if not self.block:
            return self._sorted
        stretches = np.split(self._sorted, range(self.block, len(self._sorted), self.block))
        mixed = permuted(len(stretches), self.seed, epoch)
        return np.concatenate([stretches[i] for i in mixed])

    def __len__(self) -> int:
        return len(self.times)


def _one_axis(op: str, name: str, values: Any) -> Any:
    found = array(values)
    if found.ndim != 1:
        raise ArgumentError("E661", op, f"{name} is not one value per example",
                            got={name: f"shape {found.shape}"}, need="one axis")
    return found
