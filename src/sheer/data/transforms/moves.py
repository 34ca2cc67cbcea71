"""Moves: where the pixels of a picture go; pixels, masks and points flow through one alike.

A pixel (row i, column j) covers the square from (j, i) to (j + 1, i + 1); points are (x, y) in
these coordinates, so the corners of a box are points.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np

Size = tuple[int, int]                    # height, width


class InterpolationMode(StrEnum):
    """How a pixel between pixels is read.

    Source  torchvision.transforms.InterpolationMode
    """

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


class Move(Protocol):
    """size: of the picture afterwards."""

    @property
    def size(self) -> Size: ...
    def pixels(self, a: np.ndarray, mask: bool = False) -> np.ndarray: ...
    def points(self, xy: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Still:
    """Nothing moves."""

    size: Size

    def pixels(self, a: np.ndarray, mask: bool = False) -> np.ndarray: return a
    def points(self, xy: np.ndarray) -> np.ndarray: return xy


@dataclass(frozen=True)
class Flip:
    """Left and right exchanged, or top and bottom."""

    size: Size
    sideways: bool

    def pixels(self, a: np.ndarray, mask: bool = False) -> np.ndarray:
        return a[:, ::-1] if self.sideways else a[::-1]

    def points(self, xy: np.ndarray) -> np.ndarray:
        x, y = xy[..., 0], xy[..., 1]
        return np.stack([self.size[1] - x, y] if self.sideways else [x, self.size[0] - y], -1)


@dataclass(frozen=True)
class Window:
    """A part of the picture, which may reach beyond it.

    top, left   of the first pixel, in the old picture; may be negative
    fill, mode  what pixels beyond have: np.pad's modes; masks get 0 under mode constant
    """

    size: Size
    top: int
    left: int
    fill: float = 0
    mode: str = "constant"

    def pixels(self, a: np.ndarray, mask: bool = False) -> np.ndarray:
        starts = self.top, self.left
        short = [(max(-s, 0), max(s + n - have, 0))
                 for s, n, have in zip(starts, self.size, a.shape[:2], strict=True)]
        if any(map(any, short)):
            widths, mode = [*short, (0, 0)][:a.ndim], self.mode
            extra: Any = {"constant_values": 0 if mask else self.fill} if mode == "constant" else {}
            a = np.pad(a, widths, mode=mode, **extra)  # type: ignore[call-overload]
        top, left = (s + before for s, (before, _) in zip(starts, short, strict=True))
        return a[top:top + self.size[0], left:left + self.size[1]]

    def points(self, xy: np.ndarray) -> np.ndarray: return xy - [self.left, self.top]


@dataclass(frozen=True)
class Scale:
    """Another size: with antialiasing as PIL does it; masks by the nearest pixel."""

    size: Size
    old: Size
    interpolation: str = "bilinear"

    def pixels(self, a: np.ndarray, mask: bool = False) -> np.ndarray:
        if self.size == a.shape[:2]:
            return a
        if mask or self.interpolation == "nearest":
            rows, columns = (((np.arange(n) + 0.5) * have / n).astype(np.int64)
                             for n, have in zip(self.size, a.shape[:2], strict=True))
            near: np.ndarray = a[rows[:, None], columns]
            return near
        return by_channel(a, self._resized)

    def _resized(self, plane: Any) -> Any:
        from PIL import Image
        how = Image.Resampling[self.interpolation.upper()]
        return plane.resize((self.size[1], self.size[0]), how)

    def points(self, xy: np.ndarray) -> np.ndarray:
        return xy * [self.size[1] / self.old[1], self.size[0] / self.old[0]]


@dataclass(frozen=True, eq=False)
class Warp:
    """Any linear or projective map.

    back  (3, 3): from a new point (x, y, 1) to the old one, up to its last number
    """

    size: Size
    back: np.ndarray
    interpolation: str = "nearest"
    fill: float = 0

    def pixels(self, a: np.ndarray, mask: bool = False) -> np.ndarray:
        if mask or self.interpolation == "nearest":
            return self._nearest(a, 0 if mask else self.fill)
        return by_channel(a, self._smooth)

    def _nearest(self, a: np.ndarray, fill: float) -> np.ndarray:
        y, x = np.indices(self.size) + 0.5                     # centres of new pixels
        at = np.floor(mapped(self.back, np.stack([x, y], -1))).astype(np.int64)
        inside = (at >= 0).all(-1) & (at < [a.shape[1], a.shape[0]]).all(-1)
        column, row = np.where(inside[..., None], at, 0).transpose(2, 0, 1)
        found: np.ndarray = a[row, column]
        found[~inside] = fill
        return found

    def _smooth(self, plane: Any) -> Any:
        from PIL import Image
        numbers = (self.back / self.back[2, 2]).ravel()
        flat = not numbers[6:8].any()
        how = Image.Transform.AFFINE if flat else Image.Transform.PERSPECTIVE
        return plane.transform((self.size[1], self.size[0]), how, numbers[:6 if flat else 8],
                               Image.Resampling[self.interpolation.upper()], fillcolor=self.fill)

    def points(self, xy: np.ndarray) -> np.ndarray: return mapped(np.linalg.inv(self.back), xy)


@dataclass(frozen=True)
class Both:
    """One move and then another."""

    first: Move
    second: Move

    @property
    def size(self) -> Size: return self.second.size

    def pixels(self, a: np.ndarray, mask: bool = False) -> np.ndarray:
        return self.second.pixels(self.first.pixels(a, mask), mask)

    def points(self, xy: np.ndarray) -> np.ndarray: return self.second.points(self.first.points(xy))


def mapped(matrix: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Points (..., 2) through a projective map."""
    moved = xy @ matrix[:, :2].T + matrix[:, 2]                # (..., 3)
    result: np.ndarray = moved[..., :2] / moved[..., 2:]
    return result


def by_channel(a: np.ndarray, change: Any) -> np.ndarray:
    """change(PIL image) of every channel; bytes as PIL rounds them, everything else as float32."""
    from PIL import Image
    def one(plane: np.ndarray) -> np.ndarray:
        kept = np.ascontiguousarray(plane if plane.dtype == np.uint8 else plane.astype(np.float32))
        new: np.ndarray = np.asarray(change(Image.fromarray(kept)), a.dtype)
        return new
    if a.ndim == 2:
        return one(a)
    channels: np.ndarray = np.stack([one(a[:, :, c]) for c in range(a.shape[2])], 2)
    return channels
