"""dot: sums of products along shared axes; matmul and einsum are arrangements of it."""

from __future__ import annotations

import math

import numpy as np

from ...graph.dtypes import FLOATS, INTS
from ...graph.errors import DTypeError, ShapeError
from ...graph.node import Node
from .. import batching, movement, sampling
from ..primitive import KernelIn, Primitive


class Dot(Primitive):
    """Batched matrix product: for each batch index, a times b along one shared axis.

    The one contraction that kernels know; every other is brought to it by permute and reshape.

    Shape   a (*B, M, K), b (*B, K, N) -> (*B, M, N)
    Dtype   number -> the same; integers wrap around
    Raises  E101 when batch or inner sizes differ, E105 when dtypes differ
    Source  definition
    """
    emit, xla = KernelIn("backends/cpu: the micro-kernel"), "dot_general"

    def infer(self, a, b):
        if a.dtype != b.dtype or a.dtype not in (*INTS, *FLOATS):
            converted = lambda: self.infer(a, b.to(*b.shape, dtype=a.dtype))
            raise DTypeError("E105", "dot", "needs two operands of one number type",
                             got={"a": a, "b": b}, need="one dtype, not bool",
                             tries=[("a @ b.to(a.dtype)", converted)])
        stacks = a.ndim == b.ndim >= 2 and a.shape[:-2] == b.shape[:-2]
        if not stacks or a.shape[-1] != b.shape[-2]:
            raise inner_mismatch("dot", a, b)
        return a.to(*a.shape[:-1], b.shape[-1])
    def ref(self, a, b): return np.matmul(a, b)
    def flops(self, out, a, b): return 2 * out.size * a.shape[-1]
    def vjp(self, ct, out, a, b): return self(ct, transpose(b)), self(transpose(a), ct)
    def batch(self, args, at): return self(*batching.all_to_front(args, at)), 0
    @classmethod
    def samples(cls): return sampling.arrays(cls(), (2, 3, 4), (2, 4, 5))
    @classmethod
    def hard(cls):
        return [(cls(), (np.ones((2, 0)), np.ones((0, 3)))),
                (cls(), (np.ones((1, 1)), np.ones((1, 1))))]


def transpose(x: Node) -> Node:
    """x with its last two axes exchanged: (*B, M, N) -> (*B, N, M)."""
    return movement.permute(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def inner_mismatch(op: str, a: Node, b: Node) -> ShapeError:
    """E101 with hints: which transposition would make a (*B, M, K) @ b (*B, K, N) fit."""
    flip = lambda t: t.to(*t.shape[:-2], t.shape[-1], t.shape[-2])
    rows = lambda t: t.shape[max(t.ndim - 2, 0)]              # a vector on the right is a column
    inner = min(a.ndim, b.ndim) > 0 and a.shape[-1] != rows(b)
    def check(x, y):
        if x.shape[-1] != rows(y):
            raise ValueError
        np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    what = (f"inner sizes differ, {a.shape[-1]} and {rows(b)}" if inner
            else f"batch axes differ, {a.shape[:-2]} and {b.shape[:-2]}")
    return ShapeError("E101", op, what, got={"a": a, "b": b}, need="a (*B, m, k) @ b (*B, k, n)",
                      tries=[("a @ b.mT", lambda: check(a.to(*a.shape), flip(b))),
                             ("a.mT @ b", lambda: check(flip(a), b.to(*b.shape)))])


def dot_general(a, b, contract, batch=((), ())):
    """Sum of products over pairs of axes `contract`, side by side over pairs `batch`.

    Shape   -> (batch axes, other axes of a, other axes of b)
    Source  jax.lax.dot_general
    """
    (ca, cb), (ba, bb) = contract, batch
    free_a = [i for i in range(a.ndim) if i not in (*ca, *ba)]
    free_b = [i for i in range(b.ndim) if i not in (*cb, *bb)]
    size = lambda x, axes: math.prod(x.shape[i] for i in axes)
    shape = lambda x, axes: tuple(x.shape[i] for i in axes)
    if shape(a, ca) != shape(b, cb) or shape(a, ba) != shape(b, bb):
        pairs = f"{tuple(ca)} and {tuple(cb)}, {tuple(ba)} and {tuple(bb)}"
        raise ShapeError("E101", "dot", "paired axes differ in length", got={"a": a, "b": b},
                         need=f"equal lengths for axes {pairs}")
    left = movement.reshape(movement.permute(a, (*ba, *free_a, *ca)),
                            (*shape(a, ba), size(a, free_a), size(a, ca)))    # (*B, M, K)
    right = movement.reshape(movement.permute(b, (*bb, *cb, *free_b)),
                             (*shape(b, bb), size(b, cb), size(b, free_b)))   # (*B, K, N)
    result = (*shape(a, ba), *shape(a, free_a), *shape(b, free_b))
    return movement.reshape(Dot()(left, right), result)


def matmul(a: Node, b: Node) -> Node:
    """a @ b with NumPy's rules: vectors are rows or columns, batch axes broadcast.

    Shape   a (*B, M, K), b (*B, K, N) -> (*B, M, N)
    Raises  E101 when inner sizes differ
    Source  torch.matmul
    """
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError("E101", "matmul", "a number has no rows or columns", got={"a": a, "b": b},
                         need="at least one axis on both sides", tries=[("a * b", lambda: None)])
    left = movement.expand_dims(a, 0) if a.ndim == 1 else a
    right = movement.expand_dims(b, 1) if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise inner_mismatch("matmul", a, b)
    if a.ndim == b.ndim == 2:
        return Dot()(a, b)
    out = _rows_together(left, right) if right.ndim == 2 else _batched(left, right)
    shape = [s for s, kept in ((out.shape[-2], a.ndim > 1), (out.shape[-1], b.ndim > 1)) if kept]
    return movement.reshape(out, (*out.shape[:-2], *shape))


def _rows_together(a, b):
    """(*B, M, K) @ (K, N): all rows in one matrix product."""
    flat = movement.reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))
    return movement.reshape(Dot()(flat, b), (*a.shape[:-1], b.shape[-1]))


def _batched(a, b):
    try:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise inner_mismatch("matmul", a, b) from None
    return Dot()(movement.broadcast_to(a, (*batch, *a.shape[-2:])),
                 movement.broadcast_to(b, (*batch, *b.shape[-2:])))
