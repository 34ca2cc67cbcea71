"""What loaded scenes are: images with boxes or masks go in, one typed record comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .part import Part


@dataclass(frozen=True, eq=False)
class BoxPart(Part):
    """Images with boxes around objects; images may differ in size.

    Shape   images: N arrays (3, H_i, W_i); boxes: N arrays (n_i, 4); labels: N arrays (n_i,)
    Dtype   images uint8 RGB; boxes float32 x1, y1, x2, y2 in pixels, 0 <= x1 < x2 <= W and
            0 <= y1 < y2 <= H; labels int64 class index in 0..K-1
    Params  ids  the name of each image, without folder and ending
    """

    images: list[NDArray[np.uint8]]
    boxes: list[NDArray[np.float32]]
    labels: list[NDArray[np.int64]]
    ids: list[str]


@dataclass(frozen=True, eq=False)
class BoxArrays:
    """A dataset of objects in images.

    Params  classes  name of each class, by index
            skipped  how many boxes and images were left out because they were broken
    """

    name: str
    classes: tuple[str, ...]
    train: BoxPart
    validation: BoxPart | None
    test: BoxPart | None
    source: Path
    skipped: int = 0


@dataclass(frozen=True, eq=False)
class MaskPart(Part):
    """Images with a class for each pixel.

    Shape   x (N, 3, H, W), masks (N, H, W)
    Dtype   x uint8 RGB; masks uint8 class index, or `MaskArrays.ignore`
    """

    x: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    ids: list[str]


@dataclass(frozen=True, eq=False)
class MaskArrays:
    """A dataset of segmented images.

    Params  classes  name of each class, by index
            ignore   the index of pixels of no class; None when every pixel has one
    """

    name: str
    classes: tuple[str, ...]
    ignore: int | None
    train: MaskPart
    validation: MaskPart | None
    test: MaskPart | None
    source: Path
    skipped: int = 0
