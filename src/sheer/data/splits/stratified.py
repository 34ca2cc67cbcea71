"""Class labels and a seed go in; the rows of a train and a test part come out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..rows import RowIndex


def stratified_split(y: NDArray[np.int64], test_fraction: float,
                     seed: int) -> tuple[RowIndex, RowIndex]:
    """Divide rows so that each class has its share in both parts.

    The test part has round(N * test_fraction) rows, at least 1, less those that would take the
    last row of a class from the train part; each class is within one row of its exact share. The
    same labels, fraction and seed give the same rows in every version of NumPy: the draw is the
    raw Philox stream (Salmon et al. 2011, doi:10.1145/2063384.2063405), which NumPy keeps stable,
    unlike its shuffles.

    Shape   y (N,) -> train rows (N - n,), test rows (n,), each ascending
    Params  test_fraction  in (0, 1)
            seed           in [0, 2**128)
    Raises  E813 when y is not one axis, when the fraction or the seed is out of range, or when
            no class has two rows
    """
    _check(y, test_fraction, seed)
    _, group, counts = np.unique(y, return_inverse=True, return_counts=True)
    take = _quotas(counts, test_fraction)
    if not take.any():
        raise DataError("E813", "stratified_split: no class can be divided",
                        expected="at least two rows of some class", found=f"{len(y)} rows",
                        fix="use more data")
    draw = np.random.Philox(key=seed).random_raw(len(y))
    in_test = np.zeros(len(y), bool)
    for k, n in enumerate(take):
        rows = np.flatnonzero(group == k)
        in_test[rows[np.argsort(draw[rows], kind="stable")[:n]]] = True
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)


def _quotas(counts: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """How many rows of each class go to the test part: whole shares, then largest remainders."""
    exact = counts * fraction
    take: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    total = max(1, round(int(counts.sum()) * fraction))
    for k in np.argsort(take - exact, kind="stable"):
        if take.sum() < total and take[k] < counts[k] - 1:
            take[k] += 1
    return take


def _check(y: NDArray[np.int64], test_fraction: float, seed: int) -> None:
    wrong = [("labels of one axis", f"shape {y.shape}", "pass the labels, not one-hot rows",
              y.ndim != 1),
             ("a fraction between 0 and 1", f"{test_fraction}", "test_fraction=0.2",
              not 0 < test_fraction < 1),
             ("a seed in [0, 2**128)", f"{seed}", "seed=0", not 0 <= seed < 2**128)]
    for expected, found, fix, applies in wrong:
        if applies:
            raise DataError("E813", "stratified_split: an argument is out of range",
                            expected=expected, found=found, fix=fix)
