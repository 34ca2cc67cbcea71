"""Roofline: a machine's measured peaks and a kernel's work flow in, its shortest time comes out.

Source  Williams, Waterman and Patterson 2009, Roofline: an insightful visual performance model
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...graph import Graph
from ...graph.dtypes import float32
from ...ops.cost import node_flops
from ..cost import own_cost


@dataclass(frozen=True)
class Level:
    """A cache, or the memory: how much it holds, and how fast it is read, by threads 1, 2, ..."""

    name: str
    bytes: int
    gigabytes: tuple[float, ...]          # a second


@dataclass(frozen=True)
class Machine:
    """Peaks of this machine, measured once.

    gflops     float32 multiply-adds in registers, two operations each, by threads 1, 2, ...
    levels     from the first cache to the memory
    reached    share of the roofline that kernels of a kind reach, by (kind, one thread or more)
    launch     seconds around a kernel; around one on several threads
    compiling  seconds to compile a kernel of a kind
    """

    cpu: str
    gflops: tuple[float, ...]
    levels: tuple[Level, ...]
    reached: Mapping[str, float] = field(default_factory=dict)
    launch: tuple[float, float] = (0.0, 0.0)
    compiling: Mapping[str, float] = field(default_factory=dict)

    def level(self, size: int) -> Level:
        """The first one that holds so many bytes."""
        return next((v for v in self.levels if size <= v.bytes), self.levels[-1])

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return {"cpu": self.cpu, "gflops": list(self.gflops), "reached": dict(self.reached),
                "launch": list(self.launch), "compiling": dict(self.compiling),
                "levels": [[v.name, v.bytes, list(v.gigabytes)] for v in self.levels]}

    @classmethod
    def of(cls, saved: Mapping[str, Any]) -> Machine:
        """From what `json` gave."""
        levels = tuple(Level(n, b, tuple(g)) for n, b, g in saved["levels"])
        first, more = saved["launch"]
        return cls(saved["cpu"], tuple(saved["gflops"]), levels, saved["reached"], (first, more),
                   saved["compiling"])


@dataclass(frozen=True)
class Roof:
    """The shortest time of a kernel on a machine, and what sets it: "compute" or a level."""

    seconds: float
    bound: str


def roof(machine: Machine, work: int, size: int, threads: int) -> Roof:
    """`work` as of `work_of`, and bytes moved once each, on so many threads."""
    computing = work / (_at(machine.gflops, threads) * 1e9)
    level = machine.level(size)
    moving = size / (_at(level.gigabytes, threads) * 1e9)
    return Roof(computing, "compute") if computing >= moving else Roof(moving, level.name)


def work_of(body: Graph) -> int:
    """Arithmetic in units of float32 operations at peak: a multiply-add is 2, another instruction
    too, an exponential as many as it takes; float64 fills twice the registers.
    """
    total = 0.0
    for node in body.nodes:
        one = 2 * own_cost(node) * node.size if node.prim.pointwise else node_flops(node)
        total += one * (max(node.dtype.size, float32.size) / float32.size)
    return int(total)


def _at(figures: tuple[float, ...], threads: int) -> float:
    return figures[min(threads, len(figures)) - 1]
