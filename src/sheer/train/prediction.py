"""Prediction: a training not yet begun flows in; its time, memory, threads and score come out.

Times are the sums of the kernels' rooflines over what kernels of their kind reach on this machine:
good to a factor of two, usually better. Loading data and writing checkpoints are not in them.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..transforms import execute
from .rates import Rates
from .session import Look, Session
from .source import BucketsSource, MemorySource, Source

_AROUND = 1e-3       # seconds of Python around a program: arguments, a copy of the state, checks


@dataclass(frozen=True)
class Prediction:
    """What is expected of a training.

    epoch      seconds of one, validation included; updates: in one epoch
    compiling  seconds before the first update, when no kernel is in the cache
    peak       bytes of the process at its largest; free: bytes it may still take before that
    """

    epochs: int
    epoch: float
    updates: int
    compiling: float
    peak: int
    free: int
    fits: bool
    threads: int

    def line(self) -> str:
        """For people."""
        room = "" if self.fits else "; that does not fit into memory"
        return (f"predicted: epochs of {self.epoch:.3g} s ({self.updates:,} updates), "
                f"{self.epoch * self.epochs:.3g} s in all, {self.peak / 2**20:,.0f} MB, "
                f"{self.threads} thread{'s' * (self.threads > 1)}{room}")

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def score(self, history: Sequence[dict[str, float]]) -> dict[str, Any]:
        """Beside what was measured: the median epoch, and the memory the process has held."""
        seconds = [row["seconds"] for row in history]
        epoch = statistics.median(seconds[1:] or seconds)      # the first compiles
        return {"predicted": self.json(), "measured": {"epoch": epoch, "peak": peak_bytes()},
                "ratio": epoch / self.epoch if self.epoch else math.inf}


def scored_line(score: dict[str, Any]) -> str:
    """How good the prediction was, for people."""
    measured, predicted = score["measured"], score["predicted"]
    return (f"predicted epochs of {predicted['epoch']:.3g} s, measured {measured['epoch']:.3g} s "
            f"({score['ratio']:.2f} times); predicted {predicted['peak'] / 2**20:,.0f} MB, "
            f"measured {measured['peak'] / 2**20:,.0f} MB")


def predict_training(session: Session, source: Source, scored: Source | None, rates: Rates,
                     epochs: int, look: Look) -> Prediction | None:
    """None where programs cannot be told beforehand: data from a loader, another backend.

    look  how to get the forecast of a jitted function: `planned`
    """
    groups, scored_groups = in_memory(source), [] if scored is None else in_memory(scored)
    if groups is None or scored_groups is None:
        return None
    found = []
    for group in groups:
        part = next(group.slices(0, group.length(session)))
        moving = np.zeros((part.count, rates.width)) if rates.per_update else None
        found.append((session.forecast(part, moving, look, True), group.steps / part.count))
    for group in scored_groups:
        part = next(group.slices(0, group.steps))
        found.append((session.forecast(part, None, look, False), group.steps / part.count))
    if any(f is None for f, _ in found):
        return None
    forecasts = [f for f, _ in found]
    added = max(f.bytes for f in forecasts)
    return Prediction(
        epochs, sum(f.seconds * times + _AROUND * math.ceil(times) for f, times in found),
        source.steps,
        sum(f.compiling + f.planning for f in forecasts), resident_bytes() + added,
        forecasts[0].free, added < forecasts[0].free, max(f.threads for f in forecasts))


def in_memory(source: Source) -> Sequence[MemorySource] | None:
    """The groups of rows a source runs, each by programs of its own; None for those of a loader."""
    if isinstance(source, BucketsSource):
        return source.groups
    return [source] if isinstance(source, MemorySource) else None


def planned(jitted: Any, *arguments: Any) -> Any:
    """The forecast of a program that need not run: nothing is compiled."""
    form = jitted.prepared(*arguments)
    backend: Any = execute.get_backend()
    return backend.forecast(form.graph, form.donate) if hasattr(backend, "forecast") else None


def resident_bytes() -> int:
    """The memory this process holds now."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return peak_bytes()


def peak_bytes() -> int:
    """The most memory this process has held."""
    if sys.platform == "win32":
        return 0                                     # nobody says
    import resource
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
