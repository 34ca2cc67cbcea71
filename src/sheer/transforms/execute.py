"""Execution: pending nodes flow in, a backend runs them as one program, values are remembered."""

from __future__ import annotations

import functools
import importlib
import os
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..graph.debug import GRAPHS, LLVM, PROGRAMS, tell
from ..graph.errors import ArgumentError, SheerError
from ..graph.graph import Graph
from ..graph.node import Buffer, Node, fresh, topological
from ..ops.movement import Concat, Expand, Pad, Reshape, Slice
from ..ops.structure import Alias, Constant, Data, Input
from . import checked, faults, trace
from .programs import Programs


class Executable(Protocol):
    """A compiled graph. Inputs are C-contiguous arrays of the graph's dtypes, or memory that is
    known to hold such.
    """

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]: ...
    def on_buffers(self, buffers: list[Buffer]) -> list[Buffer]: ...


class Backend(Protocol):
    """Turns closed graphs into executables; donate[output] = input whose memory it takes over."""

    def compile(self, graph: Graph, donate: Mapping[int, int]) -> Executable: ...


# Backends live to the right of this room; it knows them by name only (design.md, 1).
_places = {"cpu": "sheer.backends.cpu.backend:CpuBackend",
           "reference": "sheer.backends.reference:ReferenceBackend"}
_made: dict[str, Backend] = {}


class _Local(threading.local):
    """What holds on each thread."""

    name: str | None = None                # of the backend


_local = _Local()


class Guarded:
    """An executable that one thread runs at a time: it writes over what it is given."""

    def __init__(self, executable: Executable) -> None:
        self.executable, self._lock = executable, threading.RLock()

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        with self._lock:
            return self.executable(arrays)

    def on_buffers(self, buffers: list[Buffer]) -> list[Buffer]:
        with self._lock:
            return self.executable.on_buffers(buffers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executable, name)         # .program, .graph: what the backend shows


# A program holds its arena: thousands of shapes would fill the memory.
_programs: Programs[Executable] = Programs(512)


def backend_name() -> str:
    """The backend in force: of the innermost `with backend(...)`, or SHEER_BACKEND, or cpu."""
    return chosen() or os.environ.get("SHEER_BACKEND") or "cpu"


def chosen() -> str | None:
    """The backend of the innermost `with backend(...)`."""
    return _local.name


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Run everything evaluated in the block on the named backend.

    Raises ArgumentError E607 for a name that is none.
    """
    get_backend(name)
    before = _local.name
    _local.name = name
    try:
        yield
    finally:
        _local.name = before


def get_backend(name: str | None = None) -> Backend:
    """The backend object of that name, made when first asked for."""
    name = name or backend_name()
    if name not in _made:
        if name not in _places:
            raise ArgumentError("E607", "backend", f"there is no backend {name!r}",
                                need=" or ".join(_places))
        module, _, cls = _places[name].partition(":")
        _made[name] = getattr(importlib.import_module(module), cls)()
    return _made[name]


def compile_graph(graph: Graph, donate: Mapping[int, int] | None = None) -> Executable:
    """The executable of a graph on the backend in force; the same graph gives the same one."""
    given = dict(donate or {})
    key = backend_name(), graph, tuple(sorted(given.items()))
    return _programs.get(key, lambda: _compiled(graph, given))


def _compiled(graph: Graph, donate: Mapping[int, int]) -> Executable:
    """A new executable, for any number of threads; in checked mode it is compared with the
    reference.
    """
    tell(GRAPHS, lambda: f"graph of {len(graph.nodes)} nodes\n{graph}")
    began = time.perf_counter()
    made: Any = get_backend().compile(graph, donate)
    seconds = time.perf_counter() - began
    tell(PROGRAMS, lambda: f"compiled {len(graph.nodes)} nodes in {seconds:.3f} s\n"
                           f"{getattr(made, 'program', '')}")
    tell(LLVM, lambda: made.program.llvm() if hasattr(made, "program") else "")
    if checked.wanted():
        made = checked.Checked(made, graph)
    return Guarded(made) if donate else made


def is_known(node: Node) -> bool:
    """Has the node a value already?"""
    return node.value is not None or type(node.prim) is Data


# What only places elements. An array of at most so many is placed by NumPy: sooner than a program
# is called, and other places do not ask for another program.
MOVES = (Slice, Reshape, Concat, Pad)
_COPIED = 1 << 20


def is_at_hand(node: Node) -> bool:
    """Is it known, or elements of arrays that are? Then it needs no program, which every other row,
    crop or joined batch would be another one.
    """
    if is_known(node):
        return True
    if type(node.prim) not in (Slice, Reshape, Concat):
        return False
    stop = lambda n: is_known(n) or type(n.prim) not in MOVES
    return all(map(_is_placed, topological([node], stop)))


def _is_placed(node: Node) -> bool:
    """Has the node a value, or is one given to it now? Its inputs have been asked before."""
    if is_known(node) or is_number(node):
        return True
    kind, small = type(node.prim), node.size <= _COPIED
    if kind not in MOVES or not (small or kind in (Slice, Reshape)):
        return False
    array = node.prim.ref(*map(_elements, node.inputs))
    if not array.flags.c_contiguous:                 # without gaps, so that shapes alone decide
        if not small:
            return False
        array = array.copy()
    node.value = (Buffer(array),)
    return True


def is_number(node: Node) -> bool:
    """Is it a number of the graph, or one everywhere?"""
    prim = node.prim
    return prim.constant or (type(prim) is Expand and node.inputs[0].prim.constant)


def _elements(node: Node) -> np.ndarray:
    """The array of a node that has a value; of a number its own."""
    if not is_known(node):
        numbers = [np.array(x.prim.ref()) for x in node.inputs or (node,)]
        return node.prim.ref(*numbers).copy() if node.inputs else numbers[0]
    below = buffer_of(node)
    if not below.address:
        below.locate()
    return below.array


def buffer_of(node: Node) -> Buffer:
    """The memory of a node that has a value."""
    if type(node.prim) is Data:
        return node.prim.buffer
    assert node.value is not None
    return node.value[0]


def memory_of(node: Node) -> Buffer:
    """The same for what a plan reads: numbers of the graph, too, lie in memory."""
    return buffer_of(node) if is_at_hand(node) else Buffer(node.prim.ref())


def value_of(node: Node) -> np.ndarray:
    """The array of a node that has a value; not a copy."""
    return buffer_of(node).array


def _nothing(node: Node) -> bool:
    return False


def evaluate(roots: Sequence[Node], keep: Callable[[Node], bool] = _nothing) -> list[np.ndarray]:
    """Arrays of the roots. One program runs all that is pending; nodes where `keep` holds are
    remembered too, so that they need not be computed again later.

    Raises StateError E606 inside a traced function.
    """
    pending = [r for r in dict.fromkeys(roots) if not is_at_hand(r)]
    if pending:
        _run([*dict.fromkeys(x for r in pending for x in _parts(r))], keep)
        for root in pending:
            is_at_hand(root)                              # its parts are joined
    return [value_of(r) for r in roots]


def _parts(root: Node) -> list[Node]:
    """What a program is to compute: the parts of few joined elements, otherwise the root."""
    joined = lambda n: isinstance(n.prim, Concat) and n.size <= _COPIED and not is_known(n)
    if not joined(root):
        return [root]
    order = topological([root], stop=lambda n: not joined(n))
    return [n for n in order if not (joined(n) or is_number(n) or is_at_hand(n))]


def _run(pending: list[Node], keep: Callable[[Node], bool]) -> None:
    plan = planned(pending, keep)
    given = [memory_of(n) for n in plan.known]
    try:
        made = plan.executable.on_buffers(given)
    except SheerError as error:
        raise faults.explained(error, _closed(plan.known, plan.outputs), given) from None
    for node, buffer in zip(plan.outputs, made, strict=True):
        node.value = (buffer,)


class Plan(NamedTuple):
    """A program of pending nodes: what it reads (`memory_of` it), and the nodes whose values it
    makes."""

    executable: Executable
    known: list[Node]
    outputs: list[Node]


def planned(pending: list[Node], keep: Callable[[Node], bool] = _nothing,
            given: Callable[[Node], bool] = is_at_hand) -> Plan:
    """The program that computes the pending nodes, and on the way those where `keep` holds, from
    nodes that have values, those where `given` holds."""
    order = topological(pending, stop=given)
    symbol = next((n for n in order if isinstance(n.prim, Input)), None)
    if symbol is not None:
        raise trace.refuse_value("value", pending[0])
    wanted = set(pending)
    outputs = pending + [n for n in order if n not in wanted and keep(n) and not is_known(n)
                         and not n.prim.constant and len(n.outputs) == 1]
    known = [n for n in order if given(n)]
    key, numbers = _structure(order, known, outputs)
    if not numbers:
        return Plan(_programs.get(key, lambda: _compiled(_closed(known, outputs), {})), known,
                    outputs)
    values = tuple(n.prim for n in numbers)
    first = _first_numbers.get(key, lambda: values)
    if values == first:
        return Plan(_programs.get((key, values), lambda: _compiled(_closed(known, outputs), {})),
                    known, outputs)
    reads = [*known, *numbers]
    return Plan(_programs.get(key, lambda: _compiled(_closed(reads, outputs), {})), reads, outputs)


# Structure of pending nodes -> the numbers in it when it was met first. These are part of a program
# of their own; all others are what one more program reads: a number drawn anew for every step, as a
# mixture or a temperature, is not compiled every time.
_first_numbers: Programs[tuple[Any, ...]] = Programs(4096)
_USUAL = {0.0, 1.0, -1.0, 2.0, 0.5}          # that rules write, and passes know


def _structure(order: list[Node], known: list[Node], outputs: list[Node],
               ) -> tuple[Hashable, list[Node]]:
    """What the program of pending nodes depends on, found without building a graph; and the
    constants that may be others next time.
    """
    place = {n: i for i, n in enumerate(known)}
    lines: list[Any] = [n.spec for n in known]
    numbers: list[Node] = []
    for node in order:
        if node in place:
            continue
        prim = node.prim
        if type(prim) is Alias:                      # a mark: new every time, and no operation
            place[node] = place[node.inputs[0]]
            continue
        place[node] = len(lines)
        if type(prim) is Constant and not prim.shape and _may_vary(prim):
            numbers.append(node)
            lines.append(prim.dtype)
        else:
            lines.append((prim, *(place[x] for x in node.inputs)))
    return (backend_name(), tuple(lines), tuple(place[o] for o in outputs)), numbers


@functools.lru_cache(maxsize=4096)
def _may_vary(number: Constant) -> bool:
    return number.dtype.kind != "bool" and number.ref().item() not in _USUAL


def _closed(known: list[Node], outputs: list[Node]) -> Graph:
    """Pending nodes as a graph of what is known."""
    inputs = [fresh(Input(i, n.shape, n.dtype), source=n.source) for i, n in enumerate(known)]
    return Graph(inputs, trace.unmarked(outputs, dict(zip(known, inputs, strict=True))))
