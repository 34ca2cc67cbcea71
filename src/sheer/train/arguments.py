"""What users hand to fit, evaluate and predict flows in; checked, before anything has moved."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, Try
from ..nn.module import Module
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from ..optim.optimizer import Optimizer, hand_written
from ..optim.update_rule import UpdateRule
from ..tensor import Tensor
from .callbacks import Callback
from .progress import SPOKEN
from .run import Run


def check_scoring(op: str, model: Any, loss: Any, transform: Any, batch_size: Any) -> None:
    """Raise E515 for a model, loss or transform that is none, E402 for a size of no batch."""
    if not isinstance(model, Module):
        raise refused(op, "model", model, "a sheer.nn.Module")
    if not callable(loss) or isinstance(loss, type):
        raise refused(op, "loss", loss, "a function (output, target) -> one number")
    if transform is not None and (not callable(transform) or isinstance(transform, type)):
        raise refused(op, "transform", transform, "a function of the inputs of a batch, or None")
    if not _whole(batch_size) or batch_size < 1:
        raise ArgumentError("E402", op, f"batch_size is {batch_size!r}",
                            need="at least 1" if _whole(batch_size) else "a whole number >= 1")


def check_optimizer(op: str, model: Any, loss: Any, optimizer: Any) -> None:
    """Raise E515 for what is no optimizer of ours, E314 for one whose step is no part of a program,
    E516 for one that moves another model.
    """
    if not isinstance(optimizer, Optimizer):
        tries: list[Try] = []
        if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
            tries = [(f"{optimizer.__name__}(model.parameters())", lambda: None)]
        raise refused(op, "optimizer", optimizer, "an optimizer of sheer.optim", tries)
    if not isinstance(optimizer, UpdateRule):
        raise hand_written(op, optimizer)
    moved = {id(p) for group in optimizer.param_groups for p in group["params"]}
    parts = [m for m in (model, loss) if isinstance(m, Module)]      # a loss may learn, too
    held = [p for m in parts for p in m.parameters()]
    if held and not any(id(p) in moved for p in held):
        raise ArgumentError(
            "E516", op, "the optimizer holds none of the model's parameters",
            got={"optimizer": f"{type(optimizer).__name__} of {len(moved)} other tensors",
                 "model": f"{type(model).__name__} with {len(held)} parameters"},
            need="an optimizer made from this model, after it was made",
            tries=[(f"{type(optimizer).__name__}(model.parameters())", lambda: None)])


def check_schedule(op: str, schedule: Any, optimizer: Any) -> None:
    """Raise E515 for what is no schedule, E309 for one that moves another optimizer's rate."""
    if schedule is None:
        return
    if not isinstance(schedule, LRScheduler | ReduceLROnPlateau):
        raise refused(op, "schedule", schedule, "a schedule of sheer.optim.lr_scheduler, or None")
    if schedule.optimizer is not optimizer:
        raise ArgumentError("E309", op, "the schedule moves the rate of another optimizer",
                            got={"schedule": type(schedule).__name__},
                            need="a schedule of the optimizer that fit is given")


def check_course(op: str, epochs: Any, seed: Any, run: Any, resume: Any, progress: Any) -> None:
    """Raise E508 for a number of no epochs, E515 for a seed, run or progress that is none."""
    if not _whole(epochs) or epochs < 0:
        raise ArgumentError("E508", op, f"epochs is {epochs!r}",
                            need="at least 0" if _whole(epochs) else "a whole number >= 0")
    check_seed(op, seed)
    if run is not None and not isinstance(run, Run):
        raise refused(op, "run", run, "a Run, such as Run.open(folder, {}), or None")
    if resume and (run is None or run.folder is None):
        raise ArgumentError("E515", op, "resume without the folder of a run to go on with",
                            got={"run": run}, need="run=Run.open(folder), that of the run before")
    if not isinstance(progress, bool) and not all(hasattr(progress, name) for name in SPOKEN):
        raise refused(op, "progress", progress, "True, False, or an object with the methods "
                      + ", ".join(SPOKEN))


def check_seed(op: str, seed: Any) -> None:
    """Raise E515 unless it is a whole number; like the loader's it counts modulo 2^64."""
    if not _whole(seed):
        raise refused(op, "seed", seed, "a whole number")


def check_bounds(op: str, **bounds: Any) -> None:
    """Raise E308 for a bound of gradients that is no number >= 0; None is no bound."""
    for name, value in bounds.items():
        if value is not None and not (isinstance(value, float | int | np.number) and value >= 0):
            raise ArgumentError("E308", op, f"{name} = {value!r} is no bound",
                                need="a number >= 0, or None")


def callbacks_of(op: str, given: Any) -> list[Callback]:
    """The callbacks, of which there may be one alone. Raises E515 for anything else."""
    if isinstance(given, Callback):
        return [given]
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise refused(op, "callbacks", given, "a list of callbacks")
    found = list(given)
    for i, c in enumerate(found):
        if not isinstance(c, Callback):
            raise refused(op, f"callbacks[{i}]", c, "an object of a class built on Callback")
    return found


def rows_of(op: str, x: Any) -> int:
    """How many rows the inputs have that are to be predicted. Raises E509 for other things."""
    first = x[0] if isinstance(x, tuple) and x else x
    arrays = isinstance(first, Tensor | list) or hasattr(first, "__array__")
    if not arrays or (hasattr(first, "shape") and not first.shape):
        raise ArgumentError("E509", op, f"{described(x)} has no rows",
                            need="a tensor or array over rows, or a tuple of such")
    return len(first)


def lost(value: Any) -> Tensor:
    """What a loss returned, when it is one number. Raises E515."""
    if not isinstance(value, Tensor):
        raise ArgumentError("E515", "loss", f"it returned {described(value)}",
                            need="a tensor of one number, made of the outputs")
    if value.numel() != 1:
        raise ArgumentError("E515", "loss", "it returned many numbers",
                            got={"returned": value.node}, need="a tensor of one number",
                            tries=[("loss(...).mean()", lambda: None)])
    return value


def predicted(value: Any) -> Tensor:
    """What a model gave, when it is one tensor. Raises E515."""
    if not isinstance(value, Tensor):
        raise ArgumentError("E515", "predict", f"the model gives {described(value)}",
                            need="one tensor; a module around it that returns one of them")
    return value


def refused(op: str, name: str, value: Any, need: str, tries: Sequence[Try] = ()) -> ArgumentError:
    """E515 for an argument of the wrong kind; a class may have been meant as an object of it."""
    if isinstance(value, type) and not tries and issubclass(value, Module | Callback):
        tries = [(f"{value.__name__}()", value)]
    return ArgumentError("E515", op, f"{name} is {described(value)}", need=need, tries=tries)


def described(value: Any) -> str:
    """A value in a few words: itself when it is short, else its kind."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    kind = type(value)
    home = kind.__module__.split(".")[0]
    return f"a {kind.__name__}" if home in ("builtins", "sheer") else f"a {home} {kind.__name__}"


def _whole(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return True

