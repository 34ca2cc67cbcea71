"""Convolutions as dots: Conv, ConvInput and ConvWeight flow in, dots over views of windows come out.

Padding is laid out once around the image; the windows over it are an operand that steps unevenly
but needs no copy of its own (`strided.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..graph import Node
from ..ops import movement, sliding
from ..ops.contract.dot import Dot
from ..ops.structure import constant
from .window_views import slide

_LANES = 16      # of a vector, about: decides only which side of a product runs along them


def conv(node: Node) -> Node:
    """Filters (O, I K) times what each position sees (I K, P), for each image and group."""
    (x, w), prim = node.inputs, _prim(node)
    around = movement.pad(x, [(0, 0, 0)] * 2 + [(lo, hi, 0) for lo, hi in prim.padding])
    seen = _seen(around, w.shape[2:], prim.stride, prim)          # (N, G, I, *k, *P)
    n, g, i, p = x.shape[0], prim.groups, w.shape[1], math.prod(node.shape[2:])
    columns = movement.reshape(seen, (n, g, i * math.prod(w.shape[2:]), p))
    filters = movement.reshape(w, (1, g, w.shape[0] // g, columns.shape[2]))
    return movement.reshape(_product(filters, columns), node.shape)


def conv_input(node: Node) -> Node:
    """The same over the results, spread out by the stride, with every filter turned round."""
    (y, w), prim = node.inputs, _prim(node)
    n, g, i, axes = y.shape[0], prim.groups, w.shape[1], len(prim.stride)
    o, kernel = w.shape[0] // g, w.shape[2:]
    split = movement.reshape(w, (g, o, i, *kernel))
    turned = movement.permute(split, (0, 2, 1, *range(3, 3 + axes)))       # (G, I, O, *k)
    turned = movement.flip(turned, tuple(a for a, k in enumerate(kernel, 3) if k > 1))
    filters = movement.reshape(turned, (1, g, i, o * math.prod(kernel)))
    if math.prod(kernel) == 1:                                            # spread out what is made
        flat = movement.reshape(y, (n, g, o, math.prod(y.shape[2:])))
        shares = movement.reshape(_product(filters, flat), (n, g * i, *y.shape[2:]))
        return movement.pad(shares, [(0, 0, 0)] * 2 + _around(prim, kernel, y.shape[2:]))
    around = movement.pad(y, [(0, 0, 0)] * 2 + _around(prim, kernel, y.shape[2:]))
    seen = _seen(around, kernel, (1,) * axes, prim)               # (N, G, O, *k, *S)
    columns = movement.reshape(seen, (n, g, o * math.prod(kernel), math.prod(prim.size)))
    return movement.reshape(_product(filters, columns), node.shape)


def conv_weight(node: Node) -> Node:
    """One product whose inner axis is all positions of all images.

    The lanes run along the filters, or along the taps when there are few filters: the other side
    is read number by number, which needs no packing.
    """
    (x, y), prim = node.inputs, _prim(node)
    n, g, axes, kernel = x.shape[0], prim.groups, len(prim.stride), prim.size
    i, o, p = x.shape[1] // g, y.shape[1] // g, math.prod(y.shape[2:])
    around = movement.pad(x, [(0, 0, 0)] * 2 + [(lo, hi, 0) for lo, hi in prim.padding])
    seen = _seen(around, kernel, prim.stride, prim)               # (N, G, I, *k, *P)
    taps, places = tuple(range(2, 3 + axes)), tuple(range(3 + axes, 3 + 2 * axes))
    rows = movement.permute(seen, (1, *taps, 0, *places))                  # (G, I, *k, N, *P)
    rows = movement.reshape(rows, (g, i * math.prod(kernel), n * p))
    results = movement.reshape(y, (n, g, o, p))
    wide = lambda size: -(-size // _LANES) * _LANES
    if wide(o) * rows.shape[1] <= 2 * o * wide(rows.shape[1]):
        columns = movement.reshape(movement.permute(results, (1, 0, 3, 2)), (g, n * p, o))
        made = movement.reshape(Dot()(rows, columns), (g, i, *kernel, o))
        turned = movement.permute(made, (0, axes + 2, *range(1, axes + 2)))
        return movement.reshape(turned, node.shape)
    flat = movement.reshape(movement.permute(results, (1, 2, 0, 3)), (g, o, n * p))
    return movement.reshape(Dot()(flat, movement.permute(rows, (0, 2, 1))), node.shape)


def _seen(x: Node, kernel: Sequence[int], stride: tuple[int, ...], prim: Any) -> Node:
    """What each tap sees at each position: x (N, G I, *S) -> (N, G, I, *k, *P)."""
    n, g = x.shape[0], prim.groups
    split = movement.reshape(x, (n, g, x.shape[1] // g, *x.shape[2:]))
    none = ((0, 0),) * len(stride)
    return slide(split, tuple(kernel), stride, none, prim.dilation, constant(0, x.dtype))


def _around(prim: Any, kernel: Sequence[int], out: Sequence[int]) -> list[tuple[int, int, int]]:
    """(low, high, between) of what surrounds the results, so that windows of stride 1 over it give
    the image: tap k of the turned filter meets it where tap K - 1 - k of the filter had been.
    """
    found = []
    rows = zip(sliding.reach(kernel, prim.dilation), out, prim.size, prim.stride, prim.padding,
               strict=True)
    for span, p, size, s, (lo, _) in rows:
        low = span - 1 - lo
        found.append((low, size + span - 1 - low - ((p - 1) * s + 1), s - 1))
    return found


def _product(filters: Node, columns: Node) -> Node:
    """(1, G, M, K) @ (N, G, K, P)."""
    shape = (columns.shape[0], *filters.shape[1:])
    return Dot()(movement.broadcast_to(filters, shape), columns)


def _prim(node: Node) -> Any:
    return node.prim
