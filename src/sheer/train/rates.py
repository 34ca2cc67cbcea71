"""Learning rates: a schedule flows in, the rates of the next updates flow out."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np


class Rates:
    """A schedule of sheer.optim and when it moves: after every update when it says `per_update`."""

    def __init__(self, schedule: Any, optimizer: Any) -> None:
        self.schedule, self.optimizer = schedule, optimizer
        self.per_update = bool(getattr(schedule, "per_update", False))

    def ahead(self, first: int, count: int) -> np.ndarray | None:
        """Rates of `count` updates from number `first` of the run on, (count, groups).

        The schedule stands at the last of them when this returns: it moves before an update, not
        after, so that one made for n updates is never asked for a rate n. None when the rates
        stay as they are.
        """
        if not self.per_update:
            return None
        rows = []
        for number in range(first, first + count):
            if number:
                self.schedule.step()
            rows.append(self.now())
        return np.array(rows, np.float64)

    def now(self) -> list[float]:
        """The rate of every group."""
        return [float(g["lr"]) for g in self.optimizer.param_groups]

    def after_epoch(self, value: float) -> None:
        """Move a schedule that goes by epochs; value is the monitored quantity."""
        if self.schedule is None or self.per_update:
            return
        if getattr(self.schedule, "needs_metric", False):
            self.schedule.step(value)
        else:
            self.schedule.step()

    def state(self) -> Any:
        """What a checkpoint keeps: a copy."""
        return None if self.schedule is None else copy.deepcopy(self.schedule.state_dict())

    def load(self, saved: Mapping[str, Any] | None) -> None:
        """Go on from what `state` gave."""
        if self.schedule is not None and saved is not None:
            self.schedule.load_state_dict(dict(saved))
