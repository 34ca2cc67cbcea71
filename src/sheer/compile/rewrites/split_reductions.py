"""Splitting reductions: a long one flows in; one over fixed blocks and one over those come out.

So threads can share it, and because the shape alone decides on the blocks, any number of threads
gives the same bits. Sums of many numbers also lose fewer of them to rounding.
"""

from __future__ import annotations

import math

from ...graph import Graph, Node
from ...ops import movement
from ...ops.reduce import Reduce
from ..cost import own_cost
from .rewrite import rewrite

_LONG = 1 << 17        # loads, and instructions that cost as much: below, one thread is done
                       # before another has woken
_PER_LOAD = 8          # instructions on an element in the time of loading one
_BLOCK = 1 << 12       # elements that a block must have
_PARTS = 8             # parts that the results alone allow: enough for the threads
_BLOCKS = 32           # wanted otherwise
_COLUMNS = 64          # neighbouring results that one part computes


def split_reductions(graph: Graph) -> Graph:
    """Long reductions with few results go over blocks of one axis, then over the blocks."""
    return rewrite(graph, _split)


def _split(node: Node) -> Node | None:
    prim = node.prim
    if not isinstance(prim, Reduce) or _work(node.inputs[0]) < _LONG:
        return None
    x = node.inputs[0]
    if _parts(x.shape, prim.axes) >= _PARTS:
        return None
    axis = _axis(x.shape, prim.axes)
    wanted = min(_BLOCKS, x.size // _BLOCK)
    blocks = _blocks(x.shape[axis], wanted)
    if blocks < 2:
        return None
    length = x.shape[axis] // blocks
    whole = movement.narrow(x, axis, 0, blocks * length)
    shape = (*x.shape[:axis], blocks, length, *x.shape[axis + 1:])
    inner = tuple(a + (a >= axis) for a in prim.axes)
    results = type(prim)(inner)(movement.reshape(whole, shape))
    at = sum(a < axis for a in range(x.ndim) if a not in prim.axes)
    left = x.shape[axis] - blocks * length
    if left:
        rest = type(prim)(prim.axes)(movement.narrow(x, axis, blocks * length, left))
        results = movement.concat([results, movement.expand_dims(rest, at)], at)
    return type(prim)((at,))(results)


def _work(x: Node) -> int:
    """What it takes to make and to add up the elements, in loads."""
    cost, seen, stack = 0, {x}, [x]
    while stack:
        node = stack.pop()
        if node.prim.pointwise or node.prim.view:
            cost += own_cost(node)
            new = {y for y in node.inputs if y.size == x.size} - seen
            seen |= new
            stack += new
    return x.size * (1 + cost // _PER_LOAD)


def _parts(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """Into how many parts the results can be cut, each as wide as a row of cache lines."""
    last = max(a for a in axes)
    columns = math.prod(shape[last + 1:])
    rows = math.prod(n for a, n in enumerate(shape[:last]) if a not in axes)
    return rows if rows > 1 or columns == 1 else -(-columns // _COLUMNS)


def _axis(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """The axis to cut: the outermost that gives enough parts, so that each goes over memory in
    order; else the longest.
    """
    long = [a for a in sorted(axes) if shape[a] >= _PARTS]
    return long[0] if long else max(axes, key=lambda a: shape[a])


def _blocks(length: int, wanted: int) -> int:
    """A number of blocks near `wanted`, one that divides the length if there is any."""
    near = range(wanted, wanted // 2, -1)
    return next((n for n in near if length % n == 0), min(wanted, length))
