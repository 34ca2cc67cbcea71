"""jit: a Python function flows in; its first call becomes one program that later calls run.

Tensors that the function reads but does not get as arguments (weights, optimizer state, the
random generator) become inputs too, and those it rebinds are updated in place by the program.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..graph.debug import PROGRAMS, level
from ..graph.errors import SheerError
from ..graph.graph import Graph
from ..graph.node import Buffer, Node
from ..ops.structure import Data, data
from . import donation, execute, faults, trace, tree
from .arguments import check_function
from .direct import MISS, Direct
from .reasons import Reasons
from .trace import Captured

_DIRECT = 4       # kinds of calls that are tried before the ordinary way
FORMS = 128       # forms of one function that are kept; the one not used for longest goes first

# Set by the tensor layer: evaluate a handle's pending node and bind it to its own memory.
settle: Callable[[Any], None] = lambda handle: None
# Added to by the tensor layer: settings of the moment that a trace depends on (no_grad).
ambient: list[Callable[[], Any]] = []


@dataclass
class Traced:
    """One traced form of a function: its graph, the outside tensors it uses, what must still hold.

    The graph maps (arguments, captured) to (results, rebound arguments, written captured).

    grads       `.grad` slots of outside tensors that the function set
    rebound     positions of arguments that the function wrote to
    arg_grads   (position, slot) of arguments whose `.grad` it set
    """

    graph: Graph
    out_shape: Any
    num_out: int
    captured: list[Captured]
    written: list[Captured]
    grads: list[tuple[Any, Any]]
    guards: list[tuple[Callable[[], Any], Any]]
    num_args: int
    rebound: Sequence[int] = ()
    arg_grads: Sequence[tuple[int, Any]] = ()

    def holds(self) -> bool:
        """Are the Python values and outside tensors it was traced with still the same?"""
        return (all(tree.same(value, ask()) for ask, value in self.guards)
                and all(c.fits() for c in self.captured))

    def program(self) -> execute.Executable:
        """The executable on the backend in force."""
        return execute.compile_graph(self.graph, self.donate)

    def run(self, buffers: list[Buffer], args: Any, program: execute.Executable | None = None,
            ) -> list[Buffer]:
        """What the program makes of these inputs; an error of it names the lines of this form, and
        those that made the arguments of this call, a tree.
        """
        try:
            return (program or self.program()).on_buffers(buffers)
        except SheerError as error:
            now, _ = tree.flatten(args)
            raise faults.explained(error, self.graph, buffers, now) from None

    def rebind(self, state: Sequence[Buffer], handles: Sequence[Any] = ()) -> None:
        """After a run: let the outside tensors show the new values, in `state`, and gradients."""
        for position, buffer in zip(self.rebound, state, strict=False):
            if handles:
                handles[position]._rebind(data(buffer))
        for c, buffer in zip(self.written, state[len(self.rebound):], strict=True):
            handle = c.current()
            if handle._bound.prim.buffer.array is not buffer.array:
                handle._rebind(data(buffer))
        for handle, slot in self.grads:
            handle._grad = slot
        for position, slot in self.arg_grads if handles else ():
            handles[position]._grad = slot

    @functools.cached_property
    def donate(self) -> dict[int, int]:
        """output -> input whose memory it takes over."""
        place = {id(c): self.num_args + i for i, c in enumerate(self.captured)}
        first = self.num_out + len(self.rebound)
        return {first + j: place[id(c)] for j, c in enumerate(self.written)
                if c.now.spec == c.input.spec}


class Jitted:
    """A function compiled at its first call for each combination of shapes, dtypes and settings.

    Arrays and tensors in the arguments are inputs of the program; everything else (numbers,
    strings, modules) is part of it, and another value means another program. `traces` counts how
    often Python ran the function; SHEER_DEBUG=1 says why.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.traces = 0
        self._cache: OrderedDict[Any, list[Traced]] = OrderedDict()
        self._lock = threading.RLock()
        self._reasons = Reasons()
        self._direct: list[Direct] = []                     # tried in order

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and not trace.inlined():
            for direct in self._direct:
                if direct.updates:
                    with self._lock:
                        result = direct(args)
                else:
                    result = direct(args)
                if result is not MISS:
                    return result
        given, named = args, kwargs
        args, kwargs = tree.with_tensors((args, kwargs))
        if trace.inlined():                                 # inside another jit: part of it
            return self.function(*args, **kwargs)
        nodes, shape = tree.flatten((args, kwargs))
        handles = tree.leaves((args, kwargs))
        with self._lock:
            form = self._form(nodes, shape, handles)
            if form.written or form.grads:      # one thread's update after the other's
                result = run(form, nodes, handles)
                return self._remember(form, given, named, result)
        return self._remember(form, given, named, run(form, nodes, handles))

    def _remember(self, form: Traced, args: Sequence[Any], named: Any, result: Any) -> Any:
        """The result; the next call like this one goes the direct way."""
        made = None if named else Direct.of(form, args, ambient)
        if made is not None:
            others = [d for d in self._direct if d.form is not form]
            self._direct = [made, *others[:_DIRECT - 1]]
        return result

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def _form(self, nodes: list[Node], shape: Any, handles: list[Any]) -> Traced:
        """The traced form for these arguments, found or made."""
        rest = (tuple(n.spec for n in nodes), tuple(ask() for ask in ambient),
                tuple(getattr(h, "_leaf", False) for h in handles))
        key = (tree.key(shape), rest)
        forms = self._cache.get(key)
        if forms is None:
            forms = self._forms(shape, rest)
        self._cache.move_to_end(key)
        form = next((f for f in forms if f.holds()), None)
        if form is None:
            self._report(nodes, shape, forms)
            self.traces += 1
            try:
                form = trace_function(self.function, nodes, shape, handles)
            finally:
                if not forms and form is None:
                    del self._cache[key]
            forms.append(form)
            self._evict()
        return form

    def _forms(self, shape: Any, rest: Any) -> list[Traced]:
        """The place for the forms of such arguments. When one of these is gone so are they, and the
        weights that they hold; the empty place goes with the next trace.
        """
        forms: list[Traced] = []
        self._cache[tree.key(shape, lambda _: forms.clear()), rest] = forms
        return forms

    def _evict(self) -> None:
        for key in [key for key, forms in self._cache.items() if not forms]:
            del self._cache[key]
        while sum(map(len, self._cache.values())) > FORMS:
            oldest = next(iter(self._cache))
            self._cache[oldest].pop(0)
            if not self._cache[oldest]:
                del self._cache[oldest]

    def _report(self, nodes: list[Node], shape: Any, forms: list[Traced]) -> None:
        """SHEER_DEBUG=1: say what made this trace necessary."""
        if level() < PROGRAMS:
            return
        name = getattr(self.function, "__name__", "function")
        why = self._reasons.why(_named(shape, nodes), forms)
        print(f"jit {name}: trace {self.traces + 1}: {why}", file=sys.stderr)

    def lower(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph that a call with these arguments would run."""
        return self._traced(args, kwargs).graph

    def program(self, *args: Any, **kwargs: Any) -> Any:
        """The executable that a call with these arguments would run."""
        form = self._traced(args, kwargs)
        return execute.compile_graph(form.graph, form.donate)

    def _traced(self, args: Any, kwargs: Any) -> Traced:
        args, kwargs = tree.with_tensors((args, kwargs))
        nodes, shape = tree.flatten((args, kwargs))
        return trace_function(self.function, nodes, shape, tree.leaves((args, kwargs)))

    def prepared(self, *args: Any, **kwargs: Any) -> Traced:
        """Trace now what a call with these arguments is going to run; the call finds it again."""
        args, kwargs = tree.with_tensors((args, kwargs))
        nodes, shape = tree.flatten((args, kwargs))
        with self._lock:
            return self._form(nodes, shape, tree.leaves((args, kwargs)))


def jit(function: Callable[..., Any]) -> Jitted:
    """Compile a function, or a whole training step, into one program.

    Raises  E605 when a value it made is kept and used outside, E606 when it asks for a number,
            E617 for an argument that is neither a tensor nor hashable, E624 for what is no function
    Example
        >>> @sheer.jit
        ... def step(x, y):
        ...     optimizer.zero_grad()
        ...     loss = loss_function(model(x), y)
        ...     loss.backward()
        ...     optimizer.step()
        ...     return loss
    """
    check_function("jit", function)
    return Jitted(function)


def trace_function(function: Callable[..., Any], nodes: list[Node], shape: Any,
                   handles: Sequence[Any] = ()) -> Traced:
    """Run the function once on placeholders for `nodes` and keep what it did as a graph.

    handles are the caller's tensors: a placeholder of a leaf is a leaf.
    """
    with trace.tracing() as t:
        arguments = [t.input(n) for n in nodes]
        given = tree.unflatten(shape, arguments)
        inside = tree.leaves(given)
        for new, old in zip(inside, handles, strict=False):
            _like_leaf(t, new, old)
        args, kwargs = given
        result = function(*args, **kwargs)
        out_nodes, out_shape = tree.flatten(result)
        seen = [t.read(h) if not isinstance(h, Node) else h for h in inside]
    rebound = [i for i, (a, b) in enumerate(zip(arguments, seen, strict=True)) if a is not b]
    graph = t.graph(arguments, [*out_nodes, *(seen[i] for i in rebound)])
    left = [(i, getattr(h, "_grad", None)) for i, h in enumerate(inside)]
    arg_grads = [(i, slot) for i, slot in left if slot is not None]
    return Traced(graph, out_shape, len(out_nodes), list(t.captured.values()), t.written,
                  list(t.grads.values()), t.guards, len(nodes), rebound, arg_grads)


def run(form: Traced, nodes: list[Node], handles: Sequence[Any] = ()) -> Any:
    """Run a traced form on argument nodes; rebinds what the function rebinds."""
    execute.evaluate([*nodes, *(trace.outside(c.current()) for c in form.captured)])
    buffers = [*map(execute.buffer_of, nodes), *(_memory(c) for c in form.captured)]
    results = form.run(buffers, nodes)
    form.rebind(results[form.num_out:], handles)
    return tree.unflatten(form.out_shape, [data(r) for r in results[:form.num_out]])


def _memory(captured: Captured) -> Buffer:
    """The memory of an outside tensor; its own, when the program is going to write to it."""
    handle = captured.current()
    if not captured.written:
        if not handle.requires_grad and type(handle._bound.prim) is not Data:
            settle(handle)                              # forgets how it was made
        execute.evaluate([handle._bound])
        return execute.buffer_of(handle._bound)
    if type(handle._bound.prim) is not Data:
        settle(handle)
    return donation.own(handle)


def _like_leaf(t: trace.Trace, new: Any, old: Any) -> None:
    """Inside the function, an argument is a leaf with requires_grad when it is one outside."""
    if getattr(old, "_leaf", False) and old.requires_grad:
        new._leaf = new.requires_grad = True
        t.leaves[new._bound] = new


def _named(shape: Any, nodes: list[Node]) -> dict[str, str]:
    """The arguments by name, for people."""
    args, kwargs = shape
    rows = tree.rows(args, nodes)
    rest = nodes[len(tree.holes(args)):]
    return {f"argument {k}": v for k, v in {**rows, **tree.rows(kwargs, rest)}.items()}
