"""GradualUnfreezing: epochs flow by, and one part of the model after the other begins to learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..graph.errors import ArgumentError
from .callbacks import Callback


class GradualUnfreezing(Callback):
    """Only the first of the parts learns; every so many epochs the next one joins.

    What is frozen keeps its bits: it has no gradient, and the optimizer passes it by. Running
    statistics of batch norm go on all the same; put such a part in eval mode where they should not.

    parts   modules from the output to the input, the head first; or lists of modules
    every   epochs from one part to the next, >= 1
    at      the epochs (counted from 1) after which parts join, in place of `every`
    Raises  E523 without parts, for every < 1 and when `at` does not have one epoch for each part
            but the first
    Source  Howard and Ruder 2018, arXiv:1801.06146, section 3.3
    Example
        >>> body, head = nn.Linear(4, 3), nn.Linear(3, 2)
        >>> plan = GradualUnfreezing([head, body])
        >>> head.weight.requires_grad, body.weight.requires_grad
        (True, False)
        >>> plan.on_epoch_end(None, {})
        >>> body.weight.requires_grad
        True
    """

    def __init__(self, parts: Iterable[Any], every: int = 1,
                 at: Sequence[int] | None = None) -> None:
        self.parts = [p if isinstance(p, list | tuple) else [p] for p in parts]
        if not self.parts or every < 1 or (at is not None and len(at) != len(self.parts) - 1):
            raise ArgumentError("E523", "GradualUnfreezing", "the plan does not fit the parts",
                                got={"parts": len(self.parts), "every": every, "at": at},
                                need="parts, every >= 1, and `at` with one epoch fewer")
        later = range(1, len(self.parts))
        self.at = [every * i for i in later] if at is None else list(at)
        self.epochs = 0
        self._apply()

    def on_epoch_end(self, trainer: Any, row: Mapping[str, float]) -> None:
        self.epochs += 1
        self._apply()

    def _apply(self) -> None:
        """Freeze what comes later, then let learn what has joined: parts may share weights."""
        joined = 1 + sum(epoch <= self.epochs for epoch in self.at)
        for i, part in sorted(enumerate(self.parts), key=lambda p: p[0] < joined):
            for module in part:
                module.requires_grad_(i < joined)

    def state(self) -> dict[str, Any]:
        return {"epochs": self.epochs}

    def load(self, state: Mapping[str, Any]) -> None:
        self.epochs = state["epochs"]
        self._apply()
