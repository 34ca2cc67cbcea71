"""Pools with small windows: pools flow in; views of their taps, compared or added, come out.

So a pool is a map over its results which reads every tap in a vector. The gradient of the largest
element needs only the number of the tap that won, one byte.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph import Node, int32, int64, uint8
from ...ops import elementwise, movement, sliding
from ...ops.elementwise import Where
from ...ops.reduce import lowest
from ...ops.structure import constant, iota

_MOST = 16       # taps written one after the other; more are a loop


def is_small(prim: Any) -> bool:
    """Few enough taps to be written out?"""
    return bool(math.prod(prim.window) <= _MOST)


def tiles(prim: Any) -> bool:
    """Do the windows lie side by side, so that each element is under one of them, or none?"""
    return prim.window == prim.stride and not any(map(any, prim.padding)) and all(
        d == 1 or k == 1 for d, k in zip(prim.dilation, prim.window, strict=True))


def max_pool(pool: Node) -> tuple[Node, Node]:
    """The largest element under each window and the number (uint8) of the tap that holds it.

    As `MaxPool.ref`: the first of equal ones, the first NaN, never the padding.
    """
    prim: Any = pool.prim
    x, out = pool.inputs[0], pool.outputs[0].shape
    taps = list(_taps(prim, x, out, lowest(x.dtype)))
    best = taps[0][1]
    for _, value in taps[1:]:
        larger = elementwise.logical_not(elementwise.le(value, best))       # also where it is NaN
        if x.dtype.is_floating_point:
            larger = elementwise.logical_and(larger, elementwise.eq(best, best))
        best = Where()(larger, value, best)
    winner = _all(len(taps) - 1, uint8, out)
    for number, (tap, value) in reversed(list(enumerate(taps[:-1]))):
        hit = elementwise.eq(value, best)
        if x.dtype.is_floating_point:
            hit = elementwise.logical_or(hit, elementwise.ne(value, value))
        inside = _inside(prim, x, out, tap)
        hit = hit if inside is None else elementwise.logical_and(hit, inside)
        winner = Where()(hit, _all(number, uint8, out), winner)
    return best, winner


def places(pool: Node, winner: Node) -> Node:
    """The winning tap as a flat place in the image."""
    prim: Any = pool.prim
    axis = pool.inputs[0].ndim - len(prim.window)
    rows = zip(pool.inputs[0].shape[axis:], prim.window, prim.stride, prim.padding, prim.dilation,
               strict=True)
    lines = [np.array(tap, np.int64) for tap in zip(*itertools.product(*map(range, prim.window)),
                                                    strict=True)]
    place = _all(0, int64, winner.shape)
    for a, ((n, _, s, (lo, _), d), line) in enumerate(zip(rows, lines, strict=True)):
        at = _along(iota(winner.shape[axis + a], int64) * s - lo, winner.shape, axis + a)
        place = place * n + at + _looked_up(winner, line * d)
    return place


def max_pool_input(prim: Any, y: Node, winner: Node) -> Node:
    """Each window's number where its largest element was."""
    if not tiles(prim):
        nothing = _all(0, y.dtype, y.shape)
        hit = lambda number: elementwise.eq(winner, _all(number, uint8, y.shape))
        return _overlapping(prim, y, lambda number: Where()(hit(number), y, nothing))
    tap, first = _spread(prim, winner), y.ndim - len(prim.window)
    number = _all(0, uint8, tap.shape)
    for a, k in enumerate(prim.window):
        number = number * k + _along(iota(k, uint8), tap.shape, first + 2 * a + 1)
    share = Where()(elementwise.eq(tap, number), _spread(prim, y), _all(0, y.dtype, tap.shape))
    return _placed(prim, share, y)


def sum_pool(pool: Node) -> Node:
    """The sum of the taps, in order."""
    first, *others = (value for _, value in _taps(pool.prim, pool.inputs[0], pool.shape, 0))
    total: Node = first
    for value in others:
        total = total + value
    return total


def sum_pool_input(prim: Any, y: Node) -> Node:
    """Each window's number at every element under it."""
    if not tiles(prim):
        return _overlapping(prim, y, lambda _: y)
    return _placed(prim, _spread(prim, y), y)


# ---- helpers -----------------------------------------------------------------------------------

def _taps(prim: Any, x: Node, out: tuple[int, ...], fill: Any) -> Any:
    """Each tap in order, and what it meets in every window: (*B, *P)."""
    axes = len(prim.window)
    lead = x.ndim - axes
    whole = movement.pad(x, [(0, 0, 0)] * lead + [(lo, hi, 0) for lo, hi in prim.padding], fill)
    for tap, where in sliding.taps(prim.window, prim.stride, prim.dilation, out[lead:]):
        rows = [slice(0, n, 1) for n in x.shape[:lead]] + list(where[1:])
        yield tap, movement.slice_(whole, [r.start for r in rows], [r.stop for r in rows],
                                   [r.step for r in rows])


def _inside(prim: Any, x: Node, out: tuple[int, ...], tap: tuple[int, ...]) -> Node | None:
    """Where a tap meets no padding; None: everywhere."""
    found = None
    axis = x.ndim - len(tap)
    rows = zip(tap, *prim.settings[1:], out[axis:], x.shape[axis:], strict=True)
    for a, (k, s, (lo, _), d, p, n) in enumerate(rows):
        at = np.arange(p) * s + k * d - lo
        if ((at >= 0) & (at < n)).all():
            continue
        low, high = -((k * d - lo) // s), (n - 1 - k * d + lo) // s
        line = iota(p, int32)
        here = elementwise.logical_and(elementwise.le(low, line), elementwise.le(line, high))
        here = _along(here, out, axis + a)
        found = here if found is None else elementwise.logical_and(found, here)
    return found


def _all(value: Any, dtype: Any, shape: tuple[int, ...]) -> Node:
    return movement.broadcast_to(constant(value, dtype), shape)


def _overlapping(prim: Any, y: Node, share: Callable[[int], Node]) -> Node:
    """The sum over taps of what each gives back, `share(tap's number)`, where the tap stood."""
    lead = [(0, 0, 0)] * (y.ndim - len(prim.window))
    total: Node | None = None
    for number, tap in enumerate(itertools.product(*map(range, prim.window))):
        widths = []
        rows = zip(tap, *prim.settings[1:], y.shape[len(lead):], prim.size, strict=True)
        for k, s, (lo, _), d, p, n in rows:
            low = k * d - lo
            widths.append((low, n - low - (p - 1) * s - 1, s - 1))
        placed = movement.pad(share(number), lead + widths, 0)
        total = placed if total is None else total + placed
    assert total is not None
    return total


def _along(line: Node, shape: tuple[int, ...], axis: int) -> Node:
    """One line of numbers, repeated over all axes but one."""
    ones = [n if a == axis else 1 for a, n in enumerate(shape)]
    return movement.broadcast_to(movement.reshape(line, ones), shape)


def _looked_up(number: Node, values: np.ndarray) -> Node:
    """values[number], by comparisons: there are few."""
    found = _all(int(values[0]), int64, number.shape)
    for i in range(1, len(values)):
        here = elementwise.eq(number, _all(i, number.dtype, number.shape))
        found = Where()(here, _all(int(values[i]), int64, number.shape), found)
    return found


def _spread(prim: Any, y: Node) -> Node:
    """(*B, P0, P1, ...) -> (*B, P0, k0, P1, k1, ...): once for every element of its window."""
    lead = y.shape[:y.ndim - len(prim.window)]
    pairs = list(zip(y.shape[len(lead):], prim.window, strict=True))
    narrow = movement.reshape(y, (*lead, *(n for p, _ in pairs for n in (p, 1))))
    return movement.broadcast_to(narrow, (*lead, *(n for pair in pairs for n in pair)))


def _placed(prim: Any, spread: Node, y: Node) -> Node:
    """What `_spread` took apart as an image again, with zeros where no window reaches."""
    lead = y.shape[:y.ndim - len(prim.window)]
    sizes = [p * k for p, k in zip(y.shape[len(lead):], prim.window, strict=True)]
    image = movement.reshape(spread, (*lead, *sizes))
    return movement.pad(image, [(0, 0, 0)] * len(lead) + [
        (0, n - size, 0) for n, size in zip(prim.size, sizes, strict=True)])
