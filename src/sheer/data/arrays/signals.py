"""What loaded sounds and series are: samples over time go in, one typed record comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .part import Part


@dataclass(frozen=True, eq=False)
class AudioPart(Part):
    """Recordings with their labels.

    Shape   waves: N arrays (T_i,) of different length, y (N,), speakers (N,)
    Dtype   waves float32 in [-1, 1], y int64 class index in 0..K-1, speakers str, "" if not known
    """

    waves: list[NDArray[np.float32]]
    y: NDArray[np.int64]
    speakers: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class AudioArrays:
    """A dataset of labelled recordings.

    Params  classes  name of each class, by index
            rate     samples per second, of every recording
            test     None where the publisher gives no test part
    """

    name: str
    classes: tuple[str, ...]
    rate: int
    train: AudioPart
    test: AudioPart | None
    source: Path
    skipped: int = 0


@dataclass(frozen=True, eq=False)
class SeriesArrays:
    """Measurements over time, in the order of time.

    Shape   times (T,), values (T, n), categories (T, m)
    Dtype   times datetime64[s]; values float64 with NaN where missing; categories str, "" where
            missing
    Params  names           of the columns of `values`
            category_names  of the columns of `categories`
            season          rows per natural cycle (12 months, 365 days, 24 hours); 0 if not known
    """

    name: str
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    names: tuple[str, ...]
    source: Path
    season: int = 0
    categories: NDArray[np.str_] | None = None
    category_names: tuple[str, ...] = ()
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.times)

    def column(self, name: str) -> NDArray[np.float64]:
        """One column of values (T,). Raises ValueError for a name that is not there."""
        return self.values[:, self.names.index(name)]
