"""Windows as index maps: pools and convolutions flow in, reductions and dots over views come out.

So a convolution needs no kernel of its own: what its windows see is a view, which a dot reads from
memory once it has been laid out there, or which a reduction reads in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from ...graph import Graph, Node, int64
from ...ops import elementwise, movement
from ...ops.contract.conv import Conv, ConvInput, ConvWeight
from ...ops.elementwise import Where
from ...ops.lift import cast
from ...ops.reduce import ArgMax, Max, Sum, lowest
from ...ops.structure import Pick, constant, iota
from ...ops.window import MaxPool, MaxPoolInput, SumPool, SumPoolInput
from ..indexing.window_views import Origins, look
from . import small_pools
from .convolutions import conv, conv_input, conv_weight
from .rewrite import rewrite


def windows(graph: Graph) -> Graph:
    """Pools become reductions and convolutions become dots over views of what windows see.

    A convolution that is the only one has borders on both sides: its channels stay first, unless
    turning them costs little beside what it saves.
    """
    turn = sum(isinstance(n.prim, Conv | ConvInput | ConvWeight) for n in graph.nodes) > 1
    products: dict[type, Any] = {Conv: conv, ConvInput: conv_input, ConvWeight: conv_weight}
    rules: dict[type, Callable[[Node], Node]] = {
        **{kind: partial(make, turn=turn) for kind, make in products.items()},
        SumPool: _sum_pool, SumPoolInput: _sum_pool_input, MaxPoolInput: _max_pool_input}

    winners: dict[Node, Node] = {}     # places of maxima -> which tap they are

    def max_pool(pool: Node, index: int) -> Node:
        if not small_pools.is_small(pool.prim):
            return (_max_pool, _max_place)[index](pool)
        best, winner = small_pools.max_pool(pool)
        if index == 0:
            return best
        place = small_pools.places(pool, winner)
        winners[place] = winner
        return place

    def rule(node: Node) -> Node | None:
        prim: Any = node.prim
        if isinstance(prim, Pick) and isinstance(node.inputs[0].prim, MaxPool):
            return max_pool(node.inputs[0], prim.index)
        if isinstance(prim, MaxPoolInput) and node.inputs[1] in winners:
            return small_pools.max_pool_input(prim, node.inputs[0], winners[node.inputs[1]])
        found = rules.get(type(prim))
        if found is not None and not node.size:
            return movement.broadcast_to(constant(0, node.dtype), node.shape)
        return found(node) if found is not None else None
    return rewrite(graph, rule)


# ---- pools -------------------------------------------------------------------------------------

def _sum_pool(node: Node) -> Node:
    x, prim = node.inputs[0], node.prim
    if small_pools.is_small(prim):
        return small_pools.sum_pool(node)
    seen = look(x, prim.window, prim, constant(0, x.dtype))           # type: ignore[attr-defined]
    return Sum(_tap_axes(node))(seen)


def _sum_pool_input(node: Node) -> Node:
    y = node.inputs[0]
    if small_pools.is_small(node.prim) or small_pools.tiles(node.prim):
        return small_pools.sum_pool_input(node.prim, y)
    seen = _origins(node.prim, y, constant(0, y.dtype))
    return Sum(_tap_axes(node))(seen)


def _max_pool_input(node: Node) -> Node:
    y, places = node.inputs
    axes = len(node.prim.window)                                       # type: ignore[attr-defined]
    plane = movement.reshape(iota(math.prod(node.shape[-axes:]), int64), node.shape[-axes:])
    seen = _origins(node.prim, places, constant(-1, int64))                        # (*B, *k, *S)
    mine = elementwise.eq(seen, movement.broadcast_to(plane, seen.shape))
    shares = _origins(node.prim, y, constant(0, y.dtype))
    none = movement.broadcast_to(constant(0, y.dtype), shares.shape)
    return Sum(_tap_axes(node))(Where()(mine, shares, none))


def _max_pool(pool: Node) -> Node:
    taps, axis = _flat_taps(pool)
    return Max((axis,))(taps)


def _max_place(pool: Node) -> Node:
    """The winning tap as a flat place; a tap in the padding, which can win only against elements
    as low as the padding, gives way to the first that is no padding.
    """
    prim: Any = pool.prim
    taps, axis = _flat_taps(pool)
    rest = ArgMax(axis)(taps)                                          # (*B, *P)
    place = movement.broadcast_to(constant(0, int64), rest.shape)
    sizes = pool.inputs[0].shape[axis:]
    for a, (n, k) in enumerate(zip(sizes, prim.window, strict=True)):
        inner = math.prod(prim.window[a + 1:])
        tap = _steps(rest, inner, k)
        rest = rest - tap * inner
        at = _position(pool, axis + a) * prim.stride[a] - prim.padding[a][0]
        here = at + tap * prim.dilation[a]
        if any(prim.padding[a]):
            first = at + _steps(-at, prim.dilation[a], k, up=True) * prim.dilation[a]
            here = Where()(elementwise.lt(here, 0), first, here)
        place = place * n + here
    return place


def _steps(x: Node, size: int, count: int, up: bool = False) -> Node:
    """x // size (rounded up if `up`), for results 0 .. count - 1, without a division."""
    total = movement.broadcast_to(constant(0, int64), x.shape)
    for j in range(1, count):
        limit = (j - 1) * size + 1 if up else j * size
        total = total + cast(elementwise.le(limit, x), int64)
    return total


def _position(pool: Node, axis: int) -> Node:
    """The window's number along one axis, for every window."""
    shape = pool.shape
    line = [n if a == axis else 1 for a, n in enumerate(shape)]
    return movement.broadcast_to(movement.reshape(iota(shape[axis], int64), line), shape)


def _flat_taps(pool: Node) -> tuple[Node, int]:
    """What the windows see with all taps on one axis: (*B, K, *P), and which axis that is."""
    x, prim = pool.inputs[0], pool.prim
    axis = x.ndim - len(prim.window)                                   # type: ignore[attr-defined]
    taps = math.prod(prim.window)                                      # type: ignore[attr-defined]
    seen = look(x, prim.window, prim, constant(lowest(x.dtype), x.dtype))  # type: ignore[attr-defined]
    return movement.reshape(seen, (*x.shape[:axis], taps, *pool.shape[axis:])), axis


def _tap_axes(node: Node) -> tuple[int, ...]:
    axes = len(node.prim.window)                                       # type: ignore[attr-defined]
    return tuple(range(node.ndim - axes, node.ndim))


def _origins(prim: Any, y: Node, fill: Node) -> Node:
    """Where the elements of an image went under the settings of a pool."""
    view: Any = Origins
    found: Node = view(*prim.settings, prim.size)(y, fill)
    return found
