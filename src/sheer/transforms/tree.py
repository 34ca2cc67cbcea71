"""Trees: nested tuples, lists and dicts of tensors flow in; the nodes and the shape come out.

Arrays, NumPy's and other libraries', are leaves too and become tensors. Everything else is part of
the shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import ref

import numpy as np

from ..graph.errors import ArgumentError
from ..graph.node import Node
from ..ops.structure import data

INSIDE = object()                  # what a function of leaves gives for a value that is none
# The tensor layer registers its handle here: how to take the node out of one (or out of an array),
# and how to wrap a node.
_handles: dict[type, tuple[Callable[[Any], Node], Callable[[Node, bool], Any]]] = {}


def register(kind: type, unwrap: Callable[[Any], Node], wrap: Callable[[Node, bool], Any]) -> None:
    """Make instances of `kind` leaves of trees; wrap(node, requires_grad) makes a new one."""
    _handles[kind] = unwrap, wrap


def is_handle(value: Any) -> bool:
    """Is the value a tensor?"""
    return type(value) in _handles or any(k in _handles for k in type(value).__mro__)


def is_array(value: Any) -> bool:
    """Is the value an array, NumPy's or of another library? (Numbers of NumPy are numbers.)"""
    kind = type(value)
    return isinstance(value, np.ndarray) or (not isinstance(value, np.generic) and (
        hasattr(kind, "__array__") or hasattr(kind, "__dlpack__")))


class Hole:
    """Where a tensor stood: what to wrap its node into, and does that take part in gradients?"""

    __slots__ = ("kind", "requires_grad")

    def __init__(self, kind: type, requires_grad: bool = False) -> None:
        self.kind, self.requires_grad = kind, requires_grad

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Hole) and self.kind is other.kind
                and self.requires_grad == other.requires_grad)

    def __hash__(self) -> int: return hash((self.kind, self.requires_grad))
    def __repr__(self) -> str: return "*"


def flatten(value: Any) -> tuple[list[Node], Any]:
    """The nodes in order, and the tree with a Hole in place of each."""
    nodes: list[Node] = []
    def leaf(v: Any) -> Any:
        kind = _leaf_kind(v)
        if kind is None:
            return INSIDE
        nodes.append(_node_of(v, kind))
        return Hole(kind, getattr(v, "requires_grad", False))
    return nodes, transform(leaf, value)


def unflatten(shape: Any, nodes: Iterable[Node]) -> Any:
    """The tree with its holes filled, in order."""
    rest: Iterator[Node] = iter(nodes)
    def leaf(v: Any) -> Any:
        if not isinstance(v, Hole):
            return INSIDE
        node = next(rest)
        return node if v.kind is Node else wrap(v, node)
    return transform(leaf, shape)


def wrap(hole: Hole, node: Node) -> Any:
    """What stands in a hole, made of its node."""
    return _handles[hole.kind][1](node, hole.requires_grad)


def leaves(value: Any) -> list[Any]:
    """The tensors of a tree themselves, in order."""
    found: list[Any] = []
    transform(lambda v: INSIDE if _leaf_kind(v) is None else found.append(v), value)
    return found


def with_tensors(value: Any) -> Any:
    """The tree with a tensor in place of each array; tensors stay the objects they are."""
    def leaf(v: Any) -> Any:
        kind = _leaf_kind(v)
        if kind is None or isinstance(v, kind):
            return INSIDE if kind is None else v
        node = _node_of(v, kind)
        return node if kind is Node else _handles[kind][1](node, False)
    return transform(leaf, value)


def holes(shape: Any) -> list[Hole]:
    """The holes of a flattened tree, in order."""
    found: list[Hole] = []
    transform(lambda v: found.append(v) if isinstance(v, Hole) else INSIDE, shape)
    return found


def fill(shape: Any, make: Callable[[Hole], Any]) -> Any:
    """The flattened tree with make(hole) in place of each hole, in order."""
    return transform(lambda v: make(v) if isinstance(v, Hole) else INSIDE, shape)


def transform(leaf: Callable[[Any], Any], value: Any) -> Any:
    """The tree with leaf(v) in place of v, from the root down; INSIDE means: look at its parts.

    One recursive function for all, instead of one closure each that refers to itself: those are
    cycles, which keep arrays alive until the garbage collector comes by.
    """
    found = leaf(value)
    if found is not INSIDE:
        return found
    if isinstance(value, dict):
        made = value.copy()                           # a defaultdict keeps its factory
        made.update((k, transform(leaf, v)) for k, v in value.items())
        return made
    if isinstance(value, list | tuple):
        parts = [transform(leaf, v) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def broadcast(prefix: Any, value: Any) -> list[Any]:
    """One entry per leaf of `value`: `prefix` is a tree whose entries stand for whole subtrees."""
    if isinstance(prefix, list | tuple) and isinstance(value, list | tuple):
        if len(prefix) != len(value):
            raise ArgumentError("E608", "vmap", f"{len(prefix)} entries for {len(value)} values",
                                got={"dims": prefix}, need="one entry per value, or one for all")
        return [e for p, v in zip(prefix, value, strict=True) for e in broadcast(p, v)]
    if isinstance(prefix, dict) and isinstance(value, dict):
        if prefix.keys() != value.keys():
            raise ArgumentError("E608", "vmap", f"entries for {[*prefix]}, values {[*value]}",
                                got={"dims": prefix}, need="the same keys")
        return [e for k, v in value.items() for e in broadcast(prefix[k], v)]
    return [prefix] * (len(leaves(value)) + len(holes(value)))      # a tree of either


def key(shape: Any, died: Callable[[Any], None] | None = None) -> Any:
    """A hashable form of a flattened tree, static values included; 0.0 and -0.0 differ.

    Objects that only equal themselves, as modules do, are not kept alive by it: when one of them is
    gone the key equals no other, and `died` is called.

    Raises ArgumentError E617 for a value that can be no part of a key.
    """
    if isinstance(shape, dict):
        return (type(shape), *((k, key(v, died)) for k, v in shape.items()))
    if isinstance(shape, list | tuple):
        return (type(shape), *(key(v, died) for v in shape))
    if isinstance(shape, _SIGNED):
        return type(shape), repr(shape)
    try:
        hash(shape)
    except TypeError:
        what = f"a {type(shape).__name__} is neither a tensor nor hashable"
        raise ArgumentError("E617", "jit", what,
                            got={"argument": repr(shape)[:60]},
                            need="tensors, arrays, nested tuples, lists and dicts of them, or "
                                 "hashable values") from None
    return type(shape), _weak(shape, died)


_SIGNED = (float, complex, np.generic)          # of which 0 and -0 are equal, and NaN is not itself


def same(before: Any, now: Any) -> bool:
    """Is a value that a trace depends on unchanged? Tensors only when they are one object."""
    if before is now:
        return True
    if type(before) is not type(now) or is_handle(before):
        return False
    return repr(before) == repr(now) if isinstance(before, _SIGNED) else bool(before == now)


def _weak(value: Any, died: Callable[[Any], None] | None) -> Any:
    """A weak reference to a value that only equals itself; any other value as it is."""
    equals: Any = type(value).__eq__
    if equals is not object.__eq__:
        return value
    try:
        return ref(value, died)
    except TypeError:                                 # None, and objects with slots
        return value


def rows(shape: Any, nodes: Iterable[Node]) -> dict[str, str]:
    """What each argument is, by its name: `{"0": "f32[3]", "k": "3"}`. To say what has changed."""
    return dict(_rows(shape, iter(nodes), ""))


def _rows(v: Any, nodes: Iterator[Node], path: str) -> Iterator[tuple[str, str]]:
    if isinstance(v, dict):
        for k, child in v.items():
            yield from _rows(child, nodes, f"{path}.{k}" if path else str(k))
    elif isinstance(v, list | tuple):
        for i, child in enumerate(v):
            yield from _rows(child, nodes, f"{path}[{i}]" if path else str(i))
    elif isinstance(v, Hole):
        yield path, f"{next(nodes).spec}{', requires_grad' if v.requires_grad else ''}"
    else:
        yield path, repr(v)[:60]


def _leaf_kind(value: Any) -> type | None:
    """The kind of handle a value is, or becomes; None when it is no leaf."""
    if isinstance(value, Node):
        return Node
    kind = next((k for k in type(value).__mro__ if k in _handles), None)
    return next(iter(_handles), Node) if kind is None and is_array(value) else kind


def _node_of(value: Any, kind: type) -> Node:
    if kind is not Node:
        return _handles[kind][0](value)
    return value if isinstance(value, Node) else data(np.array(value, order="C"))
