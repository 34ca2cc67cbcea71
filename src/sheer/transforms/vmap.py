"""vmap: a function of one example in, a function of a batch of examples out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.errors import ShapeError
from ..graph.node import Node
from ..ops.batching import move_axis
from ..ops.structure import Input
from ..ops.walk import batch_nodes
from . import trace, tree


def vmap(function: Callable[..., Any], in_dims: int | None | Sequence[int | None] = 0,
         out_dims: int = 0) -> Callable[..., Any]:
    """Map a function over an axis of its arguments, every primitive by its batching rule.

    in_dims says per argument which axis holds the examples (None: the same for all).
    Random numbers drawn inside are the same for every example.

    Shape   arguments (B, ...) -> results (B, ...)
    Raises  E608 when lengths of the mapped axes differ or there is none
    Source  jax.vmap, torch.func.vmap
    """
    def mapped(*args: Any) -> Any:
        dims = [in_dims] * len(args) if in_dims is None or isinstance(in_dims, int) else list(in_dims)
        batched: dict[Node, Node] = {}
        inner = [arg if dim is None else _one_example(arg, dim, batched)
                 for arg, dim in zip(args, dims, strict=True)]
        size = _size(batched)
        outputs, shape = tree.flatten(function(*inner))
        results = batch_nodes(outputs, batched, size)
        return tree.unflatten(shape, [move_axis(r, 0, out_dims % r.ndim) for r in results])
    return mapped


def _one_example(arg: Any, dim: int, batched: dict[Node, Node]) -> Any:
    """The argument as one example sees it; notes the batch behind each of its nodes."""
    nodes, shape = tree.flatten(arg)
    examples = []
    for x in nodes:
        if x.ndim == 0:
            raise ShapeError("E608", "vmap", "an argument has no axis to map over", got={"x": x},
                             need="at least one axis, or in_dims=None for it")
        front = move_axis(x, dim % x.ndim, 0)
        examples.append(Input(len(batched), front.shape[1:], x.dtype, next(trace._scopes))())
        batched[examples[-1]] = front
    return tree.unflatten(shape, examples)


def _size(batched: dict[Node, Node]) -> int:
    sizes = {b.shape[0] for b in batched.values()}
    if len(sizes) != 1:
        raise ShapeError("E608", "vmap", f"mapped axes have lengths {sorted(sizes)}" if sizes
                         else "no argument is mapped",
                         got={f"x{i}": b for i, b in enumerate(batched.values())},
                         need="one length for all mapped axes")
    return sizes.pop()
