"""Indexing along an axis, with the names people know: take, gather, scatter, one_hot.

`x` and `index` are nodes or anything NumPy takes as integers; wrap allows negative indices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.dtypes import DType, int64
from ...graph.errors import DTypeError, ShapeError
from ...graph.node import Node
from .. import batching, elementwise, movement
from ..lift import broadcast_shapes, cast
from ..structure import constant, data, iota
from .bounds import Word
from .gather import Gather, ScatterAdd, ScatterSet

LABELS = Word("one_hot", x="", what="label {value}{where} is none of the {length} classes",
              need="0 <= label < {length}", more="num_classes={most}")


def take(x: Node, index: Any, axis: int = 0, wrap: bool = True, word: Word | str = "take") -> Node:
    """Slices of x along an axis, in the order and shape of the index.

    Shape   x (*A, n, *Z), index (*I) -> (*A, *I, *Z)
    Raises  E130 for an index out of range, E110 for the axis, E134 for an index of another dtype
    Source  numpy.take; with wrap=False torch.index_select and embedding
    """
    word = _as_word(word)
    axis, index = axis_of(word.op, x, axis), index_node(word.op, index)
    rows = batching.move_axis(x, axis, 0)
    out = Gather(1, wrap, word)(rows, index)                                 # (*I, *A, *Z)
    if axis == 0:
        return out
    around = range(index.ndim, out.ndim)
    return movement.permute(out, (*around[:axis], *range(index.ndim), *around[axis:]))


def take_along(x: Node, index: Any, axis: int, wrap: bool = False,
               word: Word | str = "take_along") -> Node:
    """For every element of index, the element of x at that place of the axis.

    Shape   x (*S), index (*I) of as many axes, no longer than S except on `axis` -> (*I)
    Raises  E130 for an index out of range, E110 for the axis, E132 for shapes, E134 for dtypes
    Source  torch.gather
    """
    word = _as_word(word)
    axis, index = axis_of(word.op, x, axis), index_node(word.op, index)
    check_along(word.op, x, index, axis)
    return Gather(x.ndim, wrap, word)(x, *places_along(index, axis))


def gather_nd(x: Node, index: Any, wrap: bool = True) -> Node:
    """Elements of x at the coordinates in the last axis of index.

    Shape   x (*D, *R), index (*I, k) with k axes D -> (*I, *R)
    Raises  E130 for an index out of range, E131 for too many coordinates, E134 for dtypes
    Source  tf.gather_nd
    """
    index = index_node("gather_nd", index)
    k = index.shape[-1] if index.ndim else 0
    columns = [movement.reshape(movement.narrow(index, index.ndim - 1, i, 1), index.shape[:-1])
               for i in range(k)]
    return Gather(k, wrap, Word("gather_nd"))(x, *columns)


def scatter(x: Node, index: Any, src: Any, axis: int, wrap: bool = False) -> Node:
    """x with src written to the places index names along the axis; the last of equals wins.

    Shape   x (*S), index (*I), src (at least *I) or a number -> (*S)
    Raises  as `take_along`; E105 when src has another dtype
    Source  torch.scatter
    """
    return _scattered("scatter", ScatterSet, x, index, src, axis, wrap)


def scatter_add(x: Node, index: Any, src: Any, axis: int, wrap: bool = False) -> Node:
    """x with src added at the places index names along the axis; equal places add up in order.

    Shape   x (*S), index (*I), src (at least *I) or a number -> (*S)
    Raises  as `take_along`; E105 when src has another dtype
    Source  torch.scatter_add
    """
    return _scattered("scatter_add", ScatterAdd, x, index, src, axis, wrap)


def one_hot(index: Any, num_classes: int, dtype: DType = int64) -> Node:
    """1 at the place of each class label, 0 elsewhere. Negative labels are errors too.

    Shape   index (*I) -> (*I, K)
    Raises  E130 for a label out of range, E134 for labels of another dtype
    Source  torch.nn.functional.one_hot
    """
    index = index_node("one_hot", index)
    classes = iota(num_classes, int64)
    known = Gather(1, False, LABELS)(classes, index)         # the labels again, checked
    return cast(elementwise.eq(movement.expand_dims(known, index.ndim), classes), dtype)


def _as_word(word: Word | str) -> Word:
    return word if isinstance(word, Word) else Word(word)


# ---- for this room and the pools -----------------------------------------------------------------

def index_node(op: str, index: Any) -> Node:
    """An int64 node: a node cast, other integers as data: other numbers need no new program.

    Raises DTypeError E134 for anything but integers.
    """
    if isinstance(index, Node):
        if not index.dtype.is_integer:
            raise DTypeError("E134", op, f"indices are {index.dtype.name}", got={"index": index},
                             need="integers", tries=[("index.long()", lambda: None)])
        return cast(index, int64)
    array = np.asarray(index)
    if array.size == 0 and not isinstance(index, np.ndarray):
        array = array.astype(np.int64)               # [] is float64 to NumPy
    if array.dtype.kind not in "iu":
        raise DTypeError("E134", op, f"indices are {array.dtype.name}",
                         got={"index": str(index)[:60]}, need="integers")
    return data(array.astype(np.int64))


def axis_of(op: str, x: Node, axis: int) -> int:
    """The axis counted from the front. Raises ShapeError E110 when x has no such axis."""
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError("E110", op, f"axis {axis} does not exist", got={"x": x},
                         need=f"-{x.ndim} <= axis < {x.ndim}" if x.ndim else "at least one axis")
    return axis % x.ndim


def check_along(op: str, x: Node, index: Node, axis: int) -> None:
    """Raise E132 unless index has as many axes as x and is no longer, except on `axis`."""
    longer = [a for a, (i, n) in enumerate(zip(index.shape, x.shape, strict=False)) if i > n]
    if index.ndim != x.ndim or {*longer} - {axis}:
        raise ShapeError("E132", op, f"index {index.shape} does not fit along axis {axis}",
                         got={"x": x, "index": index},
                         need=f"as many axes, and no longer than x except on axis {axis}",
                         tries=[(f"index.unsqueeze({axis})", lambda: check_along(
                             op, x, movement.expand_dims(index, axis), axis))])


def places_along(index: Node, axis: int) -> tuple[Node, ...]:
    """Index arrays for every axis: `index` for one of them, the position itself for the others."""
    def position(a: int) -> Node:
        line = [n if b == a else 1 for b, n in enumerate(index.shape)]
        steps = movement.reshape(iota(index.shape[a], int64), line)
        return movement.broadcast_to(steps, index.shape)
    return tuple(index if a == axis else position(a) for a in range(index.ndim))


def on_plane(x: Node, index: Node, axes: int) -> tuple[Node, Node]:
    """Both with all leading axes in one and the last `axes` in another: (B, S) and (B, P)."""
    flat = lambda t: movement.reshape(t, (math.prod(t.shape[:t.ndim - axes]),
                                          math.prod(t.shape[t.ndim - axes:])))
    return flat(x), flat(index)


def same_shape(op: str, nodes: Sequence[Node]) -> list[Node]:
    """Nodes broadcast against each other."""
    shape = broadcast_shapes(op, nodes)
    return [movement.broadcast_to(n, shape) for n in nodes]


def _scattered(op: str, primitive: Any, x: Node, index: Any, src: Any, axis: int, wrap: bool,
               ) -> Node:
    axis, index = axis_of(op, x, axis), index_node(op, index)
    check_along(op, x, index, axis)
    if not isinstance(src, Node):
        src = movement.broadcast_to(constant(src, x.dtype), index.shape)
    short = any(s < i for s, i in zip(src.shape, index.shape, strict=False))
    if src.ndim != index.ndim or short:
        raise ShapeError("E132", op, f"src {src.shape} is smaller than index {index.shape}",
                         got={"x": x, "index": index, "src": src},
                         need="an element for every index")
    if x.dtype != src.dtype:
        raise DTypeError("E105", op, "x and src differ in dtype", got={"x": x, "src": src},
                         need="one dtype", tries=[("src.to(x.dtype)", lambda: None)])
    ones = (1,) * x.ndim
    updates = movement.slice_(src, (0,) * x.ndim, index.shape, ones)   # (*I)
    out: Node = primitive(x.ndim, wrap, Word(op))(x, *places_along(index, axis), updates)
    return out
