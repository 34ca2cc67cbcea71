"""Functions, loops and branches: structured control flow, written as basic blocks and phis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sheer.graph.dtypes import DType, int64

from .memory import Memory
from .values import Operand, Value, constant, llvm_type


@dataclass
class Loop:
    """A loop being written: `values` are what it carries, `next` says what they become."""

    index: Value
    values: tuple[Value, ...]
    results: tuple[Value, ...] = ()      # what the loop leaves behind, valid after it
    following: tuple[Value, ...] = field(default=())

    def next(self, *values: Value) -> None:
        """The carried values of the next turn, in order."""
        if len(values) != len(self.values):
            raise TypeError(f"the loop carries {len(self.values)} values, got {len(values)}")
        self.following = values


class Control(Memory):
    """Carried values are phis (no IR pass would lift them out of stack slots)."""

    def index(self, value: Operand) -> Value:
        """An i64, from a number or as it is."""
        return value if isinstance(value, Value) else constant(value, int64)

    @contextmanager
    def function(
        self, name: str, arguments: Sequence[tuple[str, DType] | tuple[str, DType, int]],
        returns: tuple[DType, int] | DType | None = None, internal: bool = False,
    ) -> Iterator[tuple[Value, ...]]:
        """Write the function `name`; gives its arguments, (name, dtype) or (name, dtype, lanes).

        `returns` is a dtype or (dtype, lanes); end the body with `ret(value)` then.
        """
        values = tuple(Value(f"%{a[0]}", a[1], a[2] if len(a) == 3 else 1) for a in arguments)
        self._lines, self._entry, self._seen = [], [], [{}]
        self._block, self._counter, self._returned = "entry", 0, False
        yield values
        pair = returns if isinstance(returns, tuple) else (returns, 1) if returns else None
        if pair is None and not self._returned:
            self.line("ret void")
        result = llvm_type(*pair) if pair else "void"
        linkage = "internal " if internal else ""
        head = (f'define {linkage}{result} @"{name}"({", ".join(v.typed for v in values)}) #0 {{')
        self.module.functions.append("\n".join([head, "entry:", *self._entry, *self._lines, "}\n"]))

    def ret(self, value: Value) -> None:
        """Return `value` from the function; the last thing written in it."""
        self.line(f"ret {value.typed}")
        self._returned = True

    def invoke(self, symbol: str, *arguments: Value, returns: tuple[DType, int] | None = None,
               external: bool = False) -> Value | None:
        """Call a function of this module (or, if `external`, of the process) by name."""
        result = llvm_type(*returns) if returns else "void"
        if external:
            self.declare(symbol, result, ", ".join(v.type for v in arguments))
        text = f'call {result} @"{symbol}"({", ".join(v.typed for v in arguments)})'
        if returns:
            return self.effect(*returns, text)
        self.line(text)
        return None

    @contextmanager
    def loop(self, start: Operand, stop: Operand, step: Operand = 1) -> Iterator[Value]:
        """Count from start below stop; gives the i64 index."""
        with self.loop_with(start, stop, step) as carried:
            yield carried.index

    @contextmanager
    def loop_with(
        self, start: Operand, stop: Operand, step: Operand, *initial: Value
    ) -> Iterator[Loop]:
        """A loop that carries values: read `.values`, end with `.next(...)`, then `.results`."""
        first, last, by = self.index(start), self.index(stop), self.index(step)
        sure = (isinstance(first.known, int) and isinstance(last.known, int)
                and first.known < last.known)
        body, done, before = self.fresh("loop")[1:], self.fresh("done")[1:], self._block
        if sure:
            self.line(f"br label %{body}")
        else:
            nonempty = self.lt(first, last)
            self.line(f"br i1 {nonempty.name}, label %{body}, label %{done}")
        self.label(body)
        place = len(self._lines)
        index = Value(self.fresh("i"), int64)
        values = tuple(Value(self.fresh(), v.dtype, v.lanes) for v in initial)
        loop = Loop(index, values)
        self._seen.append({})
        yield loop
        if len(loop.following) != len(values):
            raise TypeError("a loop that carries values must end with next(...)")
        following = self.add(index, by)
        more = self.lt(following, last)
        self.line(f"br i1 {more.name}, label %{body}, label %{done}")
        latch = self._block
        self._seen.pop()
        self._lines[place:place] = [
            f"  {phi.name} = phi {phi.type} [ {old.name}, %{before} ], [ {new.name}, %{latch} ]"
            for phi, old, new in zip((index, *values), (first, *initial),
                                     (following, *loop.following), strict=True)
        ]
        self.label(done)
        loop.results = loop.following if sure else tuple(
            self.effect(old.dtype, old.lanes,
                        f"phi {old.type} [ {old.name}, %{before} ], [ {new.name}, %{latch} ]")
            for old, new in zip(initial, loop.following, strict=True))

    @contextmanager
    def if_(self, condition: Value) -> Iterator[None]:
        """Run the body only where the scalar bool holds."""
        then, done = self.fresh("then")[1:], self.fresh("endif")[1:]
        self.line(f"br i1 {condition.name}, label %{then}, label %{done}")
        self.label(then)
        self._seen.append({})
        yield
        self._seen.pop()
        self.line(f"br label %{done}")
        self.label(done)

    def choose(
        self, condition: Value, then: Callable[[], Sequence[Value]],
        otherwise: Callable[[], Sequence[Value]],
    ) -> tuple[Value, ...]:
        """The values of one of two bodies; only the chosen one runs."""
        names = [self.fresh(p)[1:] for p in ("then", "else", "endif")]
        self.line(f"br i1 {condition.name}, label %{names[0]}, label %{names[1]}")
        ends: list[tuple[str, Sequence[Value]]] = []
        for name, body in zip(names[:2], (then, otherwise), strict=True):
            self.label(name)
            self._seen.append({})
            values = body()
            self._seen.pop()
            ends.append((self._block, values))
            self.line(f"br label %{names[2]}")
        self.label(names[2])
        (left, these), (right, those) = ends
        return tuple(
            self.effect(x.dtype, x.lanes,
                        f"phi {x.type} [ {x.name}, %{left} ], [ {y.name}, %{right} ]")
            for x, y in zip(these, those, strict=True))
