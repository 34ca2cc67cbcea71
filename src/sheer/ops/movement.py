"""Movement: the same elements elsewhere. reshape, permute, expand, pad, slice, flip, concat.

Each rule `read` says where an element of the result comes from, in terms of index expressions,
so that compiled programs need no copy: it is the `emit` of this family.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..graph.errors import ShapeError, Try
from ..graph.node import Node
from . import batching, reduce, sampling
from .primitive import KernelIn, Primitive
from .structure import check_shape, constant


class Piece(NamedTuple):
    """Part of a result: `index` of input number `source`, where low <= expression < high."""

    source: int
    index: tuple[Any, ...]
    guards: tuple[tuple[int, Any, int], ...] = ()


class View(Primitive, abstract=True):
    """One input whose elements are renamed."""

    view = True
    emit = KernelIn("compile/indexing/views.py, from `read`")

    def read(self, index, x):
        """Pieces of the result at `index` (a tuple of index expressions); none: the fill value."""
        raise NotImplementedError

    def fill(self, x):
        """Number of the input () that stands where no piece holds; None when that cannot happen."""
        return None


class Reshape(View):
    """The same elements in the same (row-major) order under another shape.

    Shape   x (*S) -> shape, with equally many elements
    Raises  E111 when the numbers of elements differ, E119 for a negative length
    Source  definition
    """
    shape: tuple[int, ...]
    xla = "reshape"

    def infer(self, x):
        if math.prod(self.shape) != math.prod(x.shape):
            raise ShapeError("E111", "reshape", f"{x.size} elements do not fit into {self.shape}",
                             got={"x": x}, need=f"a shape with {x.size} elements",
                             tries=_refitted(x, self.shape))
        check_shape("reshape", self.shape)
        return x.to(*self.shape)
    def ref(self, x): return np.reshape(x, self.shape)
    def vjp(self, ct, out, x): return (reshape(ct, x.shape),)
    def batch(self, args, at):
        x = batching.to_front(args[0], at[0], 0)
        return reshape(x, (x.shape[0], *self.shape)), 0
    def read(self, index, x):
        flat = sum((i * s for i, s in zip(index, strides(self.shape), strict=True)), 0)
        return [Piece(0, unflatten(flat, x.shape))]
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls((3, 4, 2)), (rng.normal(size=(4, 6)),)))
    @classmethod
    def hard(cls): return [(cls(()), (np.ones((1, 1)),)), (cls((0, 3)), (np.ones((2, 0)),))]


class Permute(View):
    """The axes in another order: axis i of the result is axis axes[i] of x.

    Shape   x (*S) -> (S[axes[0]], S[axes[1]], ...)
    Raises  E112 when axes is no permutation of x's axes
    Source  definition
    """
    axes: tuple[int, ...]
    xla = "transpose"

    def infer(self, x):
        if sorted(self.axes) != list(range(x.ndim)):
            raise ShapeError("E112", "permute", f"{self.axes} is no order of {x.ndim} axes",
                             got={"x": x}, need=f"each of {tuple(range(x.ndim))} once")
        return x.to(*(x.shape[a] for a in self.axes))
    def ref(self, x): return np.transpose(x, self.axes)
    def vjp(self, ct, out, x): return (permute(ct, tuple(np.argsort(self.axes).tolist())),)
    def batch(self, args, at):
        x = batching.to_front(args[0], at[0], 0)
        return permute(x, (0, *(a + 1 for a in self.axes))), 0
    def read(self, index, x):
        return [Piece(0, tuple(index[self.axes.index(a)] for a in range(len(self.axes))))]
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(tuple(rng.permutation(3).tolist())),
                                           (rng.normal(size=(2, 3, 4)),)))


class Expand(View):
    """Repeat x to a larger shape by NumPy's rules.

    Shape   x (*S) -> shape, whose last axes equal S except where S has 1
    Raises  E113 when another axis would have to change, E119 for a negative length
    Source  numpy.broadcast_to
    """
    shape: tuple[int, ...]
    xla = "broadcast_in_dim"

    def infer(self, x):
        tail = self.shape[len(self.shape) - x.ndim:] if x.ndim <= len(self.shape) else None
        if tail is None or any(s not in (1, n) for s, n in zip(x.shape, tail, strict=True)):
            column = lambda: self.infer(x.to(*x.shape, 1))
            raise ShapeError("E113", "expand", f"{x.shape} does not expand to {self.shape}",
                             got={"x": x}, need="equal lengths, or 1, on every axis from the last",
                             tries=[("x.unsqueeze(-1), a column", column)])
        check_shape("expand", self.shape)
        return x.to(*self.shape)
    def ref(self, x): return np.broadcast_to(x, self.shape)
    def vjp(self, ct, out, x): return (unbroadcast(ct, x.shape),)
    def batch(self, args, at):
        x = batching.to_front(args[0], at[0], 0)
        n, *tail = x.shape
        ones = (1,) * (len(self.shape) - len(tail))
        return broadcast_to(reshape(x, (n, *ones, *tail)), (n, *self.shape)), 0
    def read(self, index, x):
        tail = index[len(index) - len(x.shape):]
        return [Piece(0, tuple(0 if s == 1 else i for i, s in zip(tail, x.shape, strict=True)))]
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls((3, 2, 4)), (rng.normal(size=(3, 1, 4)),)))
    @classmethod
    def hard(cls):
        return [(cls((1, 0)), (np.ones((1, 1)),)), (cls(()), (np.ones(()),)),
                (cls((2, 3, 4)), (np.ones((4,)),)), (cls((2, 3)), (np.ones(()),))]


class Pad(View):
    """Put `value` around (low, high) and between (interior) the elements of every axis.

    Negative low or high cuts elements off instead.

    Shape   x (*S), value () -> (low + S + (S - 1) * interior + high) per axis
    Raises  E114 when an axis would get a negative length or interior is negative
    Source  jax.lax.pad
    """
    widths: tuple[tuple[int, int, int], ...]
    xla = "pad"

    def infer(self, x, value):
        if len(self.widths) != x.ndim or any(w[2] < 0 for w in self.widths):
            raise ShapeError("E114", "pad", f"widths {self.widths} do not fit {x.ndim} axes",
                             got={"x": x}, need="(low, high, interior >= 0) for every axis")
        shape = [lo + s + max(s - 1, 0) * mid + hi
                 for s, (lo, hi, mid) in zip(x.shape, self.widths, strict=True)]
        axis = next((a for a, s in enumerate(shape) if s < 0), None)
        if axis is not None:
            raise ShapeError("E114", "pad", f"more is cut off than there is: axis {axis} of length "
                             f"{x.shape[axis]} would have {shape[axis]} elements", got={"x": x},
                             need="low + high + length >= 0 on every axis")
        return x.to(*shape)
    def ref(self, x, value):
        shape = [max(s + max(s - 1, 0) * mid, 0)
                 for s, (_, _, mid) in zip(x.shape, self.widths, strict=True)]
        spread = np.full(shape, value, x.dtype)
        spread[tuple(slice(None, None, mid + 1) for _, _, mid in self.widths)] = x
        grown = np.pad(spread, [(max(lo, 0), max(hi, 0)) for lo, hi, _ in self.widths],
                       constant_values=value)
        ends = [s - max(-hi, 0) for s, (_, hi, _) in zip(grown.shape, self.widths, strict=True)]
        starts = [max(-lo, 0) for lo, _, _ in self.widths]
        return grown[tuple(slice(a, max(e, a)) for a, e in zip(starts, ends, strict=True))]
    def vjp(self, ct, out, x, value):
        cut = pad(ct, tuple((-lo, -hi, 0) for lo, hi, _ in self.widths))
        at_x = slice_(cut, (0,) * x.ndim, cut.shape, tuple(mid + 1 for _, _, mid in self.widths))
        every = tuple(range(x.ndim))
        return at_x, reduce.sum(ct, every) - reduce.sum(at_x, every)
    def batch(self, args, at):
        if at[1] is None:
            x = batching.to_front(args[0], at[0], 0)
            return Pad(((0, 0, 0), *self.widths))(x, args[1]), 0
        x, value = batching.all_to_front(args, at)       # one fill value per example: select it
        wide = Pad(((0, 0, 0), *self.widths))
        inside = wide(_ones_like(x), constant(0, x.dtype))
        fill = broadcast_to(reshape(value, (-1, *(1,) * (x.ndim - 1))), inside.shape)
        return wide(x, constant(0, x.dtype)) + fill * (1 - inside), 0
    def read(self, index, x):
        where, guards = [], []
        for i, s, (lo, _, mid) in zip(index, x.shape, self.widths, strict=True):
            moved = i - lo
            if mid:
                guards.append((0, moved % (mid + 1), 1))
            guards.append((0, moved, (s - 1) * (mid + 1) + 1))
            where.append(moved // (mid + 1) if mid else moved)
        return [Piece(0, tuple(where), tuple(guards))]
    def fill(self, x): return 1
    @classmethod
    def samples(cls):
        widths = ((1, 2, 0), (-1, 1, 2), (0, -1, 0))
        return sampling.cases(lambda rng: (cls(widths), (rng.normal(size=(2, 3, 4)), rng.normal())))
    @classmethod
    def hard(cls): return [(cls(((1, 1, 0),)), (np.ones(0), np.float64(2))),
                           (cls(((-2, -1, 0),)), (np.arange(3.0), np.float64(2)))]


class Slice(View):
    """Every step-th element from start up to, not including, stop, on every axis.

    Shape   x (*S) -> ceil((stop - start) / step) per axis, 0 <= start <= stop <= S, step >= 1
    Raises  E115 when the numbers are outside these ranges
    Source  jax.lax.slice
    """
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    steps: tuple[int, ...]
    xla = "slice"

    def infer(self, x):
        rows = list(zip(self.starts, self.stops, self.steps, strict=True))
        if len(rows) != x.ndim or any(
                not 0 <= a <= e <= s or step < 1
                for (a, e, step), s in zip(rows, x.shape, strict=True)):
            raise ShapeError("E115", "slice", f"{rows} (start, stop, step) leaves the array",
                             got={"x": x}, need="0 <= start <= stop <= length and step >= 1")
        return x.to(*(-(-(e - a) // step) for a, e, step in rows))
    def ref(self, x): return x[tuple(map(slice, self.starts, self.stops, self.steps))]
    def vjp(self, ct, out, x):
        rows = zip(x.shape, self.starts, self.steps, out.shape, strict=True)
        return (pad(ct, tuple((a, s - a - (max(n - 1, 0) * step + min(n, 1)), step - 1)
                              for s, a, step, n in rows)),)
    def batch(self, args, at):
        x = batching.to_front(args[0], at[0], 0)
        return slice_(x, (0, *self.starts), (x.shape[0], *self.stops), (1, *self.steps)), 0
    def read(self, index, x):
        return [Piece(0, tuple(i * step + a for i, a, step in
                               zip(index, self.starts, self.steps, strict=True)))]
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls((1, 0, 2), (3, 4, 7), (1, 3, 2)),
                                           (rng.normal(size=(3, 4, 7)),)))
    @classmethod
    def hard(cls): return [(cls((2,), (2,), (1,)), (np.arange(4.0),)),
                           (cls((0,), (5,), (3,)), (np.arange(5.0),))]


class Flip(View):
    """The given axes in reverse order.

    Shape   x (*S) -> (*S)
    Raises  E110 when an axis is out of range or repeated
    Source  definition
    """
    axes: tuple[int, ...]
    xla = "rev"

    def infer(self, x): return x.to(*x.shape) if reduce.check_axes("flip", x, self.axes) else None
    def ref(self, x): return np.flip(x, self.axes)
    def vjp(self, ct, out, x): return (flip(ct, self.axes),)
    def batch(self, args, at):
        return flip(batching.to_front(args[0], at[0], 0), tuple(a + 1 for a in self.axes)), 0
    def read(self, index, x):
        return [Piece(0, tuple(x.shape[a] - 1 - i if a in self.axes else i
                               for a, i in enumerate(index)))]
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls((0, 2)), (rng.normal(size=(2, 3, 4)),)))


class Concat(Primitive):
    """Arrays one after the other along an axis.

    Shape   x0 (*S0), x1 (*S1), ... -> equal but for `axis`, where lengths add up
    Raises  E116 when other axes or dtypes differ
    Source  definition
    """
    axis: int
    emit, xla = View.emit, "concatenate"

    def infer(self, *xs):
        first = xs[0]
        rest = lambda x: (*x.shape[:self.axis], *x.shape[self.axis + 1:], x.ndim, x.dtype)
        if not 0 <= self.axis < first.ndim or any(rest(x) != rest(first) for x in xs):
            raise ShapeError("E116", "concat", f"the arrays differ outside axis {self.axis}"
                             if first.ndim else "numbers have no axis to be joined along",
                             got={f"x{i}": x for i, x in enumerate(xs)},
                             need=f"equal shapes except on axis {self.axis}, and one dtype",
                             tries=[(f"dim={d}", lambda d=d: Concat(d).infer(*xs))
                                    for d in range(first.ndim) if d != self.axis]
                             + [("stack, for a new axis", lambda: None)] * (not first.ndim))
        shape = list(first.shape)
        shape[self.axis] = sum(x.shape[self.axis] for x in xs)
        return first.to(*shape)
    def ref(self, *xs): return np.concatenate(xs, self.axis)
    def vjp(self, ct, out, *xs):
        ends = np.cumsum([x.shape[self.axis] for x in xs]).tolist()
        return tuple(narrow(ct, self.axis, end - x.shape[self.axis], x.shape[self.axis])
                     for x, end in zip(xs, ends, strict=True))
    def batch(self, args, at): return Concat(self.axis + 1)(*batching.all_to_front(args, at)), 0
    def read(self, index, *xs):
        pieces, start = [], 0
        for number, x in enumerate(xs):
            i = index[self.axis] - start
            inside = 0 if x.shape[self.axis] == 1 else i         # where the guard holds
            where = (*index[:self.axis], inside, *index[self.axis + 1:])
            pieces.append(Piece(number, where, ((0, i, x.shape[self.axis]),)))
            start += x.shape[self.axis]
        return pieces
    def fill(self, *xs): return None
    @classmethod
    def samples(cls): return sampling.arrays(cls(1), (2, 3), (2, 1), (2, 0), (2, 2))


# ---- the functions rules and tensors call ------------------------------------------------------

def reshape(x: Node, shape: Sequence[int]) -> Node:
    """x under another shape; one length may be -1, found from the rest."""
    shape = tuple(int(s) for s in shape)
    if shape.count(-1) > 1:
        raise ShapeError("E111", "reshape", f"{shape} leaves more than one length open",
                         got={"x": x}, need="at most one -1")
    if shape.count(-1) == 1:
        known = -math.prod(shape)
        whole = x.size // known if known > 0 and x.size % known == 0 else -1
        if whole < 0:
            raise ShapeError("E111", "reshape", f"{x.size} elements do not fit into {shape}",
                             got={"x": x}, need="a shape whose known lengths divide the number")
        shape = tuple(whole if s == -1 else s for s in shape)
    return x if shape == x.shape else Reshape(shape)(x)


def permute(x: Node, axes: Sequence[int]) -> Node:
    """x with its axes in the given order."""
    axes = tuple(axes)
    return x if axes == tuple(range(x.ndim)) else Permute(axes)(x)


def broadcast_to(x: Node, shape: Sequence[int]) -> Node:
    """x repeated to `shape` by NumPy's rules."""
    return x if tuple(shape) == x.shape else Expand(tuple(shape))(x)


def unbroadcast(ct: Node, shape: Sequence[int]) -> Node:
    """Undo broadcasting: ct summed down to `shape`. The only place where that is done."""
    extra = ct.ndim - len(shape)
    axes = tuple(i for i in range(ct.ndim)
                 if i < extra or (shape[i - extra] == 1 and ct.shape[i] != 1))
    return reshape(reduce.sum(ct, axes), shape)


def pad(x: Node, widths: Sequence[tuple[int, int, int]], value: Any = 0) -> Node:
    """x with `value` around it: (low, high, interior) per axis."""
    if all(w == (0, 0, 0) for w in widths):
        return x
    fill = value if isinstance(value, Node) else constant(value, x.dtype)
    return Pad(tuple(widths))(x, fill)


def slice_(x: Node, starts: Sequence[int], stops: Sequence[int], steps: Sequence[int]) -> Node:
    """Part of x: every step-th element of [start, stop) per axis."""
    whole = all(a == 0 and e == s and step == 1
                for a, e, step, s in zip(starts, stops, steps, x.shape, strict=True))
    return x if whole else Slice(tuple(starts), tuple(stops), tuple(steps))(x)


def narrow(x: Node, axis: int, start: int, length: int) -> Node:
    """The `length` elements from `start` of one axis. Raises E115 for what is not there."""
    n = x.shape[axis]
    if not 0 <= start <= start + length <= n:
        raise ShapeError("E115", "narrow", f"axis {axis} of length {n} does not have {length} "
                         f"elements from place {start} on", got={"x": x},
                         need=f"0 <= start <= {n} and 0 <= length <= {n} - start",
                         tries=[(f"length={n - start}", lambda: narrow(x, axis, start, n - start))])
    starts, stops = [0] * x.ndim, list(x.shape)
    starts[axis], stops[axis] = start, start + length
    return slice_(x, starts, stops, [1] * x.ndim)


def flip(x: Node, axes: Sequence[int]) -> Node:
    """x with the given axes reversed."""
    return Flip(tuple(axes))(x) if axes else x


def concat(xs: Sequence[Node], axis: int) -> Node:
    """Arrays joined along an axis that they have."""
    return xs[0] if len(xs) == 1 else Concat(axis)(*xs)


def stack(xs: Sequence[Node], axis: int) -> Node:
    """Arrays joined along a new axis."""
    return concat([expand_dims(x, axis) for x in xs], axis)


def expand_dims(x: Node, axis: int) -> Node:
    """x with a new axis of length 1 at position `axis`."""
    return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))


def roll(x: Node, shifts: Sequence[int], axes: Sequence[int]) -> Node:
    """Elements moved along the axes; those that leave at one end enter at the other."""
    for shift, axis in zip(shifts, axes, strict=True):
        size = x.shape[axis]
        cut = -shift % size if size else 0
        if cut:
            x = concat([narrow(x, axis, cut, size - cut), narrow(x, axis, 0, cut)], axis)
    return x


def repeat(x: Node, times: int, axis: int) -> Node:
    """Each element of an axis `times` in a row."""
    wide = expand_dims(x, axis + 1)
    shape = list(wide.shape)
    shape[axis + 1] = times
    joined = (*x.shape[:axis], x.shape[axis] * times, *x.shape[axis + 1:])
    return reshape(broadcast_to(wide, shape), joined)


def tile(x: Node, times: Sequence[int]) -> Node:
    """The whole of x `times[i]` in a row along each axis i."""
    shape = [n for t, s in zip(times, x.shape, strict=True) for n in (t, s)]
    inner = reshape(x, [n for s in x.shape for n in (1, s)])
    return reshape(broadcast_to(inner, shape), [t * s for t, s in zip(times, x.shape, strict=True)])


def strides(shape: Sequence[int]) -> list[int]:
    """Elements between neighbours along each axis of a row-major array."""
    return [math.prod(shape[i + 1:]) for i in range(len(shape))]


def unflatten(flat: Any, shape: Sequence[int]) -> tuple[Any, ...]:
    """Row-major index of element number `flat`; the first length is not needed, so not taken."""
    index: list[Any] = []
    for axis, (size, stride) in enumerate(zip(shape, strides(shape), strict=True)):
        part = flat // stride if stride > 1 else flat
        index.append(0 if size <= 1 else part if _only_axis(shape, axis) else part % size)
    return tuple(index)


def _only_axis(shape: Sequence[int], axis: int) -> bool:
    """Are all axes before this one of length 1?"""
    return all(s == 1 for s in shape[:axis])


def _refitted(x: Any, shape: Sequence[int]) -> list[Try]:
    """The hint for E111: one length, the last that can be, is found from the others."""
    for at in reversed(range(len(shape))):
        rest = (*shape[:at], *shape[at + 1:])
        known = math.prod(rest)
        if known and min(rest, default=0) >= 0 and x.size % known == 0:
            return [(f"reshape{(*shape[:at], -1, *shape[at + 1:])}", lambda: None)]
    return []


def _ones_like(x: Node) -> Node:
    return broadcast_to(constant(1, x.dtype), x.shape)


__all__ = [
    "Concat", "Expand", "Flip", "Pad", "Permute", "Piece", "Reshape", "Slice", "View",
    "broadcast_to", "concat", "expand_dims", "flip", "narrow", "pad", "permute", "repeat",
    "reshape", "roll", "slice_", "stack", "strides", "tile", "unbroadcast", "unflatten",
]
