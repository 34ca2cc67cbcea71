"""Contractions in their cheapest form: dots flow in; turned dots, or multiply-and-sum, come out."""

from __future__ import annotations

from ...graph import Graph, Node, users
from ...ops import movement
from ...ops.contract.dot import Dot
from ...ops.movement import Permute
from ...ops.reduce import Sum
from ...ops.structure import constant
from ..blocks.row_blocks import row_blocks
from .lookups import multiply_tables
from .rewrite import rewrite, swapped

_LONG = 32          # rows, and numbers in each, from which a vector times a matrix stays a dot


def cheapest_dots(graph: Graph) -> Graph:
    """Dots of looked up rows go by table, of attention by rows; thin ones are sums; others turn."""
    return row_blocks(thin_dots(turn_dots(multiply_tables(graph))))


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
        return movement.broadcast_to(a, node.shape) * movement.broadcast_to(b, node.shape)
    if n == 1:                                                     # (*B, M, K) * (*B, 1, K)
        row = movement.reshape(b, (*batch, 1, k))
        return _summed(a * movement.broadcast_to(row, a.shape), len(batch) + 1, node)
    if m == 1 and is_swapped(b):                                   # (*B, N, K) * (*B, 1, K)
        if min(k, n) >= _LONG and node.dtype.is_floating_point:
            return None                     # eight rows at a time share what is loaded of a
        rows = b.inputs[0]                  # the sums run along what lies side by side in memory
        return _summed(rows * movement.broadcast_to(a, rows.shape), len(batch) + 1, node)
    if m == 1:                                                     # (*B, K, 1) * (*B, K, N)
        column = movement.reshape(a, (*batch, k, 1))
        return _summed(movement.broadcast_to(column, b.shape) * b, len(batch), node)
    wide = (*batch, m, n, k)                                       # integers
    left = movement.broadcast_to(movement.expand_dims(a, len(batch) + 1), wide)
    right = movement.expand_dims(movement.permute(
        b, (*range(len(batch)), len(batch) + 1, len(batch))), len(batch))
    return _summed(left * movement.broadcast_to(right, wide), len(batch) + 2, node)


def is_swapped(node: Node) -> bool:
    """Is it another value with its last two axes exchanged?"""
    last = node.ndim - 1
    order = (*range(last - 1), last, last - 1)
    return isinstance(node.prim, Permute) and node.prim.axes == order


def _summed(product: Node, axis: int, like: Node) -> Node:
    return movement.reshape(Sum((axis,))(product), like.shape)


def turn_dots(graph: Graph) -> Graph:
    """A dot that is only read transposed becomes the transposed dot: (a b)^T = b^T a^T.

    Operands may have any strides, results may not.
    """
    readers = users(graph.nodes)
    results = set(graph.outputs)

    turned = {n for n in graph.nodes if isinstance(n.prim, Dot) and n not in results
              and all(map(is_swapped, readers[n]))}

    def rule(node: Node) -> Node | None:
        if is_swapped(node) and node.inputs[0] in turned:
            a, b = node.inputs[0].inputs
            return Dot()(swapped(b), swapped(a))
        return None
    return rewrite(graph, rule)
