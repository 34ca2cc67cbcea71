"""Schedules that multiply the rate by a factor now and then, or change it by a straight line."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .schedule import LRScheduler, check_function, check_number, check_setting, factor_of, per_group


class LambdaLR(LRScheduler):
    """base * f(t), f given once or per group.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.LambdaLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (t + 1))
        >>> [round(schedule.value(t), 4) for t in range(4)]
        [1.0, 0.5, 0.3333, 0.25]
    """

    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas: list[Callable[[int], float]] = per_group(
            "LambdaLR", "lr_lambda", lr_lambda, optimizer)
        check_function("LambdaLR", self.lr_lambdas)
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return base * factor_of(self.name, self.lr_lambdas[group], t)


class MultiplicativeLR(LRScheduler):
    """base * f(1) * ... * f(t), f given once or per group.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.MultiplicativeLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5)
        >>> [schedule.value(t) for t in range(4)]
        [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas: list[Callable[[int], float]] = per_group(
            "MultiplicativeLR", "lr_lambda", lr_lambda, optimizer)
        check_function("MultiplicativeLR", self.lr_lambdas)
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        f = self.lr_lambdas[group]
        return base * math.prod(factor_of(self.name, f, i) for i in range(1, int(t) + 1))

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        return lr * factor_of(self.name, self.lr_lambdas[group], t) if t > 0 else lr


class StepLR(LRScheduler):
    """base * gamma^floor(t / step_size).

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.StepLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> [schedule.value(t) for t in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Any, step_size: int, gamma: float = 0.1,
                 last_epoch: int = -1) -> None:
        check_number("StepLR", whole=True, step_size=step_size)
        check_number("StepLR", gamma=gamma)
        check_setting("StepLR", "step_size", step_size, step_size > 0, "a number of steps > 0")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return base * math.pow(self.gamma, t // self.step_size)

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        return lr * self.gamma if t and t % self.step_size == 0 else lr


class MultiStepLR(LRScheduler):
    """base * gamma^(number of milestones up to t).

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.MultiStepLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 4], gamma=0.5)
        >>> [schedule.value(t) for t in range(6)]
        [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Any, milestones: Iterable[int], gamma: float = 0.1,
                 last_epoch: int = -1) -> None:
        check_setting(self.name, "milestones", milestones, isinstance(milestones, Iterable),
                      "a list of steps")
        self.milestones, self.gamma = Counter(milestones), gamma
        for step in self.milestones:
            check_number(self.name, whole=True, milestones=step)
        check_number(self.name, gamma=gamma)
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return base * self.gamma ** bisect.bisect_right(sorted(self.milestones.elements()), t)

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        return lr * self.gamma ** self.milestones[t]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        pairs = dict(self.milestones).items()                  # JSON made the keys texts
        self.milestones = Counter({int(k): int(v) for k, v in pairs})


class ConstantLR(LRScheduler):
    """base * factor for total_iters steps, then base.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.ConstantLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.ConstantLR(optimizer, factor=0.25, total_iters=2)
        >>> [schedule.value(t) for t in range(4)]
        [0.25, 0.25, 1.0, 1.0]
    """

    def __init__(self, optimizer: Any, factor: float = 1 / 3, total_iters: int = 5,
                 last_epoch: int = -1) -> None:
        check_number("ConstantLR", factor=factor, total_iters=total_iters)
        check_setting("ConstantLR", "factor", factor, 0 <= factor <= 1, "a number in [0, 1]")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return base if t >= self.total_iters else base * self.factor

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        if t == 0:
            return lr * self.factor
        if t != self.total_iters:
            return lr
        return lr / self.factor if self.factor else base


class LinearLR(LRScheduler):
    """base times a factor that goes from start_factor to end_factor in total_iters steps.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.LinearLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=4)
        >>> [schedule.value(t) for t in range(6)]
        [0.5, 0.625, 0.75, 0.875, 1.0, 1.0]
    """

    def __init__(self, optimizer: Any, start_factor: float = 1 / 3, end_factor: float = 1.0,
                 total_iters: int = 5, last_epoch: int = -1) -> None:
        check_number(self.name, start_factor=start_factor, end_factor=end_factor,
                     total_iters=total_iters)
        check_setting(self.name, "start_factor", start_factor, 0 < start_factor <= 1,
                      "a number in (0, 1]")
        check_setting(self.name, "end_factor", end_factor, 0 <= end_factor <= 1,
                      "a number in [0, 1]")
        check_setting(self.name, "total_iters", total_iters, total_iters > 0, "steps > 0")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: Any) -> float:
        share: float = min(self.total_iters, t) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * share

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return base * self._factor(t)

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        if t == 0:
            return lr * self.start_factor
        return lr if t > self.total_iters else lr * self._factor(t) / self._factor(t - 1)


class ExponentialLR(LRScheduler):
    """base * gamma^t.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.ExponentialLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> [schedule.value(t) for t in range(4)]
        [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Any, gamma: float, last_epoch: int = -1) -> None:
        check_number("ExponentialLR", gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        return base * math.pow(self.gamma, t)

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        return lr * self.gamma if t else lr


class PolynomialLR(LRScheduler):
    """base * (1 - t / total_iters)^power, then zero.

    Raises  E309 settings out of range; E310 and E311 as `LRScheduler`
    Source  torch.optim.lr_scheduler.PolynomialLR
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2.0)
        >>> [schedule.value(t) for t in range(6)]
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    def __init__(self, optimizer: Any, total_iters: int = 5, power: float = 1.0,
                 last_epoch: int = -1) -> None:
        check_number("PolynomialLR", total_iters=total_iters, power=power)
        check_setting("PolynomialLR", "total_iters", total_iters, total_iters > 0,
                      "a number of steps > 0")
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        share: float = min(self.total_iters, t) / self.total_iters
        return base * math.pow(1 - share, self.power)

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        if t == 0 or t > self.total_iters:
            return lr
        ratio = (self.total_iters - t) / (self.total_iters - t + 1)
        return lr * math.pow(ratio, self.power)
