"""Jacobians and Hessians: all rows, or all columns, of a derivative at once, by batching rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

from ..graph.dtypes import int64
from ..graph.node import Node
from ..ops import batching, movement
from ..ops.elementwise import cast, eq
from ..ops.elementwise.family import zeros_like
from ..ops.structure import iota
from ..ops.walk import batch_nodes, vjp_nodes
from . import grad, trace, tree
from .arguments import check_function, mark, marked, places
from .grad import fill

# (outputs, marked arguments) -> J[output][argument], each of shape (*output, *argument)
Rows = Callable[[Sequence[Node], Sequence[Node]], list[list[Node]]]


def jacrev(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The Jacobian by reverse mode: one pullback per number of the result. For few results.

    Shape   result (*R), argument (*A) -> (*R, *A); a tree of results of trees of arguments
    Raises  E603 for argnums that are no places of arguments, E604 for an argument that is no float
            tensor, E624 for what is no function
    Source  torch.func.jacrev
    Example
        >>> jacrev(lambda x: x * x)(sheer.tensor([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian("jacrev", function, argnums, _by_rows)


def jacfwd(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The Jacobian by forward mode: one push per number of the arguments. For few arguments.

    Shape   result (*R), argument (*A) -> (*R, *A); a tree of results of trees of arguments
    Raises  as jacrev
    Source  torch.func.jacfwd
    """
    return _jacobian("jacfwd", function, argnums, _by_columns)


def hessian(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Second derivatives: forward mode over reverse mode.

    Shape   result (*R), argument (*A) -> (*R, *A, *A)
    Raises  as jacrev
    Source  torch.func.hessian
    """
    slopes = _jacobian("hessian", function, argnums, _by_rows)
    return _jacobian("hessian", slopes, argnums, _by_columns)


def _jacobian(op: str, function: Callable[..., Any], argnums: int | Sequence[int], rows: Rows,
              ) -> Callable[..., Any]:
    check_function(op, function)
    wanted, one = places(op, argnums), isinstance(argnums, Integral)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        inputs, shape, new = marked(op, args, wanted)
        with trace.inlining(), grad.recording():
            outputs, out_shape = tree.flatten(function(*new, **kwargs))
        found = iter(rows(outputs, inputs))
        def row(_: tree.Hole) -> Any:
            derivatives = fill(shape, next(found))
            return derivatives[0] if one else tuple(derivatives)
        return tree.fill(out_shape, row)
    return jacobian


def _by_rows(outputs: Sequence[Node], marked: Sequence[Node]) -> list[list[Node]]:
    found = []
    with trace.tracing() as t:
        for out in outputs:
            ct = t.input(out)
            grads = vjp_nodes([out], [ct], marked)
            stacked = batch_nodes(grads, {ct: _basis(out)}, out.size)
            found.append([movement.reshape(s, (*out.shape, *x.shape))
                          for s, x in zip(stacked, marked, strict=True)])
    return found


def _by_columns(outputs: Sequence[Node], marked: Sequence[Node]) -> list[list[Node]]:
    probes = [mark(zeros_like(o)) for o in outputs]
    pulled = vjp_nodes(outputs, probes, marked)
    columns = []
    with trace.tracing() as t:
        for x in marked:
            direction = t.input(x)
            tangents = [direction if y is x else zeros_like(y) for y in marked]
            pushed = vjp_nodes(pulled, tangents, probes)
            stacked = batch_nodes(pushed, {direction: _basis(x)}, x.size)
            columns.append([_last(s, o, x) for s, o in zip(stacked, outputs, strict=True)])
    return [[column[i] for column in columns] for i in range(len(outputs))]


def _last(stacked: Node, out: Node, x: Node) -> Node:
    """(size of x, *out) -> (*out, *x)."""
    turned = batching.move_axis(stacked, 0, out.ndim)
    return movement.reshape(turned, (*out.shape, *x.shape))


def _basis(like: Node) -> Node:
    """Every unit cotangent of a node, stacked: (size, *shape)."""
    place = iota(like.size, int64)
    flat = cast(eq(movement.expand_dims(place, 1), movement.expand_dims(place, 0)), like.dtype)
    return movement.reshape(flat, (like.size, *like.shape))
