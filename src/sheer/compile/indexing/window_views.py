"""Views of windows: an image flows in, what its windows see (or who saw each element) comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph import Node
from ...ops import movement, sliding
from ...ops.movement import Piece, View


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
        taps = sliding.taps(self.window, self.stride, self.dilation, out)
        parts = [whole[where] for _, where in taps]
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
        rows = zip(taps, at, y.shape[len(lead):], self.stride, self.padding, self.dilation,
                   strict=True)
        for k, i, n, s, (lo, _), d in rows:
            moved = i + lo - k * d
            if s > 1:
                guards.append((0, moved % s, 1))
            guards.append((0, moved, (n - 1) * s + 1))
            where.append(moved // s if s > 1 else moved)
        return [Piece(0, (*lead, *where), tuple(guards))]

    def fill(self, y: Any) -> int: return 1


def look(x: Node, window: Sequence[int], prim: Any, fill: Node) -> Node:
    """What the windows of `prim` see of x (*B, *S): (*B, *k, *P); `fill` stands in the padding."""
    return slide(x, tuple(window), prim.stride, prim.padding, prim.dilation, fill)


def slide(x: Node, window: tuple[int, ...], stride: tuple[int, ...],
          padding: tuple[tuple[int, int], ...], dilation: tuple[int, ...], fill: Node) -> Node:
    """The same by settings; a reshape where every window sees just its own element."""
    plain = all(k == s == 1 for k, s in zip(window, stride, strict=True))
    if plain and not any(map(any, padding)):
        lead = x.shape[:x.ndim - len(window)]
        return movement.reshape(x, (*lead, *window, *x.shape[len(lead):]))
    return Windows(window, stride, padding, dilation)(x, fill)


def _thirds(index: Any, axes: int) -> tuple[Any, Any, Any]:
    """(*B), (*k), (*P) of an index."""
    return index[:-2 * axes], index[-2 * axes:-axes], index[-axes:]
