"""TopK: the first few elements of an axis in sorted order, and where each came from."""

from __future__ import annotations

import numpy as np

from ...graph.dtypes import int64
from ...graph.errors import ArgumentError
from ...graph.node import Node
from .. import batching, movement, reduce, sampling
from ..elementwise.family import zeros_like
from ..primitive import KernelIn, Primitive, results
from .along import axis_of, places_along
from .gather import ScatterAdd
from .sort import Sort, sort

MOST = 64       # results that one pass over a line keeps; for more, sorting it all is as good
SHORT = 128     # elements of a line that is sorted as fast as it is searched


class TopK(Primitive):
    """The first k elements of the sorted axis, and the int64 place each had.

    Shape   x (*S) -> values, indices, (*S) with k on the axis
    Dtype   any -> the same, int64
    Raises  E110 when the axis is out of range
    Source  torch.topk; order, equals and NaN as Sort has them
    """
    axis: int
    k: int
    descending: bool = True
    emit, xla = KernelIn("backends/cpu/lower/topk.py"), "top_k"

    def infer(self, x):
        reduce.check_axes("topk", x, (self.axis,))
        shape = (*x.shape[:self.axis], self.k, *x.shape[self.axis + 1:])
        return x.to(*shape), x.to(*shape, dtype=int64)
    def ref(self, x):
        first = np.s_[:self.k]
        return tuple(y[(slice(None),) * self.axis + (first,)]
                     for y in Sort(self.axis, self.descending).ref(x))
    def vjp(self, ct, out, x):
        return (ScatterAdd(x.ndim, False)(zeros_like(x), *places_along(out[1], self.axis), ct[0]),)
    def batch(self, args, at):
        node = TopK(self.axis + 1, self.k, self.descending)(batching.move_axis(args[0], at[0], 0))
        return results(node), (0, 0)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(int(rng.integers(2)), 3, bool(rng.integers(2))),
                                           (rng.normal(size=(5, 4)),)))
    @classmethod
    def hard(cls):
        mixed = np.array([2.0, np.nan, -np.inf, 2.0, np.inf, -0.0, 0.0, np.nan])
        return [(cls(0, 5, False), (mixed,)), (cls(0, 5), (mixed,)),
                (cls(1, 2), (np.array([[3, 1, 3, 2]]),))]


def topk(x: Node, k: int, axis: int = -1, largest: bool = True) -> tuple[Node, Node]:
    """The k largest (or smallest) elements in order, and the places they had.

    Shape   x (*S) -> values and int64 indices, (*S) with k on `axis`
    Raises  E110 when the axis is out of range, E135 when k is
    Source  torch.topk; of equals the first ones
    """
    axis = axis_of("topk", x, axis)
    if not 0 <= k <= x.shape[axis]:
        raise ArgumentError("E135", "topk", f"{k} of {x.shape[axis]} elements along axis {axis}",
                            got={"x": x}, need=f"0 <= k <= {x.shape[axis]}")
    if 0 < k <= MOST and x.shape[axis] >= SHORT:
        values, indices = results(TopK(axis, k, largest)(x))
        return values, indices
    values, indices = sort(x, axis, descending=largest)
    return movement.narrow(values, axis, 0, k), movement.narrow(indices, axis, 0, k)
