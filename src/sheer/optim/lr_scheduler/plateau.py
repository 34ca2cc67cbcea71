"""ReduceLROnPlateau: a metric flows in; when it stops improving, the rate falls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.errors import StateError
from ...mixins.core import Core
from .schedule import (
    check_number,
    check_optimizer,
    check_place,
    check_setting,
    per_group,
    refuse_trace,
)


class ReduceLROnPlateau:
    """rate * factor after more than `patience` steps without an improvement of the metric.

    Params  mode            min or max: which way is better
            threshold       an improvement is larger than this, relative (rel) or absolute (abs)
            cooldown        steps after a reduction in which nothing is counted
            min_lr          never below, one number or one per group
            eps             smaller changes of the rate are not made
    Raises  E309 settings out of range, E311 for a step inside a compiled function, E313 when asked
            for the rate of a step to come
    Source  torch.optim.lr_scheduler.ReduceLROnPlateau
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = sheer.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        >>> for loss in (3.0, 2.0, 2.0, 2.0):
        ...     schedule.step(loss)
        >>> schedule.get_last_lr()
        [0.5]
    """

    per_update = False
    needs_metric = True

    def __init__(self, optimizer: Any, mode: str = "min", factor: float = 0.1, patience: int = 10,
                 threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0,
                 min_lr: Any = 0, eps: float = 1e-8) -> None:
        check_optimizer("ReduceLROnPlateau", optimizer)
        check_number("ReduceLROnPlateau", factor=factor, patience=patience, threshold=threshold,
                     cooldown=cooldown, eps=eps)
        check_setting("ReduceLROnPlateau", "factor", factor, factor < 1, "a number below 1")
        check_setting("ReduceLROnPlateau", "mode", mode, mode in ("min", "max"), "min or max")
        check_setting("ReduceLROnPlateau", "threshold_mode", threshold_mode,
                      threshold_mode in ("rel", "abs"), "rel or abs")
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lrs = per_group("ReduceLROnPlateau", "min_lr", min_lr, optimizer)
        self.eps, self.last_epoch, self.cooldown_counter = eps, 0, 0
        self.best, self.num_bad_epochs = (math.inf if mode == "min" else -math.inf), 0
        self._last_lr = [g["lr"] for g in optimizer.param_groups]

    def step(self, metrics: Any, epoch: int | None = None) -> None:
        """Take note of the metric of one more step. Raises E311 inside a traced function."""
        refuse_trace("ReduceLROnPlateau")
        check_setting("ReduceLROnPlateau", "metrics", metrics,
                      isinstance(metrics, float | int | np.number | Core), "a number")
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(current, self.best):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [g["lr"] for g in self.optimizer.param_groups]

    def is_better(self, a: float, best: float) -> bool:
        """Is a an improvement over best?"""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "abs":
            return sign * a > sign * best + self.threshold
        return sign * a > sign * best * (1 + sign * self.threshold)

    def _reduce(self) -> None:
        for group, low in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            new = max(group["lr"] * self.factor, low)
            if group["lr"] - new > self.eps:
                group["lr"] = new

    def value(self, step: Any, group: int = 0) -> float:
        """Raises E313: nobody knows the metrics to come."""
        raise StateError("E313", "ReduceLROnPlateau", "the rate depends on metrics to come",
                         need="schedule.step(metric) after every validation")

    def get_last_lr(self) -> list[float]:
        """The rates set last, one per group."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Settings and place."""
        return {k: v for k, v in self.__dict__.items() if k != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved place. Raises E309 for anything else."""
        check_place("ReduceLROnPlateau", state_dict, ("last_epoch", "best", "num_bad_epochs"))
        self.__dict__.update(state_dict)
