"""Folds: rows (their classes, groups or order) flow in, pairs of train and test rows flow out.

The index sets are scikit-learn's for the same arguments; scikit-learn itself is not needed. The
draws of a shuffle are NumPy's RandomState, which is frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ArgumentError
from ...random import initial_seed
from ..rows import RowIndex, counted, per_row

Pair = tuple[RowIndex, RowIndex]


class Folds:
    """Base: a subclass says for each fold which rows are tested; the others train."""

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False,
                 random_state: int | None = None) -> None:
        if n_splits < 2:
            raise ArgumentError("E660", type(self).__name__, f"n_splits = {n_splits}",
                                need="at least 2")
        self.n_splits, self.shuffle, self.random_state = n_splits, shuffle, random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Pair]:
        """(train rows, test rows) of each fold, ascending. X: anything with a length, or N."""
        n = counted(X)
        if self.n_splits > n:
            raise ArgumentError("E660", type(self).__name__,
                                f"{self.n_splits} folds of {n} rows", need="at least a row each")
        fold = self._fold_of(n, y, groups)                     # (N,)
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of folds."""
        return self.n_splits

    def _fold_of(self, n: int, y: Any, groups: Any) -> NDArray[np.int64]:
        raise NotImplementedError(f"{type(self).__name__} does not say where rows go")

    def _draws(self) -> np.random.RandomState:
        """The seed given, or that of `sheer.manual_seed`."""
        seed = initial_seed() % 2**32 if self.random_state is None else self.random_state
        return np.random.RandomState(seed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_splits={self.n_splits}, shuffle={self.shuffle})"


class KFold(Folds):
    """Consecutive folds of equal size, the first ones a row longer; shuffled rows if asked.

    Params  random_state  seed of the shuffle; that of `sheer.manual_seed` unless given
    Raises  E660 for fewer than 2 folds, or more than rows
    Source  sklearn.model_selection.KFold
    Example
        >>> [test.tolist() for _, test in KFold(2).split(5)]
        [[0, 1, 2], [3, 4]]
    """

    def _fold_of(self, n: int, y: Any, groups: Any) -> NDArray[np.int64]:
        order = np.arange(n)
        if self.shuffle:
            self._draws().shuffle(order)
        fold = np.empty(n, np.int64)
        for k, rows in enumerate(np.array_split(order, self.n_splits)):
            fold[rows] = k
        return fold


class StratifiedKFold(Folds):
    """Folds in which each class has its share.

    The classes, in order of appearance, are laid out one after the other and dealt to the folds in
    turn; that says how many of each class a fold gets. Within a class the rows keep their order,
    or are shuffled.

    Raises  E660 when no class has as many rows as there are folds, E661 when y does not fit
    Source  sklearn.model_selection.StratifiedKFold
    Example
        >>> [test.tolist() for _, test in StratifiedKFold(2).split(6, [0, 0, 1, 1, 1, 1])]
        [[0, 2, 3], [1, 4, 5]]
    """

    def _fold_of(self, n: int, y: Any, groups: Any) -> NDArray[np.int64]:
        labels = per_row("StratifiedKFold", "y", y, n)
        _, first, place = np.unique(labels, return_index=True, return_inverse=True)
        kind = np.argsort(np.argsort(first))[place]            # classes in order of appearance
        if np.bincount(kind).max() < self.n_splits:
            raise ArgumentError("E660", "StratifiedKFold",
                                f"no class has {self.n_splits} rows", need="fewer folds")
        laid = np.sort(kind)
        draws = self._draws() if self.shuffle else None
        fold = np.empty(n, np.int64)
        for c in range(len(first)):
            counts = [int((laid[k::self.n_splits] == c).sum()) for k in range(self.n_splits)]
            dealt = np.repeat(np.arange(self.n_splits), counts)
            if draws is not None:
                draws.shuffle(dealt)
            fold[kind == c] = dealt
        return fold


class GroupKFold(Folds):
    """Folds that share no group: the largest group goes to the lightest fold, and so on.

    Params  shuffle  deal shuffled groups out by number instead, whatever their sizes
    Raises  E660 for fewer groups than folds, E661 when groups do not fit
    Source  sklearn.model_selection.GroupKFold
    Example
        >>> [test.tolist() for _, test in GroupKFold(2).split(5, groups=[1, 1, 2, 2, 3])]
        [[2, 3, 4], [0, 1]]
    """

    def _fold_of(self, n: int, y: Any, groups: Any) -> NDArray[np.int64]:
        names, member = np.unique(per_row("GroupKFold", "groups", groups, n), return_inverse=True)
        if len(names) < self.n_splits:
            raise ArgumentError("E660", "GroupKFold", f"{len(names)} groups for {self.n_splits} "
                                "folds", need="at least a group each")
        home = np.empty(len(names), np.int64)
        if self.shuffle:
            order = self._draws().permutation(len(names))
            for k, part in enumerate(np.array_split(order, self.n_splits)):
                home[part] = k
            return home[member]
        size, weight = np.bincount(member), np.zeros(self.n_splits)
        for g in np.argsort(size, kind="stable")[::-1]:
            home[g] = weight.argmin()
            weight[home[g]] += size[g]
        return home[member]


class TimeSeriesSplit:
    """Folds of rows in order of time: each is tested by what came before it.

    Params  max_train_size  use only so many of the newest rows before the test part
            test_size       rows of each test part; N // (n_splits + 1) unless given
            gap             rows left out before each test part
    Raises  E660 when the rows do not suffice
    Source  sklearn.model_selection.TimeSeriesSplit
    Example
        >>> [(a.tolist(), b.tolist()) for a, b in TimeSeriesSplit(2).split(6)]
        [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    """

    def __init__(self, n_splits: int = 5, *, max_train_size: int | None = None,
                 test_size: int | None = None, gap: int = 0) -> None:
        if n_splits < 2 or gap < 0 or (test_size is not None and test_size < 1):
            raise ArgumentError("E660", "TimeSeriesSplit", "a setting is out of range",
                                got={"n_splits": n_splits, "test_size": test_size, "gap": gap},
                                need="n_splits >= 2, test_size >= 1, gap >= 0")
        self.n_splits, self.max_train_size = n_splits, max_train_size
        self.test_size, self.gap = test_size, gap

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Pair]:
        """(train rows, test rows) of each fold. X: anything with a length, or N."""
        n = counted(X)
        size = n // (self.n_splits + 1) if self.test_size is None else self.test_size
        first = n - self.n_splits * size
        if size < 1 or first - self.gap < 1:
            raise ArgumentError("E660", "TimeSeriesSplit",
                                f"{n} rows do not suffice for {self.n_splits} folds",
                                got={"test_size": size, "gap": self.gap},
                                need="at least one row to train on before the first test part")
        for start in range(first, n, size):
            end = start - self.gap
            begin = max(0, end - self.max_train_size) if self.max_train_size else 0
            yield np.arange(begin, end), np.arange(start, start + size)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of folds."""
        return self.n_splits

    def __repr__(self) -> str: return f"TimeSeriesSplit(n_splits={self.n_splits}, gap={self.gap})"
