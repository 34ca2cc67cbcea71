"""A Parquet file flows in, a few of its blocks at a time; the rows asked for flow out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..readers.parquet import open_parquet, read_group
from ..rows import all_placed, placed
from ..samplers.blocks import BlockSampler
from .base import Dataset

Rows = tuple[NDArray[Any], NDArray[Any]]


class ParquetDataset(Dataset):
    """Rows of a Parquet file: example i is (x, y), x the float32 features, y the target.

    A Parquet file is packed in row groups. A group is unpacked when a row of it is asked for, and
    the last `keep` groups stay in memory; shuffling mixes `keep` random groups at a time.

    Params  features  columns of x, in order; None takes all but the target
            target    column of y; whole numbers become int64, others float32
            keep      row groups in memory at once
    Shape   x (features,), y ()
    Raises  E801, E802, E804, E637 as `read_frame`; E634 for a column that is not there; E807 for a
            column that is no number, or a value that is missing, with the row; E407 for a row that
            is not there
    """

    def __init__(self, path: str | Path, features: Sequence[str] | None = None,
                 target: str = "y", keep: int = 8) -> None:
        self.path, self.keep = Path(path), keep
        file = open_parquet(self.path)
        self.names = tuple(file.schema_arrow.names)
        self.target = target
        self.features = tuple(features or (n for n in self.names if n != target))
        for name in (*self.features, target):
            if name not in self.names:
                raise DataError("E634", f"{self.path.name}: there is no column {name!r}", self.path,
                                expected=", ".join(self.names), found=repr(name),
                                fix="name the columns as the file does")
        groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        self.sizes = np.array([n for n in groups if n], np.int64)
        self._numbers = [i for i, n in enumerate(groups) if n]
        if not len(self.sizes):
            raise DataError("E802", f"{self.path.name} holds no rows", self.path, expected="rows",
                            found="0 rows", fix="check what wrote it")
        self.ends = np.cumsum(self.sizes)
        self._kept: OrderedDict[int, Rows] = OrderedDict()
        self._lock = Lock()

    @property
    def row_bytes(self) -> int:
        """Memory one example takes."""
        return 4 * len(self.features) + 8

    def shuffled(self, seed: int) -> BlockSampler:
        """The order in which a loader shuffles it."""
        return BlockSampler(self.sizes.tolist(), mix=self.keep, seed=seed)

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        x, y = self.batch(np.array([placed("ParquetDataset", index, len(self))]))
        return x[0], y[0]

    def batch(self, rows: Any) -> Rows:
        """The given rows, as arrays: each row group they lie in is unpacked once. Raises E407."""
        rows = all_placed("ParquetDataset", rows, len(self))
        groups = np.searchsorted(self.ends, rows, side="right")
        x = np.empty((len(rows), len(self.features)), np.float32)
        y: NDArray[Any] | None = None
        for group in np.unique(groups).tolist():
            here = np.flatnonzero(groups == group)
            inside = rows[here] - (self.ends[group] - self.sizes[group])
            features, target = self._group(group)
            y = np.empty(len(rows), target.dtype) if y is None else y
            x[here], y[here] = features[inside], target[inside]
        return x, np.zeros(0, np.float32) if y is None else y

    def _group(self, group: int) -> Rows:
        """The rows of one group, unpacked or still there."""
        with self._lock:
            if group not in self._kept:
                while len(self._kept) >= self.keep:          # first: never keep + 1 at once
                    self._kept.popitem(last=False)
                before = int(self.ends[group] - self.sizes[group])
                self._kept[group] = read_group(self.path, self._numbers[group], self.features,
                                               self.target, before)
            self._kept.move_to_end(group)
            return self._kept[group]
