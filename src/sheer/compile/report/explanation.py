"""Explanation: a program and a machine flow in; rows about its kernels come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...graph.source import Source
from ...ops.loop import Scan
from .roofline import Machine, roof, work_of

if TYPE_CHECKING:
    from ..program import Kernel, Program


@dataclass(frozen=True)
class Row:
    """One kernel. Figures are of one run of the program: of all turns of the loops around it.

    kind    contract, map, rows, index, loop, host, ...
    times   how often it runs
    bound   what sets its shortest time: compute, or the memory that holds what it moves
    share   of the roofline: shortest time / measured time; of: part of the program's time
    lines   of Python that it came from; layers: paths in the model
    """

    number: int
    depth: int
    kind: str
    operations: tuple[str, ...]
    shapes: tuple[str, ...]
    times: int
    threads: int
    flops: int
    bytes: int
    seconds: float | None
    roof: float | None
    bound: str
    lines: tuple[str, ...]
    layers: tuple[str, ...]
    of: float | None = None

    @property
    def share(self) -> float | None:
        """Of the roofline, when both are known."""
        return self.roof / self.seconds if self.roof is not None and self.seconds else None

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"share": self.share}


@dataclass(frozen=True)
class Explanation:
    """What a program does and how well; prints as text, and in colours on a terminal (rich)."""

    rows: tuple[Row, ...]
    seconds: float | None
    arena: int
    constants: int
    machine: Machine | None

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return {"kernels": [r.json() for r in self.rows], "seconds": self.seconds,
                "arena": self.arena, "constants": self.constants,
                "machine": None if self.machine is None else self.machine.json()}

    def __str__(self) -> str:
        from .explanation_text import plain
        return plain(self)

    def __rich__(self) -> Any:
        from .explanation_text import rich_table
        return rich_table(self)

    def summary(self) -> str:
        """One line about the whole."""
        leaves = [r for r in self.rows if r.kind != "loop"]
        flops, host = sum(r.flops for r in leaves), sum(r.kind == "host" for r in leaves)
        words = [f"{len(leaves)} kernels", f"{host} on the host" if host else "none on the host",
                 f"{scaled(flops)}FLOP"]
        if self.seconds:
            words += [duration(self.seconds), f"{flops / self.seconds / 1e9:.1f} GFLOP/s"]
            if self.machine is not None:
                best = sum(r.roof or 0.0 for r in leaves)
                words.append(f"{best / self.seconds:.0%} of the roofline")
        words += [f"arena {scaled(self.arena)}B", f"constants {scaled(self.constants)}B"]
        return ", ".join(words)


def explain(program: Program, machine: Machine | None, threads: dict[int, int]) -> Explanation:
    """threads: of kernel number i, as compiled; 1 for those not in it."""
    rows = [_row(i, d, times, k, machine, threads.get(i, 1))
            for i, (d, times, k) in enumerate(walk(program))]
    known = [r.seconds for r in rows if r.depth == 0 and r.seconds is not None]
    total = sum(known) if known else None
    if total:
        rows = [_with_part(r, total) for r in rows]
    return Explanation(tuple(rows), total, program.peak_bytes, len(program.constants), machine)


def turns(kernel: Kernel) -> int:
    """How often the body of a loop runs, on all or on a part of the rows."""
    return kernel.parts * next(n.prim.length for n in kernel.body.nodes if isinstance(n.prim, Scan))


def walk(program: Program, depth: int = 0, times: int = 1) -> Iterator[tuple[int, int, Kernel]]:
    """Every kernel with its loop depth and how often it runs."""
    for kernel in program.kernels:
        yield depth, times, kernel
        if kernel.inner is not None:
            yield from walk(kernel.inner, depth + 1, times * turns(kernel))


def _row(number: int, depth: int, times: int, kernel: Kernel, machine: Machine | None,
         threads: int) -> Row:
    bound = None
    if machine is not None and kernel.inner is None and kernel.kind != "host":
        bound = roof(machine, work_of(kernel.body), kernel.traffic, threads)
    sources = dict.fromkeys(n.source for n in kernel.made)
    shared = f" in {kernel.parts} parts" if kernel.parts > 1 else ""
    names = [f"{turns(kernel):,} turns{shared}"] if kernel.inner is not None else kernel.work
    return Row(number, depth, kernel.kind, tuple(names), tuple(str(s.spec) for s in kernel.writes),
               times, threads, kernel.flops * times, kernel.traffic * times, kernel.seconds,
               None if bound is None else bound.seconds * times, "" if bound is None
               else bound.bound, tuple(dict.fromkeys(filter(None, map(_line, sources)))),
               tuple(dict.fromkeys(s.layer for s in sources if s.layer)))


def _with_part(row: Row, total: float) -> Row:
    fields = {name: getattr(row, name) for name in Row.__dataclass_fields__}
    return Row(**fields | {"of": None if row.seconds is None else row.seconds / total})


def _line(source: Source) -> str:
    return str(source) if source.file else ""


def scaled(value: float) -> str:
    """Three digits and a unit's letter: 1234567 -> '1.23 M'."""
    for unit in ("", "k", "M", "G"):
        if abs(value) < 1000 or unit == "G":
            break
        value /= 1000
    return f"{value:.3g} {unit}"


def duration(seconds: float) -> str:
    """Three digits and a unit: 0.00123 -> '1.23 ms'."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
