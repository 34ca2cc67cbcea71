"""Indexing of tensors: x[key], x[key] = value, gather, scatter, index_*, masked_*."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..graph.dtypes import DType, bool_, int64
from ..graph.errors import DTypeError, ShapeError
from ..graph.node import Node
from ..ops.index.bounds import Word
from ..ops.lift import broadcast_shapes, cast
from ..ops.structure import Data
from ..transforms import donation, execute, trace
from .core import Core, apply, apply_view, evaluate
from .known import known
from .naming import numpy_names
from .shapes import axis_of

if TYPE_CHECKING:
    from ..tensor import Tensor


def key_of(op: str, key: Any) -> Any:
    """A key for the ops room: nodes for index tensors; for masks arrays, with values known now."""
    if isinstance(key, tuple):
        return tuple(key_of(op, k) for k in key)
    if isinstance(key, Core):
        return known(op, key) if key.node.dtype == bool_ else key.node
    if isinstance(key, list) and any(isinstance(k, Core) for k in key):
        return np.array([int(k) for k in key])
    return key


def _is_plain(key: Any) -> bool:
    """Is it made of ints, slices, None and ... alone?"""
    parts = key if isinstance(key, tuple) else (key,)
    return all(k is None or k is Ellipsis or (isinstance(k, int | slice) and type(k) is not bool)
               for k in parts)


@numpy_names
class Indexing(Core):
    """Elements by place. A part taken with ints and slices is a view; with arrays it is a copy."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Tensor:
        """x[key] for ints, slices, None, ..., integer and boolean tensors, arrays and lists."""
        key = key_of("getitem", key)
        rows = type(key) is Node and key.ndim         # what a tensor of places names is a copy
        take = apply if rows else apply_view
        return take(lambda x: ops.index.getitem(x, key), self)

    def __setitem__(self, key: Any, value: Any) -> None:
        """x[key] = value, in place; also when x is a view of another tensor."""
        many = _holds_tensors(value)
        if not many and not isinstance(value, Core | int | float):
            value = _array("setitem", value, self.dtype)
        size = getattr(value, "ndim", 0)
        one = isinstance(key, Core) and key.node.dtype == bool_ and size <= self.ndim - key.ndim
        where: Any = key.node if one and isinstance(key, Core) else key_of("setitem", key)
        if isinstance(value, np.ndarray):
            made = apply(lambda x: ops.index.setitem(x, where, value), self)
        else:
            put = lambda x, v: ops.index.setitem(x, where, _joined(v, x.dtype) if many else v)
            made = apply(put, self, value)
        if self._is_plain() and _is_plain(key) and made.node.dtype == self.dtype and not (
                many or made.requires_grad):
            del made                           # nobody reads the old elements any more
            self._put(key, value)
        else:
            self._assign("setitem", made)

    def _is_plain(self) -> bool:
        """Does it lie in memory, outside of traces, gradients and other tensors?"""
        return (trace.current() is None and self._view is None and not self.requires_grad
                and isinstance(self._bound.prim, Data))

    def _put(self, key: Any, value: Any) -> None:
        """Write into the array itself: a loop that fills a table in, place by place, would ask for
        as many programs as there are places.
        """
        numbers = evaluate([value])[0] if isinstance(value, Core) else value
        donation.own(self).array[key] = numbers

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("iteration over a tensor of shape ()")
        return iter([self[i] for i in range(len(self))])

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, Core | int | float | np.ndarray | np.generic):
            raise DTypeError("E105", "in", f"{type(value).__name__} is neither a tensor nor a "
                             "number", need="a number, or a tensor")
        equal: Any = self == value
        return bool(equal.any())

    # ---- along an axis -----------------------------------------------------------------------
    def gather(self, dim: int, index: Tensor) -> Tensor:
        """For every element of index, the element of x at that place of the axis."""
        if index.numel() == 0:
            return self.new_empty(index.shape)
        if self.ndim == 0:
            return self.reshape(1).gather(dim, index.reshape(-1)).reshape(index.shape)
        return apply(lambda x, i: ops.index.take_along(x, i, dim, word="gather"), self, index)

    def take_along_dim(self, indices: Tensor, dim: int | None = None) -> Tensor:
        """As gather, with indices broadcast against x on other axes; negative ones count back."""
        if dim is None:
            return self.reshape(-1).take_along_dim(indices.reshape(-1), 0)
        def along(x: Node, i: Node) -> Node:
            at = axis_of("take_along_dim", x, dim)
            one = lambda t: (*t.shape[:at], 1, *t.shape[at + 1:])
            both = np.broadcast_shapes(one(x), one(i))
            wide = lambda t: ops.broadcast_to(t, (*both[:at], t.shape[at], *both[at + 1:]))
            return ops.index.take_along(wide(x), wide(i), at, wrap=True, word="take_along_dim")
        return apply(along, self, indices)

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Slices of an axis, in the order of a vector of places."""
        pick = lambda x, i: ops.index.take(x, i, dim, wrap=False, word="index_select")
        return apply(pick, self, index) if self.ndim else self.reshape(1).index_select(
            dim, index.reshape(-1)).reshape(())

    def take(self, indices: Any, dim: int | None = None) -> Tensor:
        """Elements of the flattened tensor; slices of an axis when one is given (array API)."""
        pick = lambda x, i: ops.index.take(ops.reshape(x, (-1,)) if dim is None else x, i, dim or 0)
        return apply(pick, self, indices)

    def scatter(self, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
                reduce: str | None = None) -> Tensor:
        """x with src written to the places that index names along the axis; with reduce="add" or
        "multiply" it is added to what is there, or multiplied with it.
        """
        what = value if src is None else src
        if reduce is not None:
            how = {"add": "sum", "multiply": "prod"}.get(reduce, reduce)
            what = what if isinstance(what, Core) else self.new_full(index.shape, what)
            return self.scatter_reduce(dim, index, what, how)
        if self.ndim == 0:
            what = what.reshape(-1) if isinstance(what, Core) else what
            return self.reshape(1).scatter(dim, index.reshape(-1), what).reshape(())
        return apply(lambda x, i, s: ops.index.scatter(x, i, s, dim), self, index, what)

    def scatter_add(self, dim: int, index: Tensor, src: Any) -> Tensor:
        """x with src added at the places that index names along the axis."""
        if self.ndim == 0:
            return self.reshape(1).scatter_add(dim, index.reshape(-1), src.reshape(-1)).reshape(())
        return apply(lambda x, i, s: ops.index.scatter_add(x, i, s, dim), self, index, src)

    def index_add(self, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
        """x with slices of source added at places of an axis."""
        return self._at("index_add", dim, index, source * alpha, ops.ScatterAdd)

    def index_copy(self, dim: int, index: Tensor, source: Tensor) -> Tensor:
        """x with slices of source written to places of an axis."""
        return self._at("index_copy", dim, index, source, ops.ScatterSet)

    def index_fill(self, dim: int, index: Tensor, value: Any) -> Tensor:
        """x with a number written to places of an axis."""
        if self.ndim == 0:
            return self.reshape(1).index_fill(dim, index.reshape(-1), value).reshape(())
        shape = list(self.shape)
        shape[axis_of("index_fill", self.node, dim)] = index.numel()
        def fill(x: Node, v: Any) -> Node:
            number = cast(v, x.dtype) if isinstance(v, Node) else ops.constant(v, x.dtype)
            return ops.broadcast_to(number, shape)
        filler = apply(fill, self, value)
        return self._at("index_fill", dim, index, filler, ops.ScatterSet)

    def _at(self, op: str, dim: int, index: Tensor, source: Any, primitive: Any) -> Tensor:
        """Scatter whole slices: the axis comes first and goes back."""
        at = axis_of(op, self.node, dim)
        put = primitive(1, op == "index_fill", Word(op))        # negative ones: as in torch
        if self.ndim == 0:
            whole: Any = self.reshape(1)
            return whole._at(op, 0, index.reshape(-1), source.reshape(-1), primitive).reshape(())
        def write(x: Node, i: Node, s: Node) -> Node:
            front, slices = ops.batching.move_axis(x, at, 0), ops.batching.move_axis(s, at, 0)
            out = put(front, ops.index.along.index_node(op, i), cast(slices, x.dtype))
            return ops.batching.move_axis(out, 0, at)
        return apply(write, self, index, source)

    def index_put(self, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
        """x with x[indices] = values, or += when accumulating (equal places add up)."""
        key = key_of("index_put", tuple(indices))
        if not accumulate:
            return apply(lambda x, v: ops.index.setitem(x, key, v), self, values)
        return apply(lambda x, v: _accumulate(x, key, v), self, values)

    def select_scatter(self, src: Any, dim: int, index: int) -> Tensor:
        """x with src in one place of an axis."""
        return self._with((slice(None),) * axis_of("select_scatter", self.node, dim) + (index,),
                          src)

    def slice_scatter(self, src: Any, dim: int = 0, start: int | None = None,
                      end: int | None = None,
                      step: int = 1) -> Tensor:
        """x with src in a slice of an axis."""
        at = axis_of("slice_scatter", self.node, dim)
        return self._with((slice(None),) * at + (slice(start, end, step),), src)

    def diagonal_scatter(self, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
        """x with src on its diagonal."""
        out = self.clone()
        out.diagonal(offset, dim1, dim2).copy_(src)
        return out

    def _with(self, key: Any, src: Any) -> Tensor:
        return apply(lambda x, v: ops.index.setitem(x, key, v), self, src)

    # ---- masks -------------------------------------------------------------------------------
    def where(self, condition: Any, other: Any) -> Tensor:
        """x where the condition holds, elsewhere other."""
        return apply(lambda x, c, y: ops.where(c, x, y), self, condition, other)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """x with a number where the mask holds; x keeps its dtype."""
        return apply(lambda x, m, v: cast(ops.where(m, _like(x, v), x), x.dtype), self, mask, value)

    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements where the mask holds, as a vector. Its length depends on the mask's values:
        inside a traced function that is E606."""
        if not isinstance(mask, Core) or mask.dtype != bool_:
            raise DTypeError("E134", "masked_select", "the mask is no tensor of bools",
                             got={"mask": mask.node if isinstance(mask, Core) else type(mask)},
                             need="a bool tensor")
        shape = broadcast_shapes("masked_select", (self.node, mask.node))
        return self.broadcast_to(shape)[mask.broadcast_to(shape)]

    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """x with elements of source, in order, where the mask holds. Raises E133 where the mask is
        known to hold more often than there are elements.
        """
        holds = np.broadcast_to(execute.value_of(mask.node), np.broadcast_shapes(
            self.shape, mask.shape)).sum() if execute.is_known(mask.node) else 0
        if holds > source.numel():
            raise ShapeError("E133", "masked_scatter",
                             f"{source.numel()} elements for {holds} places",
                             got={"mask": mask.node, "source": source.node},
                             need="an element for every place where the mask holds")
        def fill(x: Node, m: Node, s: Node) -> Node:
            shape = np.broadcast_shapes(x.shape, m.shape)
            x, m = ops.broadcast_to(x, shape), ops.broadcast_to(m, shape)
            order = ops.cumsum(cast(ops.reshape(m, (-1,)), int64), 0) - 1
            flat = ops.reshape(s, (-1,))
            place = ops.clamp(order, 0, flat.shape[0] - 1)
            return ops.where(m, ops.reshape(ops.index.take(flat, place), x.shape), x)
        return apply(fill, self, mask, source)


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(
        isinstance(v, Core) or _holds_tensors(v) for v in value)


def _joined(value: Any, dtype: DType) -> Node:
    """Nested lists of nodes and numbers as one node, so that gradients pass."""
    if isinstance(value, list | tuple):
        return ops.stack([_joined(v, dtype) for v in value], 0)
    return cast(value, dtype) if isinstance(value, Node) else ops.constant(value, dtype)


def _array(op: str, value: Any, dtype: DType) -> np.ndarray:
    """A value without tensors as an array. Raises E105 for what holds no numbers, as None."""
    try:
        found = np.asarray(value)
    except ValueError:
        found = np.asarray(None)
    if found.dtype.kind not in "biuf":
        raise DTypeError("E105", op, f"{type(value).__name__} is neither a tensor nor a number",
                         got={"value": repr(value)[:60]}, need="tensors, numbers or NumPy arrays")
    return np.asarray(value, dtype.numpy)


def _like(x: Node, value: Any) -> Any:
    """A number or a one-element node as x's dtype."""
    if not isinstance(value, Node):
        return ops.constant(value, x.dtype)
    if value.size != 1:
        raise ShapeError("E133", "masked_fill", "the value is not one number",
                         got={"x": x, "value": value}, need="shape ()",
                         tries=[("where(mask, value, x)", lambda: None)])
    return cast(ops.reshape(value, ()), x.dtype)


def _accumulate(x: Node, key: tuple[Any, ...], v: Any) -> Node:
    places = [p for k in key for p in (
        np.nonzero(k) if isinstance(k, np.ndarray) and k.dtype == bool else [k])]
    nodes = [ops.index.along.index_node("index_put", k) for k in places]
    nodes = ops.index.along.same_shape("index_put", nodes)
    shape = (*nodes[0].shape, *x.shape[len(nodes):])
    v = v if isinstance(v, Node) else ops.constant(v, x.dtype)
    return ops.ScatterAdd(len(nodes))(x, *nodes, ops.broadcast_to(cast(v, x.dtype), shape))
