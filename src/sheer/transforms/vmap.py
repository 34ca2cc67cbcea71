"""vmap: a function of one example in, a function of a batch of examples out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.errors import ArgumentError, ShapeError, StateError
from ..graph.graph import substitute
from ..graph.node import Node, topological
from ..ops.batching import move_axis
from ..ops.walk import batch_nodes
from . import trace, tree
from .arguments import check_function


def vmap(function: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0) -> Callable[..., Any]:
    """Map a function over an axis of its arguments, every primitive by its batching rule.

    in_dims says which axis holds the examples: one number for all arguments, or one entry per
    argument, which may be a tree like the argument; None: the same for all examples. out_dims
    says where the axis goes in the results, likewise. Keyword arguments are not mapped.
    Random numbers drawn inside are the same for every example.

    A gradient that `backward` leaves inside is one example's: the function returns it, and clears
    `.grad` again.

    Shape   arguments (B, ...) -> results (B, ...)
    Raises  E608 when lengths of the mapped axes differ or there is none, E619 when the function
            writes values of single examples into a tensor that is shared by all, or leaves a
            gradient in one; E624 for what is no function
    Source  jax.vmap, torch.func.vmap
    """
    check_function("vmap", function)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        args = tree.with_tensors(args)
        nodes, shape = tree.flatten(args)
        dims = tree.broadcast(_per_argument(in_dims, args), args)
        fronts = [None if d is None else _front(x, d) for x, d in zip(nodes, dims, strict=True)]
        size = _size([f for f in fronts if f is not None])
        with trace.tracing() as t:
            inner = [None if f is None else t.input(f.to(*f.shape[1:]), x.source)
                     for x, f in zip(nodes, fronts, strict=True)]
            given = _one_example(t, shape, tree.leaves(args), inner)
            outputs, out_shape = tree.flatten(function(*given, **kwargs))
        _check_grads(t, given)
        batched = {i: f for i, f in zip(inner, fronts, strict=True)
                   if i is not None and f is not None}
        outputs = _written_back(t, outputs, batched)
        return tree.unflatten(out_shape, _results(outputs, out_shape, batched, size, out_dims))
    return mapped


def _per_argument(in_dims: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if in_dims is None or isinstance(in_dims, int):
        return (in_dims,) * len(args)
    if not isinstance(in_dims, list | tuple) or len(in_dims) != len(args):
        what = f"in_dims has no entry for each of {len(args)} arguments"
        raise ArgumentError("E608", "vmap", what, got={"in_dims": repr(in_dims)},
                            need="a number, None, or an entry for each")
    return tuple(in_dims)


def _check_number(name: str, dim: Any) -> None:
    if dim is not None and not isinstance(dim, int):
        raise ArgumentError("E608", "vmap", f"an axis is a number, and a {type(dim).__name__} none",
                            got={name: repr(dim)[:60]}, need="a whole number, or None")


def _front(x: Node, dim: int) -> Node:
    """x with the axis of examples first."""
    _check_number("in_dims", dim)
    if not -x.ndim <= dim < x.ndim:
        raise ShapeError("E608", "vmap", f"an argument has no axis {dim} to map over", got={"x": x},
                         need="an axis that exists, or in_dims=None for it")
    return move_axis(x, dim % x.ndim, 0)


def _size(fronts: Sequence[Node]) -> int:
    sizes = {f.shape[0] for f in fronts}
    if len(sizes) != 1:
        raise ShapeError("E608", "vmap", f"mapped axes have lengths {sorted(sizes)}" if sizes
                         else "no argument is mapped",
                         got={f"x{i}": f for i, f in enumerate(fronts)},
                         need="one length for all mapped axes")
    return sizes.pop()


def _one_example(t: trace.Trace, shape: Any, whole: Sequence[Any], inner: Sequence[Node | None],
                 ) -> Any:
    """The arguments as the function sees them: one example of what is mapped, the tensor itself of
    what is not. A gradient that flows into an example stops there, and is seen.
    """
    rest = zip(whole, inner, strict=True)
    def one(hole: tree.Hole) -> Any:
        value, node = next(rest)
        if node is None:
            return value
        made = tree.unflatten(hole, [node])
        if hole.requires_grad:
            t.leaves[node] = made
        return made
    return tree.fill(shape, one)


def _check_grads(t: trace.Trace, given: Any) -> None:
    """A loop over the examples would add up the gradients that they leave; here there is one."""
    left = [handle for handle, slot in t.grads.values() if slot is not None]
    inside = [x for x in tree.leaves(given) if getattr(x, "_home", None) is t]
    left += [x for x in inside if x._grad is not None]
    if left:
        raise StateError("E619", "vmap", "the gradient of one example is left in a tensor",
                         got={"tensor": left[0]._bound}, need="gradients that are returned",
                         tries=[("vmap(grad(loss)), a gradient for each example", lambda: None),
                                ("vmap(loss)(x).sum().backward(), their sum", lambda: None)])


def _written_back(t: trace.Trace, outputs: list[Node], batched: dict[Node, Node]) -> list[Node]:
    """The outputs in terms of tensors from outside; those that were rebound are rebound there."""
    outer = {c.input: trace.read(c.handle) for c in t.captured.values()}
    for c in t.written:
        if _depends(c.now, batched):
            raise StateError("E619", "vmap", "one example's value goes into a tensor shared by all",
                             got={"tensor": outer[c.input], "value": c.now},
                             need="a result of the function, or a value equal for all examples",
                             tries=[("return it, and write after vmap", lambda: None)])
    written = t.written
    new = substitute([*outputs, *(c.now for c in written)], outer)
    for c, node in zip(written, new[len(outputs):], strict=True):
        c.handle._rebind(node)
    t.leave_grads()
    return list(new[:len(outputs)])


def _depends(node: Node, batched: dict[Node, Node]) -> bool:
    return any(n in batched for n in topological([node]))


def _results(outputs: Sequence[Node], shape: Any, batched: dict[Node, Node], size: int,
             out_dims: Any) -> list[Node]:
    dims = tree.broadcast(out_dims, shape)
    results = []
    for dim in dims:
        _check_number("out_dims", dim)
    for node, front, dim in zip(outputs, batch_nodes(outputs, batched, size), dims, strict=True):
        if dim is None:
            if _depends(node, batched):
                what = "a result with out_dims=None is not the same for all"
                raise ShapeError("E608", "vmap", what, got={"result": node},
                                 need="an axis for it in out_dims")
            results.append(node)
        elif not -front.ndim <= dim < front.ndim:
            raise ShapeError("E608", "vmap", f"a result has no place for an axis {dim}",
                             got={"result": node}, need=f"out_dims from 0 to {node.ndim}")
        else:
            results.append(move_axis(front, 0, dim % front.ndim))
    return results
