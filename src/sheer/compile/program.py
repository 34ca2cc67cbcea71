"""Program: what is executed, as plain data that prints itself as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..graph import Graph, Node, Spec
from ..ops.movement import Reshape
from ..ops.structure import Barrier, Constant, Input
from .cost import flops, traffic

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
    is the program of its body. `seconds` is filled in when the program is measured.
    """

    kind: str
    body: Graph
    reads: tuple[Slot, ...]
    writes: tuple[Slot, ...]
    made: tuple[Node, ...]          # the nodes of the whole graph that it computes
    inner: Program | None = None
    scratch: int = 0                # where in the arena the inner program's own arena starts
    seconds: float | None = None

    @property
    def names(self) -> list[str]:
        """The fused primitives, in order; views, leaves and markers are not work."""
        skip = (Input, Constant, Barrier, Reshape)
        return [type(n.prim).__name__ for n in self.body.nodes
                if not isinstance(n.prim, skip) and type(n.prim).__name__ != "Pick"]

    @property
    def flops(self) -> int: return flops(self.body)
    @property
    def traffic(self) -> int: return traffic(self.body)


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

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Kernel]]:
        """Every kernel with its loop depth."""
        for kernel in self.kernels:
            yield depth, kernel
            if kernel.inner is not None:
                yield from kernel.inner.walk(depth + 1)

    def llvm(self) -> str:
        """The LLVM IR of the whole program."""
        return self.texts["llvm"]()

    def asm(self) -> str:
        """The machine code of the whole program, as assembly."""
        return self.texts["asm"]()

    def __str__(self) -> str:
        return table(self)

    explain = __str__


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
