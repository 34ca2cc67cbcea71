"""Accumulators: a reduction flows in; what it carries from one element to the next comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sheer.graph import Node
from sheer.graph.dtypes import int64
from sheer.ops.reduce import Reduce

from ..ir.builder import Builder
from ..ir.values import Value, constant

State = list[Value]


def start(node: Node, lanes: int) -> State:
    """Before the first element. A place of -1 says that there was none yet."""
    if isinstance(node.prim, Reduce):
        return [constant(rule(node).start(node.dtype), node.dtype, lanes)]
    kind = node.inputs[0].dtype
    return [constant(0, kind, lanes), constant(-1, int64, lanes)]


def step(b: Builder, node: Node, state: State, x: Value, place: Callable[[], Value],
         mask: Value | None) -> State:
    """After one more element per lane, where `mask` (None: everywhere) holds."""
    if isinstance(node.prim, Reduce):
        new = [rule(node).combine(b, state[0], x)]
    else:
        new = join(b, node, state, [x, b.broadcast(place(), x.lanes)])
    if mask is None:
        return new
    return [b.select(mask, n, old) for n, old in zip(new, state, strict=True)]


def join(b: Builder, node: Node, left: State, right: State) -> State:
    """Both together; of equal candidates the one that stands first wins."""
    if isinstance(node.prim, Reduce):
        return [rule(node).combine(b, left[0], right[0])]
    (best, at), (x, place) = left, right
    wins, equal = rule(node).better(b, x, best), b.eq(x, best)
    if x.dtype.kind == "float":                        # NaN beats every number
        new, old = b.isnan(x), b.isnan(best)
        wins = b.or_(b.and_(wins, b.not_(old)), b.and_(new, b.not_(old)))
        equal = b.or_(equal, b.and_(new, old))
    wins = b.or_(wins, b.and_(equal, b.lt(place, at)))
    wins = b.and_(b.or_(wins, b.lt(at, 0)), b.ge(place, 0))
    return [b.select(wins, x, best), b.select(wins, place, at)]


def rule(node: Node) -> Any:
    """The primitive with its rules for one element, which declare no types."""
    return node.prim


def across(b: Builder, node: Node, state: State) -> State:
    """All lanes joined: lower half with upper half, again and again."""
    while state[0].lanes > 1:
        pairs = [b.halves(v) for v in state]
        state = join(b, node, [low for low, _ in pairs], [high for _, high in pairs])
    return state
