"""Schedules that go up and down, again and again or once; the momentum may do the opposite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...graph.errors import ArgumentError, StateError
from .cosine import half_cosine
from .schedule import LRScheduler, check_number, check_setting, per_group


class _Cycle(LRScheduler):
    """A rate that moves with the update, and a momentum that may move against it."""

    per_update = True
    cycle_momentum: bool

    def momentum(self, t: Any, group: int) -> float:
        """The momentum of step t."""
        raise NotImplementedError(self.name)

    def put(self, rates: list[float]) -> None:
        super().put(rates)
        if self.cycle_momentum:
            for i, group in enumerate(self.optimizer.param_groups):
                group.set_momentum(self.momentum(self.last_epoch, i))

    def _check_momentum(self, optimizer: Any) -> None:
        """Raise E309 when there is none; otherwise keep it in a tensor, as the rate is."""
        for group in optimizer.param_groups:
            name = "betas" if "betas" in group else "momentum"
            if name not in group or group[name] == 0:
                raise ArgumentError(
                    "E309", self.name, "there is no momentum to cycle",
                    got={"optimizer": type(optimizer).__name__}, need="momentum > 0 or betas",
                    tries=[("cycle_momentum=False", lambda: None)])
            group.vary(name)


class CyclicLR(_Cycle):
    """base_lr to max_lr in step_size_up updates, back in step_size_down, again and again.

    The height of a cycle is scaled by 1 (triangular), 2^-cycle (triangular2), gamma^t (exp_range)
    or scale_fn of the cycle or of t, as scale_mode says.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.CyclicLR; Smith 2017, arXiv:1506.01186
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, step_size_up=2,
        ...                                              cycle_momentum=False)
        >>> [schedule.value(t) for t in range(7)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0]
    """

    def __init__(self, optimizer: Any, base_lr: Any, max_lr: Any, step_size_up: int = 2000,
                 step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
                 scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle",
                 cycle_momentum: bool = True, base_momentum: Any = 0.8, max_momentum: Any = 0.9,
                 last_epoch: int = -1) -> None:
        modes = ("triangular", "triangular2", "exp_range")
        check_setting("CyclicLR", "mode", mode, mode in modes or scale_fn is not None,
                      f"one of {', '.join(modes)}, or scale_fn")
        check_setting("CyclicLR", "step_size_up", step_size_up, step_size_up > 0, "updates > 0")
        base = per_group("CyclicLR", "base_lr", base_lr, optimizer)
        self.max_lrs = per_group("CyclicLR", "max_lr", max_lr, optimizer)
        for top in self.max_lrs:
            check_number("CyclicLR", max_lr=top)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = group["initial_lr"] = rate
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = per_group("CyclicLR", "base_momentum", base_momentum, optimizer)
            self.max_momentums = per_group("CyclicLR", "max_momentum", max_momentum, optimizer)
            self._check_momentum(optimizer)
        super().__init__(optimizer, last_epoch)

    def _height(self, t: Any) -> float:
        """How far above the bottom step t is, 0 to 1 times the scale of its cycle."""
        cycle = 1 + t // self.total_size
        x = 1 + t / self.total_size - cycle
        ratio = self.step_ratio
        height: float = x / ratio if x <= ratio else (x - 1) / (ratio - 1)
        return height * self._scale(cycle, t)

    def _scale(self, cycle: float, t: Any) -> float:
        if self.scale_fn is not None:
            return self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.mode == "triangular2":
            return math.pow(2, 1 - cycle)
        return math.pow(self.gamma, t) if self.mode == "exp_range" else 1.0

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return base + (self.max_lrs[group] - base) * self._height(t)  # type: ignore[no-any-return]

    def momentum(self, t: Any, group: int) -> float:
        top = self.max_momentums[group]
        return top - (top - self.base_momentums[group]) * self._height(t)  # type: ignore[no-any-return]


class OneCycleLR(_Cycle):
    """Up to max_lr in the first pct_start of the updates, then down far below where it began.

    It begins at max_lr / div_factor and ends at that / final_div_factor; the momentum does the
    opposite. three_phase goes down as it went up, then to the end.

    Raises  E309 settings out of range, E312 a step after total_steps; E310 and E311 as
            `LRScheduler`
    Source  torch.optim.lr_scheduler.OneCycleLR; Smith and Topin 2018, arXiv:1708.07120
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=11,
        ...                                                cycle_momentum=False)
        >>> [round(schedule.value(t), 4) for t in (0, 3, 10)]
        [0.04, 0.9797, 0.0]
    """

    def __init__(self, optimizer: Any, max_lr: Any, total_steps: int | None = None,
                 epochs: int | None = None, steps_per_epoch: int | None = None,
                 pct_start: float = 0.3, anneal_strategy: str = "cos", cycle_momentum: bool = True,
                 base_momentum: Any = 0.85, max_momentum: Any = 0.95, div_factor: float = 25.0,
                 final_div_factor: float = 1e4, three_phase: bool = False,
                 last_epoch: int = -1) -> None:
        if total_steps is None and epochs is not None and steps_per_epoch is not None:
            total_steps = epochs * steps_per_epoch
        steps = total_steps or 0
        check_setting(self.name, "total_steps", total_steps, steps > 0,
                      "updates > 0, or epochs and steps_per_epoch")
        check_setting(self.name, "pct_start", pct_start, 0 <= pct_start <= 1, "a number in [0, 1]")
        check_setting(self.name, "anneal_strategy", anneal_strategy,
                      anneal_strategy in ("cos", "linear"), "cos or linear")
        self.total_steps, self.anneal_strategy = steps, anneal_strategy
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        self.max_lrs = per_group("OneCycleLR", "max_lr", max_lr, optimizer)
        for top in self.max_lrs:
            check_number("OneCycleLR", max_lr=top)
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, self.max_lrs, strict=True):
                group["initial_lr"] = top / div_factor
        self.ends = _ends(steps, pct_start, three_phase)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = per_group("OneCycleLR", "base_momentum", base_momentum, optimizer)
            self.max_momentums = per_group("OneCycleLR", "max_momentum", max_momentum, optimizer)
            self._check_momentum(optimizer)
        super().__init__(optimizer, last_epoch)

    def _along(self, t: Any, places: list[float]) -> float:
        """The value at step t of a path through the places, one at the end of each phase."""
        if t > self.total_steps:          # one more than there are updates, as PyTorch has it
            raise StateError("E312", "OneCycleLR", f"step {t} is after the cycle",
                             got={"total_steps": self.total_steps},
                             need="at most total_steps calls of step()")
        start = 0.0
        for i, end in enumerate(self.ends):
            if t <= end or i == len(self.ends) - 1:
                share = (t - start) / (end - start) if end > start else 1.0    # a phase of none
                a, b = places[i], places[i + 1]
                linear = self.anneal_strategy == "linear"
                return a + (b - a) * share if linear else half_cosine(a, b, share)
            start = end
        raise AssertionError

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        low, top = self.max_lrs[group] / self.div_factor, self.max_lrs[group]
        back = [low] if len(self.ends) == 3 else []
        return self._along(t, [low, top, *back, low / self.final_div_factor])

    def momentum(self, t: Any, group: int) -> float:
        high, low = self.max_momentums[group], self.base_momentums[group]
        last = [high] if len(self.ends) == 3 else []
        return self._along(t, [high, low, high, *last])


def _ends(total: int, pct_start: float, three_phase: bool) -> list[float]:
    """The last step of every phase."""
    up = pct_start * total - 1
    return [up, 2 * up, total - 1.0] if three_phase else [up, total - 1.0]
