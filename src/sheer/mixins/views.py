"""Views: a tensor that renames elements of another one follows it, and writes go through to it.

Tensors are handles on immutable nodes, so `y = x[0]` shares no memory with x. What PyTorch users
rely on is kept all the same: y remembers x and the view operations between them. When x has been
written to, y is derived from it again; when y is written to, the values are carried back along
those operations and x is written to. Neither costs anything until somebody writes.

Left out: two views of a tensor that no longer exists do not see each other's writes.
"""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from ..graph.dtypes import bool_
from ..graph.errors import StateError
from ..graph.node import Node
from ..ops import elementwise, movement
from ..ops.structure import StopGradient, constant, stop_gradient
from ..transforms import execute, trace

if TYPE_CHECKING:
    from .core import Core

_RENAMES = (movement.Reshape, movement.Permute, movement.Expand, movement.Slice, StopGradient)


class View:
    """How a tensor came from the one it is a view of.

    base    the tensor that owns the elements, as a weak reference: a view keeps nothing alive
    steps   the primitives from base to view, in order
    seen    the node of base that the view was derived from last
    """

    __slots__ = ("base", "seen", "steps")

    def __init__(self, base: Core, steps: tuple[Any, ...], seen: Node) -> None:
        self.base, self.steps, self.seen = ref(base), steps, seen

    @property
    def detached(self) -> bool:
        """Does no gradient pass from base to view?"""
        return any(isinstance(step, StopGradient) for step in self.steps)


def link(view: Core, source: Core, start: Node) -> None:
    """Remember that `view`, made from the node `start` of `source`, shows elements of it."""
    steps = _path(view._bound, start)
    if steps is None:
        return                                            # computed: it has elements of its own
    above = source._view
    root = None if above is None else above.base()
    if above is None or root is None:
        view._view = View(source, steps, start)
    else:
        view._view = View(root, above.steps + steps, above.seen)


def current_node(handle: Core, view: View) -> Node:
    """The node that a view shows now: derived again when its base has been written to."""
    base = view.base()
    if base is None:                                      # nobody is left to write to it
        handle._view = None
        return trace.read(handle)
    running = trace.current()
    if running is None:
        trace.outside(handle)                             # E605 for what a traced function left
    root = base.node
    if root is view.seen:
        return trace.read(handle)
    if _same_values(root, view.seen):                     # evaluated since, not written to
        view.seen = root
        return trace.read(handle)
    node = _replay(view, root)[-1]
    if handle._home is running:
        handle._bind(node)
        handle.requires_grad |= base.requires_grad and not view.detached
        view.seen = root
    return node


def write_through(handle: Core, view: View, base: Core, node: Node) -> None:
    """Give `base` the values `node` in the places that `handle` shows.

    Raises StateError E614 when several elements of the view are one element of base.
    """
    start = base.node
    if base._leaf and base.requires_grad:
        start = stop_gradient(start)                      # its old values are not part of a graph
    chain = _replay(view, start)
    if any(isinstance(step, movement.Expand) for step in view.steps):
        raise _refuse_expanded(handle, start)
    kept = movement.broadcast_to(constant(True, bool_), node.shape)
    for step, before, after in reversed(list(zip(view.steps, chain, chain[1:], strict=False))):
        if not isinstance(step, StopGradient):
            node = step.vjp(node, after, before)[0]       # the adjoint of a view puts elements back
            kept = step.vjp(kept, after, before)[0]
    partial = any(isinstance(step, movement.Slice) for step in view.steps)
    base._rebind(elementwise.where(kept, node, start) if partial else node)


def _path(node: Node, start: Node) -> tuple[Any, ...] | None:
    """The view primitives from `start` to `node`, or None when there is something else between."""
    steps: list[Any] = []
    while node is not start:
        if not isinstance(node.prim, _RENAMES):
            return None
        steps.append(node.prim)
        node = node.inputs[0]
    return tuple(reversed(steps))


def _replay(view: View, root: Node) -> list[Node]:
    """The nodes from base to view."""
    chain = [root]
    for step in view.steps:
        chain.append(step(chain[-1]))
    return chain


def _same_values(now: Node, before: Node) -> bool:
    """Is `now` the array that evaluating `before` gave?"""
    return (execute.is_known(now) and execute.is_known(before)
            and execute.value_of(now) is execute.value_of(before))


def _refuse_expanded(handle: Core, base: Node) -> StateError:
    return StateError("E614", "in-place",
                      "several elements of this view are one element of its base",
                      got={"view": handle._bound, "base": base},
                      need="a view without repeated elements",
                      tries=[("x.expand(...).clone() and write to that", lambda: None)])
