"""Tracing: while a function runs once, every tensor it touches is seen as an input of a graph.

A handle is an object with `_bound` (its node), `_home` (the trace it was made in, or None) and
`requires_grad`. A trace never changes handles that were there before it: what the function reads
becomes an input, what it writes is remembered and, after the run, belongs to whoever asked.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..graph.errors import StateError
from ..graph.graph import Graph, substitute
from ..graph.node import Node
from ..ops.structure import Input

_local = threading.local()
_scopes = itertools.count(1)


class Handle(Protocol):
    """What a trace needs to know of a tensor."""

    _bound: Node
    _home: Trace | None
    requires_grad: bool


@dataclass
class Captured:
    """A tensor from outside: the input that stands for it, and its node as of now."""

    handle: Any
    input: Node
    now: Node

    @property
    def written(self) -> bool:
        return self.now is not self.input


@dataclass
class Trace:
    """One run of a function. `captured` in order of first use; `grads` are `.grad` slots set."""

    parent: Trace | None
    scope: int = field(default_factory=lambda: next(_scopes))
    captured: dict[int, Captured] = field(default_factory=dict)
    grads: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    leaves: dict[Node, Any] = field(default_factory=dict)
    guards: list[tuple[Callable[[], Any], Any]] = field(default_factory=list)
    closed: bool = False
    count: int = 0

    def input(self, like: Any) -> Node:
        """A new input of the graph."""
        self.count += 1
        return Input(self.count - 1, like.shape, like.dtype, self.scope)()

    def read(self, handle: Handle) -> Node:
        """The node of a handle as the traced function sees it."""
        if handle._home is self:
            return handle._bound
        entry = self.captured.get(id(handle))
        if entry is None:
            outer = self.parent.read(handle) if self.parent else outside(handle)
            made = self.input(outer)
            entry = self.captured[id(handle)] = Captured(handle, made, made)
            if handle.requires_grad:
                self.leaves[made] = handle
        return entry.now

    def write(self, handle: Handle, node: Node) -> None:
        """Rebind a handle inside the traced function."""
        if handle._home is self:
            handle._bound = node
            return
        self.read(handle)
        self.captured[id(handle)].now = node
        if handle.requires_grad:
            self.leaves[node] = handle

    def guard(self, ask: Callable[[], Any]) -> Any:
        """A Python value that the trace depends on: a later call checks that it is the same."""
        value = ask()
        self.guards.append((ask, value))
        return value

    def graph(self, arguments: Sequence[Node], outputs: Sequence[Node]) -> Graph:
        """The function as a closed graph: (arguments, captured) -> (outputs, written)."""
        return close([*arguments, *(c.input for c in self.captured.values())],
                     [*outputs, *(c.now for c in self.written)])

    @property
    def written(self) -> list[Captured]:
        return [c for c in self.captured.values() if c.written]


def close(inputs: Sequence[Node], outputs: Sequence[Node]) -> Graph:
    """A graph whose inputs are numbered from 0 and belong to no trace."""
    plain = [Input(i, x.shape, x.dtype)() for i, x in enumerate(inputs)]
    return Graph(plain, substitute(outputs, dict(zip(inputs, plain, strict=True))))


def current() -> Trace | None:
    """The innermost running trace."""
    return getattr(_local, "trace", None)


@contextmanager
def tracing() -> Iterator[Trace]:
    """Run the block as a traced function."""
    trace = Trace(current())
    _local.trace = trace
    try:
        yield trace
    finally:
        _local.trace, trace.closed = trace.parent, True


@contextmanager
def suspended() -> Iterator[None]:
    """Run the block outside any trace: for values that exist already."""
    before = current()
    _local.trace = None
    try:
        yield
    finally:
        _local.trace = before


def outside(handle: Handle) -> Node:
    """The node of a handle when no trace is running."""
    if handle._home is not None and handle._home.closed:
        raise StateError("E605", "jit", "this tensor was made inside a compiled function and kept",
                         got={"tensor": handle._bound},
                         need="values that a function computes must be returned from it",
                         tries=[("return it from the function, or zero_grad() if it is a .grad",
                                 lambda: None)])
    return handle._bound


def read(handle: Handle) -> Node:
    """The node of a handle, in or out of a trace."""
    trace = current()
    return outside(handle) if trace is None else trace.read(handle)


def refuse_value(what: str, node: Node) -> StateError:
    """E606: a number is asked for while a function is being traced."""
    return StateError("E606", what, "there is no value yet: the function is being traced",
                      got={"tensor": node}, need="tensor operations only; return what you want to see",
                      tries=[("where(condition, a, b) in place of `if`", lambda: None)])
