"""Pipeline: how a transform runs on a whole batch of bytes at once, bit for bit as item by item.

`ToTensor` and `Normalize` send a byte to one of 256 floats per channel: they are one table, and a
batch is one look-up. What stands before them (crops, turns, colours) runs on the arrays, picture by
picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import chance
from .colour import ColorJitter, RandomGrayscale, RandomInvert
from .compose import Compose
from .convert import Normalize, ToTensor, channels_first, scaled
from .geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
)
from .spoil import GaussianBlur, GaussianNoise, RandomErasing
from .turning import RandomAffine, RandomPerspective, RandomRotation

_ON_ARRAYS = (RandomHorizontalFlip, RandomVerticalFlip, RandomCrop, RandomResizedCrop, CenterCrop,
              Pad, Resize, RandomRotation, RandomAffine, RandomPerspective, ColorJitter,
              RandomGrayscale, RandomInvert, GaussianBlur, GaussianNoise, RandomErasing)


def takes_arrays(transform: Any) -> bool:
    """Are all steps up to ToTensor ours, so that nobody sees whether it was a PIL image?"""
    steps = _steps(transform)
    cut = next((i for i, t in enumerate(steps) if type(t) is ToTensor), None)
    return cut is not None and all(type(t) in _ON_ARRAYS for t in steps[:cut])


class Pipeline:
    """Geometry, then ToTensor, then any number of Normalize.

    geometry  what runs on each array
    after     what the table is made of
    """

    def __init__(self, geometry: Sequence[Callable[[Any], Any]],
                 after: Sequence[Normalize]) -> None:
        self.geometry, self.after = list(geometry), list(after)
        self._tables: dict[int, np.ndarray] = {}

    @classmethod
    def of(cls, transform: Any) -> Pipeline | None:
        """The transform as a pipeline; None when it has steps of another kind."""
        steps = _steps(transform)
        cut = next((i for i, t in enumerate(steps) if type(t) is ToTensor), len(steps))
        geometry, after = steps[:cut], steps[cut + 1:]
        fits = (cut < len(steps) and all(type(t) in _ON_ARRAYS for t in geometry)
                and all(type(t) is Normalize for t in after))
        return cls(geometry, after) if fits else None

    def __call__(self, images: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        """A batch: `rows` of images uint8 (N, C, H, W) -> float32 (B, C, h, w)."""
        if self.geometry:
            return self.to_floats(np.stack([self._placed(images[r], r) for r in rows]))
        return self.to_floats(images[np.asarray(rows)])

    def to_floats(self, images: np.ndarray) -> np.ndarray:
        """uint8 (B, C, H, W) -> float32 of the same shape, by table."""
        count = images.shape[1]
        table = self._table(count)
        if count == 1:
            grey: np.ndarray = table[0][images]
            return grey
        out = np.empty(images.shape, np.float32)
        for c in range(count):
            out[:, c] = table[c][images[:, c]]
        return out

    def _placed(self, image: np.ndarray, row: int) -> np.ndarray:
        """Geometry on one image (C, H, W), drawing for its place."""
        with chance.at(int(row)):
            picture = np.moveaxis(image, 0, -1)              # (H, W, C)
            for step in self.geometry:
                picture = step(picture)
        return channels_first(picture)

    def _table(self, channels: int) -> np.ndarray:
        """float32 (C, 256): what becomes of each byte in each channel."""
        if channels not in self._tables:
            all_bytes = np.arange(256, dtype=np.uint8)
            picture = np.broadcast_to(all_bytes, (channels, 1, 256))
            values = scaled(picture)                         # (C, 1, 256)
            for step in self.after:
                values = step.on_array(values)
            self._tables[channels] = np.ascontiguousarray(values[:, 0])
        return self._tables[channels]


def _steps(transform: Any) -> list[Any]:
    """The transforms of nested Compose objects, in a row."""
    if type(transform) is not Compose:
        return [] if transform is None else [transform]
    return [t for part in transform.transforms for t in _steps(part)]
