"""What loaded tables are: columns and labels go in, one typed record comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .part import Part


@dataclass(frozen=True, eq=False)
class TablePart(Part):
    """Rows of a table, its columns sorted by kind.

    Shape   numeric (N, n), categorical (N, m), y (N,)
    Dtype   numeric float64 with NaN where missing; categorical str with "" where missing;
            y int64 class index in 0..K-1
    """

    numeric: NDArray[np.float64]
    categorical: NDArray[np.str_]
    y: NDArray[np.int64]


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
