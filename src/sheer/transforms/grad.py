"""grad, value_and_grad, vjp, jvp: functions of tensors in, functions of tensors out.

All on one rule: a function is called once on marked copies of its arguments, and the graph of
its result is walked backwards. So derivatives compose, to any order, with everything else.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ..graph.errors import DTypeError, ShapeError
from ..graph.node import Node
from ..ops import movement
from ..ops.structure import Alias, constant
from ..ops.walk import reverse, vjp_nodes
from . import tree

__all__ = ["grad", "jvp", "reverse", "value_and_grad", "vjp", "vjp_nodes"]

_tokens = itertools.count(1)


def mark(x: Node) -> Node:
    """x under a name of its own: only what is computed from this node depends on it."""
    return Alias(next(_tokens))(x)


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0,
         has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a function with a scalar result, with respect to the arguments `argnums`.

    Shape   of each gradient: that of its argument (any nesting of tuples, lists and dicts)
    Raises  E602 when the result is no float scalar
    Example
        >>> grad(lambda x: x ** 3)(sheer.tensor(2.0)).item()
        12.0
    """
    both = value_and_grad(function, argnums, has_aux)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, grads = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads
    return gradient


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0,
                   has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`, giving (value, gradient); with has_aux the function gives (loss, anything)."""
    def both(*args: Any, **kwargs: Any) -> Any:
        wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        nodes, shape = tree.flatten([args[i] for i in wanted])
        marked = [mark(n) for n in nodes]
        new = list(args)
        for place, value in zip(wanted, tree.unflatten(shape, marked), strict=True):
            new[place] = value
        value = function(*new, **kwargs)
        loss = _scalar(value[0] if has_aux else value)
        found = vjp_nodes([loss], [constant(1, loss.dtype)], marked)
        grads = tree.unflatten(shape, [_checked(x, g) for x, g in zip(nodes, found, strict=True)])
        return value, grads[0] if isinstance(argnums, int) else tuple(grads)
    return both


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """function(*primals), and the map from a cotangent of it to cotangents of the primals."""
    nodes, shape = tree.flatten(list(primals))
    marked = [mark(n) for n in nodes]
    value = function(*tree.unflatten(shape, marked))
    outputs, _ = tree.flatten(value)
    def pull(cotangent: Any) -> tuple[Any, ...]:
        cts, _ = tree.flatten(cotangent)
        return tuple(tree.unflatten(shape, vjp_nodes(outputs, cts, marked)))
    return value, pull


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any],
        ) -> tuple[Any, Any]:
    """function(*primals), and its derivative in the direction of the tangents.

    Forward mode needs no rules of its own: the pullback is linear in the cotangent, and its own
    pullback is the forward derivative.
    Source: Christianson 2012 in spirit; the two-reverse construction of Townsend 2017.
    """
    nodes, shape = tree.flatten(list(primals))
    directions, _ = tree.flatten(list(tangents))
    for x, t in zip(nodes, directions, strict=True):
        if x.shape != t.shape:
            raise ShapeError("E603", "jvp", "a tangent differs in shape from its primal",
                             got={"primal": x, "tangent": t}, need="one tangent per primal")
    marked = [mark(n) for n in nodes]
    value = function(*tree.unflatten(shape, marked))
    outputs, out_shape = tree.flatten(value)
    probes = [mark(movement.broadcast_to(constant(0, o.dtype), o.shape)) for o in outputs]
    pulled = vjp_nodes(outputs, probes, marked)
    return value, tree.unflatten(out_shape, vjp_nodes(pulled, directions, probes))


def _scalar(value: Any) -> Node:
    nodes, _ = tree.flatten(value)
    if len(nodes) != 1 or nodes[0].shape != () or not nodes[0].dtype.is_floating_point:
        raise ShapeError("E602", "grad", "the function must give one float number",
                         got={f"result {i}": n for i, n in enumerate(nodes)}, need="shape ()",
                         tries=[("return loss.mean() or loss.sum()", lambda: None)])
    return nodes[0]


def _checked(x: Node, g: Node) -> Node:
    if not x.dtype.is_floating_point:
        raise DTypeError("E604", "grad", f"no gradient with respect to {x.dtype.name}",
                         got={"argument": x}, need="float32 or float64",
                         tries=[("x.float()", lambda: None)])
    return g
