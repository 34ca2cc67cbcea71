"""Winograd's filtering: 3 x 3 convolutions flow in, products over transformed tiles come out.

F(2 x 2, 3 x 3) of Lavin and Gray 2015, arXiv:1509.09308, equation 8: four results of one tile need
16 multiplications per pair of channels instead of 36,

    Y = A^T [(G g G^T) * (B^T d B)] A

The sums differ from those of the definition in their rounding. A tile whose results are not all
finite is computed by the definition, so infinities and NaN reach just the results they belong to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Node
from ...ops import movement
from ...ops.contract.dot import Dot
from ...ops.primitive import Primitive
from ...ops.reduce import Sum
from ...ops.structure import constant

_CHANNELS = 16           # filled vectors: fewer are not worth the transforms
_STRIP = 64              # filters side by side in memory
_BLOCK = 48              # tiles at once: their transforms stay in the second cache
_ROWS = 12               # of register tiles divide a block, but for very small images
_BLOCK_BYTES = 1 << 20   # of a block's transforms, at most
_GROUPS = 8              # sums of a weight's gradient that are made apart and then added
_GROUP_BYTES = 1 << 19   # of one such sum
_HALVES = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])  # G


@dataclass(frozen=True)
class Tiles:
    """`count` images of H x W results in tiles of 2 x 2; `block` of them are computed together."""

    count: int
    size: tuple[int, int]
    channels: int                      # of images and results together

    @property
    def high(self) -> int: return -(-self.size[0] // 2)
    @property
    def wide(self) -> int: return -(-self.size[1] // 2)
    @property
    def total(self) -> int: return self.count * self.high * self.wide
    @property
    def block(self) -> int:
        most = max(_BLOCK_BYTES // (16 * 4 * self.channels) // _ROWS * _ROWS, _ROWS)
        blocks = -(-self.total // min(_BLOCK, most))
        even = -(-self.total // max(blocks, 1))
        return min(-(-even // _ROWS) * _ROWS, self.total)
    @property
    def blocks(self) -> int: return -(-self.total // self.block)
    @property
    def per_group(self) -> int: return -(-self.blocks // _GROUPS)
    @property
    def groups(self) -> int: return -(-self.blocks // self.per_group)


class Winograd(Primitive, abstract=True):
    """Filters over images laid out with their padding.

    Shape   x (N, 2 TH + 2, 2 TW + 2, I), filters transformed (16, S, I, B) and plain (9, S, I, B)
            -> (N H W, S B) for `size` (H, W), TH = ceil(H / 2), TW = ceil(W / 2)
    """

    size: tuple[int, int]

    def infer(self, x: Any, u: Any, w: Any) -> Any:
        return x.to(x.shape[0] * math.prod(self.size), w.shape[1] * w.shape[3])

    def ref(self, x: Any, u: Any, w: Any) -> Any:
        (h, wide), i = self.size, x.shape[3]
        filters = w.transpose(0, 2, 1, 3).reshape(3, 3, i, -1)
        made = sum(x[:, ky:ky + h, kx:kx + wide] @ filters[ky, kx]
                   for ky in range(3) for kx in range(3))
        return made.reshape(-1, filters.shape[3])

    def flops(self, out: Any, x: Any, u: Any, w: Any) -> int:
        made: int = 8 * out.size * x.shape[3]          # 16 products for 4 results, not 36
        return made

    def tiles(self, x: Any, w: Any) -> Tiles:
        return Tiles(x.shape[0], self.size, x.shape[3] + w.shape[1] * w.shape[3])


class WinogradWeight(Primitive, abstract=True):
    """How each tap meets the images, summed over groups of tiles.

    Shape   x (N, 2 TH + 2, 2 TW + 2, I), y (N, H, W, O) -> (groups, 9, I, O)
    """

    def infer(self, x: Any, y: Any) -> Any:
        return x.to(self.tiles(x, y).groups, 9, x.shape[3], y.shape[3])

    def ref(self, x: Any, y: Any) -> Any:
        tiles, (n, h, w, o) = self.tiles(x, y), y.shape
        image, row, column = np.indices((n, h, w))
        tile = (image * tiles.high + row // 2) * tiles.wide + column // 2
        group = tile // tiles.block // tiles.per_group
        out = np.zeros((tiles.groups, 9, x.shape[3], o), y.dtype)
        for g in range(tiles.groups):
            at = group == g
            for tap in range(9):
                seen = x[:, tap // 3:tap // 3 + h, tap % 3:tap % 3 + w]
                out[g, tap] = seen[at].T @ y[at]
        return out

    def flops(self, out: Any, x: Any, y: Any) -> int:
        made: int = 8 * y.size * x.shape[3]
        return made

    def tiles(self, x: Any, y: Any) -> Tiles:
        return Tiles(x.shape[0], y.shape[1:3], x.shape[3] + y.shape[3])


PRODUCTS = (Dot, Winograd, WinogradWeight)     # made in register tiles


def suits(kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int],
          channels: Sequence[int]) -> bool:
    """Is it a dense 3 x 3 convolution of whole vectors of channels?"""
    dense = tuple(kernel) == (3, 3) and {*stride, *dilation} == {1}
    strips = all(c <= _STRIP or c % _STRIP == 0 for c in channels)
    return dense and strips and all(c and c % _CHANNELS == 0 for c in channels)


def suits_weight(channels: Sequence[int]) -> bool:
    """Do the sums of one group stay in the second cache?"""
    return 16 * 4 * math.prod(channels) <= _GROUP_BYTES


def correlated(x: Node, widths: Sequence[tuple[int, int, int]], w: Node) -> Node:
    """Filters (O, I, 3, 3) over images (N, H, W, I) with `widths` of padding: (N, H', W', O)."""
    o, i = w.shape[:2]
    size = [n + lo + hi - 2 for n, (lo, hi, _) in zip(x.shape[1:3], widths, strict=True)]
    b = min(o, _STRIP)
    taps = movement.permute(movement.reshape(w, (o // b, b, i, 9)), (3, 0, 2, 1))  # (9, S, I, B)
    turn = constant(np.kron(_HALVES, _HALVES), w.dtype)                            # (16, 9)
    filters = Dot()(turn, movement.reshape(taps, (9, o * i)))
    filters = movement.reshape(filters, (16, *taps.shape[1:]))
    made = Winograd((size[0], size[1]))(_in_tiles(x, widths, size), filters, taps)
    return movement.reshape(made, (x.shape[0], *size, o))


def weight(x: Node, widths: Sequence[tuple[int, int, int]], y: Node) -> Node:
    """The gradient (O, I, 3, 3) of the filters, from images and results (N, H, W, channels)."""
    parts = WinogradWeight()(_in_tiles(x, widths, y.shape[1:3]), y)        # (groups, 9, I, O)
    made = movement.permute(Sum((0,))(parts), (2, 1, 0))
    return movement.reshape(made, (*made.shape[:2], 3, 3))


def _in_tiles(x: Node, widths: Sequence[tuple[int, int, int]], size: Sequence[int]) -> Node:
    """The image with its padding, and zeros for the rest of tiles at its end."""
    more = [(lo, hi + n % 2, 0) for n, (lo, hi, _) in zip(size, widths, strict=True)]
    return movement.pad(x, [(0, 0, 0), *more, (0, 0, 0)])
