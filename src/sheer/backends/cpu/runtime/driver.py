"""Drivers: a `Program` flows in; the words that the interpreter follows to run it come out.

Everything that is not a kernel is data: which kernel, on which memory, how often. So programs that
differ in a loop's length or in their order share all their native code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sheer.compile.program import Kernel, Program, Slot, aligned, constant_bytes
from sheer.compile.roots import home
from sheer.graph import Graph, Node
from sheer.ops.loop import Scan

from ..lower.module import is_empty
from .interpreter import ANYWHERE, CALL, LOOP, NEVER, PARTS, POLL, STEPS

# what the address in a slot is relative to; those of arguments are filled in at each run
ARGUMENT, ARENA, CONSTANTS, SCRATCH = range(4)
_POLL_EVERY = 1_000_000     # bytes and multiply-adds between polls: some 0.1 ms
NO_HOST = -2                # a kernel that never says false needs no host call
Words = list[tuple[int, str]]      # a word, and whether it is the number of a "slot" or "kernel"


@dataclass
class Driver:
    """A program as numbers. In `words` stand slot and kernel numbers where addresses will be.

    slots       (slots, 2): what each table entry is relative to, and the offset (of scratch
                memory: which of `scratches`); the program's inputs and outputs come first
    in_slots    which words are the number of a slot, and become its address
    in_kernels  which words are the number of a kernel (-1: none, only a host call), likewise
    numbers     kernels and loops, counted as `program.walk` does, and the program itself
    arguments   inputs and outputs of the program
    """

    words: np.ndarray
    slots: np.ndarray
    in_slots: np.ndarray
    in_kernels: np.ndarray
    constants: bytes
    stoppable: int
    numbers: int
    arguments: int
    scratches: int


@dataclass
class _Frame:
    """The program or loop body being written, and how its arguments get into kernels' tables."""

    arena: int                                     # where its arena starts in the program's
    inputs: int
    source: Callable[[int], tuple[int, int]]       # argument -> (slot that holds it, stride)
    part: int = 0                                  # which part of a loop, on whichever thread
    entries: list[tuple[int, int, int]] = field(default_factory=list)
    steps: list[tuple[int, int, int, int]] = field(default_factory=list)

    def bind(self, slot: int, argument: int, offset: int) -> None:
        """The slot will hold that argument, from so many bytes on."""
        source, stride = self.source(argument)
        if stride:
            self.steps.append((slot, source, offset, stride))
        else:
            self.entries.append((slot, source, offset))


class Encoder:
    """Writes the driver of one program; `kernels` and `hosts` are what its numbers stand for."""

    def __init__(self, program: Program) -> None:
        self.kernels: dict[tuple[str, Graph], Kernel] = {}
        self._kernel_numbers: dict[tuple[str, Graph], int] = {}
        self.hosts: dict[Graph, int] = {}
        self._slots: list[tuple[int, int]] = []
        self._constants = bytearray(program.constants)
        self._numbers = {k: i for i, (_, k) in enumerate(program.walk())}
        self._stoppable, self._unpolled = stoppable(program), 0
        for _ in (*program.graph.inputs, *program.graph.outputs):
            self._slot(ARGUMENT, 0)
        frame = _Frame(0, len(program.graph.inputs), lambda argument: (argument, 0))
        count, body = self._block(program, frame)
        words = self._loop(len(self._numbers), 1, False, count, [], frame, body)
        tagged = lambda tag: np.array([i for i, w in enumerate(words) if w[1] == tag], np.int64)
        self.driver = Driver(
            np.array([w for w, _ in words], np.int64), np.array(self._slots, np.int64),
            tagged("slot"), tagged("kernel"), bytes(self._constants), self._stoppable,
            len(self._numbers) + 1, len(program.graph.inputs) + len(program.graph.outputs),
            max((k.parts for _, k in program.walk()), default=1))

    def _kernel_number(self, kernel: Kernel) -> int:
        key = kernel.kind, kernel.body
        self.kernels.setdefault(key, kernel)
        return self._kernel_numbers.setdefault(key, len(self._kernel_numbers))

    # ---- instructions ----------------------------------------------------------------------
    def _block(self, program: Program, frame: _Frame) -> tuple[int, Words]:
        """The instructions of a program, and how many they are."""
        count, words = 0, []
        for kernel in program.kernels:
            if is_empty(kernel):
                continue
            count += 1
            slots = (*kernel.reads, *kernel.writes)
            if kernel.inner is not None:
                words += self._scan(kernel, kernel.inner, frame)
                continue
            words += self._call(kernel, self._table(slots, frame))
            if self._polls(kernel):
                count += 1
                words += _sized(POLL, [])
        return count, words

    def _call(self, kernel: Kernel, table: int) -> Words:
        number, host = -1, NO_HOST
        if kernel.kind != "host":
            number = self._kernel_number(kernel)
        if kernel.kind in ("host", "index"):
            host = self.hosts.setdefault(kernel.body, len(self.hosts))
        return _sized(CALL, [(number, "kernel"), (table, "slot"), (self._numbers[kernel], ""),
                             (host, "")])

    def _loop(self, number: int, length: int, reverse: bool, count: int,
              moves: list[tuple[int, int, int]], frame: _Frame, body: Words) -> Words:
        lists: Words = []
        for to, source, size in moves:
            lists += [(to, "slot"), (source, "slot"), (size, "")]
        for to, source, offset in frame.entries:
            lists += [(to, "slot"), (source, "slot"), (offset, "")]
        for to, source, offset, stride in frame.steps:
            lists += [(to, "slot"), (source, "slot"), (offset, ""), (stride, "")]
        head = [number, length, int(reverse), count, len(moves), len(frame.entries),
                len(frame.steps)]
        return _sized(LOOP, [*((w, "") for w in head), *lists, *body])

    def _scan(self, kernel: Kernel, inner: Program, outer: _Frame) -> Words:
        """A loop, or one for each of its parts, which may run side by side."""
        if kernel.parts == 1:
            return self._part(kernel, inner, outer, 0)
        words: Words = [(self._numbers[kernel], ""), (kernel.parts, "")]
        for part in range(kernel.parts):
            words += self._part(kernel, inner, outer, part)
        return _sized(PARTS, words)

    def _part(self, kernel: Kernel, inner: Program, outer: _Frame, part: int) -> Words:
        """Carried values live in the results' memory; inputs and results per step by pointer."""
        node = next(n for n in kernel.body.nodes if isinstance(n.prim, Scan))
        scan = node.prim
        assert isinstance(scan, Scan)
        given = dict(zip(kernel.body.inputs, kernel.reads, strict=True))
        reads = [given.get(home(x)) or self._constant(home(x)) for x in node.inputs]
        sizes, shares = _bytes_of(scan.body), _bytes_of(inner.graph)
        offsets = [part * b if b != a else 0 for a, b in zip(sizes, shares, strict=True)]
        first = self._table((*reads, *kernel.writes), outer, False, offsets)
        outputs, step = first + len(reads), scan.num_consts + scan.num_carry

        def source(argument: int) -> tuple[int, int]:
            if scan.num_consts <= argument < step:
                return outputs + argument - scan.num_consts, 0
            place = argument - len(reads)
            moves = step <= argument < len(reads) or place >= scan.num_carry
            return first + argument, sizes[argument] if moves else 0

        arena = outer.arena + kernel.scratch + part * aligned(inner.peak_bytes)
        frame = _Frame(arena, len(reads), source, part)
        polled, self._stoppable = self._stoppable, NEVER if kernel.parts > 1 else self._stoppable
        count, body = self._block(inner, frame)
        self._stoppable = polled                   # other threads do not poll
        moves = [(outputs + i, first + scan.num_consts + i, shares[scan.num_consts + i])
                 for i in range(scan.num_carry) if sizes[scan.num_consts + i]]
        return self._loop(self._numbers[kernel], scan.length, scan.reverse, count, moves, frame,
                          body)

    def _polls(self, kernel: Kernel) -> bool:
        """Is it time to look whether the program is to stop, after this kernel?"""
        if self._stoppable != ANYWHERE:
            return False
        self._unpolled += kernel.traffic + kernel.flops // 2
        due = self._unpolled > _POLL_EVERY
        self._unpolled = 0 if due else self._unpolled
        return due

    # ---- tables ----------------------------------------------------------------------------
    def _table(self, slots: tuple[Slot, ...], frame: _Frame, scratch: bool = True,
               offsets: Sequence[int] = ()) -> int:
        """Neighbouring slots for the operands of one instruction; the number of the first."""
        first = len(self._slots)
        for slot, offset in zip(slots, offsets or [0] * len(slots), strict=True):
            if slot.where == "arena":
                self._slot(ARENA, frame.arena + slot.at + offset)
            elif slot.where == "constant":
                self._slot(CONSTANTS, slot.at + offset)
            else:
                argument = slot.at + (frame.inputs if slot.where == "output" else 0)
                frame.bind(self._slot(ARGUMENT, 0), argument, offset)
        if scratch:
            self._slot(SCRATCH, frame.part)
        return first

    def _slot(self, base: int, offset: int) -> int:
        self._slots.append((base, offset))
        return len(self._slots) - 1

    def _constant(self, node: Node) -> Slot:
        """A number that is read from memory, as the carried values of a loop are."""
        raw = constant_bytes(node)
        at = len(self._constants)
        self._constants += raw.ljust(aligned(len(raw)), b"\0")
        return Slot(node.spec, "constant", at)


def stoppable(program: Program) -> int:
    """Where a program may be left on Ctrl-C without losing state that it updates in place.

    Between the steps of its one loop everything carried is as after that many steps. What comes
    after may then only bring carried values to where they belong.
    """
    if all(slot.where != "input" for slot in program.returned):
        return ANYWHERE
    loops = [i for i, k in enumerate(program.kernels) if k.inner is not None]
    if len(loops) != 1:
        return NEVER
    loop = program.kernels[loops[0]]
    scan = next(n.prim for n in loop.body.nodes if isinstance(n.prim, Scan))
    assert isinstance(scan, Scan)
    carried = loop.writes[:scan.num_carry]
    for kernel in program.kernels[loops[0] + 1:]:
        updates = any(s.where == "input" for s in kernel.writes)
        copies = kernel.body.outputs == kernel.body.inputs and all(
            s in carried for s in kernel.reads)
        if updates and not copies:
            return NEVER
    return STEPS


def _bytes_of(body: Graph) -> list[int]:
    """Bytes of each argument of a loop's body: its inputs, then its outputs."""
    return [x.spec.size * x.spec.dtype.size for x in (*body.inputs, *body.outputs)]


def _sized(what: int, rest: Words) -> Words:
    """An instruction, with how many words it has."""
    return [(what, ""), (2 + len(rest), ""), *rest]
