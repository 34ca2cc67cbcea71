"""The CPU backend: a graph flows in, a function from NumPy arrays to NumPy arrays comes out."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping, Sequence

import numpy as np

from sheer.compile.plan import compile_graph
from sheer.compile.program import ALIGN, Program
from sheer.graph import Graph, Spec

from . import threads
from .jit import compile_ir, emit_asm
from .lower import ENTRY, Lowering
from .lower_host import CALLBACK
from .target import host_target


class CpuBackend:
    """Compiles graphs to native code for this processor."""

    def compile(self, graph: Graph, donate: Mapping[int, int] | None = None) -> Executable:
        """The graph as a native program.

        `graph` is closed: its leaves are its inputs and constants. `donate[output] = input` lets a
        result be written over an input: that input's array is returned, updated in place.
        """
        return Executable(compile_graph(graph, donate))


class Executable:
    """A compiled program and the memory it runs in."""

    def __init__(self, program: Program, timed: bool = False) -> None:
        self.program = program
        target = host_target()
        lowering = Lowering(program, target, timed)
        text = lowering.text()
        if not timed:
            program.texts.update(llvm=lambda: text, asm=lambda: emit_asm(text, target))
        self._library = compile_ir(text, target)
        self._run = self._library.function(ENTRY, [ctypes.c_void_p] * 6, ctypes.c_int32)
        self._hosts = lowering.hosts
        self._failure: BaseException | None = None
        self._callback = CALLBACK(self._on_host)
        self._specs = [o.spec for o in program.graph.outputs]
        self._inputs = [i.spec for i in program.graph.inputs]
        self._table = np.zeros(max(len(self._inputs) + len(self._specs), 1), np.uintp)
        self._clock = np.zeros(max(len(lowering.numbers), 1), np.int64)
        self._memory = [_empty(max(size, 1), np.dtype(np.uint8)) for size in (
            program.peak_bytes, len(program.constants), lowering.scratch_bytes)]
        arena, constants, scratch = self._memory
        constants[:len(program.constants)] = np.frombuffer(program.constants, np.uint8)
        self._context = (self._table.ctypes.data, arena.ctypes.data, constants.ctypes.data,
                         ctypes.cast(self._callback, ctypes.c_void_p).value, scratch.ctypes.data,
                         self._clock.ctypes.data)

    def measure(self, arrays: Sequence[np.ndarray], runs: int = 5) -> Program:
        """The program with each kernel's seconds per run filled in (its own: loops include theirs).

        Runs on copies of the arrays, so that donated ones keep their values.
        """
        timed = Executable(self.program, timed=True)
        copies = [a.copy() for a in arrays]
        timed(copies)
        timed._clock[:] = 0
        begin = time.perf_counter()
        for _ in range(runs):
            timed(copies)
        seconds = time.perf_counter() - begin
        top = sum(timed._clock[i] for i, (d, _) in enumerate(self.program.walk()) if d == 0)
        for number, (_, kernel) in enumerate(self.program.walk()):
            kernel.seconds = seconds / runs * float(timed._clock[number]) / max(float(top), 1.0)
        return self.program

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run once. Inputs must be C-contiguous and of the graph's shapes and dtypes."""
        if len(arrays) != len(self._inputs):
            raise TypeError(f"the program takes {len(self._inputs)} arrays, got {len(arrays)}")
        for number, (array, spec) in enumerate(zip(arrays, self._inputs, strict=True)):
            self._table[number] = _address(array, spec, number)
        results = []
        for number, slot in enumerate(self.program.returned):
            if slot.where == "input":
                results.append(arrays[slot.at])
                continue
            made = _empty_like(self._specs[number])
            self._table[len(arrays) + number] = made.ctypes.data
            results.append(made)
        self._launch()
        return results

    def _launch(self) -> None:
        threads.start()
        code = self._run(*self._context)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if code:
            raise RuntimeError(f"the native program stopped with code {code}")

    def _on_host(self, number: int, table: int) -> int:
        """What native code calls for an operation it has no kernel for."""
        try:
            self._hosts[number].run(table)
        except BaseException as error:     # must not unwind through native code: kept, raised later
            self._failure = error
            return 1
        return 0


def _address(array: np.ndarray, spec: Spec, number: int) -> int:
    if array.shape != spec.shape or array.dtype != spec.dtype.numpy:
        raise TypeError(f"input {number} is {array.dtype}{list(array.shape)}, the program was "
                        f"compiled for {spec}")
    if not array.flags.c_contiguous:
        raise TypeError(f"input {number} is not C-contiguous")
    address: int = array.__array_interface__["data"][0]
    return address


def _empty(size: int, dtype: np.dtype) -> np.ndarray:
    """An array that starts at a cache line."""
    raw = np.empty(size * dtype.itemsize + ALIGN, np.uint8)
    start = -raw.__array_interface__["data"][0] % ALIGN
    return raw[start:start + size * dtype.itemsize].view(dtype)


def _empty_like(spec: Spec) -> np.ndarray:
    return _empty(spec.size, spec.dtype.numpy).reshape(spec.shape)
