"""Progress: steps and numbers flow in; a live bar on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

SPOKEN = ("start", "step", "epoch", "note", "stop")        # what `fit` calls


class Progress(Protocol):
    """What `fit` tells."""

    def start(self, epochs: int, steps: int, done: int) -> None: ...
    def step(self, epoch: int, count: int, numbers: Mapping[str, float]) -> None: ...
    def epoch(self, row: Mapping[str, float], epochs: int) -> None: ...
    def note(self, text: str) -> None: ...
    def stop(self) -> None: ...


def make(show: bool | Progress) -> Progress:
    """A live bar when standard error is a terminal, lines when it is not, nothing for False."""
    if not isinstance(show, bool):
        return show
    if not show:
        return Silent()
    return Live() if sys.stderr.isatty() else Lines()


class Quiet:
    """Says nothing; what tells something builds on it."""

    def start(self, epochs: int, steps: int, done: int) -> None: pass
    def step(self, epoch: int, count: int, numbers: Mapping[str, float]) -> None: pass
    def epoch(self, row: Mapping[str, float], epochs: int) -> None: pass
    def note(self, text: str) -> None: pass
    def stop(self) -> None: pass


class Silent(Quiet):
    """For whom nobody listens: not even a prediction is made."""


class Lines(Quiet):
    """One line per epoch on standard error: for files and pipes."""

    def epoch(self, row: Mapping[str, float], epochs: int) -> None:
        self.note(f"epoch {int(row['epoch'])}/{epochs}  {numbers_text(row)}")

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Live(Quiet):
    """A bar over all steps with the newest numbers, steps per second and the time left."""

    def start(self, epochs: int, steps: int, done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        self.epochs, self.steps = epochs, steps
        self.begun, self.since = time.perf_counter(), 0
        self.bar: Any = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[numbers]}"),
            TextColumn("{task.fields[speed]}"), TimeRemainingColumn(compact=True),
            console=Console(stderr=True))
        self.task = self.bar.add_task("epoch 1", total=epochs * steps, completed=done, numbers="",
                                      speed="compiling")
        self.bar.start()

    def step(self, epoch: int, count: int, numbers: Mapping[str, float]) -> None:
        self.since += count
        speed = self.since / max(time.perf_counter() - self.begun, 1e-9)
        self.bar.update(self.task, advance=count, description=f"epoch {epoch}/{self.epochs}",
                        numbers=numbers_text(numbers), speed=f"{speed:,.0f} steps/s")

    def epoch(self, row: Mapping[str, float], epochs: int) -> None:
        self.note(f"epoch {int(row['epoch'])}/{epochs}  {numbers_text(row)}")

    def note(self, text: str) -> None:
        self.bar.console.print(text, highlight=False)

    def stop(self) -> None:
        self.bar.stop()


def numbers_text(row: Mapping[str, float]) -> str:
    """`loss 0.1234  accuracy 0.9876  val_loss ...`: all but the epoch's number."""
    shown = [(k, v) for k, v in row.items() if k not in ("epoch", "rate")]
    return "  ".join(f"{k} {v:.1f}" if k == "seconds" else f"{k} {v:.4f}" for k, v in shown)
