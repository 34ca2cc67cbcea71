"""Layouts: values turned channels-first flow in; what reads them runs channels-last instead.

A convolution makes its result with the channels last, because lanes run along them, and hands it on
turned. The turn moves past everything that may as well run in the order of memory, until the next
convolution undoes it: a layout is changed only where a value enters or leaves.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from ...graph import Graph, Node, make
from ...ops import movement
from ...ops.movement import Concat, Expand, Flip, Pad, Permute, Reshape, Slice
from ...ops.reduce import ArgMax, ArgMin, Reduce
from ...ops.structure import Laid
from ..indexing.window_views import Origins, Windows
from ..roots import home
from .rewrite import rewrite
from .winograd import PRODUCTS

Axes = tuple[int, ...]


def layouts(graph: Graph) -> Graph:
    """Elementwise operations, reductions and views of turned values run in the order of memory."""
    return rewrite(rewrite(graph, _Turns().rule), _woven_first)


class _Turns:
    """The turned values met so far: axis i of one is axis axes[i] of the value in memory."""

    def __init__(self) -> None:
        self.found: dict[Node, tuple[Node, Axes]] = {}
        self.rules: dict[type, Callable[[Node, Node, Axes], Node | None]] = {
            Pad: self._pad, Slice: self._slice, Flip: self._flip, Expand: self._expand,
            Reshape: self._reshape, Concat: self._concat, ArgMax: self._arg, ArgMin: self._arg,
            Windows: self._windows, Origins: self._windows}

    def rule(self, node: Node) -> Node | None:
        if isinstance(node.prim, Permute):
            return self._permute(node)
        turned = [x for x in node.inputs if x in self.found]
        if not turned or len(node.outputs) > 1:
            return None
        inner, axes = self.found[turned[0]]
        if node.prim.pointwise:
            return self.turn(make(node.prim, tuple(self.back(x, axes) for x in node.inputs)), axes)
        if isinstance(node.prim, Reduce):
            return self._reduce(node, inner, axes)
        rule = self.rules.get(type(node.prim))
        return rule(node, inner, axes) if rule is not None else None

    def turn(self, inner: Node, axes: Axes) -> Node:
        """The value in memory, turned; remembered, unless its order stays what it is."""
        if axes == tuple(range(len(axes))):
            return inner
        node = movement.permute(inner, axes)
        self.found[node] = inner, axes
        return node

    def back(self, x: Node, axes: Axes) -> Node:
        """x, in the order of memory that `axes` turns."""
        if self.found.get(x, (x, None))[1] == axes:
            return self.found[x][0]
        order = _inverse(axes)
        if isinstance(x.prim, Expand):
            y = x.inputs[0]
            whole = movement.reshape(y, (*(1,) * (x.ndim - y.ndim), *y.shape))
            shape = [x.shape[a] for a in order]
            return movement.broadcast_to(_moved(whole, order), shape)
        return movement.permute(x, order)

    # ---- one rule per kind of node -------------------------------------------------------------
    def _permute(self, node: Node) -> Node | None:
        x, axes = node.inputs[0], node.prim.axes                          # type: ignore[attr-defined]
        if x in self.found:
            inner, before = self.found[x]
            return self.turn(inner, tuple(before[a] for a in axes))
        if is_turned_product(node):
            self.found[node] = x, axes
        return None

    def _reduce(self, node: Node, inner: Node, axes: Axes) -> Node:
        prim: Any = node.prim
        gone = tuple(sorted(axes[a] for a in prim.axes))
        made = dataclasses.replace(prim, axes=gone)(inner)
        return self._without(made, gone, [a for i, a in enumerate(axes) if i not in prim.axes])

    def _arg(self, node: Node, inner: Node, axes: Axes) -> Node:
        prim: Any = node.prim
        gone = axes[prim.axis]
        made = dataclasses.replace(prim, axis=gone)(inner)
        return self._without(made, (gone,), [a for a in axes if a != gone])

    def _without(self, made: Node, gone: Axes, kept: Sequence[int]) -> Node:
        """A result that has lost axes; `kept`, in the old order, are those it still has."""
        return self.turn(made, tuple(a - sum(g < a for g in gone) for a in kept))

    def _pad(self, node: Node, inner: Node, axes: Axes) -> Node:
        prim: Any = node.prim
        widths = tuple(prim.widths[i] for i in _inverse(axes))
        return self.turn(Pad(widths)(inner, node.inputs[1]), axes)

    def _slice(self, node: Node, inner: Node, axes: Axes) -> Node:
        prim, order = _any(node.prim), _inverse(axes)
        rows = ([field[i] for i in order] for field in (prim.starts, prim.stops, prim.steps))
        return self.turn(movement.slice_(inner, *rows), axes)

    def _flip(self, node: Node, inner: Node, axes: Axes) -> Node:
        flipped = tuple(sorted(axes[a] for a in _any(node.prim).axes))
        return self.turn(movement.flip(inner, flipped), axes)

    def _expand(self, node: Node, inner: Node, axes: Axes) -> Node:
        new = node.ndim - len(axes)
        wide = (*range(new), *(a + new for a in axes))
        shape = [node.shape[i] for i in _inverse(wide)]
        return self.turn(movement.broadcast_to(inner, shape), wide)

    def _concat(self, node: Node, inner: Node, axes: Axes) -> Node:
        parts = [self.back(x, axes) for x in node.inputs]
        return self.turn(movement.concat(parts, axes[_any(node.prim).axis]), axes)

    def _reshape(self, node: Node, inner: Node, axes: Axes) -> Node | None:
        """Where axes that are neighbours in both orders are split or joined among themselves."""
        blocks = _blocks(axes)
        old = [math.prod(inner.shape[axes[i]] for i in block) for block in blocks]
        new = _grouped(node.shape, old)
        if new is None:
            return None
        order = sorted(range(len(blocks)), key=lambda b: axes[blocks[b][0]])
        starts, at = [0] * len(blocks), 0
        for b in order:
            starts[b], at = at, at + len(new[b])
        made = movement.reshape(inner, [s for b in order for s in new[b]])
        return self.turn(made, tuple(start + i for start, group in zip(starts, new, strict=True)
                                     for i in range(len(group))))

    def _windows(self, node: Node, inner: Node, axes: Axes) -> Node | None:
        """Channels behind the pixels are seen one by one, by a window of length 1."""
        prim, r = _any(node.prim), len(axes)
        k, lead = len(prim.window), 0
        while lead < r - k and axes[lead] == lead:
            lead += 1
        c = r - k - lead
        if node.inputs[0] not in self.found or axes != (
                *range(lead), *range(lead + k, r), *range(lead, lead + k)):
            return None
        more: dict[str, Any] = {"window": (*prim.window, *(1,) * c),
                                "stride": (*prim.stride, *(1,) * c),
                                "padding": (*prim.padding, *((0, 0),) * c),
                                "dilation": (*prim.dilation, *(1,) * c)}
        if isinstance(prim, Origins):
            more["size"] = (*prim.size, *inner.shape[r - c:])
        seen = dataclasses.replace(prim, **more)(inner, node.inputs[1])
        shape = seen.shape[:lead + k] + seen.shape[lead + k + c:]
        order = (*range(lead), *range(lead + 2 * k, lead + 2 * k + c), *range(lead, lead + 2 * k))
        return self.turn(movement.reshape(seen, shape), order)


def _woven_first(node: Node) -> Node | None:
    """What is woven from several values is laid out before it is turned: rows of channels are
    copied whole, and the turn reads squares. In one go every element would be looked for alone.
    """
    if not isinstance(node.prim, Permute):
        return None
    inner = below = node.inputs[0]
    while isinstance(below.prim, Reshape | Slice | Pad):
        below = below.inputs[0]
    woven = isinstance(below.prim, Concat) and below.prim.axis < below.ndim - 1
    last_stays = node.prim.axes[-1] == node.ndim - 1
    return Permute(node.prim.axes)(Laid()(inner)) if woven and not last_stays else None


# ---- axes ---------------------------------------------------------------------------------------

def is_turned_product(node: Node) -> bool:
    """Is it the result of a product with the last axes (channels) brought before its pixels?"""
    if not isinstance(node.prim, Permute) or not isinstance(home(node.inputs[0]).prim, PRODUCTS):
        return False
    axes, at = node.prim.axes, 0
    while at < len(axes) and axes[at] == at:
        at += 1
    return 0 < at < len(axes) and len(axes) > 2 and len(_blocks(axes[at:])) == 2


def _inverse(axes: Axes) -> Axes:
    return tuple(sorted(range(len(axes)), key=lambda i: axes[i]))


def _moved(x: Node, order: Axes) -> Node:
    """A permute, written as a reshape where only axes of length 1 change places."""
    real = [a for a in order if x.shape[a] != 1]
    shape = [x.shape[a] for a in order]
    return movement.reshape(x, shape) if real == sorted(real) else movement.permute(x, order)


def _blocks(axes: Axes) -> list[list[int]]:
    """Runs of positions whose axes follow each other."""
    found: list[list[int]] = []
    for i, a in enumerate(axes):
        if found and axes[i - 1] + 1 == a:
            found[-1].append(i)
        else:
            found.append([i])
    return found


def _grouped(shape: Sequence[int], sizes: Sequence[int]) -> list[list[int]] | None:
    """`shape` cut into runs whose products are `sizes`."""
    rest, found = list(shape), []
    for size in sizes:
        group: list[int] = []
        while math.prod(group) != size:
            if not rest or not rest[0] or size % (math.prod(group) * rest[0]):
                return None
            group.append(rest.pop(0))
        found.append(group)
    found[-1] += rest
    return found if math.prod(rest) == 1 else None


def _any(x: Any) -> Any:
    return x
