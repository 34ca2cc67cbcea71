"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

from ...graph.errors import ArgumentError
from .schedule import LRScheduler, check_optimizer, check_place, refuse_trace


class _Combined(LRScheduler):
    """Several schedules of one optimizer."""

    def _adopt(self, schedulers: Sequence[Any], optimizer: Any) -> None:
        """Check the parts and take over what they have in common."""
        check_optimizer(self.name, optimizer)
        if not isinstance(schedulers, list | tuple):
            raise ArgumentError("E309", self.name, f"a {type(schedulers).__name__} is no schedules",
                                need="a list of schedules")
        if not schedulers:
            raise ArgumentError("E309", self.name, "there are no schedules", need="at least one")
        for i, s in enumerate(schedulers):
            wrong = (f"is a {type(s).__name__}" if not isinstance(s, LRScheduler) else
                     "belongs to another optimizer" if s.optimizer is not optimizer else "")
            if wrong:
                raise ArgumentError("E309", self.name, f"schedule {i} {wrong}",
                                    need="schedules of one optimizer, functions of the step")
        self.optimizer, self._schedulers = optimizer, list(schedulers)
        self.per_update = all(s.per_update for s in schedulers)
        self.base_lrs = [float(g["initial_lr"]) for g in optimizer.param_groups]

    def _note(self) -> None:
        self._last_lr = [g["lr"] for g in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The place, and the states of the parts."""
        return {**{k: v for k, v in self.__dict__.items() if k not in ("optimizer", "_schedulers")},
                "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        check_place(self.name, state_dict, ("_schedulers", "last_epoch"))
        parts = state_dict["_schedulers"]
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, state in zip(self._schedulers, parts, strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Combined):
    """Schedule i up to step milestones[i], where schedule i + 1 starts from its step 0.

    Raises  E309 for schedules of another optimizer and for another number of milestones; E311 as
            `LRScheduler`
    Source  torch.optim.lr_scheduler.SequentialLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> up = sheer.optim.lr_scheduler.LinearLR(optimizer, 0.25, total_iters=3)
        >>> down = sheer.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        >>> schedule = sheer.optim.lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[3])
        >>> [schedule.value(t) for t in range(6)]
        [0.25, 0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Any, schedulers: Sequence[Any], milestones: Sequence[int],
                 last_epoch: int = -1) -> None:
        self._adopt(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError("E309", self.name, f"{len(milestones)} milestones for "
                                f"{len(schedulers)} schedules", need="one milestone fewer")
        self._milestones, self.last_epoch = list(milestones), last_epoch + 1
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for s in schedulers:
            s.last_epoch -= 1                    # their constructors took the first step
        schedulers[0].step()
        self._note()

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        i = bisect.bisect_right(self._milestones, t)
        return self._schedulers[i].value(t - self._milestones[i - 1] if i else t, group)  # type: ignore[no-any-return]

    def step(self, epoch: Any = None) -> None:
        """One step of the schedule whose turn it is."""
        refuse_trace(self.name)
        self.last_epoch += 1
        i = bisect.bisect_right(self._milestones, self.last_epoch)
        starts = i > 0 and self._milestones[i - 1] == self.last_epoch
        self._schedulers[i].step(0 if starts else None)
        self._note()


class ChainedScheduler(_Combined):
    """All schedules at once: each changes the rate that the one before has set.

    Raises  E309 without schedules and for those of two optimizers; E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.ChainedScheduler
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> halves = sheer.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        >>> warm = sheer.optim.lr_scheduler.ConstantLR(optimizer, 0.1, total_iters=2)
        >>> schedule = sheer.optim.lr_scheduler.ChainedScheduler([halves, warm])
        >>> [round(schedule.value(t), 4) for t in range(4)]
        [0.1, 0.05, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[Any], optimizer: Any = None) -> None:
        self._adopt(schedulers, optimizer or (schedulers[0].optimizer if schedulers else None))
        self.last_epoch = schedulers[-1].last_epoch
        self._note()

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        """By recurrence from step 0: a product when every part is a factor."""
        rate = base
        for i in range(int(t) + 1):
            for s in self._schedulers:
                rate = s.advance(rate, i, s.base_lrs[group], group)
        return rate

    def step(self, epoch: Any = None) -> None:
        """One step of every schedule."""
        for s in self._schedulers:
            s.step()
        self.last_epoch = self._schedulers[-1].last_epoch
        self._note()
