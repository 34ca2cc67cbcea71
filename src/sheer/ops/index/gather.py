"""gather and scatter: elements from computed places, and to them. What all indexing is made of.

The first k axes of the array are addressed by k int64 arrays of one shape I; the others, R, come
along whole. What an index may be is said in `bounds.py`; wrap allows negative ones.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ...graph.dtypes import FLOATS, INTS, dtype_of, int64
from ...graph.errors import BoundsError, DTypeError, ShapeError
from ...graph.node import Spec
from .. import batching, elementwise, movement, sampling
from ..elementwise.family import zeros_like
from ..primitive import KernelIn, Primitive
from ..structure import constant, iota
from .bounds import Word, normalise


def _word(op: str) -> Any:
    """A field that says what the user called; two operations that differ in it are equal."""
    return dataclasses.field(default=Word(op), compare=False, repr=False)


class _Indexed(Primitive, abstract=True):
    """Rules of all primitives whose first axes are addressed by index arrays."""

    fallible = True
    k: int
    wrap: bool = True
    word: Word = _word("gather")

    def check(self, x, indices):
        """Shape I of the index arrays; raises unless they are k int64 arrays of one shape."""
        got = {"x": x} | {f"index {i}": t for i, t in enumerate(indices)}
        if not 0 < self.k <= x.ndim or len(indices) != self.k:
            raise BoundsError("E131", self.word.op, f"{len(indices)} index arrays for {self.k} of "
                              f"{x.ndim} axes", got=got,
                              need="at least one index array, at most one per axis")
        if any(t.dtype != int64 for t in indices):
            raise DTypeError("E134", self.word.op, "an index array is not int64", got=got,
                             need="int64 indices")
        if any(t.shape != indices[0].shape for t in indices):
            raise ShapeError("E132", self.word.op, "index arrays differ in shape", got=got,
                             need="one shape")
        return indices[0].shape
    def places(self, x, indices):
        """The indices, checked and wrapped."""
        return normalise(self.word, Spec(x.shape, dtype_of(x.dtype)), indices, self.wrap)
    def batch(self, args, at):
        x, *rest = batching.all_to_front(args, at)
        shape = rest[0].shape                                        # (b, *I)
        lead = movement.reshape(iota(shape[0], int64), (shape[0], *(1,) * (len(shape) - 1)))
        deeper = type(self)(self.k + 1, self.wrap, self.word)
        return deeper(x, movement.broadcast_to(lead, shape), *rest), 0


class Gather(_Indexed):
    """Elements of x at the places that k index arrays name.

    Shape   x (*D, *R), D of k axes, k indices (*I) -> (*I, *R)
    Dtype   any, int64 -> the same
    Raises  E130 for an index out of range (when evaluated), E131, E132, E134 for wrong indices
    Source  numpy.ndarray.__getitem__ with integer arrays
    """
    emit, xla = KernelIn("backends/cpu: a copy per place"), "gather"

    def infer(self, x, *indices): return x.to(*self.check(x, indices), *x.shape[self.k:])
    def ref(self, x, *indices): return x[self.places(x, indices)]
    def vjp(self, ct, out, x, *indices):
        back = ScatterAdd(self.k, self.wrap, self.word)(zeros_like(x), *indices, ct)
        return back, *(None for _ in indices)
    def batch(self, args, at):
        if any(a is not None for a in at[1:]):
            return super().batch(args, at)
        x = batching.move_axis(args[0], at[0], args[0].ndim - 1)     # (*D, *R, b): one more R
        out = self(x, *args[1:])
        return out, out.ndim - 1
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng)[:2])
    @classmethod
    def hard(cls):
        x = np.arange(12.0).reshape(3, 4)
        return [(cls(1), (x, np.array([-3, 2, -1]))), (cls(2), (x, np.array(1), np.array(-4))),
                (cls(1), (x, np.zeros((0, 2), np.int64))),
                (cls(1, False), (x[:, :0], np.array([2, 0])))]


class ScatterAdd(_Indexed):
    """x with updates added at the places k index arrays name; repeated places add up, in order.

    Shape   x (*D, *R), D of k axes, k indices (*I), updates (*I, *R) -> (*D, *R)
    Dtype   number, int64, the same -> the same
    Raises  E130 for an index out of range (when evaluated), E105, E131, E132, E134 for operands
    Source  the adjoint of `Gather`; numpy.add.at
    """
    word: Word = _word("scatter_add")
    emit, xla = KernelIn("backends/cpu: an addition per place, in order"), "scatter_add"

    def infer(self, x, *rest): return check_updates(self, x, rest, (*INTS, *FLOATS))
    def flops(self, out, x, *rest): return rest[-1].size
    def ref(self, x, *rest):
        *indices, updates = rest
        inner = math.prod(x.shape[self.k:])
        rows = _flat(self.places(x, indices), x.shape)
        out = x.flatten()
        np.add.at(out, (rows[:, None] * inner + np.arange(inner)).ravel(), updates.ravel())
        return out.reshape(x.shape)
    def vjp(self, ct, out, x, *rest):
        indices = rest[:-1]
        return ct, *(None for _ in indices), Gather(self.k, self.wrap, self.word)(ct, *indices)
    def batch(self, args, at): return _batch_updates(self, args, at) or super().batch(args, at)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _with_updates(cls, rng))
    @classmethod
    def hard(cls):
        x, repeated = np.zeros((3, 2)), np.array([[1, -2], [1, 0]])
        return [(cls(1), (x, repeated, np.arange(8.0).reshape(2, 2, 2))),
                (cls(1), (x, np.zeros(0, np.int64), np.zeros((0, 2))))]


class ScatterSet(_Indexed):
    """x with updates at the places k index arrays name; of repeated places the last wins.

    Shape   x (*D, *R), D of k axes, k indices (*I), updates (*I, *R) -> (*D, *R)
    Dtype   any, int64, the same -> the same
    Raises  E130 for an index out of range (when evaluated), E105, E131, E132, E134 for operands
    Source  numpy.ndarray.__setitem__; only the update that won gets a gradient
    """
    word: Word = _word("scatter")
    emit, xla = KernelIn("backends/cpu: a store per place, in order"), "scatter"

    def infer(self, x, *rest): return check_updates(self, x, rest, None)
    def ref(self, x, *rest):
        *indices, updates = rest
        out = x.reshape(math.prod(x.shape[:self.k]), math.prod(x.shape[self.k:])).copy()
        rows = _flat(self.places(x, indices), x.shape)
        out[rows] = updates.reshape(len(rows), out.shape[1])
        return out.reshape(x.shape)
    def vjp(self, ct, out, x, *rest):
        *indices, updates = rest
        kept = self(ct, *indices, zeros_like(updates))
        arrived = Gather(self.k, self.wrap, self.word)(ct, *indices)
        whole = (1,) * (x.ndim - self.k)
        won = movement.reshape(self.winners(x, indices), indices[0].shape + whole)
        mine = elementwise.where(won, arrived, zeros_like(arrived))
        return kept, *(None for _ in indices), mine
    def winners(self, x, indices):
        """Which updates are still there at the end: bool (*I)."""
        shape = indices[0].shape
        order = movement.reshape(iota(math.prod(shape), int64), shape)
        nobody = movement.broadcast_to(constant(-1, int64), x.shape[:self.k])
        last = self(nobody, *indices, order)
        return elementwise.eq(Gather(self.k, self.wrap, self.word)(last, *indices), order)
    def batch(self, args, at): return _batch_updates(self, args, at) or super().batch(args, at)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _with_updates(cls, rng))
    @classmethod
    def hard(cls): return [(cls(prim.k), args) for prim, args in ScatterAdd.hard()]


def check_updates(prim, x, rest, dtypes):
    """The spec of x, when indices and updates (the last of rest) fit it."""
    *indices, updates = rest
    shape = (*prim.check(x, indices), *x.shape[prim.k:])
    got = {"x": x, "indices": indices[0], "updates": updates}
    if updates.dtype != x.dtype or (dtypes and x.dtype not in dtypes):
        raise DTypeError("E105", prim.word.op, "x and updates need one dtype", got=got,
                         need="equal dtypes" + (", not bool" if dtypes else ""))
    if updates.shape != shape:
        raise ShapeError("E132", prim.word.op,
                         f"updates have shape {updates.shape}, the places {shape}", got=got,
                         need="one update for every element addressed")
    return x.to(*x.shape)


def _batch_updates(prim, args, at):
    """The batch axis as one more whole axis at the end, when no index array has it."""
    if any(a is not None for a in at[1:-1]):
        return None
    size = batching.batch_size(args, at)
    def last(t, a):
        front = batching.to_front(t, a, size)
        return batching.move_axis(front, 0, front.ndim - 1)
    out = prim(last(args[0], at[0]), *args[1:-1], last(args[-1], at[-1]))
    return out, out.ndim - 1


def _flat(indices, shape):
    """Row numbers, 1-d, of places given by one index array per leading axis."""
    lengths = shape[:len(indices)]
    total = np.zeros(indices[0].shape, np.int64)
    for index, stride in zip(indices, movement.strides(lengths), strict=True):
        total += index * stride
    return total.ravel()


def _example(cls, rng):
    """A primitive, (x, *indices), and the shape of what is addressed."""
    k, shape = int(rng.integers(1, 3)), (4, 3, 2)[:int(rng.integers(2, 4))]
    where = ((), (5,), (2, 3))[rng.integers(3)]
    indices = tuple(np.asarray(rng.integers(-n, n, where)) for n in shape[:k])
    return cls(k), (rng.normal(size=shape), *indices), where + shape[k:]


def _with_updates(cls, rng):
    prim, args, shape = _example(cls, rng)
    return prim, (*args, rng.normal(size=shape))
