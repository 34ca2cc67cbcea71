"""What the functions share: operands checked, axes counted, results reduced."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...graph.errors import ArgumentError, DTypeError, ShapeError, Try
from ...graph.node import Node
from ...mixins.core import Core, apply, as_node
from ...tensor import Tensor
from ...transforms import execute

REDUCTIONS = ("mean", "sum", "none")


def mapped(function: Callable[..., Node], x: Any, inplace: bool = False, **params: Any) -> Tensor:
    """function on the node of x; with inplace, x itself shows the result (torch's inplace=True)."""
    y: Tensor = apply(function, x, **params)
    return shown(x, y) if inplace else y


def shown(x: Tensor, y: Tensor) -> Tensor:
    """x, which shows y from now on: inplace=True.

    Raises E613 for a leaf that requires a gradient.
    """
    if x.requires_grad and x.is_leaf:
        raise ArgumentError("E613", "inplace",
                            "a leaf that requires a gradient cannot be overwritten",
                            got={"input": x.node}, need="inplace=False for it",
                            tries=[("inplace=False", lambda: None)])
    x._rebind(y.node)
    x.requires_grad = y.requires_grad
    return x


def axis(op: str, x: Any, dim: int) -> int:
    """The axis counted from the front. Raises E110 when x has no such axis."""
    ndim = max(len(x.shape), 1)
    if not -ndim <= dim < ndim:
        raise ShapeError("E110", op, f"there is no axis {dim}",
                         got={"input": getattr(x, "node", x)},
                         need=f"-{ndim} <= dim < {ndim}")
    return dim % ndim


def need_float(op: str, **operands: Any) -> None:
    """Raise DTypeError E202 for the first operand that is no float."""
    for name, x in operands.items():
        if isinstance(x, Core) and not x.dtype.is_floating_point:
            raise DTypeError("E202", op, f"{name} is {x.dtype.name}", got={name: x.node},
                             need="float32 or float64", tries=[(f"{name}.float()", lambda: None)])


def same_dtype(op: str, x: Any, weight: Any) -> None:
    """Raise DTypeError E202 when the input of a layer has another dtype than its weight."""
    if not isinstance(x, Core):
        raise DTypeError("E202", op, f"input is a {type(x).__name__}", got={"weight": weight.node},
                         need="a tensor", tries=[("sheer.tensor(input)", lambda: as_node(x))])
    dtype = x.node.dtype                            # asked for once: every layer comes here
    if dtype == weight.node.dtype and dtype.is_floating_point:
        return
    need_float(op, input=x)
    if x.dtype != weight.dtype:
        short = {"float32": "float", "float64": "double"}
        raise DTypeError("E202", op, f"input is {x.dtype.name}, the weight {weight.dtype.name}",
                         got={"input": x.node, "weight": weight.node}, need="one dtype",
                         tries=[(f"input.{short.get(weight.dtype.name)}()", lambda: None),
                                (f"module.{short.get(x.dtype.name)}()", lambda: None)])


def choice(op: str, name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raise ArgumentError E204 unless value is one of the allowed; the nearest is named first."""
    if value in allowed:
        return
    near = difflib.get_close_matches(str(value), [str(a) for a in allowed], 1, 0.3)
    order = sorted(allowed, key=lambda a: str(a) not in near)
    raise ArgumentError("E204", op, f"{name}={value!r} is unknown",
                        need=" or ".join(map(repr, order)))


def reduced(op: str, loss: Tensor, reduction: str) -> Tensor:
    """The loss of every element as one number, as `reduction` asks."""
    choice(op, "reduction", reduction, REDUCTIONS)
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def known(x: Any) -> Any:
    """The values of a tensor where they exist already, as an array; None: nothing is run for it."""
    node = x.node
    return execute.value_of(node) if execute.is_known(node) else None


def tensor_like(op: str, value: Any, like: Any) -> Tensor:
    """A tensor as it is; floats take the dtype of `like`, other values keep their own.

    Raises DTypeError E202 for what holds no numbers, in place of either.
    """
    if isinstance(value, Tensor) and isinstance(like, Tensor):
        return value
    for name, x in (("input", like), ("target", value)):
        numbers = name == "target" and np.asarray(x).dtype.kind in "biuf"
        if not isinstance(x, Tensor) and not numbers:
            raise DTypeError("E202", op, f"{name} is a {type(x).__name__}", need="a tensor")
    floats = np.asarray(value).dtype.kind == "f"
    return Tensor(as_node(value, like.dtype if floats else None))


def passes_if(right: bool) -> Callable[[], object]:
    """The check of a hint that is known to fit, or not."""
    def check() -> None:
        if not right:
            raise ValueError
    return check


def first_fitting(*candidates: tuple[str, bool]) -> list[Try]:
    """Of several hints the first one that fits: (text, does it fit?) each."""
    return [(text, passes_if(True)) for text, right in candidates if right][:1]


def same_shape(op: str, input: Any, target: Any) -> None:
    """Raise ShapeError E223 when a loss would have to broadcast its target."""
    if input.shape == target.shape:
        return
    x, y = input.shape, target.shape
    sizes = tuple(s for s in y if s != 1), tuple(s for s in x if s != 1)
    tries = first_fitting(
        ("target.unsqueeze(-1)", x == (*y, 1)), ("input.squeeze(-1)", x == (*y, 1)),
        ("target.squeeze(-1)", (*x, 1) == y),
        ("target.mT", len(y) > 1 and x == (*y[:-2], y[-1], y[-2])),
        ("target.reshape(input.shape)", sizes[0] == sizes[1]))
    raise ShapeError("E223", op,
                     f"input has shape {x}, target {y}: each would be compared with the wrong ones",
                     got={"input": input.node, "target": target.node}, need="equal shapes",
                     tries=tries)


def pairwise(op: str, input: Any, target: Any, function: Callable[[Node, Node], Node],
             weight: Any = None, reduction: str = "mean") -> Tensor:
    """A loss computed element by element on operands of one shape, then weighted and reduced."""
    target = tensor_like(op, target, input)
    need_float(op, input=input)
    same_shape(op, input, target)
    loss = apply(function, input, target)
    if weight is not None:
        loss = loss * weight
    return reduced(op, loss, reduction)


def where(condition: Node, x: Any, y: Any) -> Node:
    """ops.where; here so that the formulas read alike."""
    return ops.where(condition, x, y)
