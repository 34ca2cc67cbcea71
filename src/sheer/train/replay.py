"""Replay: the step that went wrong runs again on the reference, watched node by node."""

from __future__ import annotations

from ..graph.errors import NumericError
from ..ops.structure import data
from ..transforms import execute, trace, tree
from .diagnose import first_nonfinite, nonfinite_loss
from .plan import Part
from .session import Session, batch_of


def explain_step(session: Session, part: Part, loss: float, where: str) -> NumericError:
    """The error for a loss that is not finite, with the operation, layer and line that made it.

    The state must be that before the step; it stays so.
    """
    nodes, shape = tree.flatten(part.parts)
    with trace.suspended():
        arrays = execute.evaluate(nodes)
        single = tree.unflatten(shape, [data(a[0]) for a in arrays])
        x, y = batch_of(part.memory, single)
        batch, _ = tree.flatten((x, y))
        values = execute.evaluate(batch)
        form = session.traced_step(x, y)
        inputs = [*values, *(execute.evaluate([c.handle.node])[0] for c in form.captured)]
    names = ["inputs",
             "targets"] if len(values) == 2 else [f"tensor {i}" for i in range(len(values))]
    return nonfinite_loss(loss, where, first_nonfinite(form, inputs),
                          dict(zip(names, values, strict=True)))
