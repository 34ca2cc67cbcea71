"""Contractions that are none: thin or integer dots flow in, multiply-and-sum comes out."""

from __future__ import annotations

from ..graph import Graph, Node
from ..ops import movement
from ..ops.contract.dot import Dot
from ..ops.reduce import Sum
from ..ops.structure import constant
from .rewrite import rewrite


def thin_dots(graph: Graph) -> Graph:
    """A dot with M, N or K of 1, of integers, or of nothing becomes Sum(a * b), which fuses.

    Vectors have no register tile to win by; as a reduction they take a prologue and an epilogue.
    """
    return rewrite(graph, _thin)


def _thin(node: Node) -> Node | None:
    if not isinstance(node.prim, Dot):
        return None
    a, b = node.inputs
    *batch, m, k = a.shape
    n = b.shape[-1]
    if k == 0 or not node.size:
        return movement.broadcast_to(constant(0, node.dtype), node.shape)
    if node.dtype.is_floating_point and min(m, n, k) > 1:
        return None
    if k == 1:
        return movement.expand(a, node.shape) * movement.expand(b, node.shape)
    if n == 1:                                                     # (*B, M, K) * (*B, 1, K)
        row = movement.reshape(b, (*batch, 1, k))
        return _summed(a * movement.expand(row, a.shape), len(batch) + 1, node)
    if m == 1:                                                     # (*B, K, 1) * (*B, K, N)
        column = movement.reshape(a, (*batch, k, 1))
        return _summed(movement.expand(column, b.shape) * b, len(batch), node)
    wide = (*batch, m, n, k)                                       # integers
    left = movement.expand(movement.expand_dims(a, len(batch) + 1), wide)
    right = movement.expand_dims(movement.permute(
        b, (*range(len(batch)), len(batch) + 1, len(batch))), len(batch))
    return _summed(left * movement.expand(right, wide), len(batch) + 2, node)


def _summed(product: Node, axis: int, like: Node) -> Node:
    return movement.reshape(Sum((axis,))(product), like.shape)
