"""Lowering: the body of a kernel flows in; an LLVM module with one function for it comes out.

Pointers come in a table, so structurally equal kernels of all programs share the function.
"""

from __future__ import annotations

from typing import Any, Protocol

from sheer.compile.program import Kernel, aligned
from sheer.graph import Graph
from sheer.graph.dtypes import bool_, int64, uint8

from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import POINTER, Value, constant
from ..runtime import threads
from .block import BlockKernel, block_scratch
from .contract import Split
from .lookup import index_scratch, write_index
from .products import scratch_of, writer_of
from .threads import body_nest, split_of
from .turned import nest_kernel

_TURNS = 4      # parts of a parallel kernel per thread


class Lowered(Protocol):
    """What lowering looks at of a kernel."""

    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> Graph: ...


class Lowering:
    """One kernel becoming one module; its function takes a table of pointers and says true.

    The table has inputs, outputs and scratch memory, of which it needs `scratch_bytes`. An index
    kernel says false when an index is out of range: then NumPy's `ref` says which one.
    """

    def __init__(self, kernel: Lowered, target: Target, symbol: str) -> None:
        self.b, self.target = Builder(target), target
        self.scratch_bytes = 0
        self._write(kernel, symbol)

    def text(self) -> str:
        """The module as LLVM assembly."""
        return self.b.text()

    def _write(self, kernel: Lowered, symbol: str) -> None:
        """The function of a kernel: all of it, or a parallel loop over its parts."""
        b, body = self.b, kernel.body
        count = len(body.inputs) + len(body.outputs) + 1
        split = split_of(kernel.kind, body, self.target)
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
        with b.function(symbol, [("table", POINTER)], returns=bool_) as (table,):
            pointers = [b.load(table, i, POINTER) for i in range(count)]
            if split is None:
                fine = self._code(kernel, pointers, None, None, None)
            else:
                fine = self._in_parts(part, split, pointers)
            b.ret(constant(True, bool_) if fine is None else fine)

    def _in_parts(self, part: str, split: Split, pointers: list[Value]) -> Value:
        """Run the function of a part over all of the split; whether none has cleared the flag."""
        b, count = self.b, len(pointers)
        table, flag = b.alloca(POINTER, count + 1), b.alloca(int64, 1)
        b.store(flag, 0, constant(1, int64))
        for i, pointer in enumerate((*pointers, flag)):
            b.store(table, i, pointer)
        most = threads.thread_count()
        # by turns, so that a core which another process takes delays one turn; a side of
        # rows is cut once per thread, because each part packs the other side again (of a scatter:
        # reads every index again)
        chunk = 0 if split.axis in ("rows", "lines") else split.count // (_TURNS * most)
        threads.parallel_for(b, part, split.count, table, chunk=chunk, threads=most,
                             near_only=split.near_only)
        return b.ne(b.load(flag, 0, int64), 0)

    def _code(self, kernel: Lowered, pointers: list[Value], split: Split | None,
              limits: tuple[Value, Value] | None, thread: Value | None) -> Value | None:
        """The instructions of a kernel, or of its part between the limits. Of an index kernel:
        whether every index was in range.
        """
        b, body = self.b, kernel.body
        count = len(body.inputs)
        inputs, outputs = pointers[:count], pointers[count:-1]
        if kernel.kind == "contract":
            scratch = self._scratch(scratch_of(body, self.target), pointers[-1], thread)
            writer_of(body)(b, body, inputs, outputs, scratch).write(split, *(limits or (0, 0)))
        elif kernel.kind == "block":
            scratch = self._scratch(block_scratch(body, self.target), pointers[-1], thread)
            BlockKernel(b, body, inputs, outputs, scratch).write(limits)
        elif kernel.kind == "index":
            scratch = self._scratch(index_scratch(body, self.target), pointers[-1], thread)
            return write_index(b, body, inputs, outputs, scratch, split, limits)
        else:
            nest = body_nest(body)
            nest_kernel(b, body, nest)(b, body, nest, inputs, outputs).write(limits)
        return None

    def _scratch(self, size: int, start: Value, thread: Value | None) -> Value:
        """Where `size` bytes lie that only this thread uses."""
        mine = aligned(size)
        most = 1 if thread is None else threads.thread_count()
        self.scratch_bytes = max(self.scratch_bytes, mine * most)
        return start if thread is None else self.b.offset(start, self.b.mul(thread, mine), uint8)


def is_empty(kernel: Kernel) -> bool:
    """Is there nothing to write?"""
    return kernel.kind != "host" and not any(s.spec.size for s in kernel.writes)
