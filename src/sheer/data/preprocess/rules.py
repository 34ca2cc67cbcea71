"""Raw columns go in; float32 arrays a network can take come out, by rules fitted on train only.

Each rule is a frozen record made by `fit(train)` and then called on train, test and new data
alike, so nothing of the test part can leak into it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheer.data.arrays.tables import TableArrays, TablePart
from sheer.data.errors import DataError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
BLOCK = 4096  # rows at a time: float64 copies of all of CIFAR-10 would take 1.2 GB


@dataclass(frozen=True, eq=False)
class Standardise:
    """(x - mean) / scale, to mean 0 and standard deviation 1 over the fitted axes.

    A value that never varies in train becomes 0 there: its scale is 1, not 0.

    Shape   mean, scale: as x, with size 1 in the fitted axes; they broadcast against x
    Dtype   both float64
    """

    mean: Float64
    scale: Float64

    @classmethod
    def fit(cls, x: NDArray[Any], axes: tuple[int, ...] = (0,)) -> Standardise:
        """Take mean and (population) standard deviation over `axes`.

        Params  axes  the first among them; (0,) per column of a table, (0, 2, 3) per channel of
                      images (N, C, H, W)
        Raises  E813 when x has no rows, or a value that is not finite
        """
        if not len(x):
            raise DataError("E813", "Standardise: no rows to fit", expected="at least one row",
                            found=f"shape {x.shape}", fix="check the split")
        low, high = x.min(axes, keepdims=True), x.max(axes, keepdims=True)
        if not np.isfinite(low).all() or not np.isfinite(high).all():
            row = int(np.argwhere(~np.isfinite(x))[0][0])
            raise DataError("E813", "Standardise: a value is not finite", row=row + 1,
                            expected="finite numbers", found="NaN or infinity",
                            fix="fill missing values first, with Impute.fit(train)(train)")
        mean = _mean(x, axes, np.zeros(low.shape), 1)
        deviation = np.sqrt(_mean(x, axes, mean, 2))
        return cls(mean, np.where(low == high, 1.0, deviation))  # rounding leaves it just over 0

    def __call__(self, x: NDArray[Any]) -> Float32:
        """Apply it.  Shape x (*S) -> (*S).  Raises E813 when x does not broadcast with `mean`."""
        if x.ndim != self.mean.ndim or any(
                m not in (1, n) for m, n in zip(self.mean.shape, x.shape, strict=True)):
            raise _other_shape("Standardise", self.mean.shape, x)
        out = np.empty(x.shape, np.float32)
        for i in range(0, len(x), BLOCK):
            out[i:i + BLOCK] = (x[i:i + BLOCK] - self.mean) / self.scale
        return out


@dataclass(frozen=True, eq=False)
class Impute:
    """Fill each missing number (NaN) with its column's median; say where by a flag column.

    Shape   median (n,), flagged (n,) bool: columns with missing values in train get a flag
    """

    median: Float64
    flagged: NDArray[np.bool_]

    @classmethod
    def fit(cls, numeric: Float64) -> Impute:
        """Shape numeric (N, n).  Raises E813 when a column has no value at all."""
        absent = np.isnan(numeric)
        if absent.all(0).any():
            column = int(np.flatnonzero(absent.all(0))[0])
            raise DataError("E813", f"Impute: column {column + 1} has no value",
                            expected="at least one number in train",
                            found=f"{len(numeric)} missing", fix="leave the column out")
        median = np.nanmedian(numeric, 0) if numeric.shape[1] else np.zeros(0)
        return cls(median, np.asarray(absent.any(0)))

    def __call__(self, numeric: Float64) -> Float64:
        """Apply it.  Shape (N, n) -> (N, n + number of flags).  Raises E813 for another n."""
        if numeric.shape[1:] != self.median.shape:
            raise _other_shape("Impute", (1, *self.median.shape), numeric)
        absent = np.isnan(numeric)
        return np.concatenate([np.where(absent, self.median, numeric),
                               absent[:, self.flagged]], axis=1)


@dataclass(frozen=True, eq=False)
class OneHot:
    """One column per category seen in train; a missing value ("") is a category like any other.

    Params  vocabularies  per column of the table its categories, sorted
    """

    vocabularies: tuple[NDArray[np.str_], ...]

    @classmethod
    def fit(cls, categorical: NDArray[np.str_]) -> OneHot:
        """Shape categorical (N, m)."""
        return cls(tuple(np.unique(column) for column in categorical.T))

    def __call__(self, categorical: NDArray[np.str_]) -> tuple[Float32, NDArray[np.int64]]:
        """Encode; a category that train did not have becomes all zeros, and is counted.

        Shape   (N, m) -> x (N, sum of vocabulary sizes), unknown (m,) how many per column
        Raises  E813 for another m
        """
        if categorical.shape[1:] != (len(self.vocabularies),):
            raise _other_shape("OneHot", (1, len(self.vocabularies)), categorical)
        hot = [(column[:, None] == words).astype(np.float32)  # (N, words)
               for column, words in zip(categorical.T, self.vocabularies, strict=True)]
        unknown = np.array([np.sum(h.sum(1) == 0) for h in hot], np.int64)
        return np.concatenate([np.zeros((len(categorical), 0), np.float32), *hot], 1), unknown


@dataclass(frozen=True, eq=False)
class TableEncoder:
    """Impute, standardise, one-hot: from a `TablePart` to the input of a network.

    Params  names  of the output columns: numbers, then `NAME missing` flags, then `NAME=CATEGORY`
    """

    impute: Impute
    standardise: Standardise
    one_hot: OneHot
    names: tuple[str, ...]

    @classmethod
    def fit(cls, table: TableArrays, rows: NDArray[np.int64] | None = None) -> TableEncoder:
        """Fit on `table.train`, or only on the given rows of it.

        Raises  what the three rules raise
        """
        part = table.train if rows is None else table.train.take(rows)
        impute, one_hot = Impute.fit(part.numeric), OneHot.fit(part.categorical)
        numbers = impute(part.numeric)[:, :len(impute.median)]  # without the flags, kept 0 or 1
        return cls(impute, Standardise.fit(numbers), one_hot, _names(table, impute, one_hot))

    def __call__(self, part: TablePart) -> tuple[Float32, NDArray[np.int64]]:
        """Shape a part of N rows -> x (N, len(names)), unknown (m,) categories, see `OneHot`."""
        filled = self.impute(part.numeric)
        n = len(self.impute.median)
        x, unknown = self.one_hot(part.categorical)
        return np.concatenate([self.standardise(filled[:, :n]),
                               filled[:, n:].astype(np.float32), x], axis=1), unknown


def _mean(x: NDArray[Any], axes: tuple[int, ...], centre: Float64, power: int) -> Float64:
    """Mean over `axes` of (x - centre) ** power, as `centre` is shaped."""
    total = np.zeros(centre.shape)
    for i in range(0, len(x), BLOCK):
        total += ((x[i:i + BLOCK] - centre) ** power).sum(axes, keepdims=True)
    mean: Float64 = total / math.prod(x.shape[axis] for axis in axes)
    return mean


def _names(table: TableArrays, impute: Impute, one_hot: OneHot) -> tuple[str, ...]:
    flags = [f"{name} missing" for name, flag
             in zip(table.numeric_names, impute.flagged, strict=True) if flag]
    hot = [f"{name}={word or 'missing'}" for name, words
           in zip(table.categorical_names, one_hot.vocabularies, strict=True) for word in words]
    return (*table.numeric_names, *flags, *hot)


def _other_shape(rule: str, fitted: Sequence[int], x: NDArray[Any]) -> DataError:
    return DataError("E813", f"{rule}: the array has another shape than the one it was fitted on",
                     expected="(N, " + ", ".join(map(str, fitted[1:])) + ")",
                     found=str(x.shape), fix="pass the same columns, in the same order")
