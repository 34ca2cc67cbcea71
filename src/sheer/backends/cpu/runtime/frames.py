"""The interpreter in memory: a driver and what its numbers stand for flow in, runs flow out."""

from __future__ import annotations

import ctypes
import struct
import threading
import time
from collections.abc import Generator, Sequence
from functools import lru_cache

import numpy as np

from sheer.compile.program import aligned
from sheer.graph.memory import empty

from ..ir.target import Target
from ..lower.host import CALLBACK, HostCall
from . import arena as arenas
from .driver import ARENA, CONSTANTS, SCRATCH, Driver
from .interpreter import CONTEXT, POLLED, REFUSE, RUN, TICKS, interpreter_ir
from .jit import compile_ir

_POLL_SECONDS = 0.05            # Ctrl-C is heard within this, and a step of the outermost loop
_NEVER = 1 << 62


class Runtime:
    """The native functions that run drivers."""

    def __init__(self, target: Target) -> None:
        self.library = compile_ir(interpreter_ir(target), target)
        self.run = self.library.function(RUN, [ctypes.c_void_p] * 2, ctypes.c_int64)
        self.refuse = self.library.address(REFUSE)
        self._ticks = self.library.function(TICKS, [], ctypes.c_int64)
        self._start = time.perf_counter(), self._ticks()

    def ticks(self, seconds: float) -> int:
        """How far the processor's counter moves in that time."""
        while (passed := time.perf_counter() - self._start[0]) < 1e-4:
            pass
        return max(int(seconds / passed * (self._ticks() - self._start[1])), 1)


@lru_cache(maxsize=8)
def runtime(target: Target) -> Runtime:
    """The runtime for a processor, made once."""
    return Runtime(target)


class Frame:
    """Memory for one run at a time of one program: its tables, words with addresses, context."""

    def __init__(self, driver: Driver, kernels: Sequence[int], scratch: int, peak: int,
                 hosts: Sequence[HostCall], native: Runtime) -> None:
        self.driver, self.native = driver, native
        self.peak, self.scratch = aligned(peak), aligned(scratch)
        self.size = self.peak + driver.scratches * self.scratch
        self.arena: arenas.Arena | None = None
        self.table = np.zeros(len(driver.slots), np.uint64)
        self.constants = empty((max(len(driver.constants), 1),), np.dtype(np.uint8))
        self.constants[:len(driver.constants)] = np.frombuffer(driver.constants, np.uint8)
        self.words = driver.words.copy()
        at, which = driver.in_slots, driver.in_kernels
        self.words[at] = self.table.ctypes.data + 8 * driver.words[at]
        self.words[which] = np.array([*kernels, native.refuse], np.int64)[driver.words[which]]
        self.clock = np.zeros(driver.numbers, np.int64)
        self.context = np.zeros(len(CONTEXT), np.int64)
        self.broken = False          # did the last run end at a kernel that failed?
        self.failures: list[BaseException] = []
        answers = _answers(hosts, self.context, self.failures)
        next(answers)
        self._callback = CALLBACK(answers.send)
        self._set("callback", ctypes.cast(self._callback, ctypes.c_void_p).value or 0)
        self._set("stoppable", driver.stoppable)
        self._interval, self._main = native.ticks(_POLL_SECONDS), threading.main_thread().ident
        self._hears: bool | None = None             # were we last run by the main thread?
        self._pack = struct.Struct(f"{driver.arguments}Q").pack_into
        self._addresses = self.words.ctypes.data, self.context.ctypes.data

    def _set(self, name: str, value: int) -> None:
        self.context[CONTEXT.index(name)] = value

    def timed(self) -> None:
        """From now on, count the ticks of each instruction in `clock`."""
        self._set("clock", self.clock.ctypes.data)

    def run(self, inputs: list[int], outputs: list[int]) -> None:
        """Follow the words once, on arguments at these addresses.

        Raises what a host call raised, and KeyboardInterrupt.
        """
        self._pack(self.table.data, 0, *inputs, *outputs)
        arena = self.arena
        if arena is None or not arena.take():
            arena = arenas.take(self.size)
            self._move_to(arena)
        try:
            mine = threading.get_ident() == self._main      # signals go to the main thread only
            if mine is not self._hears:
                self._set("interval", self._interval if mine else _NEVER)
                self._hears = mine
            code = self.native.run(*self._addresses)
            self.broken = bool(code)
        finally:
            arena.give_back()
        if self.failures:
            failure, *_ = self.failures
            self.failures.clear()
            raise failure
        if code:
            raise RuntimeError(f"the native program stopped with code {code}")

    def _move_to(self, arena: arenas.Arena) -> None:
        """Let the tables point into another arena; scratch memory lies behind the values."""
        self.arena = arena
        bases = np.zeros(4, np.int64)
        bases[ARENA], bases[SCRATCH] = arena.address, arena.address + self.peak
        bases[CONSTANTS] = self.constants.ctypes.data
        kind, offset = self.driver.slots.T
        offset = np.where(kind == SCRATCH, offset * self.scratch, offset)
        fixed = kind != 0
        self.table[fixed] = (bases[kind] + offset)[fixed]


def _answers(hosts: Sequence[HostCall], context: np.ndarray, failures: list[BaseException],
             ) -> Generator[int, int, None]:
    """A generator that native code calls, when it polls and for what it has no kernel for.

    It sends the number of a host call and gets 0, or 1 after a failure. Python runs the handlers of
    signals when the generator goes on, which is inside its `try`: at the start of a function their
    exceptions would be lost. An exception must not unwind through native code; it is kept.
    """
    table, answer = CONTEXT.index("table"), 0
    while True:
        try:
            while True:
                number = yield answer
                if number != POLLED:           # a poll only lets Python see its signals
                    hosts[number].run(int(context[table]))
                answer = 0
        except GeneratorExit:
            return
        except BaseException as error:
            failures.append(error)
            answer = 1
