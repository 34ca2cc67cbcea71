"""Views: a tensor that renames elements of another one follows it, and writes go through to it.

Tensors are handles on immutable nodes, so `y = x[0]` shares no memory with x. What PyTorch users
rely on is kept all the same: y remembers x and the view operations between them. When x has been
written to, y is derived from it again; when y is written to, the values are carried back along
those operations and x is written to. Neither costs anything until somebody writes.

A picture (what a state_dict holds) is a view that does not follow: it shows what its tensor was.
Writes to it go through as long as it still shows what the tensor is.

Left out: two views of a tensor that no longer exists do not see each other's writes.
"""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from ..graph.dtypes import bool_
from ..graph.errors import StateError
from ..graph.node import Node
from ..ops import elementwise, movement
from ..ops.index.gather import Gather, ScatterSet
from ..ops.structure import StopGradient, constant, stop_gradient
from ..transforms import execute, trace

if TYPE_CHECKING:
    from .core import Core

_RENAMES = (movement.Reshape, movement.Permute, movement.Expand, movement.Slice, movement.Flip,
            StopGradient)


class Step(NamedTuple):
    """A primitive on the way from base to view, and where it looks: index nodes, or nothing."""

    prim: Any
    places: tuple[Node, ...] = ()

    def __call__(self, x: Node) -> Node:
        out: Node = self.prim(x, *self.places)
        return out


class View:
    """How a tensor came from the one it is a view of.

    base    gives the tensor that owns the elements, or None: a view keeps nothing alive but the
            picture that it is a part of
    steps   what was done from base to view, in order
    seen    the node of base that the view was derived from last
    """

    __slots__ = ("base", "seen", "steps")

    def __init__(self, base: Core, steps: tuple[Step, ...], seen: Node) -> None:
        lasting = isinstance(base._view, Picture)
        self.base: Callable[[], Core | None] = (lambda: base) if lasting else ref(base)
        self.steps, self.seen = steps, seen

    @property
    def detached(self) -> bool:
        """Does no gradient pass from base to view?"""
        return any(isinstance(step.prim, StopGradient) for step in self.steps)


class Picture(View):
    """How the value of a moment came from the tensor that had it."""

    __slots__ = ()


def take_picture(picture: Core, source: Core, start: Node) -> None:
    """Remember that `picture` shows what `source` was with its node `start`."""
    picture._view = Picture(source, (Step(StopGradient()),), start)


def link(view: Core, source: Core, start: Node) -> None:
    """Remember that `view`, made from the node `start` of `source`, shows elements of it."""
    steps = _path(view._bound, start)
    if steps is None:
        return                                            # computed: it has elements of its own
    above = source._view
    root = None if above is None or isinstance(above, Picture) else above.base()
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
    if isinstance(view, Picture):
        return trace.read(handle)
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


def write_through(handle: Core, view: View, base: Core, node: Node, op: str) -> None:
    """For `op`, give `base` the values `node` in the places that `handle` shows.

    Raises StateError E614 when several elements of the view are one element of base, E626 when
    the base of a picture has changed since.
    """
    start = base.node
    if isinstance(view, Picture):
        if start is not view.seen and not _same_values(start, view.seen):
            raise _refuse_old(op, handle, start)
        base._rebind(node)
        handle._set(node)
        view.seen = base.node
        return
    if base._leaf and base.requires_grad:
        start = stop_gradient(start)                      # its old values are not part of a graph
    if any(isinstance(step.prim, movement.Expand) for step in view.steps):
        raise _refuse_expanded(op, handle, start)
    base._rebind(_put_back(view, start, node))


def _put_back(view: View, start: Node, node: Node) -> Node:
    """`start` with the values `node` in the places that the view shows."""
    chain = _replay(view, start)
    kept, partial = _everywhere(node), False              # of what is put back, what is new
    for step, before, after in reversed(list(zip(view.steps, chain, chain[1:], strict=False))):
        if isinstance(step.prim, Gather):
            put = ScatterSet(step.prim.k, step.prim.wrap, step.prim.word)
            whole = elementwise.where(kept, node, after) if partial else node
            node = put(before, *step.places, whole)
            kept, partial = _everywhere(node), False
        elif not isinstance(step.prim, StopGradient):
            node = step.prim.vjp(node, after, before)[0]  # the adjoint of a view puts elements back
            kept = step.prim.vjp(kept, after, before)[0]
            partial |= isinstance(step.prim, movement.Slice)
    return elementwise.where(kept, node, start) if partial else node


def _everywhere(node: Node) -> Node:
    return movement.broadcast_to(constant(True, bool_), node.shape)


def _path(node: Node, start: Node) -> tuple[Step, ...] | None:
    """The steps from `start` to `node`, or None when there is something else than views between."""
    steps: list[Step] = []
    while node is not start:
        x, *places = node.inputs or (None,)
        one = isinstance(node.prim, Gather) and places[0].ndim == 0
        if x is None or not (one or isinstance(node.prim, _RENAMES)):
            return None
        steps.append(Step(node.prim, tuple(places)))
        node = x
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


def _refuse_expanded(op: str, handle: Core, base: Node) -> StateError:
    return StateError("E614", op,
                      "several elements of this view are one element of its base",
                      got={"view": handle._bound, "base": base},
                      need="a view without repeated elements",
                      tries=[("x.expand(...).clone() and write to that", lambda: None)])


def _refuse_old(op: str, handle: Core, now: Node) -> StateError:
    return StateError("E626", op,
                      "the model's tensor has changed since this state_dict was taken",
                      got={"in the state_dict": handle._bound, "in the model": now},
                      need="a state_dict of now, or a copy that is no part of the model",
                      tries=[("model.state_dict() again", lambda: None),
                             ("x.clone() and write to that", lambda: None)])
