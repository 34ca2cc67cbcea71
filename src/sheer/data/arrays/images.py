"""What loaded images are: pixels and labels go in, one typed record comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .part import Part


@dataclass(frozen=True, eq=False)
class ImagePart(Part):
    """Images with their labels.

    Shape   x (N, C, H, W), y (N,)
    Dtype   x uint8 in 0..`ImageArrays.top`, y int64 class index in 0..K-1
    """

    x: NDArray[np.uint8]
    y: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ImageArrays:
    """A dataset of labelled images.

    Params  classes  name of each class, by index
            top      the pixel value that means full ink or light; divide by it to get 0..1
            test     None where the publisher gives no test part
            source   the folder or file it was read from
    """

    name: str
    classes: tuple[str, ...]
    top: int
    train: ImagePart
    test: ImagePart | None
    source: Path
