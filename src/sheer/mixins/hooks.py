"""Hooks: functions of the user's that see gradients on their way, and may replace them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import finalize

from ..graph.errors import StateError
from ..graph.node import Node
from ..ops.structure import stop_gradient
from ..ops.walk import watchers
from ..transforms import trace
from .core import Core, as_node, leaf_of, wrap

_tickets = itertools.count()
_active = 0                                       # the hooks there are, as one number
_of_leaves: dict[int, tuple[dict[int, Any], dict[int, Any]]] = {}     # id -> (before, after)


class Hook:
    """A function registered somewhere; `remove()` takes it off again."""

    def __init__(self, place: dict[int, Any], function: Any, prepend: bool = False) -> None:
        self.place, self.ticket = place, next(_tickets)
        before = dict(place) if prepend else {}
        if prepend:
            place.clear()
        place[self.ticket] = function
        place.update(before)
        _turn(self.ticket)

    def remove(self) -> None:
        """Do not call the function any more."""
        if self.place.pop(self.ticket, None) is not None:
            _turn(self.ticket)

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def _turn(ticket: int) -> None:
    """A hook comes or goes: the number is another one, and the old one again when it has gone."""
    global _active  # noqa: PLW0603
    _active ^= (ticket + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF     # bits well mixed


def active() -> int:
    """Which hooks there are, as a number."""
    return _active


class Hooks(Core):
    """Hooks on the gradient of one tensor."""

    __slots__ = ()

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Call hook(gradient) when the gradient of this tensor is known; what it returns, unless
        None, replaces the gradient.

        In a compiled function the hook is called while it is traced: it may compute with the
        gradient, and looking at its values is E606.

        Raises  E611 when this tensor takes part in no gradient
        Source  torch.Tensor.register_hook
        """
        if not self.requires_grad:
            raise StateError("E611", "register_hook", "this tensor takes part in no gradient",
                             got={"tensor": self.node}, need="requires_grad=True upstream",
                             tries=[("x.requires_grad_()", lambda: None)])
        if self._leaf:
            return Hook(_places(self)[0], hook)
        return watch(self.node, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Call hook(tensor) when `backward` has left a gradient in `.grad` of this leaf.

        Raises  E611 for a tensor that is no leaf
        Source  torch.Tensor.register_post_accumulate_grad_hook
        """
        if not (self._leaf and self.requires_grad):
            raise StateError("E611", "register_post_accumulate_grad_hook",
                             "only a leaf that requires a gradient gets one",
                             got={"tensor": self.node}, need="a leaf with requires_grad=True")
        return Hook(_places(self)[1], hook)


def watch(node: Node, hook: Callable[[Any], Any]) -> Hook:
    """Call hook with the cotangent of a node, as a tensor, on every walk backwards."""
    place = watchers.setdefault(node, {})
    def on_node(ct: Node) -> Node | None:
        found = hook(wrap(ct))
        return None if found is None else as_node(found, ct.dtype)
    return Hook(place, on_node)


def before_accumulation(leaf: Any, g: Node) -> Node:
    """The gradient of a leaf after its hooks."""
    if id(leaf) in _of_leaves:
        for hook in tuple(_of_leaves[id(leaf)][0].values()):
            found = hook(wrap(stop_gradient(g)))
            g = g if found is None else as_node(found, g.dtype)
    return g


def after_accumulation(leaf: Any) -> None:
    """Tell the hooks of a leaf that its gradient is there."""
    if id(leaf) in _of_leaves:
        for hook in tuple(_of_leaves[id(leaf)][1].values()):
            hook(leaf)


def see_gradients(order: Sequence[Node]) -> bool:
    """Are there hooks on any of these nodes, or on a leaf that shows one?"""
    if not watchers and not _of_leaves:
        return False
    leaves = (leaf for node in order if (leaf := leaf_of(node)) is not None)
    return any(watchers.get(node) for node in order) or any(
        any(_of_leaves.get(id(leaf), ())) for leaf in leaves)


def depend_on_hooks() -> None:
    """A compiled function that is being traced is traced again when hooks come or go."""
    running = trace.current()
    if running is not None:
        running.guard(active)


def _places(leaf: Core) -> tuple[dict[int, Any], dict[int, Any]]:
    if id(leaf) not in _of_leaves:
        _of_leaves[id(leaf)] = {}, {}
        finalize(leaf, _of_leaves.pop, id(leaf), None)
    return _of_leaves[id(leaf)]
