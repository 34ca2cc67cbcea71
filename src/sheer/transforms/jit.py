"""jit: a Python function flows in; its first call becomes one program that later calls run.

Tensors that the function reads but does not get as arguments (weights, optimizer state, the
random generator) become inputs too, and those it rebinds are updated in place by the program.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.graph import Graph
from ..graph.node import Buffer, Node
from ..ops.structure import Data, data
from . import execute, trace, tree
from .trace import Captured

# Set by the tensor layer: evaluate a handle's pending node and bind it to its own memory.
settle: Callable[[Any], None]


@dataclass
class Traced:
    """One traced form of a function: its graph, the outside tensors it uses, what must still hold."""

    graph: Graph
    out_shape: Any
    num_out: int
    captured: list[Captured]
    written: list[Captured]
    grads: list[tuple[Any, Any]]
    guards: list[tuple[Callable[[], Any], Any]]
    num_args: int

    def holds(self) -> bool:
        """Are the Python values it was traced with still the same?"""
        return all(ask() == value for ask, value in self.guards)

    @functools.cached_property
    def donate(self) -> dict[int, int]:
        place = {id(c): self.num_args + i for i, c in enumerate(self.captured)}
        return {self.num_out + j: place[id(c)] for j, c in enumerate(self.written)
                if c.now.spec == c.input.spec}


class Jitted:
    """A function compiled at its first call for each combination of shapes, dtypes and settings.

    traces counts how often Python ran the function; `programs` lists what was compiled.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.traces = 0
        self._cache: dict[Any, list[Traced]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if trace.current() is not None:                     # inside another jit: part of it
            return self.function(*args, **kwargs)
        nodes, shape = tree.flatten((args, kwargs))
        key = tree.key(shape), tuple(n.spec for n in nodes)
        forms = self._cache.setdefault(key, [])
        form = next((f for f in forms if f.holds()), None)
        if form is None:
            form = self._trace(nodes, shape)
            forms.append(form)
        return run(form, nodes)

    def _trace(self, nodes: list[Node], shape: Any) -> Traced:
        self.traces += 1
        return trace_function(self.function, nodes, shape)

    def lower(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph that a call with these arguments would run."""
        nodes, shape = tree.flatten((args, kwargs))
        return trace_function(self.function, nodes, shape).graph

    def program(self, *args: Any, **kwargs: Any) -> Any:
        """The executable that a call with these arguments would run."""
        nodes, shape = tree.flatten((args, kwargs))
        form = trace_function(self.function, nodes, shape)
        return execute.compile_graph(form.graph, form.donate)


def jit(function: Callable[..., Any]) -> Jitted:
    """Compile a function, or a whole training step, into one program.

    Example
        >>> @sheer.jit
        ... def step(x, y):
        ...     optimizer.zero_grad()
        ...     loss = loss_function(model(x), y)
        ...     loss.backward()
        ...     optimizer.step()
        ...     return loss
    """
    return Jitted(function)


def trace_function(function: Callable[..., Any], nodes: list[Node], shape: Any) -> Traced:
    """Run the function once on placeholders for `nodes` and keep what it did as a graph."""
    with trace.tracing() as t:
        arguments = [t.input(n) for n in nodes]
        args, kwargs = tree.unflatten(shape, arguments)
        out_nodes, out_shape = tree.flatten(function(*args, **kwargs))
    return Traced(t.graph(arguments, out_nodes), out_shape, len(out_nodes),
                  list(t.captured.values()), t.written, list(t.grads.values()), t.guards, len(nodes))


def run(form: Traced, nodes: list[Node]) -> Any:
    """Run a traced form on argument nodes; rebinds what the function rebinds."""
    arguments = execute.evaluate(nodes)
    arrays = [*arguments, *(_array(c) for c in form.captured)]
    results = execute.compile_graph(form.graph, form.donate)(arrays)
    for j, c in enumerate(form.written):
        array = results[form.num_out + j]
        if c.handle._bound.prim.buffer.array is not array:
            c.handle._rebind(data(array))
    for handle, slot in form.grads:
        handle._grad = slot
    return tree.unflatten(form.out_shape, [data(r) for r in results[:form.num_out]])


def _array(captured: Captured) -> np.ndarray:
    """The memory of an outside tensor; its own, when the program is going to write to it."""
    handle = captured.handle
    node = trace.outside(handle)
    if not isinstance(node.prim, Data):
        del node
        settle(handle)
        node = handle._bound
    array: np.ndarray = node.prim.buffer.array
    if captured.written and (sys.getrefcount(node) > 3 or sys.getrefcount(array) > 3):
        array = array.copy()                                # somebody else still reads the old value
        handle._rebind(Data(Buffer(array))())
    return array
