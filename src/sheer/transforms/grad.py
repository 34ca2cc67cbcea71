"""grad, value_and_grad, vjp, jvp: functions of tensors in, functions of tensors out.

All on one rule: a function is called once on marked copies of its arguments, and the graph of
its result is walked backwards. So derivatives compose, to any order, with everything else.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..graph.errors import ArgumentError, DTypeError, ShapeError
from ..graph.node import Node
from ..ops import movement
from ..ops.structure import Alias, constant
from ..ops.walk import reverse, vjp_nodes
from . import trace, tree

__all__ = ["grad", "jvp", "reverse", "value_and_grad", "vjp", "vjp_nodes"]

_tokens = itertools.count(1)

# Set by the tensor layer: do the nodes lead to a leaf tensor that wants a gradient? Derivatives
# are differentiable themselves, also with respect to weights the function reads from outside.
needs_grad: Callable[[Sequence[Node]], bool] = lambda nodes: False
# Set by the tensor layer: within this block derivatives are recorded. A function that is
# differentiated runs in it, so `no_grad` around `grad(f)` is no constant f, as in torch.func.
recording: Callable[[], AbstractContextManager[Any]] = nullcontext


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
        nodes, shape = tree.flatten([_argument(args, i) for i in wanted])
        marked = [mark(_checked(n)) for n in nodes]
        new = list(args)
        for place, given in zip(wanted, tree.unflatten(shape, marked), strict=True):
            new[place] = given
        with trace.inlining(), recording():
            value = function(*new, **kwargs)
            loss = _scalar(value[0] if has_aux else value)
        grads = fill(shape, vjp_nodes([loss], [constant(1, loss.dtype)], marked))
        return _released(value, shape), grads[0] if isinstance(argnums, int) else tuple(grads)
    return both


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """function(*primals), and the map from a cotangent of it to cotangents of the primals."""
    nodes, shape = tree.flatten(list(primals))
    marked = [mark(n) for n in nodes]
    with trace.inlining(), recording():
        value = function(*tree.unflatten(shape, marked))
        outputs, _ = tree.flatten(value)
    def pull(cotangent: Any) -> tuple[Any, ...]:
        cts, _ = tree.flatten(cotangent)
        _check_like("vjp", outputs, cts)
        return tuple(fill(shape, vjp_nodes(outputs, cts, marked)))
    return _released(value, shape), pull


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any],
        ) -> tuple[Any, Any]:
    """function(*primals), and its derivative in the direction of the tangents.

    Forward mode needs no rules of its own: the pullback is linear in the cotangent, and its own
    pullback is the forward derivative.

    Raises  E603 when tangents do not match the primals
    Source  the double-reverse construction, Townsend 2017, "A new trick for calculating
            Jacobian vector products"
    """
    nodes, shape = tree.flatten(list(primals))
    directions, _ = tree.flatten(list(tangents))
    _check_like("jvp", nodes, directions)
    marked = [mark(n) for n in nodes]
    with trace.inlining(), recording():
        value = function(*tree.unflatten(shape, marked))
        outputs, out_shape = tree.flatten(value)
    probes = [mark(movement.broadcast_to(constant(0, o.dtype), o.shape)) for o in outputs]
    pulled = vjp_nodes(outputs, probes, marked)
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


def _argument(args: Sequence[Any], place: int) -> Any:
    if not -len(args) <= place < len(args):
        raise ArgumentError("E603", "grad", f"there is no argument {place}",
                            got={"arguments": len(args)}, need="argnums of positional arguments")
    if not tree.leaves(args[place]):
        kind = type(args[place]).__name__
        raise DTypeError("E604", "grad", f"no gradient with respect to {kind}",
                         got={f"argument {place}": repr(args[place])[:60]}, need="a float tensor",
                         tries=[("sheer.tensor(x)", lambda: float(args[place]))])
    return args[place]


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


def _scalar(value: Any) -> Node:
    nodes, _ = tree.flatten(value)
    if len(nodes) != 1 or nodes[0].shape != () or not nodes[0].dtype.is_floating_point:
        raise ShapeError("E602", "grad", "the function must give one float number",
                         got={f"result {i}": n for i, n in enumerate(nodes)} or {
                             "result": type(value).__name__}, need="a float tensor of shape ()",
                         tries=[("return loss.mean() or loss.sum()", lambda: _mean(nodes))])
    return nodes[0]


def _mean(nodes: Sequence[Node]) -> None:
    (node,) = nodes
    if not node.dtype.is_floating_point:
        raise TypeError("a mean of integers is no float")


def _checked(x: Node) -> Node:
    if not x.dtype.is_floating_point:
        raise DTypeError("E604", "grad", f"no gradient with respect to {x.dtype.name}",
                         got={"argument": x}, need="float32 or float64",
                         tries=[("x.float()", lambda: None)])
    return x
