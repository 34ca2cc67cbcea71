"""The interpreter, as LLVM IR: words that say which kernels to call in which loops flow in.

It is compiled once for all programs: another loop, or another number of steps, is other words.
`driver.py` writes them. An instruction is a line of int64 words that begins with what to do and
how many words it has; addresses are absolute.

    CALL   kernel, table, number, host      the kernel gets a table of pointers; when it says false
                                            the callback runs host call `host` on the same table
    LOOP   number, length, reverse, instructions, moves, entries, steps, then these lists:
           move  (to, from, bytes)          once: copy what is carried to where it is carried
           entry (to, from, offset)         once: *to = *from + offset, in the body's tables
           step  (to, from, offset, stride) each step t: *to = *from + offset + t * stride
           and the instructions of the body
    PARTS  number, count, then as many loops of the same kernels that threads share out
    POLL                                    ask the callback, if it is time, whether to stop

A program is a loop of one step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sheer.graph.dtypes import bool_, int64, uint8

from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import POINTER, Operand, Value, constant
from . import threads

CALL, LOOP, POLL, PARTS = range(4)
RUN, TICKS, REFUSE = "sheer_run", "sheer_ticks", "sheer_refuse"
_BLOCK, _SHARE = "sheer_block", "sheer_share"
# what a run has besides its instructions, a word each: the Python function, and the table of the
# instruction that calls it; where ticks are counted (or 0); when to poll, and how many ticks later
# again; whether somebody wants it to stop, and where it may: NEVER, between STEPS of its loop,
# or ANYWHERE
CONTEXT = ("callback", "table", "clock", "deadline", "interval", "stop", "stoppable")
NEVER, STEPS, ANYWHERE = range(3)
POLLED = -1                                         # the callback's number for a poll


def interpreter_ir(target: Target) -> str:
    """A module with `sheer_run(words, context)`, 0 when all went well; denormals are zero in it."""
    b = Builder(target)
    counter = "llvm.readcyclecounter" if target.x86 else "llvm.readsteadycounter"
    b.declare(counter, "i64", "")
    with b.function(TICKS, [], returns=int64):
        b.ret(b.effect(int64, 1, f"call i64 @{counter}()"))
    with b.function(REFUSE, [("table", POINTER)], returns=bool_):
        b.ret(constant(False, bool_))
    arguments: Any = [("at", POINTER), ("count", int64), ("context", POINTER), ("depth", int64)]
    with b.function(_BLOCK, arguments, returns=int64, internal=True) as (at, count, context, depth):
        b.ret(_Writer(b, context, depth).block(at, count))
    arguments = threads.task_arguments()
    with b.function(_SHARE, arguments, internal=True) as (table, begin, end, _):
        _Writer(b, b.load(table, 1, POINTER), constant(2, int64)).share(table, begin, end)
    with b.function(RUN, [("at", POINTER), ("context", POINTER)], returns=int64) as (at, context):
        old = threads.flush_on(b)
        writer = _Writer(b, context, constant(0, int64))
        writer.start()
        status = writer.block(at, constant(1, int64))
        threads.flush_restore(b, old)
        b.ret(status)
    return b.text()


def _invoked(b: Builder, *arguments: Value) -> Value:
    found = b.invoke(_BLOCK, *arguments, returns=(int64, 1))
    assert found is not None
    return found


class _Writer:
    """Writes what a block of instructions does; a status is 0, or 1 to leave the program."""

    def __init__(self, b: Builder, context: Value, depth: Value) -> None:
        self.b, self.context, self.depth = b, context, depth

    def start(self) -> None:
        """Nobody wants this run to stop yet."""
        self._set("stop", constant(0, int64))
        self._set("deadline", self.b.add(self._ticks(), self._field("interval")))

    def block(self, at: Value, count: Value) -> Value:
        """`count` instructions in order; none after one that fails."""
        b, fine = self.b, constant(0, int64)
        with b.loop_with(0, count, 1, at, fine) as turn:
            at, failed = turn.values
            (status,) = b.choose(b.ne(failed, 0), lambda: [failed], lambda: [self._one(at)])
            turn.next(b.offset(at, self._word(at, 1), int64), status)
        return turn.results[1]

    def _one(self, at: Value) -> Value:
        b, what = self.b, self._word(at, 0)
        (status,) = b.choose(
            b.eq(what, CALL), lambda: [self._call(at)],
            lambda: b.choose(
                b.eq(what, LOOP), lambda: [self._loop(at)],
                lambda: b.choose(b.eq(what, POLL), lambda: [self._poll()],
                                 lambda: [self._parts(at)])))
        return status

    # ---- instructions ----------------------------------------------------------------------
    def _call(self, at: Value) -> Value:
        b = self.b
        with self._timed(at, 4):
            kernel, table = self._pointer(at, 2), self._pointer(at, 3)
            fine = b.effect(bool_, 1, f"call i1 {kernel.name}({table.typed})")
            (status,) = b.choose(fine, lambda: [constant(0, int64)],
                                 lambda: [self._callback(self._word(at, 5), table)])
        return status

    def _loop(self, at: Value) -> Value:
        with self._timed(at, 2):
            status = self._steps(at, True)
        return status

    def _steps(self, at: Value, polls: bool) -> Value:
        b, zero = self.b, constant(0, int64)
        length, reverse, count = (self._word(at, i) for i in (3, 4, 5))
        lists = self._move(b.offset(at, 9, int64), self._word(at, 6))
        lists = self._enter(lists, self._word(at, 7))
        steps = self._word(at, 8)
        body = b.offset(lists, b.mul(steps, 4), int64)
        with b.loop_with(0, length, 1, zero) as turn:
            polled, t = self._poll() if polls else zero, turn.index
            def step() -> list[Value]:
                back = b.sub(b.sub(length, 1), t)
                self._advance(lists, steps, b.select(b.ne(reverse, 0), back, t))
                return [_invoked(b, body, count, self.context, b.add(self.depth, 1))]
            leaves = self._leaves() if polls else zero
            stay = b.eq(b.or_(b.or_(turn.values[0], polled), leaves), 0)
            turn.next(*b.choose(stay, step, lambda: [b.or_(turn.values[0], polled)]))
        return turn.results[0]

    def _parts(self, at: Value) -> Value:
        """Deal the loops out to the threads; 1 when one of them failed."""
        b, table = self.b, self.b.alloca(POINTER, 3)
        b.store(table, 0, b.offset(at, 4, int64))
        b.store(table, 1, self.context)
        failed = b.offset(table, 2, POINTER)
        b.store(failed, 0, constant(0, int64))
        with self._timed(at, 2):
            threads.parallel_for(b, _SHARE, self._word(at, 3), table, chunk=1)
        return b.load(failed, 0, int64)

    def share(self, table: Value, begin: Value, end: Value) -> None:
        """The parts from begin to end, on this thread."""
        b = self.b
        with b.loop(begin, end) as part:
            with b.loop_with(0, part, 1, b.load(table, 0, POINTER)) as skip:
                skip.next(b.offset(skip.values[0], self._word(skip.values[0], 1), int64))
            status = self._steps(skip.results[0], False)
            with b.if_(b.ne(status, 0)):
                b.store(b.offset(table, 2, POINTER), 0, status)

    def _poll(self) -> Value:
        """Ask whether to stop, when it is time; 1 when the program is to be left right here."""
        b = self.b
        with b.if_(b.gt(self._ticks(), self._field("deadline"))):
            null = Value("null", POINTER)
            stop = self._callback(constant(POLLED, int64), null)
            with b.if_(b.ne(stop, 0)):
                self._set("stop", stop)
            self._set("deadline", b.add(self._ticks(), self._field("interval")))
        anywhere = b.eq(self._field("stoppable"), ANYWHERE)
        return b.select(b.and_(b.ne(self._field("stop"), 0), anywhere), constant(1, int64), 0)

    def _leaves(self) -> Value:
        """1 when a loop of the program itself is to make no more steps."""
        b = self.b
        here = b.and_(b.eq(self._field("stoppable"), STEPS), b.eq(self.depth, 1))
        return b.select(b.and_(b.ne(self._field("stop"), 0), here), constant(1, int64), 0)

    # ---- the lists of a loop; each returns where the next one starts -----------------------
    def _move(self, at: Value, count: Value) -> Value:
        b = self.b
        b.declare("llvm.memmove.p0.p0.i64", "void", "ptr, ptr, i64, i1")
        with self._each(at, count, 3) as item:
            to, source = (b.load(self._pointer(item, i), 0, POINTER) for i in (0, 1))
            same = b.effect(bool_, 1, f"icmp eq {to.typed}, {source.name}")
            with b.if_(b.not_(same)):
                b.line(f"call void @llvm.memmove.p0.p0.i64({to.typed}, {source.typed}, "
                       f"{self._word(item, 2).typed}, i1 false)")
        return b.offset(at, b.mul(count, 3), int64)

    def _enter(self, at: Value, count: Value) -> Value:
        b = self.b
        with self._each(at, count, 3) as item:
            base = b.load(self._pointer(item, 1), 0, POINTER)
            b.store(self._pointer(item, 0), 0, b.offset(base, self._word(item, 2), uint8))
        return b.offset(at, b.mul(count, 3), int64)

    def _advance(self, at: Value, count: Value, t: Value) -> None:
        b = self.b
        with self._each(at, count, 4) as item:
            base, by = b.load(self._pointer(item, 1), 0, POINTER), self._word(item, 2)
            moved = b.add(by, b.mul(t, self._word(item, 3)))
            b.store(self._pointer(item, 0), 0, b.offset(base, moved, uint8))

    @contextmanager
    def _each(self, at: Value, count: Value, size: int) -> Iterator[Value]:
        with self.b.loop(0, count) as i:
            yield self.b.offset(at, self.b.mul(i, size), int64)

    # ---- small things ----------------------------------------------------------------------
    def _word(self, at: Value, place: Operand) -> Value: return self.b.load(at, place, int64)

    def _pointer(self, at: Value, place: int) -> Value:
        return self.b.load(self.b.offset(at, place, int64), 0, POINTER)

    def _field(self, name: str) -> Value: return self._word(self.context, CONTEXT.index(name))

    def _set(self, name: str, value: Value) -> None:
        self.b.store(self.context, CONTEXT.index(name), value)

    def _ticks(self) -> Value:
        found = self.b.invoke(TICKS, returns=(int64, 1))
        assert found is not None
        return found

    def _callback(self, number: Value, table: Value) -> Value:
        called = self._pointer(self.context, CONTEXT.index("callback"))
        self._set("table", table)
        return self.b.effect(int64, 1, f"call i64 {called.name}({number.typed})")

    @contextmanager
    def _timed(self, at: Value, place: int) -> Iterator[None]:
        """Add the ticks that pass to the account of the instruction, if that is wanted."""
        b, clock = self.b, self._pointer(self.context, CONTEXT.index("clock"))
        wanted = b.effect(bool_, 1, f"icmp ne {clock.typed}, null")
        (before,) = b.choose(wanted, lambda: [self._ticks()], lambda: [constant(0, int64)])
        yield
        with b.if_(wanted):
            number = self._word(at, place)
            spent = b.sub(self._ticks(), before)
            b.store(clock, number, b.add(b.load(clock, number, int64), spent))
