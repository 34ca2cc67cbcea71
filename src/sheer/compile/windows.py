"""Windows as index maps: pools and convolutions flow in, reductions and dots over views come out.

So a convolution needs no kernel of its own: what its windows see is a view, which a dot reads from
memory once it has been laid out there, or which a reduction reads in place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Graph, Node, int64
from ..ops import elementwise, movement, sliding
from ..ops.contract.conv import Conv, ConvInput, ConvWeight
from ..ops.contract.dot import Dot, transpose
from ..ops.lift import cast
from ..ops.movement import Piece, View
from ..ops.reduce import ArgMax, Max, Sum, lowest
from ..ops.structure import Pick, constant, iota
from ..ops.window import MaxPool, MaxPoolInput, SumPool, SumPoolInput
from .rewrite import rewrite


class Windows(View, abstract=True):
    """What each tap of a window sees at each position: x (*B, *S), fill () -> (*B, *k, *P)."""

    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def infer(self, x: Any, fill: Any) -> Any:
        axes = len(self.window)
        out = sliding.lengths(x.shape[x.ndim - axes:], *self._settings)
        return x.to(*x.shape[:x.ndim - axes], *self.window, *out)

    def ref(self, x: Any, fill: Any) -> Any:
        axes = len(self.window)
        out = sliding.lengths(x.shape[x.ndim - axes:], *self._settings)
        whole = sliding.padded(x, self.padding, fill)
        parts = [whole[where] for _, where in sliding.taps(self.window, self.stride, self.dilation, out)]
        return np.stack(parts, x.ndim - axes).reshape(*x.shape[:x.ndim - axes], *self.window, *out)

    def read(self, index: Any, x: Any) -> list[Piece]:
        lead, taps, at = _thirds(index, len(self.window))
        rows = zip(taps, at, self.stride, self.padding, self.dilation, strict=True)
        where = [p * s + k * d - lo for k, p, s, (lo, _), d in rows]
        guards = [(0, i, n) for i, n in zip(where, x.shape[len(lead):], strict=True)]
        return [Piece(0, (*lead, *where), tuple(guards))]

    def fill(self, x: Any) -> int: return 1
    @property
    def _settings(self) -> Any: return self.window, self.stride, self.padding, self.dilation


class Origins(View, abstract=True):
    """Which output each tap took an element to: y (*B, *P), fill () -> (*B, *k, *size)."""

    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    size: tuple[int, ...]

    def infer(self, y: Any, fill: Any) -> Any:
        return y.to(*y.shape[:y.ndim - len(self.window)], *self.window, *self.size)

    def ref(self, y: Any, fill: Any) -> Any:
        lead = y.shape[:y.ndim - len(self.window)]
        around = [lo + n + hi for n, (lo, hi) in zip(self.size, self.padding, strict=True)]
        parts = []
        for _, where in sliding.taps(self.window, self.stride, self.dilation, y.shape[len(lead):]):
            part = np.full((*lead, *around), fill, y.dtype)
            part[where] = y
            parts.append(sliding.cropped(part, self.padding))
        return np.stack(parts, len(lead)).reshape(*lead, *self.window, *self.size)

    def read(self, index: Any, y: Any) -> list[Piece]:
        lead, taps, at = _thirds(index, len(self.window))
        where, guards = [], []
        rows = zip(taps, at, y.shape[len(lead):], self.stride, self.padding, self.dilation, strict=True)
        for k, i, n, s, (lo, _), d in rows:
            moved = i + lo - k * d
            if s > 1:
                guards.append((0, moved % s, 1))
            guards.append((0, moved, (n - 1) * s + 1))
            where.append(moved // s if s > 1 else moved)
        return [Piece(0, (*lead, *where), tuple(guards))]

    def fill(self, y: Any) -> int: return 1


def windows(graph: Graph) -> Graph:
    """Pools become reductions and convolutions become dots over views of what windows see."""
    rules = {Conv: _conv, ConvInput: _conv_input, ConvWeight: _conv_weight, SumPool: _sum_pool,
             SumPoolInput: _sum_pool_input, MaxPoolInput: _max_pool_input}

    def rule(node: Node) -> Node | None:
        if isinstance(node.prim, Pick) and isinstance(node.inputs[0].prim, MaxPool):
            return (_max_pool, _max_place)[node.prim.index](node.inputs[0])
        found = rules.get(type(node.prim))
        return found(node) if found is not None and node.size else None
    return rewrite(graph, rule)


# ---- convolutions ------------------------------------------------------------------------------

def _conv(node: Node) -> Node:
    x, w = node.inputs
    groups = node.prim.groups                                          # type: ignore[attr-defined]
    columns = _columns(node.prim, x, w.shape[2:], groups)              # (N, G, I K, P)
    filters = _filters(w, groups, len(x.shape) and x.shape[0])         # (N, G, O, I K)
    return movement.reshape(Dot()(filters, columns), node.shape)


def _conv_input(node: Node) -> Node:
    y, w = node.inputs
    prim: Any = node.prim
    n, g = y.shape[0], prim.groups
    split = movement.reshape(y, (n, g, y.shape[1] // g, *y.shape[2:]))
    seen = Origins(w.shape[2:], prim.stride, prim.padding, prim.dilation, prim.size)
    shares = seen(split, constant(0, y.dtype))                         # (N, G, O, *k, *S)
    o, i, k = split.shape[2], w.shape[1], math.prod(w.shape[2:])
    flat = movement.reshape(shares, (n, g, o * k, math.prod(prim.size)))
    parts = movement.reshape(w, (g, o, i, k))
    turned = movement.reshape(movement.permute(parts, (0, 2, 1, 3)), (1, g, i, o * k))
    return movement.reshape(Dot()(movement.broadcast_to(turned, (n, g, i, o * k)), flat), node.shape)


def _conv_weight(node: Node) -> Node:
    x, y = node.inputs
    prim: Any = node.prim
    n, g = y.shape[0], prim.groups
    columns = _columns(prim, x, prim.size, g)                          # (N, G, I K, P)
    flat = movement.reshape(y, (n, g, y.shape[1] // g, math.prod(y.shape[2:])))
    each = Dot()(flat, transpose(columns))                             # (N, G, O, I K)
    return movement.reshape(Sum((0,))(each), node.shape)


def _columns(prim: Any, x: Node, kernel: Sequence[int], groups: int) -> Node:
    """What each output meets: x (N, G I, *S) -> (N, G, I K, P)."""
    n, rows = x.shape[0], x.shape[1] // groups
    out = sliding.lengths(x.shape[2:], kernel, prim.stride, prim.padding, prim.dilation)
    split = movement.reshape(x, (n, groups, rows, *x.shape[2:]))
    seen = _seen(split, tuple(kernel), prim, constant(0, x.dtype))
    return movement.reshape(seen, (n, groups, rows * math.prod(kernel), math.prod(out)))


def _filters(w: Node, groups: int, count: int) -> Node:
    flat = movement.reshape(w, (1, groups, w.shape[0] // groups, math.prod(w.shape[1:])))
    return movement.broadcast_to(flat, (count, *flat.shape[1:]))


# ---- pools -------------------------------------------------------------------------------------

def _sum_pool(node: Node) -> Node:
    x, prim = node.inputs[0], node.prim
    seen = _seen(x, prim.window, prim, constant(0, x.dtype))           # type: ignore[attr-defined]
    return Sum(_tap_axes(node))(seen)


def _sum_pool_input(node: Node) -> Node:
    y, prim = node.inputs[0], node.prim
    seen = Origins(*prim.settings, prim.size)(y, constant(0, y.dtype))  # type: ignore[attr-defined]
    return Sum(_tap_axes(node))(seen)


def _max_pool_input(node: Node) -> Node:
    (y, places), prim = node.inputs, node.prim
    origins = Origins(*prim.settings, prim.size)                       # type: ignore[attr-defined]
    axes = len(prim.window)                                            # type: ignore[attr-defined]
    plane = movement.reshape(iota(math.prod(node.shape[-axes:]), int64), node.shape[-axes:])
    seen = origins(places, constant(-1, int64))                        # (*B, *k, *S)
    mine = elementwise.eq(seen, movement.broadcast_to(plane, seen.shape))
    shares = origins(y, constant(0, y.dtype))
    none = movement.broadcast_to(constant(0, y.dtype), shares.shape)
    return Sum(_tap_axes(node))(elementwise.where(mine, shares, none))


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
            here = elementwise.where(elementwise.lt(here, 0), first, here)
        place = place * n + here
    return place


def _steps(x: Node, size: int, count: int, up: bool = False) -> Node:
    """x // size (rounded up if `up`), for results 0 .. count - 1, without a division."""
    total = movement.broadcast_to(constant(0, int64), x.shape)
    for j in range(1, count):
        limit = (j - 1) * size + 1 if up else j * size
        total = total + cast(elementwise.ge(x, limit), int64)
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
    seen = _seen(x, prim.window, prim, constant(lowest(x.dtype), x.dtype))  # type: ignore[attr-defined]
    return movement.reshape(seen, (*x.shape[:axis], taps, *pool.shape[axis:])), axis


def _tap_axes(node: Node) -> tuple[int, ...]:
    axes = len(node.prim.window)                                       # type: ignore[attr-defined]
    return tuple(range(node.ndim - axes, node.ndim))


def _seen(x: Node, window: tuple[int, ...], prim: Any, fill: Node) -> Node:
    """Windows over x; a reshape where every window sees just its own element."""
    plain = all(k == s == 1 for k, s in zip(window, prim.stride, strict=True))
    if plain and not any(map(any, prim.padding)):
        lead = x.shape[:x.ndim - len(window)]
        return movement.reshape(x, (*lead, *window, *x.shape[len(lead):]))
    return Windows(window, prim.stride, prim.padding, prim.dilation)(x, fill)


def _thirds(index: Any, axes: int) -> tuple[Any, Any, Any]:
    """(*B), (*k), (*P) of an index."""
    return index[:-2 * axes], index[-2 * axes:-axes], index[-axes:]
