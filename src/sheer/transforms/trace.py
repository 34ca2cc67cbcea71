"""Tracing: while a function runs once, every tensor it touches is seen as an input of a graph.

A handle is an object with `_bound` (its node), `_home` (the trace it was made in, or None),
`_grad` (its gradient's handle, or None) and `requires_grad`. A trace never changes handles that
were there before it: what the function reads becomes an input, what it writes is remembered and,
after the run, belongs to whoever asked.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..graph.errors import StateError
from ..graph.graph import Graph
from ..graph.node import Node, fresh, make, topological
from ..graph.source import Source
from ..ops.structure import Alias, Data, Input, constant

BAKED = 64            # elements: an array that small, made while tracing, is part of the graph


class _Local(threading.local):
    """What holds on each thread: values of the class where nothing was set, which is found sooner
    than that there is nothing.
    """

    trace: Trace | None = None
    inline = False


_local = _Local()
_scopes = itertools.count(1)


class Handle(Protocol):
    """What a trace needs to know of a tensor."""

    _bound: Node
    _home: Trace | None
    _grad: Any
    requires_grad: bool


class Fixed:
    """A handle on an array that a traced function made: it stays what it was then."""

    def __init__(self, node: Node) -> None:
        self._bound, self._home, self._grad, self.requires_grad = node, None, None, False

    @property
    def node(self) -> Node:
        """The array."""
        return self._bound


@dataclass
class Captured:
    """A tensor from outside: the input that stands for it, and its node as of now.

    owner is set when the tensor was found as the gradient of `owner`: then it is whatever that
    gradient is at the time of the call.
    """

    handle: Any
    input: Node
    now: Node
    wants_grad: bool = False
    owner: Any = None

    @property
    def written(self) -> bool:
        """Did the function rebind it?"""
        return self.now is not self.input

    def current(self) -> Any:
        """The handle that a call now is about."""
        return self.handle if self.owner is None else self.owner._grad

    def fits(self) -> bool:
        """Can the handle, as it is now, stand where it stood when the function was traced?"""
        handle = self.current()
        return (handle is not None and handle._bound.spec == self.input.spec
                and handle.requires_grad == self.wants_grad)


@dataclass
class Trace:
    """One run of a function. `captured` in order of first use; `grads` are `.grad` slots set."""

    parent: Trace | None
    scope: int = field(default_factory=lambda: next(_scopes))
    captured: dict[int, Captured] = field(default_factory=dict)
    grads: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    grads_read: dict[int, Any] = field(default_factory=dict)
    leaves: dict[Node, Any] = field(default_factory=dict)
    guards: list[tuple[Callable[[], Any], Any]] = field(default_factory=list)
    guarded: dict[Any, Callable[[], Any]] = field(default_factory=dict)
    baked: dict[Node, Node] = field(default_factory=dict)
    ends: list[Callable[[], None]] = field(default_factory=list)      # called when it is over
    closed: bool = False
    count: int = 0

    @property
    def root(self) -> Trace:
        """The outermost trace: the one whose result is kept and used again."""
        found = self
        while found.parent is not None:
            found = found.parent
        return found

    def input(self, like: Any, source: Source | None = None) -> Node:
        """A new input of the graph, made where `like` was made."""
        self.count += 1
        prim = Input(self.count - 1, like.shape, like.dtype, self.scope)
        return make(prim, (), source or getattr(like, "source", None))

    def read(self, handle: Handle) -> Node:
        """The node of a handle as the traced function sees it."""
        if handle._home is self:
            return handle._bound
        entry = self.captured.get(id(handle))
        if entry is None:
            outer = self.parent.read(handle) if self.parent else outside(handle)
            made = self.input(outer)
            entry = self.captured[id(handle)] = Captured(handle, made, made, handle.requires_grad)
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
        """A Python value that the trace depends on: a later call checks that it is the same.

        What is kept and called again is the outermost function, so the guard is there.
        """
        value = ask()
        self.root.guards.append((ask, value))
        return value

    def guard_once(self, key: Any, make: Callable[[], Callable[[], Any]]) -> Any:
        """As `guard` of what `make` gives, unless there is one for `key`; that guard."""
        found = self.root.guarded.get(key)
        if found is None:
            found = self.root.guarded[key] = make()
            self.guard(found)
        return found

    def absorb(self, outputs: Sequence[Node]) -> None:
        """Arrays made while tracing: small ones become constants, others inputs of the graph.

        So the body of a loop that says `tensor([1.0])` is the same body every time.
        """
        roots = [*outputs, *(c.now for c in self.captured.values())]
        for node in topological(roots, stop=self.baked.__contains__):
            if type(node.prim) is not Data or node in self.baked:
                continue
            if node.size <= BAKED:
                self.baked[node] = make(constant(node.prim.buffer.array).prim, (), node.source)
            else:
                made = self.input(node)
                fixed = Fixed(node)
                self.captured[id(fixed)] = Captured(fixed, made, made)
                self.baked[node] = made

    def graph(self, arguments: Sequence[Node], outputs: Sequence[Node]) -> Graph:
        """The function as a closed graph: (arguments, captured) -> (outputs, written)."""
        self.absorb(outputs)
        return self.close([*arguments, *(c.input for c in self.captured.values())],
                          [*outputs, *(c.now for c in self.written)])

    def close(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> Graph:
        """A graph whose inputs are numbered from 0 and belong to no trace."""
        plain = [fresh(Input(i, x.shape, x.dtype), source=x.source) for i, x in enumerate(inputs)]
        mapping = dict(zip(inputs, plain, strict=True))
        baked = {node: mapping.get(new, new) for node, new in self.baked.items()}
        return Graph(plain, unmarked(outputs, baked | mapping))

    @property
    def written(self) -> list[Captured]:
        """The tensors from outside that the function rebound."""
        return [c for c in self.captured.values() if c.written]

    def leave_grads(self) -> None:
        """After the run, in the trace around it: the gradients it left belong to nobody outside.

        Reading one is E605 until it is cleared; silently showing the one before would be wrong.
        """
        for handle, slot in self.grads.values():
            set_grad(handle, slot)


def unmarked(roots: Sequence[Node], mapping: Mapping[Node, Node]) -> list[Node]:
    """As `substitute`, without the marks of derivatives that are done.

    Every mark is new; with them, no two runs of a function would give the same program.
    """
    new = dict(mapping)
    for node in topological(roots, stop=new.__contains__):
        if node not in new:
            inputs = tuple(new[x] for x in node.inputs)
            if type(node.prim) is Alias:
                new[node] = inputs[0]
            elif inputs or node.prim.constant:       # equal ones of several lines become one
                new[node] = make(node.prim, inputs, node.source)
            else:
                new[node] = node
    return [new[r] for r in roots]


def current() -> Trace | None:
    """The innermost running trace."""
    return _local.trace


@contextmanager
def tracing() -> Iterator[Trace]:
    """Run the block as a traced function."""
    trace = Trace(current())
    _local.trace = trace
    try:
        yield trace
    finally:
        _local.trace, trace.closed = trace.parent, True
        for end in trace.ends:
            end()


@contextmanager
def inlining() -> Iterator[None]:
    """Run the block with compiled functions as plain ones: a derivative must see into them."""
    before = _local.inline
    _local.inline = True
    try:
        yield
    finally:
        _local.inline = before


def inlined() -> bool:
    """Is a compiled function, called now, part of something larger?"""
    return current() is not None or _local.inline


@contextmanager
def suspended() -> Iterator[None]:
    """Run the block outside any trace: for values that exist already."""
    before = current(), _local.inline
    _local.trace, _local.inline = None, False
    try:
        yield
    finally:
        _local.trace, _local.inline = before


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


def grad_of(handle: Handle) -> Any:
    """What `.grad` of a handle is, as the running function sees it.

    A traced function that finds a gradient from before depends on the slot, not on the tensor
    that is in it now: the next call takes the one that is there then.
    """
    running = current()
    while running is not None:
        if id(handle) in running.grads:
            return running.grads[id(handle)][1]
        running.grads_read[id(handle)] = handle
        if handle._home is running:
            return handle._grad
        if running.parent is None:
            running.guard(lambda: handle._grad is None)
            grad = handle._grad
            if grad is not None and grad._home is None:
                running.read(grad)
                running.captured[id(grad)].owner = handle
        running = running.parent
    return handle._grad


def set_grad(handle: Handle, value: Any) -> None:
    """Put a handle, or None, into the `.grad` slot; inside a trace, for the rest of its run."""
    running = current()
    if running is None or handle._home is running:
        handle._grad = value
    else:
        running.grads[id(handle)] = (handle, value)


def refuse_value(what: str, node: Node) -> StateError:
    """E606: a number is asked for while a function is being traced; E854 for a static graph."""
    if current() is None:
        return StateError("E854", what, "there is no value: this is part of a static graph",
                          got={"tensor": node}, need="a session that is fed",
                          tries=[("Session().run(x, feed_dict={...})", lambda: None)])
    return StateError("E606", what, "there is no value yet: the function is being traced",
                      got={"tensor": node},
                      need="tensor operations only; return what you want to see",
                      tries=[("where(condition, a, b) in place of `if`", lambda: None)])
