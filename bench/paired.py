"""Paired timing: callables flow in, in turn they run, ratios with their spread come out.

The machines are shared and noisy: absolute times wander, so only runs next to each other are
compared, and the median of the paired ratios is quoted with its lower and upper decile.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

SETTLE = 0.3          # seconds in which idle threads, theirs and ours, stop spinning on a core

Run = Callable[[int], int | None]     # run(n): do n steps, or say how many it did; wait for them


@dataclass(frozen=True)
class Ratio:
    """How many times faster ours is: median, and the range that holds 8 of 10 pairs."""

    median: float
    low: float
    high: float

    def row(self) -> list[float]:
        return [round(v, 3) for v in (self.median, self.low, self.high)]


def seconds_per_step(run: Run, steps: int) -> float:
    """Time of one step in one go of `steps`, after a pause."""
    time.sleep(SETTLE)
    began = time.perf_counter()
    done = run(steps)
    return (time.perf_counter() - began) / (done or steps)


def steps_for(run: Run, seconds: float) -> int:
    """How many steps take about `seconds` (at least one)."""
    run(1)
    once = seconds_per_step(run, 1)
    return max(1, int(seconds / max(once, 1e-7)))


def shortest_step(run: Run, seconds: float = 0.1) -> float:
    """Time of a step, the best of three goes of so many seconds."""
    steps = steps_for(run, seconds)
    return min(seconds_per_step(run, steps) for _ in range(3))


def compare(ours: Run, theirs: Run, pairs: int = 15,
            seconds: float = 0.25) -> tuple[Ratio, float, float]:
    """The ratio theirs / ours over pairs of neighbouring runs, and the median step of each."""
    n_ours, n_theirs = steps_for(ours, seconds), steps_for(theirs, seconds)
    mine, other = [], []
    for i in range(pairs):
        order = ((ours, n_ours, mine), (theirs, n_theirs, other))
        for run, steps, times in order if i % 2 == 0 else reversed(order):   # ABBA: no one is first
            times.append(seconds_per_step(run, steps))
    ratios = sorted(t / o for o, t in zip(mine, other, strict=True))
    cut = len(ratios) // 10
    return (Ratio(statistics.median(ratios), ratios[cut], ratios[-1 - cut]),
            statistics.median(mine), statistics.median(other))
