"""Program: what is executed, as plain data that prints itself as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..graph import Graph, Node, Spec
from ..ops.cost import flops
from ..ops.movement import Reshape
from ..ops.structure import Barrier, Constant, Input
from .cost import traffic
from .report.explanation import Explanation, explain
from .report.forecast import Forecast, forecast
from .report.roofline import Machine

ALIGN = 64      # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Slot:
    """Where a value lies: argument or result `at`, or `at` bytes into the arena or constants."""

    spec: Spec
    where: str              # "input", "output", "arena", "constant"
    at: int

    @property
    def bytes(self) -> int: return self.spec.size * self.spec.dtype.size
    def __str__(self) -> str:
        return f"{self.where} {self.at}"


@dataclass(eq=False)
class Kernel:
    """One kernel call: a graph over what it reads, run by loops of one of the kinds.

    `reads` and `writes` are slots, in the order of the body's inputs and outputs. A loop's `inner`
    is the program of its body; of several `parts`, each runs it on a share of the rows. `seconds`
    is filled in when the program is measured.
    """

    kind: str
    body: Graph
    reads: tuple[Slot, ...]
    writes: tuple[Slot, ...]
    made: tuple[Node, ...]          # the nodes of the whole graph that it computes
    inner: Program | None = None
    scratch: int = 0                # where in the arena the inner program's own arena starts
    seconds: float | None = None
    parts: int = 1

    @property
    def names(self) -> list[str]:
        """The fused primitives, in order; views, leaves and markers are not work."""
        skip = (Input, Constant, Barrier, Reshape)
        return [type(n.prim).__name__ for n in self.body.nodes
                if not isinstance(n.prim, skip) and type(n.prim).__name__ != "Pick"]

    @property
    def work(self) -> list[str]:
        """The names without those that only rename elements, unless there is nothing else."""
        views = {type(n.prim).__name__ for n in self.body.nodes if n.prim.view}
        return [name for name in self.names if name not in views] or self.names

    @property
    def flops(self) -> int: return flops(self.body)
    @property
    def traffic(self) -> int: return traffic(self.body)


class Maker(Protocol):
    """What compiled a program, and can tell about the machine it runs on."""

    def measure_made_up(self) -> None: ...
    def text(self, kernel: Kernel, stage: str) -> str: ...
    def machine(self) -> Machine: ...
    def threads(self) -> dict[int, int]: ...
    def free_bytes(self) -> int: ...


@dataclass
class Program:
    """Kernels in order, over an arena of `peak_bytes`; `constants` lie beside it.

    `returned[i]` says where result i lies when the program ends.
    """

    graph: Graph
    kernels: list[Kernel]
    returned: tuple[Slot, ...]
    peak_bytes: int
    constants: bytes = b""
    texts: dict[str, Callable[[], str]] = field(default_factory=dict, repr=False)
    maker: Callable[[], Maker | None] = field(default=lambda: None, repr=False)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Kernel]]:
        """Every kernel with its loop depth."""
        for kernel in self.kernels:
            yield depth, kernel
            if kernel.inner is not None:
                yield from kernel.inner.walk(depth + 1)

    def llvm(self, number: int | None = None) -> str:
        """The LLVM IR of all kernels, or of the one with that number in `explain()`."""
        return self._text("llvm", number)

    def asm(self, number: int | None = None) -> str:
        """The machine code of all kernels, or of one, as assembly."""
        return self._text("asm", number)

    def _text(self, stage: str, number: int | None) -> str:
        if number is None:
            return self.texts[stage]()
        maker = self.maker()
        kernel = [k for _, k in self.walk()][number]
        return "" if maker is None else maker.text(kernel, stage)

    def __str__(self) -> str:
        """Shapes and costs alone, or all of `explain` once the program has been measured."""
        return str(self.explain()) if any(k.seconds for k in self.kernels) else table(self)

    def explain(self) -> Explanation:
        """What every kernel does, how long it takes, and how near that is to the possible.

        A program that has not been measured is run on made-up numbers, one to a few times.
        """
        maker = self.maker()
        if maker is None:
            return explain(self, None, {})
        if not any(k.seconds for k in self.kernels):
            maker.measure_made_up()
        return explain(self, maker.machine(), maker.threads())

    def table(self) -> list[dict[str, Any]]:
        """The kernels of `explain()` as plain values, one dict each."""
        return [row.json() for row in self.explain().rows]

    def forecast(self) -> Forecast | None:
        """Time, memory and threads of a run, predicted; None without a machine to predict for."""
        maker = self.maker()
        return None if maker is None else forecast(self, maker.machine(), maker.threads(),
                                                   maker.free_bytes())


def table(program: Program) -> str:
    """One line per kernel: kind, fused primitives, result, FLOPs, bytes, lines, time."""
    rows = [("kernel", "fused", "result", "flops", "bytes", "lines", "time")]
    for number, (depth, k) in enumerate(program.walk()):
        out = " ".join(str(s.spec) for s in k.writes)
        lines = dict.fromkeys(str(n.source) for n in k.made)
        time = "" if k.seconds is None else f"{k.seconds * 1e6:.1f}us"
        rows.append((f"{'  ' * depth}{number} {k.kind}", _shortened(" ".join(k.names), 48),
                     _shortened(out, 40), _scaled(k.flops), _scaled(k.traffic),
                     _shortened(" ".join(lines), 30), time))
    widths = [max(len(r[i]) for r in rows) for i in range(7)]
    text = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    peak, beside = _scaled(program.peak_bytes), _scaled(len(program.constants))
    return "\n".join([*text, f"peak {peak}B arena, {beside}B constants"])


def aligned(size: int) -> int:
    """The next multiple of a cache line."""
    return -(-size // ALIGN) * ALIGN


def constant_bytes(node: Node) -> bytes:
    """The numbers of a constant leaf as they lie in memory."""
    return np.ascontiguousarray(node.prim.ref()).tobytes()


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit - 3] + "..."


def _scaled(value: float) -> str:
    for unit in ("", "k", "M", "G"):
        if value < 10000 or unit == "G":
            return f"{value:.0f}{unit}"
        value /= 1000
    raise AssertionError
