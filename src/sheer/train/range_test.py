"""Learning-rate range test: a model and batches flow in, a good rate comes out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from ..tensor import Tensor
from .arguments import check_optimizer, check_scoring, check_seed
from .replay import explain_step
from .session import Session, modes_kept
from .source import Source, as_source
from .state import Snapshot


@dataclass(frozen=True)
class RangeTest:
    """Rates that were tried in turn, rising, the smoothed loss at each, and the rate to use."""

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float


def lr_range_test(model: Any, data: Any, *, loss: Callable[[Any, Any], Tensor], optimizer: Any,
                  start: float = 1e-6, stop: float = 10.0, steps: int = 200, batch_size: int = 32,
                  smoothing: float = 0.9, seed: int = 0) -> RangeTest:
    """Train `steps` updates while the rate rises from start to stop; then everything is put back.

    Half of the rate at which the smoothed loss is least is suggested: there it still falls, and
    as the mean lags behind the losses, they begin to rise before it does.

    data       as for `fit`
    smoothing  share of the running mean that is kept at each step, in [0, 1)
    Raises     E894 for bounds or steps that make no range, E701 when the first loss is not finite;
               E402, E515 and E516 for arguments that do not fit
    Source     Smith 2017, arXiv:1506.01186, section 3.3
    Example
        >>> model, x = nn.Linear(1, 1), sheer.linspace(-1, 1, 64).unsqueeze(1)
        >>> found = lr_range_test(model, (x, 3 * x), loss=nn.MSELoss(), steps=100,
        ...                       optimizer=sheer.optim.SGD(model.parameters(), lr=1.0))
        >>> 0.01 < found.suggestion < 5
        True
    """
    if not 0 < start < stop or steps < 2:
        raise ArgumentError("E894", "lr_range_test", "this is no range of rates",
                            got={"start": start, "stop": stop, "steps": steps},
                            need="0 < start < stop, at least 2 steps")
    check_scoring("lr_range_test", model, loss, None, batch_size)
    check_optimizer("lr_range_test", model, loss, optimizer)
    check_seed("lr_range_test", seed)
    source = as_source(data, batch_size, seed, True, False, op="lr_range_test")
    session = Session(model, loss, optimizer, {})
    before = Snapshot(model, optimizer)
    rates = np.geomspace(start, stop, steps)
    try:
        with modes_kept(model):
            found = _losses(session, source, rates, source.length(session))
            if not len(found):                        # at the smallest rate: the rate is not why
                before.put_back()
                first = next(iter(source.slices(0, 1)))
                raise explain_step(session, first, math.nan, f"update 1 of {steps}")
    finally:
        before.put_back()
    losses = _smoothed(found, smoothing)
    best = int(np.argmin(losses[:np.argmax(losses > 4 * losses[0]) or None]))
    return RangeTest(rates[:len(losses)], losses, float(rates[best]) / 2)


def _losses(session: Session, source: Source, rates: np.ndarray, length: int) -> np.ndarray:
    """Loss of every update, until one is not finite."""
    found: list[float] = []
    groups = len(session.optimizer.param_groups)
    epoch = 0
    while len(found) < len(rates):
        for part in source.slices(epoch, length):
            count = min(part.count, len(rates) - len(found))
            if not count:
                break
            one = part if count == part.count else part.cut(0, count)
            table = np.repeat(rates[len(found):len(found) + count, None], groups, 1)
            losses = session.train(one.memory, one.parts, table)[0]
            good = np.isfinite(losses)
            found += losses[:len(losses) if good.all() else int(np.argmin(good))].tolist()
            if not good.all():
                return np.array(found)
        epoch += 1
    return np.array(found)


def _smoothed(losses: np.ndarray, keep: float) -> np.ndarray:
    """Running mean that starts without a bias towards 0, as Adam's."""
    mean, out = 0.0, []
    for number, value in enumerate(losses, 1):
        mean = keep * mean + (1 - keep) * value
        out.append(mean / (1 - keep ** number))
    return np.array(out)
