"""Convolutions tap by tap: those with few channels flow in, sums of shifted images come out.

A tap of a filter sees the image shifted. Where each channel has filters of its own (depthwise), a
product has nothing to share; the shifted images, times numbers, are added up in registers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...graph import Node
from ...ops import movement, sliding
from ...ops.contract.dot import Dot
from ...ops.reduce import Sum
from ...ops.structure import Laid

_MOST = 32       # taps written one after the other


def is_depthwise(prim: Any, inner: int, kernel: Sequence[int]) -> bool:
    """Does every filter see one (`inner`) channel of several, with few taps?"""
    return inner == 1 and prim.groups > 1 and few_taps(kernel)


def depthwise(x: Node, w: Node, prim: Any, out: Sequence[int]) -> Node:
    """Filters (G M, 1, *k) over images (N, G, *S): (N, G M, *out)."""
    axes, g = len(out), prim.groups
    shape = (x.shape[0], g, w.shape[0] // g, *out)
    total: Node | None = None
    taps = _side_by_side(w)
    for one, seen in zip(taps, _seen(x, prim, w.shape[2:], out), strict=True):
        factor = movement.broadcast_to(movement.reshape(one, (1, g, shape[2], *(1,) * axes)), shape)
        wide = movement.broadcast_to(movement.expand_dims(seen, 2), shape)
        total = wide * factor if total is None else total + wide * factor
    assert total is not None
    return movement.reshape(total, (shape[0], w.shape[0], *out))


def depthwise_weight(x: Node, y: Node, prim: Any, kernel: Sequence[int]) -> Node:
    """The gradient (G M, 1, *k) of the filters."""
    n, g, out = x.shape[0], prim.groups, y.shape[2:]
    split = movement.reshape(y, (n, g, y.shape[1] // g, *out))
    gone = (0, *range(3, split.ndim))
    sums = [Sum(gone)(split * movement.broadcast_to(movement.expand_dims(seen, 2), split.shape))
            for seen in _seen(x, prim, kernel, out)]
    return movement.reshape(movement.stack(sums, 2), (y.shape[1], 1, *kernel))


def handed_back(y: Node, w: Node, prim: Any) -> Node:
    """What each filter hands back at each tap, laid over the image: (N, I, *size)."""
    n, o, i, kernel, out = y.shape[0], w.shape[0], w.shape[1], w.shape[2:], y.shape[2:]
    taps = math.prod(kernel)
    turned = movement.permute(movement.reshape(w, (1, o, i * taps)), (0, 2, 1))
    shares = Dot()(movement.broadcast_to(turned, (n, i * taps, o)),
                   movement.reshape(y, (n, o, math.prod(out))))
    shares = movement.reshape(shares, (n, i, taps, *out))
    parts = (movement.reshape(movement.slice_(
        shares, (0, 0, number, *(0,) * len(out)), (n, i, number + 1, *out), (1,) * shares.ndim),
        (n, i, *out)) for number in range(taps))
    return _laid_over(parts, prim, kernel, out)


def depthwise_input(y: Node, w: Node, prim: Any) -> Node:
    """The same where channel g has filter g alone."""
    g, out = y.shape[1], y.shape[2:]
    parts = (y * movement.broadcast_to(movement.reshape(one, (1, g, *(1,) * len(out))), y.shape)
             for one in _side_by_side(w))
    return _laid_over(parts, prim, w.shape[2:], out)


def _side_by_side(w: Node) -> Iterator[Node]:
    """The numbers (1, F) of all F filters (F, 1, *k) at each tap, which lie side by side for lanes
    that run along channels.
    """
    numbers = movement.reshape(w, (w.shape[0], math.prod(w.shape[2:])))
    turned = Laid()(movement.permute(numbers, (1, 0)))                     # (taps, F)
    for tap in range(turned.shape[0]):
        yield movement.slice_(turned, (tap, 0), (tap + 1, w.shape[0]), (1, 1))


def _laid_over(parts: Iterable[Node], prim: Any, kernel: Sequence[int], out: Sequence[int],
               ) -> Node:
    """What comes back from each tap (N, C, *P), added where it came from: (N, C, *size)."""
    total: Node | None = None
    for tap, part in zip(itertools.product(*map(range, kernel)), parts, strict=True):
        rows = zip(tap, prim.stride, prim.padding, prim.dilation, out, prim.size, strict=True)
        widths = [(k * d - lo, size - (k * d - lo) - ((p - 1) * s + 1), s - 1)
                  for k, s, (lo, _), d, p, size in rows]
        share = movement.pad(part, [(0, 0, 0)] * 2 + widths)
        total = share if total is None else total + share
    assert total is not None
    return total


def few_taps(kernel: Sequence[int]) -> bool:
    """Few enough to be written one after the other?"""
    return math.prod(kernel) <= _MOST


def _seen(x: Node, prim: Any, kernel: Sequence[int], out: Sequence[int]) -> Iterator[Node]:
    """What each tap sees: (N, G, *out)."""
    around = movement.pad(x, [(0, 0, 0)] * 2 + [(lo, hi, 0) for lo, hi in prim.padding])
    lead = [slice(0, n, 1) for n in x.shape[:2]]
    for _, where in sliding.taps(kernel, prim.stride, prim.dilation, out):
        rows = [*lead, *where[1:]]
        yield movement.slice_(around, [r.start for r in rows], [r.stop for r in rows],
                              [r.step for r in rows])

