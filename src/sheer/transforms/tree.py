"""Trees: nested tuples, lists and dicts of tensors flow in; the nodes and the shape come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..graph.node import Node

# The tensor layer registers its handle here: how to take the node out, and how to wrap one.
_handles: dict[type, tuple[Callable[[Any], Node], Callable[[Node, bool], Any]]] = {}


def register(kind: type, unwrap: Callable[[Any], Node], wrap: Callable[[Node, bool], Any]) -> None:
    """Make instances of `kind` leaves of trees; wrap(node, requires_grad) makes a new one."""
    _handles[kind] = unwrap, wrap


class Hole:
    """Where a tensor stood: what to wrap its node into, and whether that takes part in gradients."""

    __slots__ = ("kind", "requires_grad")

    def __init__(self, kind: type, requires_grad: bool = False) -> None:
        self.kind, self.requires_grad = kind, requires_grad

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hole) and self.requires_grad == other.requires_grad

    def __hash__(self) -> int: return hash(self.requires_grad)
    def __repr__(self) -> str: return "*"


def _handle_of(value: Any) -> type | None:
    return next((k for k in type(value).__mro__ if k in _handles), None)


def flatten(value: Any) -> tuple[list[Node], Any]:
    """The nodes in order, and the tree with a Hole in place of each."""
    nodes: list[Node] = []
    def visit(v: Any) -> Any:
        kind = Node if isinstance(v, Node) else _handle_of(v)
        if kind is not None:
            nodes.append(v if kind is Node else _handles[kind][0](v))
            return Hole(kind, getattr(v, "requires_grad", False))
        return _map_children(visit, v)
    return nodes, visit(value)


def unflatten(shape: Any, nodes: Iterable[Node]) -> Any:
    """The tree with its holes filled, in order."""
    rest: Iterator[Node] = iter(nodes)
    def visit(v: Any) -> Any:
        if isinstance(v, Hole):
            node = next(rest)
            return node if v.kind is Node else _handles[v.kind][1](node, v.requires_grad)
        return _map_children(visit, v)
    return visit(shape)


def leaves(value: Any) -> list[Any]:
    """The tensors of a tree themselves, in order."""
    found: list[Any] = []
    def visit(v: Any) -> Any:
        if isinstance(v, Node) or _handle_of(v) is not None:
            found.append(v)
            return v
        return _map_children(visit, v)
    visit(value)
    return found


def key(shape: Any) -> Any:
    """A hashable form of a flattened tree, static values included."""
    if isinstance(shape, dict):
        return ("dict", *((k, key(v)) for k, v in shape.items()))
    if isinstance(shape, Sequence) and not isinstance(shape, str | bytes):
        return (type(shape).__name__, *map(key, shape))
    return (type(shape).__name__, shape)


def _map_children(visit: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, dict):
        return type(value)((k, visit(v)) for k, v in value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(visit, value))
    if isinstance(value, list | tuple):
        return type(value)(map(visit, value))
    return value
