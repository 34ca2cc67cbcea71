"""Averaged models: weights flow in step by step, a model of their mean flows out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import numpy as np

from .. import ops
from ..graph.dtypes import int64
from ..graph.node import Node
from ..mixins.core import apply, no_grad
from ..mixins.missing import refusing as _refusing
from ..nn.batchnorm import _BatchNorm
from ..nn.module import Module
from ..nn.parameter import Buffer
from ..ops.lift import cast
from ..ops.structure import stop_gradient
from ..tensor import Tensor
from .commit import commit
from .group import check_range
from .lr_scheduler.schedule import LRScheduler, check_setting, per_group

__all__ = ["SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
           "get_swa_multi_avg_fn", "update_bn"]
__getattr__ = _refusing("optim.swa_utils", __all__)

Average = Callable[[Any, Any, Any], Any]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """decay * average + (1 - decay) * weight, for `AveragedModel`. Raises E304 outside [0, 1]."""
    check_range("get_ema_avg_fn", "decay", decay, 0 <= decay <= 1, "a number in [0, 1]")
    def average(averaged: Any, current: Any, count: Any) -> Any:
        return decay * averaged + (1 - decay) * current
    return average


def get_swa_avg_fn() -> Average:
    """The mean of all weights so far, for `AveragedModel`."""
    def average(averaged: Any, current: Any, count: Any) -> Any:
        return averaged + (current - averaged) / (count + 1)
    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> Average:
    """`get_ema_avg_fn` for lists of tensors, which it changes in place."""
    return _for_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Average:
    """`get_swa_avg_fn` for lists of tensors, which it changes in place."""
    return _for_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose weights are a mean of those the model had at every update.

    Params  model          what to follow; the copy is in `module`
            avg_fn         (average, weight, updates so far) -> average; the plain mean when None
            multi_avg_fn   the same for lists of tensors, changing the first list in place
            use_buffers    average buffers too; else they are copied as they are
    Source  Izmailov et al. 2018, arXiv:1803.05407; torch.optim.swa_utils.AveragedModel
    Example
        >>> mean = AveragedModel(sheer.nn.Linear(3, 2), avg_fn=get_ema_avg_fn(0.9))
        >>> mean.update_parameters(mean.module)
        >>> int(mean.n_averaged)
        1
    """
    module: Module
    n_averaged: Tensor
    avg_fn: Average | None
    multi_avg_fn: Average | None
    use_buffers: bool

    def __init__(self, model: Module, device: Any = None, avg_fn: Average | None = None,
                 multi_avg_fn: Average | None = None, use_buffers: bool = False) -> None:
        super().__init__()
        check_range("AveragedModel", "avg_fn", avg_fn, avg_fn is None or multi_avg_fn is None,
                    "avg_fn or multi_avg_fn, not both")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", Buffer(np.zeros((), np.int64)))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights of now into account; part of a compiled step like everything else."""
        ours, theirs = list(self.module.parameters()), list(model.parameters())
        buffers = list(self.module.buffers()), list(model.buffers())
        if self.use_buffers:
            ours, theirs = [*ours, *buffers[0]], [*theirs, *buffers[1]]  # type: ignore[list-item]
        with no_grad():
            count = self.n_averaged
            old = [p.detach() for p in ours]
            new = self._averaged(old, [p.detach() for p in theirs], count)
            first = apply(lambda n: ops.eq(n, 0), count)
            def choose(f: Node, q: Node, a: Node) -> Node:
                return stop_gradient(ops.where(f, q, cast(a, q.dtype)))
            changes = [(p, apply(choose, first, q.detach(), a).node)
                       for p, q, a in zip(ours, theirs, new, strict=True)]
            changes.append((count, ops.add(count.node, ops.constant(1, int64))))  # type: ignore[arg-type]
            if not self.use_buffers:
                changes += [(a, b.node) for a, b in zip(*buffers, strict=True)]  # type: ignore[misc]
            commit(changes)

    def _averaged(self, old: list[Tensor], now: list[Tensor], count: Tensor) -> list[Any]:
        if self.multi_avg_fn is not None:
            mine = [p.clone() for p in old]
            self.multi_avg_fn(mine, now, count)
            return mine
        average = self.avg_fn or get_swa_avg_fn()
        return [average(p, q, count) for p, q in zip(old, now, strict=True)]


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Make the running statistics of batch norms those of the data, as the weights are now.

    Params  loader  batches: inputs, or tuples and lists that begin with the inputs
    Source  torch.optim.swa_utils.update_bn
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not norms:
        return
    kept = [(m, m.training) for m in model.modules()], [m.momentum for m in norms]
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None                   # the plain mean over batches
        model.train()
        with no_grad():
            for batch in loader:
                model(batch[0] if isinstance(batch, list | tuple) else batch)
    finally:                                       # a loader may fail, or Ctrl-C come
        for module, mode in kept[0]:
            module.training = mode
        for norm, momentum in zip(norms, kept[1], strict=True):
            norm.momentum = momentum


class SWALR(LRScheduler):
    """From the rate there is to swa_lr in anneal_epochs steps, then constant.

    Params  swa_lr           the rate at the end: one number, or one per group
            anneal_epochs    steps of the way, >= 0
            anneal_strategy  "cos" or "linear"
    Raises  E309 settings out of range
    Source  Izmailov et al. 2018, arXiv:1803.05407; torch.optim.swa_utils.SWALR
    """

    def __init__(self, optimizer: Any, swa_lr: Any, anneal_epochs: int = 10,
                 anneal_strategy: str = "cos", last_epoch: int = -1) -> None:
        check_setting("SWALR", "anneal_strategy", anneal_strategy,
                      anneal_strategy in ("cos", "linear"), '"cos" or "linear"')
        check_setting("SWALR", "anneal_epochs", anneal_epochs, anneal_epochs >= 0, "steps >= 0")
        self.swa_lrs = per_group("SWALR", "swa_lr", swa_lr, optimizer)
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, t: Any) -> float:
        """How much of swa_lr the rate of step t is, 0 to 1."""
        if self.anneal_epochs == 0:
            return float(t >= 0)
        way = max(0.0, min(1.0, t / self.anneal_epochs))
        return (1 - math.cos(math.pi * way)) / 2 if self.anneal_strategy == "cos" else way

    def closed(self, t: Any, base: float, group: int = 0) -> float:
        share = self._share(t)
        rate: float = self.swa_lrs[group] * share + base * (1 - share)
        return rate

    def advance(self, lr: float, t: int, base: float, group: int = 0) -> float:
        goal: float = self.swa_lrs[group]
        before, share = self._share(t - 1), self._share(t)
        start = goal if before == 1 else (lr - goal * before) / (1 - before)
        return goal * share + start * (1 - share)


def _for_lists(average: Average) -> Average:
    def update(averaged: Any, current: Any, count: Any) -> None:
        for a, b in zip(averaged, current, strict=True):
            a.copy_(average(a, b, count))
    return update
