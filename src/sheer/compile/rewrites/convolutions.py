"""Convolutions as dots: Conv, ConvInput, ConvWeight flow in, dots over views of windows come out.

Padding is laid out once around the image; the windows over it are an operand that steps unevenly
but needs no copy of its own (`strided.py`). Where channels fill the lanes of vectors, the result
lies with the channels last, and is handed on turned (`layouts.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...graph import Node
from ...ops import movement, sliding
from ...ops.contract.dot import Dot
from ...ops.reduce import Sum
from ...ops.structure import Barrier, constant
from ..indexing.window_views import slide
from . import winograd
from .taps import (
    depthwise,
    depthwise_input,
    depthwise_weight,
    few_taps,
    handed_back,
    is_depthwise,
)

Widths = Sequence[tuple[int, int, int]]

_PHASES = 4      # products that a strided convolution's gradient may become
_PARTS = 8       # of the images, whose shares of a weight's gradient are added at the end
_PART_ELEMENTS = 1 << 20    # of all the shares together
_SHARES = 32     # numbers that a result hands back to the image, few enough to be laid out first
_LANES = 16      # of a vector, about: decides only which side of a product runs along them


def conv(node: Node, turn: bool) -> Node:
    """Filters over the image, with its padding; `turn`: channels may come last."""
    (x, w), prim = node.inputs, _prim(node)
    if is_depthwise(prim, w.shape[1], w.shape[2:]):
        return depthwise(x, w, prim, node.shape[2:])
    return _correlated(x, [(lo, hi, 0) for lo, hi in prim.padding], w, prim, prim.stride,
                       prim.dilation, turn)


def conv_input(node: Node, turn: bool) -> Node:
    """The same over the results, with every filter turned round.

    With a stride, the elements of the image fall into phases that meet different taps: one product
    each, and no zero is multiplied. Where that would be too many, zeros are laid between results.
    """
    (y, w), prim = node.inputs, _prim(node)
    kernel, axes = w.shape[2:], len(prim.stride)
    if math.prod(kernel) == 1:                                            # spread out what is made
        shares = _turned(y, [(0, 0, 0)] * axes, w, prim, (1,) * axes, turn)
        return movement.pad(shares, [(0, 0, 0)] * 2 + _around(prim, kernel, y.shape[2:]))
    if kernel == prim.stride and not any(map(any, prim.padding)) and set(prim.dilation) == {1}:
        return _side_by_side(node)
    if is_depthwise(prim, w.shape[1], kernel) and w.shape[0] == prim.groups:
        return depthwise_input(y, w, prim)
    few = w.shape[1] == 1 or w.shape[1] * math.prod(kernel) <= _SHARES
    if prim.groups == 1 and few and few_taps(kernel):
        return handed_back(y, w, prim)
    if 1 < math.prod(prim.stride) <= _PHASES:
        whole = _interleaved(y, w, prim, turn)
        return movement.slice_(whole, (0,) * node.ndim, node.shape, (1,) * node.ndim)
    return _turned(y, _around(prim, kernel, y.shape[2:]), w, prim, prim.dilation, turn)


def _interleaved(y: Node, w: Node, prim: Any, turn: bool) -> Node:
    """The phases of all places modulo the stride, laid between each other. All of them read one
    padded form of the results.
    """
    ways = [[_phase(t, s, lo, d, k, n, p) for t in range(s)] for s, (lo, _), d, k, n, p in zip(
        prim.stride, prim.padding, prim.dilation, w.shape[2:], prim.size, y.shape[2:],
        strict=True)]
    rims = [tuple(max(0, *(way.rim[side] for way in along)) for side in (0, 1)) for along in ways]
    widths = [(lo, hi, 0) for lo, hi in rims]
    if turn and prim.groups == 1 and fills_lanes(w.shape[1]):
        around = first(movement.pad(last(y), [(0, 0, 0), *widths, (0, 0, 0)]))
    else:
        around = movement.pad(y, [(0, 0, 0)] * 2 + widths)

    def woven(*chosen: _Phase) -> Node:
        axis = len(chosen)
        if axis == len(ways):
            return _phase_product(around, rims, y.shape, w, prim, chosen, turn)
        parts = [woven(*chosen, way) for way in ways[axis]]
        shape = list(parts[0].shape)
        shape[2 + axis] *= len(parts)
        return movement.reshape(movement.stack(parts, 3 + axis), shape)
    return woven()


def _phase_product(around: Node, rims: Sequence[tuple[int, ...]], shape: Sequence[int], w: Node,
                   prim: Any, chosen: Sequence[_Phase], turn: bool) -> Node:
    """One phase, from the part of the padded results (of `shape` without rims) that it meets."""
    if not all(way.taps for way in chosen):                                # no tap comes here
        count = (way.count for way in chosen)
        return movement.broadcast_to(constant(0, w.dtype),
                                     (shape[0], w.shape[1] * prim.groups, *count))
    starts = [lo - way.rim[0] for (lo, _), way in zip(rims, chosen, strict=True)]
    stops = [start + n + sum(way.rim) for start, n, way in
             zip(starts, shape[2:], chosen, strict=True)]
    near = movement.slice_(around, (0, 0, *starts), (*shape[:2], *stops), (1,) * len(shape))
    rows = [(way.taps[0], way.taps[-1] + 1, way.taps.step) for way in chosen]
    taps = movement.slice_(w, *zip((0, w.shape[0], 1), (0, w.shape[1], 1), *rows, strict=True))
    none = [(0, 0, 0)] * len(chosen)
    return _turned(near, none, taps, prim, tuple(way.dilation for way in chosen), turn)


@dataclass(frozen=True)
class _Phase:
    """One axis of the elements m * stride + t for every m.

    taps      the taps of the filter that meet them
    dilation  how far apart the results lie that those taps meet
    rim       how many results are missing before and after (cut off, if negative)
    count     how many elements
    """

    taps: range
    dilation: int
    rim: tuple[int, int]
    count: int


def _phase(t: int, s: int, lo: int, d: int, k: int, n: int, p: int) -> _Phase:
    """Element m s + t of n meets every tap j with (t + lo - j d) % s = 0, in result
    m + (t + lo - j d) / s of p.
    """
    count = -(-n // s)
    taps = [j for j in range(k) if (t + lo - j * d) % s == 0]
    if not taps:
        return _Phase(range(0), 1, (0, 0), count)
    step = taps[1] - taps[0] if len(taps) > 1 else 1
    dilation = max(step * d // s, 1)
    low = -((t + lo - taps[-1] * d) // s)
    return _Phase(range(taps[0], taps[-1] + 1, step), dilation,
                  (low, count + dilation * (len(taps) - 1) - low - p), count)


def _side_by_side(node: Node) -> Node:
    """Windows that do not overlap: what each filter hands back is laid out in place."""
    (y, w), prim = node.inputs, _prim(node)
    n, g, i, axes, kernel = y.shape[0], prim.groups, w.shape[1], len(prim.stride), w.shape[2:]
    o, out = w.shape[0] // g, y.shape[2:]
    turned = movement.permute(movement.reshape(w, (1, g, o, i * math.prod(kernel))), (0, 1, 3, 2))
    results = movement.reshape(y, (n, g, o, math.prod(out)))
    made = Dot()(movement.broadcast_to(turned, (n, *turned.shape[1:])), results)
    split = movement.reshape(made, (n, g * i, *kernel, *out))
    order = [a for pair in zip(range(2 + axes, 2 + 2 * axes), range(2, 2 + axes), strict=True)
             for a in pair]
    sizes = [k * p for k, p in zip(kernel, out, strict=True)]
    image = movement.reshape(movement.permute(split, (0, 1, *order)), (n, g * i, *sizes))
    rest = [(0, size - had, 0) for size, had in zip(prim.size, sizes, strict=True)]
    return movement.pad(image, [(0, 0, 0)] * 2 + rest)


def conv_weight(node: Node, turn: bool) -> Node:
    """One product whose inner axis is all positions of all images.

    The lanes run along the filters, or along the taps when there are few filters: the other side
    is read number by number, which needs no packing.
    """
    (x, y), prim = node.inputs, _prim(node)
    n, g, axes, kernel = x.shape[0], prim.groups, len(prim.stride), prim.size
    i, o, p = x.shape[1] // g, y.shape[1] // g, math.prod(y.shape[2:])
    if is_depthwise(prim, i, kernel):
        return depthwise_weight(x, y, prim, kernel)
    widths = [(lo, hi, 0) for lo, hi in prim.padding]
    dense = g == 1 and winograd.suits(kernel, prim.stride, prim.dilation, (i, o))
    if dense and winograd.suits_weight((i, o)):
        return winograd.weight(last(x), widths, last(y))
    wide = turn and g == 1 and fills_lanes(o)
    if wide:
        around = first(movement.pad(last(x), [(0, 0, 0), *widths, (0, 0, 0)]))
    else:
        around = movement.pad(x, [(0, 0, 0)] * 2 + widths)
    seen = _seen(around, kernel, prim.stride, prim.dilation, prim.groups)  # (N, G, I, *k, *P)
    parts = _parts(n, g * o * i * math.prod(kernel))                       # images, in parts
    seen = movement.reshape(seen, (parts, n // parts, *seen.shape[1:]))    # (Q, N, G, I, *k, *P)
    inner, taps, places = (3,), tuple(range(4, 4 + axes)), tuple(range(4 + axes, 4 + 2 * axes))
    results = movement.reshape(y, (parts, n // parts, g, o, p))
    if wide or _lanes(o) * i * math.prod(kernel) <= 2 * o * _lanes(i * math.prod(kernel)):
        rows = movement.permute(seen, (0, 2, *taps, *inner, 1, *places))   # (Q, G, *k, I, N, *P)
        rows = movement.reshape(rows, (parts, g, i * math.prod(kernel), n // parts * p))
        columns = movement.permute(results, (0, 2, 1, 4, 3))
        columns = movement.reshape(columns, (parts, g, n // parts * p, o))
        made = movement.reshape(_added(Dot()(rows, columns)), (g, *kernel, i, o))
        turned = movement.permute(made, (0, axes + 2, axes + 1, *range(1, axes + 1)))
        return movement.reshape(turned, node.shape)
    rows = movement.permute(seen, (0, 2, 1, *places, *inner, *taps))       # (Q, G, N, *P, I, *k)
    rows = movement.reshape(rows, (parts, g, n // parts * p, i * math.prod(kernel)))
    flat = movement.permute(results, (0, 2, 3, 1, 4))
    flat = movement.reshape(flat, (parts, g, o, rows.shape[2]))
    return movement.reshape(_added(Dot()(flat, rows)), node.shape)


def _parts(images: int, elements: int) -> int:
    """How many sums to make apart and then add, by shape alone: what one part reads stays near, and
    threads share the work evenly.
    """
    fitting = (q for q in range(_PARTS, 1, -1) if images % q == 0)
    return next(fitting, 1) if elements * _PARTS <= _PART_ELEMENTS else 1


def _added(parts: Node) -> Node:
    """The sum over the first axis."""
    return Sum((0,))(parts) if parts.shape[0] > 1 else movement.reshape(parts, parts.shape[1:])


def _lanes(size: int) -> int:
    """The size in whole vectors."""
    return -(-size // _LANES) * _LANES


def _seen(x: Node, kernel: Sequence[int], stride: tuple[int, ...], dilation: tuple[int, ...],
          g: int) -> Node:
    """What each tap sees at each position: x (N, G I, *S) -> (N, G, I, *k, *P)."""
    n = x.shape[0]
    split = movement.reshape(x, (n, g, x.shape[1] // g, *x.shape[2:]))
    none = ((0, 0),) * len(stride)
    return slide(split, tuple(kernel), stride, none, dilation, constant(0, x.dtype))


def _turned(y: Node, widths: Widths, w: Node, prim: Any, dilation: tuple[int, ...],
            turn: bool) -> Node:
    """Filters turned round over padded results, with stride 1."""
    g, i, axes, kernel = prim.groups, w.shape[1], len(widths), w.shape[2:]
    o = w.shape[0] // g
    swapped = movement.permute(movement.reshape(w, (g, o, i, *kernel)),
                               (0, 2, 1, *range(3, 3 + axes)))
    flipped = movement.flip(swapped, tuple(a for a, k in enumerate(kernel, 3) if k > 1))
    filters = movement.reshape(flipped, (g * i, o, *kernel))
    return _correlated(y, widths, filters, prim, (1,) * axes, dilation, turn)


def _correlated(x: Node, widths: Widths, w: Node, prim: Any, stride: tuple[int, ...],
                dilation: tuple[int, ...], turn: bool) -> Node:
    """Filters (G O, I, *k) times what each position sees of a padded image (N, G I, *S)."""
    if prim.groups == 1 and winograd.suits(w.shape[2:], stride, dilation, w.shape[:2]):
        return first(winograd.correlated(last(x), widths, w))
    if turn and prim.groups == 1 and fills_lanes(w.shape[0]):
        around = first(movement.pad(last(x), [(0, 0, 0), *widths, (0, 0, 0)]))
        seen = _seen(around, w.shape[2:], stride, dilation, 1)             # (N, 1, I, *k, *P)
        axes, (n, out) = len(stride), (x.shape[0], seen.shape[3 + len(stride):])
        taps, places = tuple(range(3, 3 + axes)), tuple(range(3 + axes, 3 + 2 * axes))
        rows = movement.reshape(movement.permute(seen, (1, 0, *places, *taps, 2)),
                                (n * math.prod(out), w.size // w.shape[0]))
        filters = movement.reshape(last(w), (w.shape[0], rows.shape[1]))
        made = Dot()(rows, movement.permute(filters, (1, 0)))              # (N P, O)
        return first(movement.reshape(made, (n, *out, w.shape[0])))
    around = movement.pad(_as_it_is(x), [(0, 0, 0)] * 2 + list(widths))
    seen = _seen(around, w.shape[2:], stride, dilation, prim.groups)
    n, g, i, out = x.shape[0], prim.groups, w.shape[1], seen.shape[3 + len(stride):]
    columns = movement.reshape(seen, (n, g, i * math.prod(w.shape[2:]), math.prod(out)))
    filters = movement.reshape(w, (1, g, w.shape[0] // g, columns.shape[2]))
    shape = (n, *filters.shape[1:])
    made = Dot()(movement.broadcast_to(filters, shape), columns)           # (N, G, O, P)
    return movement.reshape(made, (n, w.shape[0], *out))


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


def fills_lanes(channels: int) -> bool:
    """Are vectors of channels at least half full?"""
    return 2 * channels >= -(-channels // _LANES) * _LANES


def last(x: Node) -> Node:
    """(N, C, *S) -> (N, *S, C)."""
    return movement.permute(x, (0, *range(2, x.ndim), 1))


def first(x: Node) -> Node:
    """(N, *S, C) -> (N, C, *S)."""
    return movement.permute(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def _as_it_is(x: Node) -> Node:
    """x with the channels first in memory, wherever it came from."""
    return Barrier()(x, x)


def _prim(node: Node) -> Any:
    return node.prim
