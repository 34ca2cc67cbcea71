"""Scalers: columns flow in and out, moved and stretched by numbers taken from the training part.

`fit` looks at what it is given and at nothing else; `scaled` fits on its first argument alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ArgumentError, StateError
from ..errors import DataError
from ..rows import array
from .rules import Standardise

Floats = NDArray[Any]


class Scaler:
    """Base: (x - shift) / scale for each column, and back.

    Dtype   float32 stays float32, everything else becomes float64
    """

    _shift: NDArray[np.float64]
    _scale: NDArray[np.float64]

    def fit(self, X: Any, y: Any = None) -> Any:
        """Take the numbers from these rows.  Shape X (N, d).  Raises E813 without rows, or NaN."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it takes")

    def transform(self, X: Any) -> Floats:
        """Apply them.  Shape X (N, d) -> (N, d).  Raises E664 before `fit`, E813 for another d."""
        x = self._checked(X, "transform")
        return np.asarray((x - self._shift) / self._scale, _kept(x))

    def inverse_transform(self, X: Any) -> Floats:
        """Undo `transform`.  Shape X (N, d) -> (N, d).  Raises E664 before `fit`, E813."""
        x = self._checked(X, "inverse_transform")
        return np.asarray(x * self._scale + self._shift, _kept(x))

    def fit_transform(self, X: Any, y: Any = None) -> Floats:
        """`fit` and then `transform`, of the training part."""
        fitted: Scaler = self.fit(X)
        return fitted.transform(X)

    def _checked(self, X: Any, op: str) -> Floats:
        if not hasattr(self, "_shift"):
            raise StateError("E664", f"{type(self).__name__}.{op}", "it has not been fitted",
                             need="fit(train) first")
        x = array(X)
        if x.ndim != 2 or x.shape[1:] != self._shift.shape:
            raise DataError("E813", f"{type(self).__name__}: the array has another shape than the "
                            "one it was fitted on", expected=f"(N, {len(self._shift)})",
                            found=str(x.shape), fix="pass the same columns, in the same order")
        return x


class StandardScaler(Scaler):
    """Mean 0 and standard deviation 1 in every column; one that never varies becomes 0.

    Params  with_mean, with_std  leave out either
    Raises  E813 without rows, or with NaN
    Source  sklearn.preprocessing.StandardScaler
    Example
        >>> scaler = StandardScaler().fit([[1.0, 5.0], [3.0, 5.0]])
        >>> scaler.transform([[1.0, 5.0], [4.0, 5.0]]).tolist()
        [[-1.0, 0.0], [2.0, 0.0]]
    """

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean, self.with_std = with_mean, with_std

    def fit(self, X: Any, y: Any = None) -> StandardScaler:
        rule = Standardise.fit(_columns("StandardScaler", X))
        self.mean_, self.scale_ = rule.mean[0], rule.scale[0]
        self._shift = self.mean_ if self.with_mean else np.zeros_like(self.mean_)
        self._scale = self.scale_ if self.with_std else np.ones_like(self.scale_)
        return self


class MinMaxScaler(Scaler):
    """The smallest and largest training value of every column become those of a range.

    Params  feature_range  (low, high)
            clip           keep values outside those of the training part within the range
    Raises  E813 without rows, or with NaN; E664 for a range that is none
    Source  sklearn.preprocessing.MinMaxScaler
    Example
        >>> MinMaxScaler().fit([[2.0], [4.0]]).transform([[3.0], [6.0]]).tolist()
        [[0.5], [2.0]]
    """

    def __init__(self, feature_range: tuple[float, float] = (0.0, 1.0), *,
                 clip: bool = False) -> None:
        if not feature_range[0] < feature_range[1]:
            raise ArgumentError("E664", "MinMaxScaler", f"{feature_range} is no range",
                                need="(low, high) with low < high")
        self.feature_range, self.clip = feature_range, clip

    def fit(self, X: Any, y: Any = None) -> MinMaxScaler:
        x = _columns("MinMaxScaler", X)
        self.data_min_, self.data_max_ = x.min(0), x.max(0)
        low, high = self.feature_range
        width = self.data_max_ - self.data_min_
        self._scale = np.where(width == 0, 1.0, width) / (high - low)
        self._shift = self.data_min_ - low * self._scale
        return self

    def transform(self, X: Any) -> Floats:
        """Apply it.  Shape X (N, d) -> (N, d).  Raises E664 before `fit`, E813 for another d."""
        x = self._checked(X, "transform")
        low, high = self.feature_range
        z = (x - self.data_min_) / self._scale + low
        return np.asarray(z.clip(low, high) if self.clip else z, _kept(x))

    def inverse_transform(self, X: Any) -> Floats:
        """Undo `transform`.  Shape X (N, d) -> (N, d).  Raises E664 before `fit`, E813."""
        z = self._checked(X, "inverse_transform")
        return np.asarray((z - self.feature_range[0]) * self._scale + self.data_min_, _kept(z))


def scaled(scaler: Scaler, train: Any, *others: Any) -> tuple[Floats, ...]:
    """All parts under a scaler fitted on the first of them alone.

    Raises  what the scaler raises
    Source  definition
    Example
        >>> [part.tolist() for part in scaled(MinMaxScaler(), [[0.0], [2.0]], [[1.0]])]
        [[[0.0], [1.0]], [[0.5]]]
    """
    scaler.fit(train)
    return tuple(scaler.transform(part) for part in (train, *others))


def _columns(op: str, X: Any) -> NDArray[np.float64]:
    """Rows to fit on, (N, d) float64. Raises E813 unless all are numbers."""
    x = array(X).astype(np.float64)
    if x.ndim != 2 or not len(x) or not np.isfinite(x).all():
        raise DataError("E813", f"{op}: cannot be fitted on these rows",
                        expected="finite numbers (N, d), at least one row",
                        found=f"shape {x.shape}" if x.ndim != 2 or not len(x) else
                        f"{int((~np.isfinite(x)).sum())} NaN or infinite",
                        fix="x.reshape(-1, 1) for one column; fill missing values first")
    return x


def _kept(x: Floats) -> np.dtype[Any]:
    return np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
