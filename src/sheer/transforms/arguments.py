"""Arguments of functions of functions: what a caller gave flows in, marked nodes flow out.

Or an error that names what is no function, no place of an argument, nothing to differentiate by.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

from ..graph.errors import ArgumentError, DTypeError, Try
from ..graph.node import Node
from ..ops.structure import Alias
from . import tree

_tokens = itertools.count(1)


def mark(x: Node) -> Node:
    """x under a name of its own: only what is computed from this node depends on it."""
    return Alias(next(_tokens))(x)


def check_function(op: str, function: Any) -> None:
    """Raise DTypeError E624 for what cannot be called, such as the result of a call."""
    if callable(function):
        return
    found = tree.leaves(function)
    tries: list[Try] = [(f"{op}(f), the function itself, in place of {op}(f(x))", lambda: found[0])]
    if op == "grad":
        tries.append(("sheer.autograd.grad(outputs, inputs), of tensors", lambda: found[0]))
    shown = function.node if tree.is_handle(function) else repr(function)[:60]
    raise DTypeError("E624", op, f"{type(function).__name__} is no function",
                     got={"given": shown}, need="something that can be called", tries=tries)


def places(op: str, argnums: Any) -> tuple[int, ...]:
    """The places that `argnums`, one or several, stands for. Raises E603 when they are none."""
    many = argnums if isinstance(argnums, Iterable) and not isinstance(argnums, str) else (argnums,)
    found = tuple(many)
    if not all(isinstance(i, Integral) and not isinstance(i, bool) for i in found):
        raise ArgumentError("E603", op, "argnums are places of positional arguments",
                            got={"argnums": repr(argnums)[:60]},
                            need="a whole number, or a tuple of them")
    return tuple(int(i) for i in found)


def marked(op: str, args: Sequence[Any], wanted: Sequence[int],
           ) -> tuple[list[Node], Any, list[Any]]:
    """The nodes of the wanted arguments under names of their own, their tree, and all arguments
    with these in their places.

    Raises  E603 for a place that is none or comes twice, E604 for what has no gradient
    """
    given = [_argument(op, args, i) for i in wanted]
    if len({i % len(args) for i in wanted}) < len(wanted):
        raise ArgumentError("E603", op, "an argument comes twice",
                            got={"argnums": tuple(wanted), "arguments": len(args)},
                            need="every place once")
    nodes, shape = tree.flatten(given)
    found = [mark(floating(op, n)) for n in nodes]
    new = list(args)
    for place, value in zip(wanted, tree.unflatten(shape, found), strict=True):
        new[place] = value
    return found, shape, new


def floating(op: str, x: Node) -> Node:
    """x itself. Raises DTypeError E604 for integers and bools, which have no gradient."""
    if not x.dtype.is_floating_point:
        raise DTypeError("E604", op, f"no gradient with respect to {x.dtype.name}",
                         got={"argument": x}, need="float32 or float64",
                         tries=[("x.float()", lambda: None)])
    return x


def _argument(op: str, args: Sequence[Any], place: int) -> Any:
    if not -len(args) <= place < len(args):
        raise ArgumentError("E603", op, f"there is no argument {place}",
                            got={"arguments": len(args)}, need="argnums of positional arguments")
    if not tree.leaves(args[place]):
        kind = type(args[place]).__name__
        raise DTypeError("E604", op, f"no gradient with respect to {kind}",
                         got={f"argument {place}": repr(args[place])[:60]}, need="a float tensor",
                         tries=[("sheer.tensor(x)", lambda: float(args[place]))])
    return args[place]
