"""Arrays on disk flow in; the rows asked for flow out, and the rest stays on disk."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ShapeError
from ...graph.memory import empty
from ..readers.npy import read_npy
from ..rows import all_placed, placed
from .base import Dataset

AROUND = 2 << 20         # bytes Linux may map around one that is touched: from 6.18 a whole folio
HELD = 16 << 20          # bytes of a file that may stay in memory before they are given back
COPIED = 1 << 20         # bytes that are sorted at a time: they stay in the cache


class MappedDataset(Dataset):
    """Rows of arrays that may be larger than the memory: example i is (arrays[0][i], ...).

    A file is mapped, not read: the rows of a batch are copied out of it, and the pages they lie on
    are given back, so that the memory held does not grow with the file. Any row can be had at any
    time, so shuffling is a full permutation, the same as for arrays in memory.

    Params  arrays  paths of .npy files, memory maps, or arrays; each (N, ...)
    Dtype   float64 becomes float32, as everywhere in sheer
    Raises  E401 when the arrays do not all have N rows; what `read_npy` raises for a file; E407 for
            a row that is not there
    Example
        >>> dataset = MappedDataset(np.zeros((10, 3), "f4"), np.arange(10))    # or paths of files
        >>> len(dataset), dataset[4][0].shape
        (10, (3,))
    """

    def __init__(self, *arrays: str | Path | NDArray[Any]) -> None:
        self.arrays = [read_npy(a, mapped=True) if isinstance(a, str | Path) else a for a in arrays]
        lengths = {a.shape[0] if a.ndim else -1 for a in self.arrays}
        if len(lengths) != 1 or lengths & {-1, 0}:
            raise ShapeError("E401", "MappedDataset", "there are no arrays" if not lengths
                             else "the arrays do not have the same number of rows",
                             got={f"array {i}": f"{a.dtype}{list(a.shape)}"
                                  for i, a in enumerate(self.arrays)},
                             need="one positive length of the first axis")
        self._rows = [_Rows(a) for a in self.arrays]

    @property
    def row_bytes(self) -> int:
        """Memory one example takes."""
        return sum(a[:1].nbytes for a in self.arrays)

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        row = placed("MappedDataset", index, len(self))
        return tuple(a[0] for a in self.batch(np.array([row])))

    def batch(self, rows: Any) -> tuple[NDArray[Any], ...]:
        """The given rows of every array, as arrays in memory. Raises E407."""
        rows = all_placed("MappedDataset", rows, len(self))
        return tuple(source.taken(rows) for source in self._rows)


def is_mapped(value: Any) -> bool:
    """Is it an array whose numbers lie in a file?"""
    return isinstance(value, np.memmap)


class _Rows:
    """The rows of one array, with an account of how much of its file is in memory."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.dtype = np.dtype(np.float32 if array.dtype == np.float64
                              else array.dtype.newbyteorder("="))
        # In Fortran order every number of a row lies elsewhere.
        self.places = 1 if array.flags.c_contiguous else max(1, array[:1].size)
        self.row_bytes = array[:1].nbytes // self.places
        self.touched = 0
        self._advise("MADV_RANDOM")              # reading ahead is in vain
        self._advise("MADV_NOHUGEPAGE")          # 2 MB for every row touched, where files have them

    def taken(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """These rows in memory; the file is gone through from its beginning to its end."""
        out = empty((len(rows), *self.array.shape[1:]), self.dtype)
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        windows = ascending * self.row_bytes // AROUND
        pages = np.cumsum(np.diff(windows, prepend=-1) > 0) * self.places * AROUND
        pages += max(self.row_bytes - AROUND, 0) * np.arange(1, len(rows) + 1)
        start, step = 0, max(1, COPIED // max(1, self.row_bytes * self.places))
        while start < len(rows):
            before = pages[start - 1] if start else 0
            stop = int(np.searchsorted(pages, before + HELD - self.touched, side="right"))
            stop = max(stop, start + 1)
            for i in range(start, stop, step):
                part = slice(i, min(i + step, stop))
                out[order[part]] = self.array[ascending[part]]
            self.touched += int(pages[stop - 1] - before)
            if self.touched >= HELD - AROUND:
                self.touched = 0
                self._advise("MADV_DONTNEED")
            start = stop
        return out

    def _advise(self, advice: str) -> None:
        """Tell the system how a mapped file is used; nothing where it cannot be told.

        A copy-on-write map is left alone: its changed pages have no other place to be.
        """
        mapping, mode = getattr(self.array, "_mmap", None), getattr(self.array, "mode", "")
        if mapping is not None and mode in ("r", "r+") and hasattr(mmap, advice):
            mapping.madvise(getattr(mmap, advice))
