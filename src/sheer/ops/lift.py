"""How operands meet: Python numbers, dtypes and shapes flow in, equal specs come out.

The one place that promotes dtypes and broadcasts shapes, for every mode and every layer above.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.dtypes import DType, bool_, float32, int64, promote
from ..graph.errors import DTypeError, ShapeError
from ..graph.node import Node, Spec
from ..graph.source import NOWHERE, inherit
from . import movement
from .structure import constant, holds

_KEPT = 4096                                             # numbers remembered before we start again
_repeated: dict[tuple[int | float, Spec], Node] = {}
NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)


def lift(op: str, *args: Any, dtype: DType | None = None) -> tuple[Node, ...]:
    """Nodes of one dtype and one shape.

    A Python number takes the dtype of the nodes it meets unless its kind is above theirs
    (True < 2 < 2.0), as in torch and the array API; float means float32.
    Raises ShapeError E102 when the shapes do not broadcast, DTypeError E105 for anything else.
    """
    if dtype is None and (found := alike(args)) is not None:
        return found
    dtype = dtype or common_dtype(op, args)
    nodes = [cast(to_node(op, a, dtype), dtype) for a in args]
    shape = broadcast_shapes(op, nodes)
    return tuple(movement.broadcast_to(n, shape) for n in nodes)


def alike(args: tuple[Any, ...]) -> tuple[Node, ...] | None:
    """The answer where it needs no work, which is nearly always: one operand, two of one spec, a
    node and a Python number, or a bias.
    """
    x = args[0]
    if len(args) == 1:
        return args if type(x) is Node else None
    if len(args) != 2:
        return None
    y = args[1]
    if type(x) is Node:
        if type(y) is Node:
            return args if x.outputs[0] is y.outputs[0] else _row_for_all(x, y)
        other = repeated(y, x.outputs[0])
        return None if other is None else (x, other)
    if type(y) is Node:
        other = repeated(x, y.outputs[0])
        return None if other is None else (other, y)
    return None


def _row_for_all(x: Node, y: Node) -> tuple[Node, ...] | None:
    """A second operand that is repeated along leading axes, as a bias is; None: look closer."""
    wide, row = x.outputs[0], y.outputs[0]
    if wide.dtype is row.dtype and 0 < row.ndim < wide.ndim and (
            row.shape == wide.shape[-row.ndim:]):
        return x, movement.broadcast_to(y, wide.shape)
    return None


def repeated(number: Any, spec: Spec) -> Node | None:
    """A Python number in every place of a spec, if that holds its kind; None: look closer."""
    kind = type(number)
    if kind is float:
        if spec.dtype.kind != "float" or not (number < 0 or number > 0):
            return None                                  # NaN is unequal to itself, -0.0 equals 0.0
    elif kind is not int or spec.dtype.kind == "bool":
        return None
    found = _repeated.get((number, spec))
    if found is None:
        if kind is int and not holds(spec.dtype, number):
            return None
        with inherit(NOWHERE):
            found = movement.broadcast_to(constant(number, spec.dtype), spec.shape)
        if len(_repeated) >= _KEPT:
            _repeated.clear()
        _repeated[number, spec] = found
    return found


def common_dtype(op: str, args: Sequence[Any]) -> DType:
    """The dtype in which the operands meet."""
    nodes = [a.dtype for a in args if isinstance(a, Node)]
    found: DType | None = None
    for d in nodes:
        found = d if found is None else promote(found, d)
    for a in args:
        if not isinstance(a, Node):
            found = _meet_number(op, found, a)
    assert found is not None
    return found


def _meet_number(op: str, dtype: DType | None, number: Any) -> DType:
    if not isinstance(number, NUMBERS):
        raise DTypeError("E105", op, f"{type(number).__name__} is neither a tensor nor a number",
                         got={"operand": repr(number)[:60]},
                         need="tensors, numbers or NumPy arrays")
    if isinstance(number, bool | np.bool_):
        return dtype or bool_
    if isinstance(number, int | np.integer):
        return int64 if dtype is None or dtype.kind == "bool" else dtype
    return dtype if dtype is not None and dtype.is_floating_point else float32


def to_node(op: str, value: Any, dtype: DType) -> Node:
    """A node as it is; a number as a constant of the given dtype."""
    return value if isinstance(value, Node) else constant(value, dtype, op)


def cast(x: Node, dtype: DType) -> Node:
    """x with another element type.

    Shape   x (*S) -> (*S)
    Source  torch.Tensor.to
    """
    from .elementwise.cast import Cast
    return x if x.dtype == dtype else Cast(dtype)(x)


def broadcast_shapes(op: str, nodes: Sequence[Node]) -> tuple[int, ...]:
    """The shape all nodes broadcast to by NumPy's rules."""
    ndim = max(n.ndim for n in nodes)
    padded = [(1,) * (ndim - n.ndim) + n.shape for n in nodes]
    shape = tuple(next((s for s in sizes if s != 1), 1) for sizes in zip(*padded, strict=True))
    if any(s not in (1, want) for p in padded for s, want in zip(p, shape, strict=True)):
        raise _mismatch(op, nodes)
    return shape


def _mismatch(op: str, nodes: Sequence[Node]) -> ShapeError:
    a, b = nodes[0], nodes[-1]
    column = lambda x, y: _kept(a, b, broadcast_shapes(op, [movement.expand_dims(x, x.ndim), y]))
    turned = lambda x, y: _kept(a, b, _transposed(op, x, y))
    names = "abcdefgh"
    return ShapeError(
        "E102", op, f"shapes {' and '.join(str(n.shape) for n in nodes)} do not broadcast",
        got=dict(zip(names, nodes, strict=False)),
        need="equal lengths, or 1, on every axis counted from the last",
        tries=[("a.unsqueeze(-1)", lambda: column(a, b)), ("b.unsqueeze(-1)", lambda: column(b, a)),
               ("a.mT", lambda: turned(a, b)), ("b.mT", lambda: turned(b, a))])


def _kept(a: Node, b: Node, shape: tuple[int, ...]) -> None:
    """Raise unless a hint gives the shape of one of the operands, or pairs up two vectors."""
    if shape not in (a.shape, b.shape) and (a.ndim, b.ndim) != (1, 1):
        raise ValueError


def _transposed(op: str, x: Node, other: Node) -> tuple[int, ...]:
    axes = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    return broadcast_shapes(op, [movement.permute(x, axes), other])
