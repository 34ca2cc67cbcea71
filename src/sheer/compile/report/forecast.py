"""Forecast: a program and a calibrated machine flow in; its time and memory come out, not run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .explanation import walk
from .roofline import Machine, roof, work_of

if TYPE_CHECKING:
    from ..program import Kernel, Program


@dataclass(frozen=True)
class Forecast:
    """What a run of a program will take.

    seconds    of one run; compiling: of its kernels, when the cache holds none of them
    planning   seconds that making the program took, when it was made to predict
    bytes      that it adds to what holds its arguments: results, arena and constants
    free       bytes that the process may still take
    threads    the most that a kernel uses
    """

    seconds: float
    compiling: float
    bytes: int
    free: int
    threads: int
    planning: float = 0.0


def forecast(program: Program, machine: Machine, threads: dict[int, int], free: int,
             planning: float = 0.0) -> Forecast:
    """Each kernel takes the machine's roofline over the share that its kind reaches."""
    seconds, seen, compiling = 0.0, set(), 0.0
    for number, (_, times, kernel) in enumerate(walk(program)):
        if kernel.inner is not None:
            continue
        seconds += times * kernel_seconds(kernel, machine, threads.get(number, 1))
        key = kernel.kind, kernel.body
        if key not in seen:
            seen.add(key)
            compiling += machine.compiling.get(kernel.kind, 0.0)
    results = sum(s.bytes for s in program.returned if s.where == "output")
    return Forecast(seconds, compiling, results + program.peak_bytes + len(program.constants),
                    free, max(threads.values(), default=1), planning)


def kernel_seconds(kernel: Kernel, machine: Machine, threads: int) -> float:
    """One run of a kernel."""
    best = roof(machine, work_of(kernel.body), kernel.traffic, threads).seconds
    many = threads > 1
    share = machine.reached.get(reached_key(kernel.kind, many), 1.0)
    return machine.launch[many] + best / share


def reached_key(kind: str, many: bool) -> str:
    """The name of a calibration figure."""
    return f"{kind}, {'several threads' if many else 'one thread'}"
