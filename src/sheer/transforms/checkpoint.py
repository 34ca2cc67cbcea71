"""checkpoint: a function whose inner values are computed again in the backward pass, not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops.call import Checkpoint
from ..ops.primitive import results
from . import trace, tree
from .arguments import check_function


def checkpoint(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """function(*args), trading a second forward computation for the memory of the first.

    Source  Chen et al. 2016, arXiv:1604.06174; torch.utils.checkpoint.checkpoint
    """
    check_function("checkpoint", function)
    nodes, shape = tree.flatten((args, kwargs))
    with trace.tracing() as t:
        inputs = [t.input(n) for n in nodes]
        new_args, new_kwargs = tree.unflatten(shape, inputs)
        outputs, out_shape = tree.flatten(function(*new_args, **new_kwargs))
    graph = t.graph(inputs, outputs)
    captured = list(t.captured.values())
    found = results(Checkpoint(graph)(*nodes, *(trace.read(c.handle) for c in captured)))
    for c, node in zip(t.written, found[len(outputs):], strict=True):
        c.handle._rebind(node)
    t.leave_grads()
    return tree.unflatten(out_shape, found[:len(outputs)])
