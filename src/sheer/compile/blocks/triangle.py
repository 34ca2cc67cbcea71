"""Triangles: cells of a grid flow in; from which column on none in a row counts comes out.

Beyond the diagonal a causal mask leaves -inf, whose exp is 0: it adds nothing to a sum or product.
A number beyond the diagonal is taken for finite there, as by everybody who skips these blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...graph import Node
from ...ops.elementwise import Add, Cast, Le, Lt, Mul, Sub, Where
from ...ops.reduce import Max, Sum
from ...ops.structure import Constant, Iota
from ..indexing.index import Index, Var
from ..indexing.views import Place, is_view, read
from ..rewrites.rewrite import number

_NEUTRAL: dict[type, float] = {Sum: 0.0, Max: -math.inf}


def first_idle(reads: Iterable[tuple[Node, Place]], reduces: Iterable[Node],
               closing: Iterable[Node], row: Var, column: Var) -> int | None:
    """The t such that all cells with column - row >= t are idle; None when there is none.

    reads: what cells are made of, with the index at which they read it; reduces: reductions of
    cells along columns; closing: cells that are multiplied again.
    """
    steps: dict[Node, set[tuple[int, bool] | None]] = {}
    for node, at in reads:
        steps.setdefault(node, set()).add(_step(node, at, row, column))
    found: dict[Node, tuple[int, bool]] = {}
    for node, ways in steps.items():
        way = next(iter(ways))
        if len(ways) == 1 and way is not None:
            found[node] = way
    for t in sorted({at for at, _ in found.values()}, reverse=True):
        beyond = _Beyond({n: value for n, (at, value) in found.items() if at <= t})
        if all(_idle(beyond.value(r.inputs[0]), _NEUTRAL.get(type(r.prim))) for r in reduces) and (
                all(_idle(beyond.value(c), 0.0) for c in closing)):
            return t
    return None


def _idle(value: Any, neutral: float | None) -> bool:
    return value is not None and neutral is not None and value == neutral


class _Beyond:
    """What cells are beyond the diagonal, where that is one number."""

    def __init__(self, known: dict[Node, Any]) -> None:
        self.known: dict[Node, Any] = dict(known)

    def value(self, node: Node) -> Any:
        if node not in self.known:
            self.known[node] = self._found(node)
        return self.known[node]

    def _found(self, node: Node) -> Any:
        constant = number(node)
        if constant is not None:
            return constant
        if is_view(node) and not node.prim.pointwise and len(node.inputs) == 1:
            return self.value(node.inputs[0])
        if not node.prim.pointwise or not node.inputs:
            return None
        values = [self.value(x) for x in node.inputs]
        if isinstance(node.prim, Where):
            condition, yes, no = values
            if condition is None:
                return yes if yes == no else None
            return yes if condition else no
        if isinstance(node.prim, Mul) and 0 in values:
            return 0.0
        first = values[:1] if isinstance(node.prim, Sub) else values
        if isinstance(node.prim, Add | Sub) and -math.inf in first:
            return -math.inf
        if any(v is None for v in values):
            return None
        with np.errstate(all="ignore"):
            arrays = [np.asarray(v, x.dtype.numpy)
                      for v, x in zip(values, node.inputs, strict=True)]
            return np.asarray(node.prim.ref(*arrays)).item()


def _step(node: Node, at: Place, row: Var, column: Var) -> tuple[int, bool] | None:
    """(t, what): the comparison is `what` for all column - row >= t."""
    if not isinstance(node.prim, Lt | Le):
        return None
    left, right = (_whole(x, at) for x in node.inputs)
    if left is None or right is None:
        return None
    gap = left - right                              # how it grows with column - row, and from where
    slope = gap.terms.get(column, 0)
    if abs(slope) != 1 or gap.terms.get(row, 0) != -slope or len(gap.terms) != 2:
        return None
    strict = isinstance(node.prim, Lt)              # gap < 0, else gap <= 0
    return (-gap.const + (not strict), False) if slope == 1 else (gap.const + strict, True)


def _whole(node: Node, at: Place) -> Index | None:
    """The element of a node made of positions and whole numbers, as an index expression."""
    if isinstance(node.prim, Iota):
        return at[0]
    if isinstance(node.prim, Constant):
        value = number(node)
        return Index({}, value) if isinstance(value, int) else None
    if is_view(node) and not node.prim.pointwise:
        reads, _ = read(node, at)
        return None if len(reads) != 1 or reads[0].guards else _whole(reads[0].node, reads[0].at)
    if isinstance(node.prim, Cast) and not node.dtype.is_floating_point:
        return _whole(node.inputs[0], at)
    if isinstance(node.prim, Add | Sub):
        left, right = (_whole(x, at) for x in node.inputs)
        if left is None or right is None:
            return None
        return left + right if isinstance(node.prim, Add) else left - right
    return None
