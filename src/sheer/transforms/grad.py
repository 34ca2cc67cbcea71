"""grad, value_and_grad, vjp, jvp: functions of tensors in, functions of tensors out.

All on one rule: a function is called once on marked copies of its arguments, and the graph of
its result is walked backwards. So derivatives compose, to any order, with everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral
from typing import Any

from ..graph.errors import ArgumentError, ShapeError
from ..graph.node import Node
from ..ops import movement
from ..ops.structure import constant
from ..ops.walk import reverse, vjp_nodes
from . import trace, tree
from .arguments import check_function, floating, mark, marked, places

__all__ = ["grad", "jvp", "reverse", "value_and_grad", "vjp", "vjp_nodes"]

# Set by the tensor layer: do the nodes lead to a leaf tensor that wants a gradient? Derivatives
# are differentiable themselves, also with respect to weights the function reads from outside.
needs_grad: Callable[[Sequence[Node]], bool] = lambda nodes: False
# Set by the tensor layer: within this block derivatives are recorded. A function that is
# differentiated runs in it, so `no_grad` around `grad(f)` is no constant f, as in torch.func.
recording: Callable[[], AbstractContextManager[Any]] = nullcontext


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0,
         has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a function with a scalar result, with respect to the arguments `argnums`.

    Shape   of each gradient: that of its argument (any nesting of tuples, lists and dicts)
    Raises  E602 when the result is no float scalar, E603 for argnums that are no places of
            arguments, E604 for an argument that is no float tensor, E624 for what is no function
    Example
        >>> grad(lambda x: x ** 3)(sheer.tensor(2.0)).item()
        12.0
    """
    both = _value_and_grad("grad", function, argnums, has_aux)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, grads = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads
    return gradient


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0,
                   has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`, giving (value, gradient); with has_aux the function gives (loss, anything)."""
    return _value_and_grad("value_and_grad", function, argnums, has_aux)


def _value_and_grad(op: str, function: Callable[..., Any], argnums: int | Sequence[int],
                    has_aux: bool) -> Callable[..., Any]:
    check_function(op, function)
    wanted, one = places(op, argnums), isinstance(argnums, Integral)
    def both(*args: Any, **kwargs: Any) -> Any:
        inputs, shape, new = marked(op, args, wanted)
        with trace.inlining(), recording():
            value = function(*new, **kwargs)
            loss = _scalar(op, _first(op, value) if has_aux else value)
        grads = fill(shape, vjp_nodes([loss], [constant(1, loss.dtype)], inputs))
        return _released(value, shape), grads[0] if one else tuple(grads)
    return both


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """function(*primals), and the map from a cotangent of it to cotangents of the primals.

    Raises  E603 when a cotangent does not match the result, E604 for primals of integers, E624 for
            what is no function
    """
    check_function("vjp", function)
    nodes, shape = tree.flatten(list(primals))
    inputs = [mark(floating("vjp", n)) for n in nodes]
    with trace.inlining(), recording():
        value = function(*tree.unflatten(shape, inputs))
        outputs, _ = tree.flatten(value)
    def pull(cotangent: Any) -> tuple[Any, ...]:
        cts, _ = tree.flatten(cotangent)
        _check_like("vjp", outputs, cts)
        return tuple(fill(shape, vjp_nodes(outputs, cts, inputs)))
    return _released(value, shape), pull


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any],
        ) -> tuple[Any, Any]:
    """function(*primals), and its derivative in the direction of the tangents.

    Forward mode needs no rules of its own: the pullback is linear in the cotangent, and its own
    pullback is the forward derivative.

    Raises  E603 when tangents do not match the primals, E604 for primals of integers, E624 for
            what is no function
    Source  the double-reverse construction, Townsend 2017, "A new trick for calculating
            Jacobian vector products"
    """
    check_function("jvp", function)
    nodes, shape = tree.flatten(_several("primals", primals))
    directions, _ = tree.flatten(_several("tangents", tangents))
    _check_like("jvp", nodes, directions)
    inputs = [mark(floating("jvp", n)) for n in nodes]
    with trace.inlining(), recording():
        value = function(*tree.unflatten(shape, inputs))
        outputs, out_shape = tree.flatten(value)
    probes = [mark(movement.broadcast_to(constant(0, o.dtype), o.shape)) for o in outputs]
    pulled = vjp_nodes(outputs, probes, inputs)
    pushed = vjp_nodes(pulled, directions, probes)
    flag = any(h.requires_grad for h in tree.holes(shape)) or needs_grad([*outputs, *pushed])
    return _flagged(out_shape, outputs, flag), _flagged(out_shape, pushed, flag)


def fill(shape: Any, nodes: Sequence[Node]) -> Any:
    """A tree of derivatives: they take part in gradients when its tensors did, or when they lead
    to a leaf that wants one.
    """
    flag = any(h.requires_grad for h in tree.holes(shape)) or needs_grad(nodes)
    return _flagged(shape, nodes, flag)


def _released(value: Any, arguments: Any) -> Any:
    """The value of a function of marked arguments: what it takes part in without the marks."""
    nodes, shape = tree.flatten(value)
    flag = any(h.requires_grad for h in tree.holes(arguments)) or needs_grad(nodes)
    return _flagged(shape, nodes, flag)


def _flagged(shape: Any, nodes: Sequence[Node], flag: bool) -> Any:
    rest = iter(nodes)
    return tree.fill(shape, lambda h: tree.unflatten(tree.Hole(h.kind, flag), [next(rest)]))


def _several(name: str, values: Any) -> list[Any]:
    """A list of primals or tangents: a tensor by itself would be taken for its rows."""
    if not isinstance(values, list | tuple):
        shown = values.node if tree.is_handle(values) else repr(values)[:60]
        raise ArgumentError("E603", "jvp", f"{name} are a tuple, one for each argument",
                            got={name: shown}, need="a tuple or list of tensors",
                            tries=[("jvp(f, (x,), (t,))", lambda: tree.leaves(values)[0])])
    return list(values)


def _check_like(op: str, values: Sequence[Node], others: Sequence[Node]) -> None:
    """A tangent or cotangent per value, of its shape and dtype."""
    names = ("primal", "tangent") if op == "jvp" else ("result", "cotangent")
    if len(values) != len(others):
        raise ShapeError("E603", op, f"{len(values)} {names[0]}s, {len(others)} {names[1]}s",
                         need=f"one {names[1]} per {names[0]}")
    what = f"a {names[1]} differs in shape or dtype from its {names[0]}"
    for x, t in zip(values, others, strict=True):
        if x.spec != t.spec:
            raise ShapeError("E603", op, what,
                             got={names[0]: x, names[1]: t}, need=f"one {names[1]} per {names[0]}")


def _first(op: str, value: Any) -> Any:
    """The loss of a function that gives something besides."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ShapeError("E602", op, "with has_aux the function must give two things",
                         got={"result": type(value).__name__}, need="(loss, anything)",
                         tries=[("has_aux=False", lambda: _scalar(op, value))])
    return value[0]


def _scalar(op: str, value: Any) -> Node:
    nodes, _ = tree.flatten(value)
    if len(nodes) != 1 or nodes[0].shape != () or not nodes[0].dtype.is_floating_point:
        raise ShapeError("E602", op, "the function must give one float number",
                         got={f"result {i}": n for i, n in enumerate(nodes)} or {
                             "result": type(value).__name__}, need="a float tensor of shape ()",
                         tries=[("return loss.mean() or loss.sum()", lambda: _mean(nodes))])
    return nodes[0]


def _mean(nodes: Sequence[Node]) -> None:
    (node,) = nodes
    if not node.dtype.is_floating_point:
        raise TypeError("a mean of integers is no float")
