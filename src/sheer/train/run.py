"""Run: the folder of one training. Settings, metrics, plots, weights flow in and stay together."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import html
from ..graph.errors import DataError
from ..serialization import save, write_whole
from . import plots

LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass
class Run:
    """What is known of one training.

    config    everything needed to repeat it
    history   one dict per epoch: epoch, loss, metrics, val_*, seconds, rate
    folder    where it is written; None keeps it in memory only
    predicted what was expected of it beside what was measured, when that was told

    Source  definition
    Example
        >>> model, x = nn.Linear(1, 1), sheer.ones(8, 1)
        >>> run = sheer.train.fit(model, (x, x), loss=nn.MSELoss(), epochs=3, progress=False,
        ...                       optimizer=sheer.optim.SGD(model.parameters(), lr=0.1))
        >>> [row["epoch"] for row in run.history], run.history[-1]["loss"] < run.history[0]["loss"]
        ([1, 2, 3], True)
    """

    folder: Path | None = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    predicted: dict[str, Any] | None = None

    @classmethod
    def create(cls, parent: str | Path, name: str, config: Mapping[str, Any]) -> Run:
        """A new folder `parent/name-YYYYmmdd-HHMMSS`, with a number behind it when that exists."""
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        for number in itertools.count(1):
            folder = Path(parent) / f"{name}-{stamp}{'' if number == 1 else f'-{number}'}"
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as e:
                raise DataError("E502", "run", f"cannot make the run folder: {e.strerror}",
                                got={"folder": str(folder)},
                                need="a writable folder (--out)") from e
            return cls.open(folder, config)
        raise AssertionError                                    # the numbers do not end

    @classmethod
    def open(cls, folder: str | Path, config: Mapping[str, Any] | None = None) -> Run:
        """The run in that folder; with config, a new one is begun there."""
        folder = Path(folder)
        if config is not None:
            folder.mkdir(parents=True, exist_ok=True)
            run = cls(folder, dict(config))
            run._write("config.json", json.dumps(run.config, indent=1, default=str))
            return run
        try:
            return cls(folder, json.loads((folder / "config.json").read_text()))
        except (OSError, ValueError) as e:
            raise DataError("E503", "run", "there is no run in this folder",
                            got={"folder": str(folder)},
                            need="a folder with config.json") from e

    def log(self, row: Mapping[str, float]) -> None:
        """Add one epoch."""
        self.history.append(dict(row))

    def write_prediction(self) -> None:
        """Put what was expected, and how good that was, into prediction.json."""
        if self.folder is not None:
            self._write("prediction.json", json.dumps(self.predicted, indent=1))

    def column(self, name: str) -> list[float]:
        """One quantity over the epochs; NaN where it was not measured."""
        return [row.get(name, math.nan) for row in self.history]

    def save(self, which: str, value: Any) -> None:
        """Write a checkpoint into the folder (nothing without one)."""
        if self.folder is not None:
            save(value, self.folder / which)

    def sweep(self) -> None:
        """Remove half-written files that a killed process left; their whole predecessors stay."""
        for part in self.folder.glob(".*.part") if self.folder is not None else ():
            part.unlink(missing_ok=True)

    def plot(self) -> Path | None:
        """Write learning-curve.png; gives its path, or None when matplotlib is not installed."""
        if self.folder is None or not self.history or not plots.available():
            return None
        return plots.learning_curve(self.history, self.folder / "learning-curve.png")

    def _repr_html_(self) -> str:
        if not self.history:
            return html.note("a run that has not begun")
        last, names = self.history[-1], list(self.history[-1])
        rows = [(n, f"{last[n]:.4g}", f"{min(c := self.column(n)):.4g}", f"{max(c):.4g}")
                for n in names if n != "epoch"]
        curves = "".join(html.line_chart(self.column(n), n) for n in names if n.endswith("loss"))
        where = "" if self.folder is None else f", {self.folder}"
        return (html.note(f"{len(self.history)} epochs{where}") + curves
                + html.table(("", "last", "lowest", "highest"), rows))

    def write_table(self) -> None:
        """Put all epochs into metrics.csv."""
        if self.folder is None:
            return
        columns = list(dict.fromkeys(k for row in self.history for k in row))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(self.history)
        write_whole(self.folder / "metrics.csv", text.getvalue().encode())

    def _write(self, name: str, text: str) -> None:
        assert self.folder is not None
        write_whole(self.folder / name, (text + "\n").encode())
