"""Uneven classes: rows and labels flow in; class weights, or rows of other shares, flow out.

Resampling is for the training part alone: `resample_training` and `resampled_folds` take a split
and give the validation part back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ArgumentError
from ..draws import permuted, uniform
from ..rows import RowIndex, array, counted, per_row

Data = tuple[NDArray[Any], NDArray[Any]]
_PICK, _NEIGHBOUR, _PLACE = 16, 17, 18            # purposes of draws, beside those of samplers


def compute_class_weight(class_weight: str | Mapping[Any, float], *, classes: Any = None,
                         y: Any) -> NDArray[np.float64]:
    """The weight of each class for a loss: with "balanced", all classes count the same.

    Params  class_weight  "balanced": N / (K * rows of the class); or a weight by class, 1 if absent
            classes       (K,); those in y, sorted, unless given
    Raises  E662 for another word, or a class without rows that "balanced" would divide by
    Source  sklearn.utils.class_weight.compute_class_weight; King and Zeng 2001
    Example
        >>> compute_class_weight("balanced", y=[0, 0, 0, 1]).round(3).tolist()
        [0.667, 2.0]
    """
    labels = array(y)
    known = np.unique(labels) if classes is None else array(classes)
    if isinstance(class_weight, Mapping):
        return np.array([float(class_weight.get(c, 1.0)) for c in known.tolist()])
    counts = (labels[:, None] == known).sum(0)
    if class_weight != "balanced" or not counts.all():
        raise ArgumentError("E662", "compute_class_weight",
                            f"there is no weighting {class_weight!r}" if class_weight != "balanced"
                            else "a class has no rows",
                            got={"rows": dict(zip(known.tolist(), counts.tolist(), strict=True))},
                            need='"balanced" with rows of every class, or {class: weight}')
    weights: NDArray[np.float64] = len(labels) / (len(known) * counts)
    return weights


class Resampler:
    """Base: how many rows of each class there are to be, and where they come from.

    Params  sampling_strategy  a ratio in (0, 1]: what a small class is to have per row of the
                               largest; or {class: rows}
            random_state       seed
    """

    def __init__(self, sampling_strategy: float | Mapping[Any, int] = 1.0, *,
                 random_state: int = 0) -> None:
        self.sampling_strategy, self.random_state = sampling_strategy, random_state
        ratio = sampling_strategy
        if not isinstance(ratio, Mapping) and not 0 < ratio <= 1:
            raise ArgumentError("E662", type(self).__name__, f"sampling_strategy = {ratio}",
                                need="a ratio in (0, 1], or {class: rows}")

    def fit_resample(self, X: Any, y: Any) -> Data:
        """The rows, more or fewer of them.  Shape X (N, ...), y (N,) -> (M, ...), (M,)."""
        x = array(X)
        labels = per_row(type(self).__name__, "y", y, counted(x))
        known, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return self._resampled(x, labels, place, self._wanted(known, counts))

    def rows(self, y: Any) -> RowIndex:
        """Numbers of the rows instead of the rows themselves; not for those that make new ones."""
        labels = array(y)
        chosen: RowIndex = self.fit_resample(np.arange(len(labels)), labels)[0]
        return chosen

    def _wanted(self, known: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.int64]:
        """Rows of each class. Raises E662 when it is not more, or not fewer, as it has to be."""
        if isinstance(self.sampling_strategy, Mapping):
            unknown = set(self.sampling_strategy) - set(known.tolist())
            wanted = np.array([self.sampling_strategy.get(c, n) for c, n in
                               zip(known.tolist(), counts.tolist(), strict=True)])
        else:
            unknown, wanted = set(), self._by_ratio(counts, float(self.sampling_strategy))
        if unknown or not self._possible(wanted, counts):
            raise ArgumentError("E662", type(self).__name__, "these numbers of rows cannot be had",
                                got={"rows": dict(zip(known.tolist(), counts.tolist(),
                                                      strict=True)),
                                     "wanted": self.sampling_strategy},
                                need=self._need)
        return wanted.astype(np.int64)

    _need = ""

    def _by_ratio(self, counts: NDArray[Any], ratio: float) -> NDArray[Any]:
        return np.asarray(np.maximum(counts, np.rint(counts.max() * ratio)), np.int64)

    def _possible(self, wanted: NDArray[Any], counts: NDArray[Any]) -> bool:
        return bool((wanted >= counts).all())

    def _resampled(self, x: NDArray[Any], y: NDArray[Any], place: NDArray[Any],
                   wanted: NDArray[np.int64]) -> Data:
        raise NotImplementedError(f"{type(self).__name__} does not say how")


class RandomOverSampler(Resampler):
    """All rows, then random ones of the small classes again, until there are as many as wanted.

    Params  sampling_strategy, random_state  as for every resampler
    Raises  E661, E662
    Source  imblearn.over_sampling.RandomOverSampler
    Example
        >>> RandomOverSampler().fit_resample([[1.0], [2.0], [3.0]], [0, 0, 1])[1].tolist()
        [0, 0, 1, 1]
    """

    _need = "a ratio, or at least as many rows of each class as there are"

    def _resampled(self, x: NDArray[Any], y: NDArray[Any], place: NDArray[Any],
                   wanted: NDArray[np.int64]) -> Data:
        again = [np.arange(len(y))]
        for c, count in enumerate(wanted):
            rows = np.flatnonzero(place == c)
            draws = uniform(int(count) - len(rows), self.random_state, c, _PICK)
            again.append(rows[(draws * len(rows)).astype(np.int64)])
        chosen = np.concatenate(again)
        return x[chosen], y[chosen]


class RandomUnderSampler(Resampler):
    """Random rows of the large classes, each at most once, and all of the smallest.

    Params  sampling_strategy  a ratio: the smallest class per row of every other; or {class: rows}
    Raises  E661, E662
    Source  imblearn.under_sampling.RandomUnderSampler
    Example
        >>> RandomUnderSampler().fit_resample([[1.0], [2.0], [3.0]], [0, 0, 1])[1].tolist()
        [0, 1]
    """

    _need = "a ratio, or at most as many rows of each class as there are"

    def _by_ratio(self, counts: NDArray[Any], ratio: float) -> NDArray[Any]:
        return np.asarray(np.minimum(counts, np.rint(counts.min() / ratio)), np.int64)

    def _possible(self, wanted: NDArray[Any], counts: NDArray[Any]) -> bool:
        return bool(((wanted >= 0) & (wanted <= counts)).all())

    def _resampled(self, x: NDArray[Any], y: NDArray[Any], place: NDArray[Any],
                   wanted: NDArray[np.int64]) -> Data:
        kept = []
        for c, count in enumerate(wanted):
            rows = np.flatnonzero(place == c)
            kept.append(rows[permuted(len(rows), self.random_state, c, _PICK)[:count]])
        chosen = np.sort(np.concatenate(kept))
        return x[chosen], y[chosen]


class SMOTE(Resampler):
    """All rows, then new ones of the small classes, each between a row and one of its neighbours.

    Params  k_neighbors  how many nearest rows of the class a row may be joined with
    Raises  E661; E662 also when a class has too few rows for that
    Source  Chawla et al. 2002, doi:10.1613/jair.953; imblearn.over_sampling.SMOTE
    Example
        >>> x, y = SMOTE(k_neighbors=1).fit_resample([[0.0], [1.0], [4.0], [5.0], [6.0]],
        ...                                          [1, 1, 0, 0, 0])
        >>> y.tolist(), bool(0 <= x[5, 0] <= 1)
        ([1, 1, 0, 0, 0, 1], True)
    """

    _need = RandomOverSampler._need

    def __init__(self, sampling_strategy: float | Mapping[Any, int] = 1.0, *,
                 random_state: int = 0, k_neighbors: int = 5) -> None:
        super().__init__(sampling_strategy, random_state=random_state)
        self.k_neighbors = k_neighbors

    def _resampled(self, x: NDArray[Any], y: NDArray[Any], place: NDArray[Any],
                   wanted: NDArray[np.int64]) -> Data:
        x = x if x.dtype.kind == "f" else x.astype(np.float32)
        new_x, new_y = [x], [y]
        for c, count in enumerate(wanted):
            rows = np.flatnonzero(place == c)
            if count == len(rows):
                continue
            if len(rows) <= self.k_neighbors:
                raise ArgumentError("E662", "SMOTE", f"a class has {len(rows)} rows",
                                    got={"k_neighbors": self.k_neighbors},
                                    need="more rows than neighbours",
                                    tries=[(f"k_neighbors={len(rows) - 1}", lambda: None)]
                                    if len(rows) > 1 else [])
            new_x.append(self._between(x[rows], int(count) - len(rows), c))
            new_y.append(np.full(int(count) - len(rows), y[rows[0]], y.dtype))
        return np.concatenate(new_x), np.concatenate(new_y)

    def _between(self, points: NDArray[Any], count: int, c: int) -> NDArray[Any]:
        """New points of one class, (count, ...)."""
        flat = points.reshape(len(points), -1).astype(np.float64)
        draw = lambda purpose: uniform(count, self.random_state, c, purpose)
        start = (draw(_PICK) * len(flat)).astype(np.int64)
        chosen, inverse = np.unique(start, return_inverse=True)
        near = _nearest(flat, chosen, self.k_neighbors)        # (chosen, k)
        end = near[inverse, (draw(_NEIGHBOUR) * self.k_neighbors).astype(np.int64)]
        step = draw(_PLACE)[:, None]
        made = flat[start] + step * (flat[end] - flat[start])
        result: NDArray[Any] = made.reshape(count, *points.shape[1:]).astype(points.dtype)
        return result


def resample_training(x: Any, y: Any, train: Any, validation: Any,
                      resampler: Resampler) -> tuple[Data, Data]:
    """((x, y) to train on, resampled; (x, y) to validate on, as they are).

    Shape   x (N, ...), y (N,); train, validation: rows
    Raises  E662 when a row is in both parts; what the resampler raises
    Source  definition
    Example
        >>> (_, y), (_, held) = resample_training(np.zeros((5, 2)), [0, 0, 0, 1, 1], [0, 1, 3],
        ...                                       [2, 4], RandomOverSampler())
        >>> y.tolist(), held.tolist()
        ([0, 0, 1, 1], [0, 1])
    """
    values, labels = array(x), array(y)
    train, validation = np.asarray(train), np.asarray(validation)
    if np.intersect1d(train, validation).size:
        raise ArgumentError("E662", "resample_training", "a row is in both parts",
                            got={"common": np.intersect1d(train, validation).size},
                            need="a training and a validation part without common rows")
    return (resampler.fit_resample(values[train], labels[train]),
            (values[validation], labels[validation]))


def resampled_folds(x: Any, y: Any, folds: Iterable[tuple[Any, Any]],
                    resampler: Resampler) -> Iterator[tuple[Data, Data]]:
    """`resample_training` for each pair of rows that a splitter such as StratifiedKFold gives."""
    for train, validation in folds:
        yield resample_training(x, y, train, validation, resampler)


def _nearest(points: NDArray[np.float64], which: NDArray[Any], k: int) -> NDArray[np.int64]:
    """The k rows nearest to each of those in question, without itself."""
    found = np.empty((len(which), k), np.int64)
    for i, row in enumerate(which):
        distance = ((points - points[row]) ** 2).sum(1)
        distance[row] = np.inf
        found[i] = np.argpartition(distance, k - 1)[:k]
    return found
