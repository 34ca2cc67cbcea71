"""getitem and setitem: what stands between the brackets in, views and gathers out.

NumPy's rules: ints, slices, None and ... give a view; integer arrays are broadcast against each
other, and their axes stand where the first of them stood, or first of all when a slice, None or
... separates them (an int beside an array counts as an array). Negative indices count from the end.
"""

from __future__ import annotations

import dataclasses
import operator
from typing import Any

import numpy as np

from ...graph.dtypes import bool_
from ...graph.errors import ArgumentError, BoundsError, DTypeError, ShapeError
from ...graph.node import Node
from .. import elementwise, movement
from ..lift import NUMBERS, cast
from ..structure import constant, data
from .along import index_node, same_shape
from .bounds import Word, out_of_range
from .gather import Gather, ScatterSet

Span = tuple[int, int, int]           # first element, number of elements, step (may be negative)


@dataclasses.dataclass
class Plan:
    """A key, understood: a view of x, then index arrays on some axes of the view.

    spans       per axis of x
    layout      per axis of the view: the axis of x, or None for a new one
    arrays      axis of the view -> index array
    place       axis of the result where the arrays' axes stand
    """

    spans: list[Span] = dataclasses.field(default_factory=list)
    layout: list[int | None] = dataclasses.field(default_factory=list)
    arrays: dict[int, Node] = dataclasses.field(default_factory=dict)
    place: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the view."""
        return tuple(1 if a is None else self.spans[a][1] for a in self.layout)

    def array(self, axis: int | None, index: Node) -> None:
        self.arrays[len(self.layout)] = index
        self.layout.append(axis)


_ROWS = Gather(1, word=Word("getitem"))


def getitem(x: Node, key: Any) -> Node:
    """x[key] by NumPy's rules, for ints, slices, None, ..., integer nodes, lists and arrays, and
    boolean arrays whose values are known.

    Shape   x (*S) -> as numpy.ndarray.__getitem__
    Raises  E130 for an index out of range (an int or array at once, a node when evaluated),
            E131 for too many indices, E134 for other keys, E135 for step 0, E136 for a mask's shape
    Source  numpy.ndarray.__getitem__
    """
    if type(key) is Node and key.dtype.is_integer and x.ndim:
        return _ROWS(x, index_node("getitem", key))           # as below, and what loops do most
    plan = parse("getitem", x, key)
    view = _view(x, plan)
    if not plan.arrays:
        return view
    to_front, indices, to_place = _arrangement(plan)
    table, look_up = movement.permute(view, to_front), Gather(len(indices), word=Word("getitem"))
    out = look_up(table, *indices)                                           # (*I, *R)
    return movement.permute(out, to_place)


def setitem(x: Node, key: Any, value: Any) -> Node:
    """x with x[key] = value, as a new array; of places named twice the last one wins.

    The value is cast to x's dtype. A boolean node is allowed when the value does not depend on
    which elements it selects.

    Shape   x (*S), value broadcastable to getitem(x, key) -> (*S)
    Raises  as `getitem`; E133 when the value does not fit
    Source  numpy.ndarray.__setitem__
    """
    value = cast(value, x.dtype) if isinstance(value, Node) else _number(value, x.dtype)
    if isinstance(key, Node) and key.dtype == bool_:
        return _masked(x, key, value)
    plan = parse("setitem", x, key)
    if not plan.arrays:
        return _put(x, plan, _fitted(x, value, plan.shape))
    to_front, indices, to_place = _arrangement(plan)
    view = movement.permute(_view(x, plan), to_front)
    shape = (*indices[0].shape, *view.shape[len(indices):])
    placed = _fitted(x, value, tuple(shape[a] for a in to_place))
    updates = movement.permute(placed, _inverse(to_place))                    # (*I, *R)
    changed = ScatterSet(len(indices), word=Word("setitem"))(view, *indices, updates)
    return _put(x, plan, movement.permute(changed, _inverse(to_front)))


# ---- understanding a key -------------------------------------------------------------------------

def parse(op: str, x: Node, key: Any) -> Plan:
    """The key as a view of x and index arrays on it."""
    plan, run = Plan(), ""                       # run: a per array or int, s per slice, None or ...
    axis = 0
    for item in _complete(op, x, key if isinstance(key, tuple) else (key,)):
        if item is None or item is Ellipsis or isinstance(item, slice):
            run += "s"
            if item is None:
                plan.layout.append(None)
            elif item is not Ellipsis:
                plan.spans.append(_span(op, item, x.shape[axis]))
                plan.layout.append(axis)
                axis += 1
            continue
        if "a" not in run:
            plan.place = len(plan.layout)
        run += "a"
        axis = _advance(op, x, plan, item, axis)
    if "s" in run.strip("s"):
        plan.place = 0
    return plan


def _complete(op: str, x: Node, items: tuple[Any, ...]) -> list[Any]:
    """Known kinds of items, one per axis at least: ... stays, followed by the slices it means."""
    known = [_item(op, e) for e in items]
    dots = [i for i, e in enumerate(known) if e is Ellipsis]
    taken = sum(_axes_of(e) for e in known)
    if taken > x.ndim or len(dots) > 1:
        what = "more than one ..." if len(dots) > 1 else f"{taken} indices for {x.ndim} axes"
        raise BoundsError("E131", op, what, got={"x": x},
                          need=f"at most {x.ndim} indices and one ...")
    at = dots[0] + 1 if dots else len(known)
    return known[:at] + [slice(None)] * (x.ndim - taken) + known[at:]


def _item(op: str, item: Any) -> Any:
    """An item as None, ..., slice, bool, int, node or NumPy array of integers or bools."""
    if item is None or item is Ellipsis or isinstance(item, slice | bool | np.bool_):
        return bool(item) if isinstance(item, np.bool_) else item
    if isinstance(item, Node) and item.dtype == bool_:
        raise unknown_mask(op, item)
    if isinstance(item, Node):
        return index_node(op, item)
    if not isinstance(item, list | tuple | range | np.ndarray):
        try:
            return operator.index(item)
        except TypeError:
            raise DTypeError("E134", op, f"{type(item).__name__} is no index",
                             got={"key": repr(item)[:60]}, 
                             need="ints, slices, None, ..., integer or boolean arrays",
                             tries=[(f"{item:.0f} in place of {item}; // divides whole numbers",
                                     lambda: 1 // (item == int(item)))]
                             if isinstance(item, float) else []) from None
    array = np.asarray(item)
    if array.dtype == bool:
        return array if array.ndim else bool(array)
    index_node(op, item)                             # raises for anything but integers
    return array.astype(np.int64)


def unknown_mask(op: str, mask: Node) -> DTypeError:
    """E134: the shape of the result would depend on the mask's values."""
    return DTypeError("E134", op, "how many elements a mask selects depends on its values",
                      got={"mask": mask}, need="a NumPy array of bools",
                      tries=[("where(mask, x, y)", lambda: None)])


def _axes_of(item: Any) -> int:
    """How many axes of x an item speaks of."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype == bool else 1


def _advance(op: str, x: Node, plan: Plan, item: Any, axis: int) -> int:
    """Take an int, a bool or an array into the plan; the next axis of x."""
    if isinstance(item, bool):                       # a new axis with one place, or none
        plan.array(None, data(np.zeros(int(item), np.int64)))
        return axis
    if isinstance(item, int):
        if not -x.shape[axis] <= item < x.shape[axis]:
            raise out_of_range(Word(op), x, axis, item)
        plan.spans.append((item % x.shape[axis], 1, 1))
        return axis + 1
    for index in _index_arrays(op, x, item, axis):
        plan.spans.append((0, x.shape[axis], 1))
        plan.array(axis, index)
        axis += 1
    return axis


def _index_arrays(op: str, x: Node, item: Node | np.ndarray, axis: int) -> list[Node]:
    """An integer array as one node, checked if its values are known; a mask, one per axis."""
    if isinstance(item, Node):
        return [item]
    if item.dtype == bool:
        if item.shape != x.shape[axis:axis + item.ndim]:
            raise wrong_mask(op, x, item, axis)
        return [data(np.ascontiguousarray(i)) for i in np.nonzero(item)]
    bad = (item < -x.shape[axis]) | (item >= x.shape[axis])
    if bad.any():
        place = np.unravel_index(int(np.argmax(bad)), item.shape)
        raise out_of_range(Word(op), x, axis, int(item[place]), tuple(int(i) for i in place))
    return [data(item)]


def wrong_mask(op: str, x: Node, mask: Any, axis: int) -> ShapeError:
    """E136: a mask that does not fit the axes it speaks of."""
    axes = "axis" if mask.ndim == 1 else f"{mask.ndim} axes from"
    return ShapeError("E136", op, f"mask {mask.shape} does not fit {axes} {axis}", got={"x": x},
                      need=f"a mask of shape {x.shape[axis:axis + mask.ndim]}")


def _span(op: str, item: slice, length: int) -> Span:
    try:
        start, stop, step = item.indices(length)
    except ValueError:
        raise ArgumentError("E135", op, "a slice has step 0", need="a step that moves") from None
    except TypeError:
        raise DTypeError("E134", op, f"{item} has bounds that are no Python integers",
                         need="ints known when the graph is built") from None
    count = len(range(start, stop, step))
    return (start, count, step) if count else (0, 0, 1)


# ---- views, and writing through them -------------------------------------------------------------

def _view(x: Node, plan: Plan) -> Node:
    """The part of x that the spans name, with dropped and new axes."""
    starts = [a if s > 0 else a + (n - 1) * s for a, n, s in plan.spans]
    stops = [a + (n - 1) * abs(s) + 1 if n else a
             for a, (_, n, s) in zip(starts, plan.spans, strict=True)]
    part = movement.slice_(x, starts, stops, [abs(s) for _, _, s in plan.spans])
    return movement.reshape(movement.flip(part, _backwards(plan)), plan.shape)


def _put(x: Node, plan: Plan, value: Node) -> Node:
    """x with `value` in place of its view; both are selected, so NaN does not spread."""
    counts = [n for _, n, _ in plan.spans]
    if 0 in counts:
        return x
    part = movement.flip(movement.reshape(value, counts), _backwards(plan))
    starts = [a if s > 0 else a + (n - 1) * s for a, n, s in plan.spans]
    widths = [(a, length - a - (n - 1) * abs(s) - 1, abs(s) - 1)
              for a, (_, n, s), length in zip(starts, plan.spans, x.shape, strict=True)]
    if part.shape == x.shape:
        return part
    inside = movement.pad(movement.broadcast_to(constant(True), part.shape), widths, False)
    out: Node = elementwise.where(inside, movement.pad(part, widths), x)
    return out


def _backwards(plan: Plan) -> tuple[int, ...]:
    return tuple(a for a, (_, _, step) in enumerate(plan.spans) if step < 0)


def _arrangement(plan: Plan) -> tuple[tuple[int, ...], list[Node], tuple[int, ...]]:
    """Axes of the view with indexed ones first; the indices, broadcast; axes of the gathered
    array (*I, *R) in the order of the result."""
    rest = [a for a in range(len(plan.layout)) if a not in plan.arrays]
    indices = same_shape("getitem", list(plan.arrays.values()))
    first = indices[0].ndim
    around = range(first, first + len(rest))
    before = sum(a < plan.place for a in rest)
    return ((*plan.arrays, *rest), indices,
            (*around[:before], *range(first), *around[before:]))


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(np.argsort(axes).tolist())


# ---- values --------------------------------------------------------------------------------------

def _number(value: Any, dtype: Any) -> Node:
    """A Python number as a constant, an array as data."""
    if isinstance(value, NUMBERS):
        return constant(value, dtype)
    return data(np.asarray(value).astype(dtype.numpy))


def _fitted(x: Node, value: Node, shape: tuple[int, ...]) -> Node:
    """The value broadcast to what the key names; leading axes of length 1 too many are dropped."""
    extra = max(value.ndim - len(shape), 0)
    kept = value.shape[extra:]
    ends = shape[len(shape) - len(kept):]
    if any(n != 1 for n in value.shape[:extra]) or any(
            n not in (1, s) for n, s in zip(kept, ends, strict=True)):
        raise ShapeError("E133", "setitem", f"a value of shape {value.shape} does not fit {shape}",
                         got={"x": x, "value": value}, need=f"a value that broadcasts to {shape}")
    return movement.broadcast_to(movement.reshape(value, kept), shape)


def _masked(x: Node, mask: Node, value: Node) -> Node:
    """x with value where the mask holds; the value is the same for every row selected."""
    if mask.shape != x.shape[:mask.ndim]:
        raise wrong_mask("setitem", x, mask, 0)
    if value.ndim > x.ndim - mask.ndim:
        raise unknown_mask("setitem", mask)
    rows = movement.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
    out: Node = elementwise.where(rows, _fitted(x, value, x.shape[mask.ndim:]), x)
    return out
