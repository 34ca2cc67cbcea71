"""What a loaded dataset is: NumPy arrays from the readers go in, one typed record comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer[Any]] | Sequence[int]


@dataclass(frozen=True, eq=False)
class ImagePart:
    """Images with their labels.

    Shape   x (N, C, H, W), y (N,)
    Dtype   x uint8 in 0..`ImageArrays.top`, y int64 class index in 0..K-1
    """

    x: NDArray[np.uint8]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Rows) -> ImagePart:
        """The given rows, in the given order, as a copy."""
        return ImagePart(self.x[rows], self.y[rows])


@dataclass(frozen=True, eq=False)
class TablePart:
    """Rows of a table, its columns sorted by kind.

    Shape   numeric (N, n), categorical (N, m), y (N,)
    Dtype   numeric float64 with NaN where missing; categorical str with "" where missing;
            y int64 class index in 0..K-1
    """

    numeric: NDArray[np.float64]
    categorical: NDArray[np.str_]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Rows) -> TablePart:
        """The given rows, in the given order, as a copy."""
        return TablePart(self.numeric[rows], self.categorical[rows], self.y[rows])


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


@dataclass(frozen=True, eq=False)
class TableArrays:
    """A dataset of table rows with a class to predict.

    Params  classes             name of each class, by index
            numeric_names       of the columns of `numeric`, in order
            categorical_names   of the columns of `categorical`, in order
            test                None where the publisher gives no test part
            source              the folder or file it was read from
    """

    name: str
    classes: tuple[str, ...]
    numeric_names: tuple[str, ...]
    categorical_names: tuple[str, ...]
    train: TablePart
    test: TablePart | None
    source: Path
