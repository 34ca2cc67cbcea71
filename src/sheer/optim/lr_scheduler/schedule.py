"""LRScheduler: a step number flows in, the learning rate of that step flows out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError, StateError
from ...mixins.core import Core
from ...transforms import trace
from ..group import is_number
from ..optimizer import Optimizer


class LRScheduler:
    """What all schedules share. A schedule is a pure formula, and a place in it.

    closed(t, base)       the rate of step t in one formula: `value` and `fit` use it
    advance(lr, t, base)  the rate of step t from that of step t - 1: `step` uses it, so that two
                          schedules stepped in turn multiply, as in PyTorch
    per_update            `fit` moves on after every update instead of after every epoch

    Raises  E309 for what is no optimizer, settings out of range and a state that does not fit; E310
            for a last_epoch without a rate to go on from; E311 for a step inside a compiled
            function
    Source  torch.optim.lr_scheduler.LRScheduler
    Example
        >>> class Sawtooth(sheer.optim.lr_scheduler.LRScheduler):
        ...     def closed(self, t, base, group=0):
        ...         return base * (1 - t % 4 / 4)
        >>> optimizer = sheer.optim.SGD([sheer.zeros(1, requires_grad=True)], lr=1.0)
        >>> [Sawtooth(optimizer).value(t) for t in range(6)]
        [1.0, 0.75, 0.5, 0.25, 1.0, 0.75]
    """

    per_update = False
    needs_metric = False

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        check_optimizer(self.name, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise StateError("E310", self.name, f"group {i} has no initial_lr to go on from",
                                 got={"last_epoch": last_epoch},
                                 need="an optimizer that had a schedule before, or last_epoch=-1")
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._last_lr: list[float] = []
        self.step()

    @property
    def name(self) -> str:
        return type(self).__name__

    # ---- the formula -------------------------------------------------------------------------
    def closed(self, t: Any, base: float, group: int = 0) -> float:
        """The rate of step t."""
        raise NotImplementedError(self.name)

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        """The rate of step t from that of the step before."""
        return self.closed(t, base, group)

    def value(self, step: Any, group: int = 0) -> float:
        """The rate of a step (0 is the first), whatever has been stepped so far."""
        return self.closed(step, self.base_lrs[group], group)

    def values(self, step: Any) -> list[float]:
        """The rate of every parameter group at a step."""
        return [self.value(step, i) for i in range(len(self.base_lrs))]

    # ---- the place in it ---------------------------------------------------------------------
    def step(self, epoch: Any = None) -> None:
        """Move on to the next step, or to the given one. Raises E311 inside a traced function."""
        refuse_trace(self.name)
        groups = self.optimizer.param_groups
        if epoch is None:
            self.last_epoch += 1
            new = [self.advance(g["lr"], self.last_epoch, base, i)
                   for i, (g, base) in enumerate(zip(groups, self.base_lrs, strict=True))]
        else:
            self.last_epoch = int(epoch // 1)
            new = self.values(epoch)
        self.put(new)

    def put(self, rates: list[float]) -> None:
        """Write the rates into the optimizer."""
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    def get_last_lr(self) -> list[float]:
        """The rates set last, one per group."""
        return list(self._last_lr)

    def each_update(self) -> Any:
        """This schedule, counted in updates by `fit` instead of epochs."""
        self.per_update = True
        return self

    def state_dict(self) -> dict[str, Any]:
        """Settings and place; functions are left out, as PyTorch leaves out lambdas."""
        return {k: v for k, v in self.__dict__.items() if k != "optimizer" and not _is_code(v)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved place. Raises E309 for anything else."""
        check_place(self.name, state_dict, ("last_epoch", "_last_lr"))
        self.__dict__.update(state_dict)


def _is_code(value: Any) -> bool:
    return callable(value) or (isinstance(value, list) and any(callable(v) for v in value))


def check_optimizer(name: str, optimizer: Any) -> None:
    """Raise E309 unless it is one of ours."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError("E309", name, f"{type(optimizer).__name__} is no optimizer",
                            need="an optimizer of sheer.optim")


def check_setting(name: str, setting: str, value: Any, holds: bool, need: str) -> None:
    """Raise E309 unless a setting is in its range."""
    if not holds:
        raise ArgumentError("E309", name, f"{setting} = {value!r} is out of range", need=need)


def check_number(name: str, *, whole: bool = False, **settings: Any) -> None:
    """Raise E309 for a setting that is no number, or not a whole one."""
    for setting, value in settings.items():
        holds = is_number(value) and (not whole or isinstance(value, int | np.integer))
        check_setting(name, setting, value, holds, "a whole number" if whole else "a number")


def check_function(name: str, functions: list[Any]) -> None:
    """Raise E309 unless all are functions of the step."""
    for f in functions:
        check_setting(name, "lr_lambda", f, callable(f), "a function of the step, or one per group")


def factor_of(name: str, function: Any, t: Any) -> float:
    """What a function of the step gives. Raises E309 unless it is a number."""
    value = function(t)
    holds = is_number(value) or isinstance(value, Core)
    check_setting(name, f"lr_lambda({t})", value, holds, "a function that returns a number")
    return float(value)


def check_place(name: str, saved: Any, own: Iterable[str]) -> None:
    """Raise E309 unless it is the state of a schedule like this: with its place in it."""
    missing = list(own) if not isinstance(saved, Mapping) else [k for k in own if k not in saved]
    if missing:
        raise ArgumentError("E309", name, "this is no state of such a schedule",
                            got={"missing": ", ".join(missing)}, need="what state_dict() gave")


def refuse_trace(name: str) -> None:
    """Raise E311 inside a traced function: the step would be taken once, while tracing."""
    if trace.current() is not None:
        raise StateError("E311", name, "step() inside a compiled function would run only once",
                         need="schedule.step() after the call; the rate is a tensor, "
                              "nothing is traced again")


def per_group(name: str, setting: str, value: Any, optimizer: Any) -> list[Any]:
    """A setting given once, or once per group, as a list with one entry per group."""
    check_optimizer(name, optimizer)
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ArgumentError("E309", name, f"{setting} has {len(value)} entries for {count} groups",
                            need="one number, or one per parameter group")
    return list(value)
