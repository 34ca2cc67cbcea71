"""Exponential moving average: weights flow in step by step, their smoothed values flow out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..graph.errors import StateError
from ..graph.node import Node
from ..mixins.core import evaluate, no_grad
from ..ops.structure import data
from ..transforms import trace
from .commit import commit
from .group import check_range, handle, is_number
from .parameters import named


class ExponentialMovingAverage:
    """average = decay * average + (1 - decay) * weight, after every step.

    Params  parameters  tensors to follow; the averages start at their values
            decay       in [0, 1)
    Raises  E301 without parameters, E304 for a decay out of range, E306 for other averages
    Source  Polyak and Juditsky 1992 for averaging; torch.optim.swa_utils.get_ema_multi_avg_fn
    Example
        >>> w = nn.Parameter(sheer.tensor([1.0]))
        >>> ema = sheer.optim.ExponentialMovingAverage([w], decay=0.5)
        >>> with sheer.no_grad():
        ...     _ = w.fill_(3.0)
        >>> ema.update()
        >>> with ema.applied():
        ...     print(w.item())
        2.0
        >>> w.item()
        3.0
    """

    def __init__(self, parameters: Iterable[Any], decay: float = 0.999) -> None:
        kind = type(self).__name__
        _check_decay(decay)
        self.params = named(kind, parameters)[1]
        self.decay = decay
        self.averages = [handle(p.numpy(), p.dtype.numpy) for p in self.params]

    def update(self) -> None:
        """Take the weights of now into account; part of a compiled step like everything else."""
        changes: list[tuple[Any, Node]] = []
        with no_grad():
            for p, a in zip(self.params, self.averages, strict=True):
                changes.append((a, a.node + (1 - self.decay) * (p.detach().node - a.node)))
            commit(changes)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the parameters have the averaged values."""
        before = [np.array(x) for x in evaluate(self.params)]
        self._set(evaluate(self.averages))
        try:
            yield
        finally:
            self._set(before)

    def state_dict(self) -> dict[str, Any]:
        """The averages, in the order of the parameters."""
        return {"decay": self.decay, "averages": [a.detach() for a in self.averages]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over averages. Raises E304 and E306, having changed nothing, if they do not fit."""
        if not isinstance(state, Mapping) or not {"decay", "averages"} <= state.keys():
            raise StateError("E306", type(self).__name__, "this is no state of averages",
                             got={"state": type(state).__name__}, need="what state_dict() gave")
        _check_decay(state["decay"])
        arrays = [np.asarray(v) for v in state["averages"]]
        shapes, ours = [a.shape for a in arrays], [tuple(a.shape) for a in self.averages]
        if shapes != ours or any(a.dtype.kind not in "fiu" for a in arrays):
            raise StateError("E306", type(self).__name__, "the averages are not of these weights",
                             got={"saved": shapes, "here": ours}, need="averages of these shapes")
        self.decay = state["decay"]
        for a, value in zip(self.averages, arrays, strict=True):
            a._rebind(data(np.array(value, a.dtype.numpy)))

    def _set(self, arrays: Iterable[np.ndarray]) -> None:
        with trace.suspended():
            for p, array in zip(self.params, arrays, strict=True):
                p._rebind(data(np.array(array)))


def _check_decay(decay: Any) -> None:
    check_range("ExponentialMovingAverage", "decay", decay, is_number(decay) and 0 <= decay < 1,
                "a number in [0, 1)")
