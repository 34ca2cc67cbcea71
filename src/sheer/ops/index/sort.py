"""Sort: elements of an axis in order, and where each came from. argsort is a part of it."""

from __future__ import annotations

import numpy as np

from ...graph.dtypes import int64
from ...graph.node import Node
from .. import batching, reduce, sampling
from ..elementwise.family import zeros_like
from ..primitive import KernelIn, Primitive, results
from .along import axis_of, places_along
from .gather import ScatterAdd


class Sort(Primitive):
    """Elements along an axis in order, and the int64 place each had; equals keep their order.

    NaN counts as larger than every number: last in ascending order, first in descending.

    Shape   x (*S) -> values (*S), indices (*S)
    Dtype   any -> the same, int64
    Raises  E110 when the axis is out of range
    Source  numpy.sort; torch.sort with stable=True
    """
    axis: int
    descending: bool = False
    emit, xla = KernelIn("backends/cpu/lower/sort.py"), "sort"

    def infer(self, x):
        reduce.check_axes("sort", x, (self.axis,))
        return x.to(*x.shape), x.to(*x.shape, dtype=int64)
    def ref(self, x):
        turn = (lambda t: np.flip(t, self.axis)) if self.descending else (lambda t: t)
        order = turn(np.argsort(turn(x), axis=self.axis, kind="stable"))
        places = x.shape[self.axis] - 1 - order if self.descending else order
        return np.take_along_axis(x, places, self.axis), places
    def vjp(self, ct, out, x):
        return (ScatterAdd(x.ndim, False)(zeros_like(x), *places_along(out[1], self.axis), ct[0]),)
    def batch(self, args, at):
        node = Sort(self.axis + 1, self.descending)(batching.move_axis(args[0], at[0], 0))
        return results(node), (0, 0)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(int(rng.integers(3)), bool(rng.integers(2))),
                                           (rng.normal(size=(2, 5, 3)),)))
    @classmethod
    def hard(cls):
        mixed = np.array([2.0, np.nan, -np.inf, 2.0, np.inf, -0.0, 0.0, np.nan])
        return [(cls(0, False), (mixed,)), (cls(0, True), (mixed,)), (cls(0), (np.zeros((0, 2)),)),
                (cls(1, True), (np.array([[3, 1, 3, 2]]),))]


def sort(x: Node, axis: int = -1, descending: bool = False) -> tuple[Node, Node]:
    """(values in order, int64 places they had), stable; NaN counts as the largest.

    Shape   x (*S) -> (*S), (*S)
    Raises  E110 when the axis is out of range
    Source  torch.sort with stable=True
    """
    values, indices = results(Sort(axis_of("sort", x, axis), descending)(x))
    return values, indices


def argsort(x: Node, axis: int = -1, descending: bool = False) -> Node:
    """The int64 places that put x in order, stable; NaN counts as the largest.

    Shape   x (*S) -> (*S)
    Raises  E110 when the axis is out of range
    Source  torch.argsort with stable=True
    """
    return sort(x, axis, descending)[1]
