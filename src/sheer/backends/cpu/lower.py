"""Lowering: a `Program` flows in; an LLVM module with a function per kernel comes out.

Structurally equal kernels share a function: pointers are arguments. A loop calls the function of
its body's program once per step.
"""

from __future__ import annotations

from typing import Any

from sheer.compile.nest import Nest, is_reduction, nest_of
from sheer.compile.program import Kernel, Program, Slot, aligned
from sheer.compile.roots import home
from sheer.graph import Graph
from sheer.graph.dtypes import bool_, int32, int64, uint8
from sheer.ops.loop import Scan

from . import threads
from .builder import Builder
from .lower_contract import ContractKernel, Split, address, contract_scratch
from .lower_host import HostCall, emit_host
from .lower_lookup import index_scratch, split_index, write_index
from .lower_nest import NestKernel
from .lower_split import split_contract, split_nest
from .target import Target
from .values import POINTER, Value, constant

ENTRY = "run"
_TURNS = 4      # parts of a parallel kernel per thread
# what every program gets; `clock` holds the ticks spent in each kernel, when that is measured
_CONTEXT = ("arguments", "arena", "constants", "callback", "scratch", "clock")


class Lowering:
    """One program becoming one module."""

    def __init__(self, program: Program, target: Target, timed: bool = False) -> None:
        self.b, self.target = Builder(target), target
        self.numbers = {k: i for i, (_, k) in enumerate(program.walk())} if timed else {}
        self.hosts: list[HostCall] = []
        self.scratch_bytes = 0
        self._kernels: dict[tuple[str, Graph], str] = {}
        self._hosts: dict[Graph, int] = {}
        self._programs = 0
        self._entry(self._program(program))

    def text(self) -> str:
        """The module as LLVM assembly."""
        return self.b.text()

    def _entry(self, symbol: str) -> None:
        """The function that Python calls: denormals are zero inside."""
        b = self.b
        arguments = [(name, POINTER) for name in _CONTEXT]
        with b.function(ENTRY, arguments, returns=int32) as values:
            old = threads.flush_on(b)
            result = b.invoke(symbol, *values, returns=(int32, 1))
            threads.flush_restore(b, old)
            assert result is not None
            b.ret(result)

    # ---- programs --------------------------------------------------------------------------
    def _program(self, program: Program) -> str:
        """Write the function of a program, after those it calls; its symbol."""
        symbols = [self._kernel(k) for k in program.kernels]
        symbol = f"program_{self._programs}"
        self._programs += 1
        b = self.b
        arguments = [(name, POINTER) for name in _CONTEXT]
        with b.function(symbol, arguments, returns=int32, internal=True) as context:
            body = _Body(self, program, context)
            for kernel, called in zip(program.kernels, symbols, strict=True):
                body.call(kernel, called)
            b.ret(constant(0, int32))
            b.label("failed")
            b.line("ret i32 1")
        return symbol

    def host_number(self, body: Graph) -> int:
        """The number by which the callback knows a host body."""
        if body not in self._hosts:
            self._hosts[body] = len(self.hosts)
            self.hosts.append(HostCall(body))
        return self._hosts[body]

    # ---- kernels ---------------------------------------------------------------------------
    def _kernel(self, kernel: Kernel) -> str:
        """The symbol of the kernel's function (of the program of a loop's body)."""
        if kernel.kind == "host" or _empty(kernel):
            return ""
        if kernel.inner is not None:
            return self._program(kernel.inner)
        key = (kernel.kind, kernel.body)
        if key not in self._kernels:
            self._kernels[key] = f"{kernel.kind}_{len(self._kernels)}"
            self._write(kernel, self._kernels[key])
        return self._kernels[key]

    def _write(self, kernel: Kernel, symbol: str) -> None:
        """The function of a kernel: all of it, or a parallel loop over its parts."""
        b, body = self.b, kernel.body
        count = len(body.inputs) + len(body.outputs) + 1
        split = self._split(kernel)
        if split is not None:
            part = f"{symbol}_part"
            arguments: Any = threads.task_arguments()
            with b.function(part, arguments, internal=True) as task:
                context, begin, end, thread = task
                values = [b.load(context, i, POINTER) for i in range(count)]
                fine = self._code(kernel, values, split, (begin, end), thread)
                if fine is not None:
                    with b.if_(b.not_(fine)):       # every part that writes here writes the same
                        b.store(b.load(context, count, POINTER), 0, constant(0, int64))
        names = [(f"p{i}", POINTER) for i in range(count)]
        returns = bool_ if kernel.kind == "index" else None
        with b.function(symbol, names, returns=returns, internal=True) as pointers:
            if split is None:
                fine = self._code(kernel, list(pointers), None, None, None)
            else:
                fine = self._in_parts(part, split, pointers)
            if returns:
                assert fine is not None
                b.ret(fine)

    def _in_parts(self, part: str, split: Split, pointers: tuple[Value, ...]) -> Value:
        """Run the function of a part over all of the split; whether none has cleared the flag."""
        b, count = self.b, len(pointers)
        table, flag = b.alloca(POINTER, count + 1), b.alloca(int64, 1)
        b.store(flag, 0, constant(1, int64))
        for i, pointer in enumerate((*pointers, flag)):
            b.store(table, i, pointer)
        most = threads.thread_count()
        # by turns, so that a core which another process takes delays one turn; a side of
        # rows is cut once per thread, because each part packs the other side again
        chunk = 0 if split.axis == "rows" else split.count // (_TURNS * most)
        threads.parallel_for(b, part, split.count, table, chunk=chunk, threads=most)
        return b.ne(b.load(flag, 0, int64), 0)

    def _split(self, kernel: Kernel) -> Split | None:
        if kernel.kind == "contract":
            return split_contract(kernel.body, self.target)
        if kernel.kind in ("map", "rows"):
            units = NestKernel.units(self.b, kernel.body, body_nest(kernel.body))
            return split_nest(kernel.body, units)
        return split_index(kernel.body, self.target) if kernel.kind == "index" else None

    def _code(self, kernel: Kernel, pointers: list[Value], split: Split | None,
              limits: tuple[Value, Value] | None, thread: Value | None) -> Value | None:
        """The instructions of a kernel, or of its part between the limits. Of an index kernel:
        whether every index was in range.
        """
        b, body = self.b, kernel.body
        count = len(body.inputs)
        inputs, outputs = pointers[:count], pointers[count:-1]
        if kernel.kind == "contract":
            scratch = self._scratch(contract_scratch(body, self.target), pointers[-1], thread)
            ContractKernel(b, body, inputs, outputs, scratch).write(split, *(limits or (0, 0)))
        elif kernel.kind == "index":
            scratch = self._scratch(index_scratch(body, self.target), pointers[-1], thread)
            return write_index(b, body, inputs, outputs, scratch, limits)
        else:
            NestKernel(b, body, body_nest(body), inputs, outputs).write(limits)
        return None

    def _scratch(self, size: int, start: Value, thread: Value | None) -> Value:
        """Where `size` bytes lie that only this thread uses."""
        mine = aligned(size)
        most = 1 if thread is None else threads.thread_count()
        self.scratch_bytes = max(self.scratch_bytes, mine * most)
        return start if thread is None else self.b.offset(start, self.b.mul(thread, mine), uint8)


class _Body:
    """The function of one program, being written."""

    def __init__(self, lowering: Lowering, program: Program, context: tuple[Value, ...]) -> None:
        self.lowering, self.b, self.program = lowering, lowering.b, program
        self.context = context
        self.arguments, self.arena, self.constants, self.callback, self.scratch, _ = context

    def call(self, kernel: Kernel, symbol: str) -> None:
        """One kernel; none when there is nothing to write."""
        if _empty(kernel):
            return
        if kernel in self.lowering.numbers:
            before = self._ticks()
            self._call(kernel, symbol)
            self._spent(self.lowering.numbers[kernel], before)
        else:
            self._call(kernel, symbol)

    def _ticks(self) -> Value:
        self.b.declare("llvm.readcyclecounter", "i64", "")
        return self.b.effect(int64, 1, "call i64 @llvm.readcyclecounter()")

    def _spent(self, number: int, before: Value) -> None:
        """Add the ticks since `before` to the kernel's account."""
        b, clock = self.b, self.context[-1]
        now = b.sub(self._ticks(), before)
        b.store(clock, number, b.add(b.load(clock, number, int64), now))

    def _call(self, kernel: Kernel, symbol: str) -> None:
        b = self.b
        inputs = [self._address(s) for s in kernel.reads]
        outputs = [self._address(s) for s in kernel.writes]
        if kernel.inner is not None:
            self._loop(kernel, symbol, inputs, outputs)
        elif kernel.kind == "host":
            self._host(kernel, [*inputs, *outputs])
        elif kernel.kind == "index":
            fine = b.invoke(symbol, *inputs, *outputs, self.scratch, returns=(bool_, 1))
            assert fine is not None
            with b.if_(b.not_(fine)):          # NumPy's `ref` says which index is out of range
                self._host(kernel, [*inputs, *outputs])
        else:
            b.invoke(symbol, *inputs, *outputs, self.scratch)

    def _host(self, kernel: Kernel, pointers: list[Value]) -> None:
        self._check(emit_host(self.b, self.lowering.host_number(kernel.body), pointers,
                              self.callback))

    def _address(self, slot: Slot) -> Value:
        b = self.b
        if slot.where == "arena":
            return b.offset(self.arena, slot.at, uint8)
        if slot.where == "constant":
            return b.offset(self.constants, slot.at, uint8)
        at = slot.at + (len(self.program.graph.inputs) if slot.where == "output" else 0)
        place = b.offset(self.arguments, at, POINTER)
        return b.pure(POINTER, 1, f"load ptr, {place.typed}, align 8")   # the table never changes

    def _check(self, code: Value) -> None:
        """Leave the program when a host operation has failed."""
        b = self.b
        bad, fine = b.ne(code, 0), b.fresh("fine")[1:]
        b.line(f"br i1 {bad.name}, label %failed, label %{fine}")
        b.label(fine)

    # ---- loops -----------------------------------------------------------------------------
    def _loop(self, kernel: Kernel, symbol: str, inputs: list[Value], outputs: list[Value]) -> None:
        """Carried values live in the results' memory; inputs and results per step by pointer."""
        b = self.b
        node = next(n for n in kernel.body.nodes if isinstance(n.prim, Scan))
        scan = node.prim
        assert isinstance(scan, Scan)
        pointers = dict(zip(kernel.body.inputs, inputs, strict=True))
        places = [address(b, home(x), pointers) for x in node.inputs]
        for i in range(scan.num_carry):
            self._move(places[scan.num_consts + i], outputs[i], node.outputs[i].size
                       * node.outputs[i].dtype.size)
            places[scan.num_consts + i] = outputs[i]
        table = b.alloca(POINTER, len(places) + len(outputs))
        for i, place in enumerate([*places, *outputs]):
            b.store(table, i, place)
        first = scan.num_consts + scan.num_carry
        with b.loop(0, scan.length) as step:
            t = b.sub(scan.length - 1, step) if scan.reverse else step
            for i, x in enumerate(scan.body.inputs[first:], first):
                self._advance(table, i, places[i], t, x.size * x.dtype.size)
            for i, y in enumerate(scan.body.outputs[scan.num_carry:], scan.num_carry):
                self._advance(table, len(places) + i, outputs[i], t, y.size * y.dtype.size)
            arena = b.offset(self.arena, kernel.scratch, uint8)
            code = b.invoke(symbol, table, arena, *self.context[2:], returns=(int32, 1))
            assert code is not None
            self._check(code)

    def _advance(self, table: Value, slot: int, base: Value, step: Value, size: int) -> None:
        self.b.store(table, slot, self.b.offset(base, self.b.mul(step, size), uint8))

    def _move(self, source: Value, target: Value, size: int) -> None:
        """Copy, unless both are the same memory."""
        if source.name == target.name or not size:
            return
        b = self.b
        b.declare("llvm.memmove.p0.p0.i64", "void", "ptr, ptr, i64, i1")
        b.line(f"call void @llvm.memmove.p0.p0.i64({target.typed}, {source.typed}, i64 {size}, "
               f"i1 false)")


def body_nest(body: Graph) -> Nest:
    """The loops of a map or rows body: those of its reductions, or of its finest result."""
    for node in body.nodes:
        if is_reduction(node):
            return nest_of(node)
    return max((nest_of(out) for out in body.outputs), key=lambda n: len(n.shape))


def _empty(kernel: Kernel) -> bool:
    return kernel.kind != "host" and not any(s.spec.size for s in kernel.writes)
