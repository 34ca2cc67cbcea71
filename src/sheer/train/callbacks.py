"""Callbacks: what happens between epochs. Each sees the run and may stop it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..graph.errors import ArgumentError
from .metrics import is_better


class Callback:
    """Base: override what is needed. `state` and `load` make it survive a resumed run.

    Source  definition
    Example
        >>> class TwoEpochs(Callback):
        ...     def on_epoch_end(self, trainer, row):
        ...         if row["epoch"] == 2:
        ...             trainer.stop("two are enough")
        >>> model, x = nn.Linear(1, 1), sheer.ones(8, 1)
        >>> optimizer = sheer.optim.SGD(model.parameters())
        >>> run = sheer.train.fit(model, (x, x), loss=nn.MSELoss(), optimizer=optimizer, epochs=10,
        ...                       callbacks=TwoEpochs(), progress=False)
        >>> len(run.history)
        2
    """

    def on_epoch_end(self, trainer: Any, row: Mapping[str, float]) -> None:
        """After every epoch; `trainer.stop()` ends the training."""

    def on_train_end(self, trainer: Any) -> None:
        """After the last epoch."""

    def state(self) -> dict[str, Any]:
        """What must be remembered, as JSON."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from a remembered state."""


class EarlyStopping(Callback):
    """Stop when a quantity has not improved for `patience` epochs; the best weights come back.

    monitor    column of the history, e.g. "val_loss"
    patience   epochs in a row without improvement after which training ends; 0 means 1
    min_delta  what counts as an improvement, >= 0
    mode       "min" or "max": which way is better; "auto": losses and errors fall, the rest rises
    Raises     E505 for a negative number or another mode
    Source     Prechelt 1998, Early stopping - but when?
    Example
        >>> model, x = nn.Linear(1, 1), sheer.ones(8, 1)
        >>> still = sheer.optim.SGD(model.parameters(), lr=0.0)     # nothing ever improves
        >>> run = sheer.train.fit(model, (x, x), loss=nn.MSELoss(), optimizer=still, epochs=100,
        ...                       callbacks=EarlyStopping("loss", patience=2), progress=False)
        >>> len(run.history)
        3
    """

    def __init__(self, monitor: str = "val_loss", patience: int = 5, min_delta: float = 0.0,
                 mode: str = "auto") -> None:
        if patience < 0 or min_delta < 0:
            raise ArgumentError("E505", "EarlyStopping",
                                "patience and min_delta cannot be negative",
                                got={"patience": patience, "min_delta": min_delta}, need=">= 0")
        if mode not in ("auto", "min", "max"):
            raise ArgumentError("E505", "EarlyStopping", f"there is no mode {mode!r}",
                                need="auto, min or max")
        self.monitor, self.patience, self.min_delta, self.mode = monitor, patience, min_delta, mode
        self.best: float | None = None
        self.waited = 0

    def on_epoch_end(self, trainer: Any, row: Mapping[str, float]) -> None:
        value = monitored(row, self.monitor)
        better = self.best is None or is_better(self.monitor, value, self.best, self.min_delta,
                                                self.mode)
        if better and not math.isnan(value):
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            trainer.stop(f"{self.monitor} has not improved for {self.waited} epochs")

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load(self, state: Mapping[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]


def monitored(row: Mapping[str, float], name: str) -> float:
    """A column of the newest row. Raises E506 for one that is not there, naming those that are."""
    if name not in row:
        raise ArgumentError("E506", "fit", f"nothing called {name!r} is measured",
                            need="one of " + ", ".join(row))
    return row[name]
