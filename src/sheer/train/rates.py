"""Learning rates: a schedule flows in, rates and momenta of the next updates flow out."""

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
        """What the schedule moves, for `count` updates from number `first` of the run on: rows for
        `Optimizer.set_rates`, (count, numbers).

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
            rows.append([t.item() for t in self.optimizer.moving()])
        return np.array(rows, np.float64)

    @property
    def width(self) -> int:
        """How many numbers a row of `ahead` has."""
        return len(self.optimizer.moving())

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
        """Go on from what `state` gave: from its place, with the settings of now.

        So a run can be resumed for more epochs than it was begun with.
        """
        if self.schedule is not None and saved is not None:
            self.schedule.load_state_dict(_place(saved, self.schedule.state_dict()))


PLACE = ("last_epoch", "_last_lr", "base_lrs", "best", "num_bad_epochs", "cooldown_counter")


def _place(saved: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `own` at the place of `saved`."""
    state = dict(own) | {k: saved[k] for k in PLACE if k in saved}
    if "_schedulers" in own:
        pairs = zip(saved["_schedulers"], own["_schedulers"], strict=True)
        state["_schedulers"] = [_place(s, o) for s, o in pairs]
    return state
