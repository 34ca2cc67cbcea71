"""The CPU backend: a graph flows in, a function from NumPy arrays to NumPy arrays comes out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from sheer.compile.fits import refuse
from sheer.compile.plan import compile_graph
from sheer.compile.program import Kernel, Program
from sheer.compile.report.forecast import Forecast, forecast
from sheer.compile.report.roofline import Machine
from sheer.graph import Buffer, Graph, Spec
from sheer.graph.graph import unshared
from sheer.graph.memory import address, copied

from .ir.target import host_target
from .lower.host import HostCall
from .lower.module import Lowered
from .lower.threads import threads_of
from .runtime import threads
from .runtime.available import available_bytes
from .runtime.cache import object_cache
from .runtime.driver import Encoder
from .runtime.frames import Frame, runtime
from .runtime.kernels import Code, kernel_assembly, kernel_texts, load_kernels
from .runtime.machine import this_machine
from .runtime.plans import Plan, plan_key
from .runtime.results import Results

_LOOK = 0.1      # seconds that a program is run to look at it
_SURE = 1 << 26     # bytes that any machine has


class CpuBackend:
    """Compiles graphs to native code for this processor."""

    def compile(self, graph: Graph, donate: Mapping[int, int] | None = None) -> Executable:
        """The graph as a native program.

        `graph` is closed: its leaves are its inputs and constants. `donate[output] = input` lets a
        result be written over an input: that input's array is returned, updated in place.
        """
        return Executable(graph, dict(donate or {}))

    def machine(self) -> Machine:
        """The peaks of this machine, and what kernels reach of them."""
        return this_machine(self.compile)

    def forecast(self, graph: Graph, donate: Mapping[int, int] | None = None) -> Forecast:
        """What a run of the graph will take; planned, but neither compiled nor run."""
        began = time.perf_counter()
        program = compile_graph(graph, donate)
        planning = time.perf_counter() - began
        return forecast(program, self.machine(), threads_of(program, host_target()),
                        available_bytes(), planning)


class Executable:
    """A compiled program. Threads may run it at the same time: each run has memory of its own."""

    def __init__(self, graph: Graph, donate: Mapping[int, int]) -> None:
        self._target, self._native = host_target(), runtime(host_target())
        self._specs = [o.spec for o in graph.outputs]
        self._inputs = [i.spec for i in graph.inputs]
        self._program: Program | None = None
        key = plan_key(graph, donate, self._target)
        raw = object_cache().read(key)
        try:
            if raw is None:
                raise KeyError(key)
            plan = Plan.unpack(raw)
            self._use(plan, load_kernels(plan.kernels, self._target, _nowhere))
            own = unshared(graph)
            self._make = lambda: compile_graph(own, donate)
        except KeyError:                     # no plan, or one whose kernels are gone
            self._program = compile_graph(graph, donate)
            object_cache().write(key, self._plan(self._program).pack())

    @property
    def program(self) -> Program:
        """The program as people look at it. From here on the executable runs just this one, not
        the plan from the disk that it may have begun with.
        """
        if self._program is None:
            self._program = self._make()
            self._plan(self._program)
        self._program.maker = lambda: self
        return self._program

    def _plan(self, program: Program) -> Plan:
        """Encode the program, compile what is missing, and use it."""
        encoder, target = Encoder(program), self._target
        plan, kernels = Plan.of(program, encoder, target), list(encoder.kernels.values())
        program.texts.update(llvm=lambda: kernel_texts(kernels, target),
                             asm=lambda: kernel_assembly(kernels, target))
        of_key = dict(zip(plan.kernels, kernels, strict=True))
        self._use(plan, load_kernels(plan.kernels, target, of_key.__getitem__))
        return plan

    def _use(self, plan: Plan, codes: list[Code]) -> None:
        self._codes, self._peak, self._endangered = codes, plan.peak, plan.endangered
        self._returned = [at if where == "input" else Results(spec)
                          for (where, at), spec in zip(plan.returned, self._specs, strict=True)]
        self._driver, self._hosts = plan.driver, [HostCall(text) for text in plan.hosts]
        self._scratch = max((c.scratch for c in codes), default=0)
        self._frames: list[Frame] = []          # that no run uses at the moment

    def _frame(self) -> Frame:
        """Memory for a run. Raises MemoryLimitError E630 when there is not enough."""
        made = sum(spec.size * spec.dtype.size for spec, made in zip(
            self._specs, self._returned, strict=True) if not isinstance(made, int))
        scratch = self._driver.scratches * self._scratch
        needed = self._peak + scratch + len(self._driver.constants) + made
        if needed > _SURE and needed > (free := available_bytes()):
            raise refuse(self.program, needed, free)
        return Frame(self._driver, [c.address for c in self._codes], self._scratch, self._peak,
                     self._hosts, self._native)

    def measure(self, arrays: Sequence[np.ndarray], runs: int = 5) -> Program:
        """The program with each kernel's seconds per run filled in (its own: loops include theirs).

        Runs on copies of the arrays, so that donated ones keep their values.
        """
        program = self.program                # before the frame: it decides what is run
        frame, copies = self._frame(), [Buffer(copied(a)) for a in arrays]
        frame.timed()
        self._run(frame, copies)
        frame.clock[:] = 0
        for _ in range(runs):
            self._run(frame, copies)
        rate = self._native.ticks(1.0) * runs
        for number, (_, kernel) in enumerate(program.walk()):
            kernel.seconds = float(frame.clock[number]) / rate
        return program

    def measure_made_up(self, seconds: float = _LOOK) -> None:
        """Measure on zeros for integers and halves for floats, for about so many seconds."""
        made = [np.full(s.shape, s.dtype.is_floating_point / 2, s.dtype.numpy)
                for s in self._inputs]
        self.measure(made, runs=1)
        once = sum(k.seconds or 0.0 for k in self.program.kernels)
        if once < seconds:
            self.measure(made, runs=min(1000, int(seconds / max(once, 1e-6))))

    def text(self, kernel: Kernel, stage: str) -> str:
        """The LLVM IR or the assembly of one kernel; nothing for loops and host operations."""
        if kernel.inner is not None or kernel.kind == "host":
            return ""
        return {"llvm": kernel_texts, "asm": kernel_assembly}[stage]([kernel], self._target)

    def free_bytes(self) -> int:
        """What this process may still take."""
        return available_bytes()

    def machine(self) -> Machine:
        """The peaks of this machine."""
        return CpuBackend().machine()

    def threads(self) -> dict[int, int]:
        """On how many threads each kernel runs, by its number; those not named on one."""
        return threads_of(self.program, self._target)

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run once. Inputs must be C-contiguous and of the graph's shapes and dtypes."""
        if len(arrays) != len(self._inputs):
            raise TypeError(f"the program takes {len(self._inputs)} arrays, got {len(arrays)}")
        places = [_address(a, spec, i) for i, (a, spec) in enumerate(
            zip(arrays, self._inputs, strict=True))]
        return [b.array for b in self.on_buffers(list(map(Buffer, arrays, places)))]

    def on_buffers(self, buffers: Sequence[Buffer]) -> list[Buffer]:
        """As a call, for memory that is known to fit; nothing is checked."""
        free = self._frames                   # a list that `_use` may replace
        frame = free.pop() if free else self._frame()
        results = self._run(frame, buffers)
        free.append(frame)
        return results

    def _run(self, frame: Frame, buffers: Sequence[Buffer]) -> list[Buffer]:
        results = [buffers[made] if isinstance(made, int) else made.take()
                   for made in self._returned]
        before = [buffers[i].array.copy() for i in self._endangered]
        threads.start()
        try:
            frame.run([b.address or b.locate() for b in buffers], [b.address for b in results])
        except BaseException:
            if frame.broken:                  # not when it was left between two steps
                for i, kept in zip(self._endangered, before, strict=True):
                    buffers[i].array[...] = kept
            raise
        return results


def _nowhere(key: str) -> Lowered:
    """What a plan from the disk knows of a kernel that is not there."""
    raise KeyError(key)


def _address(array: np.ndarray, spec: Spec, number: int) -> int:
    if array.shape != spec.shape or array.dtype != spec.dtype.numpy:
        raise TypeError(f"input {number} is {array.dtype}{list(array.shape)}, the program was "
                        f"compiled for {spec}")
    if not array.flags.c_contiguous:
        raise TypeError(f"input {number} is not C-contiguous")
    return address(array)
