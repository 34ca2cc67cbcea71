"""Lengths and angles of vectors: normalize, cosine_similarity, pairwise_distance, pdist."""

from __future__ import annotations

import math

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...tensor import Tensor
from .common import axis, need_float


def norm_node(x: Node, p: float, at: int) -> Node:
    """The p-norm along an axis; the gradient at 0 is 0."""
    if x.ndim == 0:
        return ops.reshape(norm_node(ops.reshape(x, (1,)), p, 0), ())
    size = ops.abs(x)
    if p == 0:
        return ops.sum(ops.cast(ops.ne(x, 0), x.dtype), (at,))
    if p == math.inf:
        return ops.max(size, (at,))
    if p == 1:
        return ops.sum(size, (at,))
    if p == 2:
        total = ops.sum(x * x, (at,))
        zero = ops.eq(total, 0)                 # sqrt has no slope there; torch takes 0
        return ops.where(zero, 0.0, ops.sqrt(ops.where(zero, 1.0, total)))
    total = ops.sum(ops.pow(size, p), (at,))
    zero = ops.eq(total, 0)
    return ops.where(zero, 0.0, ops.pow(ops.where(zero, 1.0, total), 1 / p))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x over its p-norm along an axis, at least eps.

    Shape   (*S) -> (*S)
    Raises  E202 for integers, E110 for a wrong axis
    Source  torch.nn.functional.normalize
    Example
        >>> F.normalize(sheer.tensor([[3.0, 4.0]]))
        tensor([[0.6, 0.8]])
    """
    need_float("normalize", input=input)
    at = axis("normalize", input, dim)
    def run(x: Node) -> Node:
        size = ops.clamp(norm_node(x, p, at), eps)
        return x / (ops.restore(size, x.shape, (at,)) if x.ndim else size)
    result: Tensor = apply(run, input)
    return result


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (|x1| |x2|) along an axis, each length at least eps; operands broadcast.

    Shape   (*S), (*S) -> S without dim
    Raises  E202 for integers, E102 when the shapes do not broadcast, E110 for a wrong axis
    Source  torch.nn.functional.cosine_similarity
    Example
        >>> x, y = sheer.tensor([[1.0, 0.0], [1.0, 1.0]]), sheer.tensor([[0.0, 5.0], [3.0, 3.0]])
        >>> F.cosine_similarity(x, y)
        tensor([0., 1.])
    """
    need_float("cosine_similarity", x1=x1, x2=x2)
    def run(a: Node, b: Node) -> Node:
        a, b = ops.lift.lift("cosine_similarity", a, b)
        at, shape = axis("cosine_similarity", a, dim), a.shape
        a, b = (ops.reshape(t, (1,)) for t in (a, b)) if not shape else (a, b)
        unit = lambda x: x / ops.restore(ops.clamp(norm_node(x, 2, at), eps), x.shape, (at,))
        return ops.sum(unit(a) * unit(b), (at,))              # a number counts as one component
    result: Tensor = apply(run, x1, x2)
    return result


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6,
                      keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last axis; operands broadcast.

    Shape   (*B, d), (*B, d) -> (*B)
    Raises  E102 when the shapes do not broadcast
    Source  torch.nn.functional.pairwise_distance
    Example
        >>> F.pairwise_distance(sheer.tensor([[0.0, 0.0]]), sheer.tensor([[3.0, 4.0]]))
        tensor([5.])
    """
    def run(a: Node, b: Node) -> Node:
        gap = ops.sub(a, b) + eps
        found = norm_node(gap, p, gap.ndim - 1)
        return ops.expand_dims(found, found.ndim) if keepdim else found
    result: Tensor = apply(run, x1, x2)
    return result


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm of the difference of every two rows, in the order (0, 1), (0, 2), ..., (1, 2).

    Shape   (N, d) -> (N (N - 1) / 2,)
    Raises  E203 for anything but a matrix, E202 for integers
    Source  torch.nn.functional.pdist
    Example
        >>> F.pdist(sheer.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 4.0]]))
        tensor([5., 4., 3.])
    """
    need_float("pdist", input=input)
    if input.ndim != 2:
        raise ShapeError("E203", "pdist", f"{input.ndim} axes are no rows",
                         got={"input": input.node}, need="(N, d)")
    first, second = np.triu_indices(input.shape[0], 1)
    def run(x: Node) -> Node:
        rows = lambda at: ops.take(x, ops.constant(at, int64), 0)
        gap = ops.sub(rows(first), rows(second))
        if p == 0:
            return ops.sum(ops.cast(ops.ne(gap, 0), x.dtype), (1,))
        return norm_node(gap, p, 1)
    result: Tensor = apply(run, input)
    return result
