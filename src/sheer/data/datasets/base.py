"""Datasets: an index flows in, an example flows out; and how to cut and join them."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from types import GenericAlias
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError, BoundsError, ShapeError
from ...mixins.core import evaluate, wrap
from ...ops.structure import data
from ...tensor import Tensor, as_tensor
from ..draws import SPLIT, permuted, seed_of
from ..rows import placed


class Dataset:
    """Examples by number: a subclass defines `__getitem__`, and `__len__` when it knows it.

    It may define `batch(rows)` as well: the arrays that stacking self[r] for r in rows would give,
    made at once, or None when that is not possible. A loader prefers it.

    Source  torch.utils.data.Dataset
    """

    __class_getitem__: Any = classmethod(GenericAlias)      # Dataset[int], for who writes types

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Examples one after the other: a subclass defines `__iter__`. For streams.

    Source  torch.utils.data.IterableDataset
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


def get_worker_info() -> None:
    """None: one thread reads the whole stream, so there is no share to take.

    Source  torch.utils.data.get_worker_info
    """


class TensorDataset(Dataset):
    """Rows of tensors that belong together: example i is (tensors[0][i], tensors[1][i], ...).

    Arrays are taken as `sheer.tensor` takes them.

    Shape   each (N, ...)
    Raises  E401 when the tensors do not all have N rows; E407 for a row that is not there
    Source  torch.utils.data.TensorDataset
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors: tuple[Tensor, ...] = tuple(as_tensor(t) for t in tensors)
        lengths = {t.shape[0] if t.shape else -1 for t in self.tensors}
        if len(lengths) != 1 or -1 in lengths:
            raise ShapeError("E401", "TensorDataset", "there are no tensors" if not lengths
                             else "the tensors do not have the same number of rows",
                             got={f"tensor {i}": t.node for i, t in enumerate(self.tensors)},
                             need="one length of the first axis")

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(wrap(data(np.array(rows))) for rows in self.batch(index))

    def batch(self, rows: Any) -> tuple[np.ndarray, ...]:
        """The given rows of every tensor, as arrays: one gather each. Raises E407."""
        try:
            return tuple(a[rows] for a in evaluate(self.tensors))
        except IndexError as error:       # by NumPy, which need not look at every row twice
            raise BoundsError("E407", "TensorDataset", f"there is no example {rows}",
                              need=f"-{len(self)} <= index < {len(self)}") from error


class Subset(Dataset):
    """The examples of a dataset with the given numbers, in the given order.

    Raises  E407 for an example that is not there
    Source  torch.utils.data.Subset
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices
        self._rows = np.asarray(indices, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(self._rows[placed("Subset", index, len(self))])]

    def batch(self, rows: Any) -> Any:
        """What the dataset itself gives for these rows at once; None when it does not."""
        whole = getattr(self.dataset, "batch", None)
        return None if whole is None else whole(self._rows[np.asarray(rows)])


    @property
    def row_bytes(self) -> int:
        """Memory one example takes, of a dataset on disk."""
        return int(self.dataset.row_bytes)


class ConcatDataset(Dataset):
    """The examples of several datasets, one dataset after the other.

    Raises  E406 without datasets, BoundsError E407 for an example that is not there
    Source  torch.utils.data.ConcatDataset
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("E406", "ConcatDataset", "there are no datasets",
                                need="at least one")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        row = placed("ConcatDataset", index, len(self))
        part = bisect.bisect_right(self.cumulative_sizes, row)
        before = self.cumulative_sizes[part - 1] if part else 0
        return self.datasets[part][row - before]


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None,
                 seed: int | None = None) -> list[Subset]:
    """Cut a dataset into random parts without overlap.

    lengths  numbers of examples that add up to all of them, or shares that add up to 1; of
             examples left over by rounding the first parts get one each
    seed     the same seed gives the same parts
    Raises  E408 when the lengths do not add up, or one is negative or no whole number
    Source  torch.utils.data.random_split
    """
    n, total = len(dataset), sum(lengths)
    counts = _from_shares(n, lengths) if math.isclose(total, 1) else [int(k) for k in lengths]
    wrong = "lengths cannot be negative" if min(lengths, default=0) < 0 else \
        "lengths are whole numbers" if total == n != sum(counts) else \
        f"the lengths add up to {total}" if sum(counts) != n or not counts else ""
    if wrong:
        raise ArgumentError("E408", "random_split", wrong,
                            got={"lengths": list(lengths), "examples": n},
                            need=f"lengths that add up to {n}, or shares that add up to 1")
    order = permuted(n, seed_of(seed, generator), 0, SPLIT)
    ends = list(itertools.accumulate(counts))
    return [Subset(dataset, order[end - k:end].tolist())
            for k, end in zip(counts, ends, strict=True)]


def _from_shares(n: int, shares: Sequence[float]) -> list[int]:
    counts = [math.floor(n * share) for share in shares]
    for i in range(n - sum(counts)):
        counts[i % len(counts)] += 1
    return counts
