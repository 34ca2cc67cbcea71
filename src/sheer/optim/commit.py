"""The end of a step: new values flow in; handles are rebound, evaluated in one program if eager."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.node import Node, topological
from ..mixins import core
from ..ops.structure import Data, Input, data, stop_gradient
from ..transforms import execute, trace


def commit(changes: Sequence[tuple[Any, Node]], grads: Sequence[Any]) -> None:
    """Let each handle show its new node.

    Inside a trace that is all. Outside, everything is evaluated first, together with what is
    still pending on the old weights (the loss, say): otherwise a graph would grow from step to
    step, and reading the loss later would run the forward pass a second time.
    """
    if trace.current() is not None:
        for handle, node in changes:
            handle._rebind(stop_gradient(node) if handle.requires_grad else node)
        return
    old = lambda: [h.node for h, _ in changes]
    waiting = [*(g for g in grads if g is not None), *pending_on(old)]
    roots = [*(node for _, node in changes), *(t.node for t in waiting)]
    arrays = execute.evaluate(roots, keep=core._live.__contains__)
    for (handle, _), array in zip(changes, arrays, strict=False):
        handle._rebind(data(array))      # plain memory: the next step has the same structure
    core.evaluate(waiting)               # known by now; lets them forget how they were made


def finish(params: Sequence[Any], state: Callable[[], Sequence[Any]]) -> None:
    """Before an update: compute the gradients, and all that is pending on the weights, at once."""
    grads = [p.grad for p in params if p.grad is not None]
    pending = pending_on(lambda: [t.node for t in (*params, *state())])
    if pending or not all(isinstance(g.node.prim, Data) for g in grads):
        core.evaluate([*grads, *pending])


def pending_on(old: Callable[[], Sequence[Node]]) -> list[Any]:
    """Living tensors without a value that were computed from one of the old nodes."""
    waiting = [t for t in core._live.pending() if t._home is None]
    if not waiting:
        return []
    reached, symbolic = set(old()), set()
    for node in topological([t._bound for t in waiting], stop=execute.is_known):
        if isinstance(node.prim, Data):
            continue
        if any(x in reached for x in node.inputs):
            reached.add(node)
        if isinstance(node.prim, Input) or any(x in symbolic for x in node.inputs):
            symbolic.add(node)           # part of a function that is being transformed: no value
    return [t for t in waiting if t._bound in reached and t._bound not in symbolic]
