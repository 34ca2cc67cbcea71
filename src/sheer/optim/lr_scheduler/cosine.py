"""Schedules along a cosine: annealing, with warm restarts, and after a warm-up."""

from __future__ import annotations

import math
from typing import Any

from .schedule import LRScheduler, check_number, check_setting


def half_cosine(top: float, bottom: float, share: float) -> float:
    """From top (share 0) to bottom (share 1) along half a period."""
    return bottom + (top - bottom) * (1 + math.cos(math.pi * share)) / 2


class CosineAnnealingLR(LRScheduler):
    """From base to eta_min in T_max steps along a cosine, and back up again after that.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov and Hutter 2017,
            arXiv:1608.03983, equation 5, without restarts
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
        >>> [round(schedule.value(t), 4) for t in range(6)]
        [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.1464]
    """

    def __init__(self, optimizer: Any, T_max: int, eta_min: float = 0.0,
                 last_epoch: int = -1) -> None:
        check_number("CosineAnnealingLR", T_max=T_max, eta_min=eta_min)
        check_setting("CosineAnnealingLR", "T_max", T_max, T_max > 0, "a number of steps > 0")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return half_cosine(base, self.eta_min, t / self.T_max)

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        if t == 0:
            return lr
        if (t - 1) % (2 * self.T_max) == self.T_max:         # at the bottom there is no ratio
            return lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
        ratio = half_cosine(1, 0, t / self.T_max) / half_cosine(1, 0, (t - 1) / self.T_max)
        return ratio * (lr - self.eta_min) + self.eta_min


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine periods of T_0, T_0 * T_mult, T_0 * T_mult^2, ... steps; `step` takes fractions.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; Loshchilov and Hutter 2017,
            arXiv:1608.03983, equation 5
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> restarts = sheer.optim.lr_scheduler.CosineAnnealingWarmRestarts
        >>> schedule = restarts(optimizer, T_0=2, T_mult=2)
        >>> [round(schedule.value(t), 4) for t in range(7)]
        [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]
    """

    def __init__(self, optimizer: Any, T_0: int, T_mult: int = 1, eta_min: float = 0.0,
                 last_epoch: int = -1) -> None:
        kind = "CosineAnnealingWarmRestarts"
        check_number(kind, T_0=T_0, T_mult=T_mult, eta_min=eta_min)
        check_setting(kind, "T_0", T_0, isinstance(T_0, int) and T_0 > 0, "a whole number > 0")
        check_setting(kind, "T_mult", T_mult, isinstance(T_mult, int) and T_mult >= 1,
                      "a whole number >= 1")
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        if self.T_mult == 1:
            return half_cosine(base, self.eta_min, (t % self.T_0) / self.T_0)
        start, length = 0, self.T_0
        while t >= start + length:
            start, length = start + length, length * self.T_mult
        return half_cosine(base, self.eta_min, (t - start) / length)


class WarmupCosine(LRScheduler):
    """A straight line up to base in warmup_steps, then a cosine down to eta_min at total_steps.

    The first update has base / warmup_steps, not zero. Counted in updates.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  definition; the schedule of most transformer recipes
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.WarmupCosine(optimizer, 2, total_steps=6)
        >>> [round(schedule.value(t), 4) for t in range(7)]
        [0.5, 1.0, 1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    per_update = True

    def __init__(self, optimizer: Any, warmup_steps: int, total_steps: int, eta_min: float = 0.0,
                 last_epoch: int = -1) -> None:
        check_number("WarmupCosine", warmup_steps=warmup_steps, total_steps=total_steps,
                     eta_min=eta_min)
        check_setting("WarmupCosine", "warmup_steps", warmup_steps, 0 <= warmup_steps < total_steps,
                      f"0 <= warmup_steps < total_steps = {total_steps}")
        self.warmup_steps, self.total_steps, self.eta_min = warmup_steps, total_steps, eta_min
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        if t < self.warmup_steps:
            return base * (t + 1) / self.warmup_steps  # type: ignore[no-any-return]
        share = (t - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return half_cosine(base, self.eta_min, min(share, 1.0))
