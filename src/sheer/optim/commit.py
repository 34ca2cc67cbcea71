"""The end of a step: new values flow in; handles are rebound, evaluated in one program if eager."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.errors import DTypeError, SheerError
from ..graph.node import Node, topological
from ..mixins import core
from ..ops.structure import Data, Input, data, stop_gradient
from ..transforms import execute, trace


def commit(changes: Sequence[tuple[Any, Node]]) -> None:
    """Let each handle show its new node.

    Inside a trace that is all. Outside, everything is evaluated at once, first what is still
    pending on the old weights (the loss, say): otherwise a graph would grow from step to
    step, and reading the loss later would run the forward pass a second time.
    """
    if trace.current() is not None:
        for handle, node in changes:
            handle._rebind(stop_gradient(node) if handle.requires_grad else node)
        return
    settle([], pending_on(lambda: [h.node for h, _ in changes]))
    arrays = execute.evaluate([node for _, node in changes], keep=core._live.__contains__)
    for (handle, _), array in zip(changes, arrays, strict=True):
        handle._rebind(data(array))      # plain memory: the next step has the same structure


def finish(params: Sequence[Any], state: Callable[[], Sequence[Any]]) -> None:
    """Before an update: compute the gradients, and all that is pending on the weights, at once."""
    grads = [checked_gradient(p.grad) for p in params if p.grad is not None]
    pending = pending_on(lambda: [t.node for t in (*params, *state())])
    if pending or not all(type(g.node.prim) is Data for g in grads):
        settle(grads, pending)


def settle(grads: Sequence[Any], pending: Sequence[Any]) -> None:
    """Compute the gradients and what is pending, in one program. Of what is pending, a value that
    cannot be had is no error of the step: who reads it gets its error, and no later step asks.
    """
    try:
        core.evaluate([*grads, *pending])
    except SheerError:
        core.evaluate(grads)
        for t in pending:
            try:
                core.evaluate([t])
            except SheerError:
                core._live.give_up(t)


def checked_gradient(grad: Any) -> Any:
    """A gradient that somebody may have assigned. Raises E604 unless it is a tensor of floats."""
    if not isinstance(grad, core.Core) or not grad.node.dtype.is_floating_point:
        given = grad.node if isinstance(grad, core.Core) else type(grad).__name__
        raise DTypeError("E604", "step", "a gradient is no tensor of floats",
                         got={"gradient": given}, need="p.grad as backward leaves it, or None")
    return grad


def pending_on(old: Callable[[], Sequence[Node]]) -> list[Any]:
    """Living tensors without a value that were computed from one of the old nodes."""
    waiting = [t for t in core._live.pending() if t._home is None]
    if not waiting:
        return []
    reached, symbolic = set(old()), set()
    for node in topological([t._bound for t in waiting], stop=execute.is_known):
        if type(node.prim) is Data:
            continue
        if any(x in reached for x in node.inputs):
            reached.add(node)
        if type(node.prim) is Input or any(x in symbolic for x in node.inputs):
            symbolic.add(node)           # part of a function that is being transformed: no value
    return [t for t in waiting if t._bound in reached and t._bound not in symbolic]
