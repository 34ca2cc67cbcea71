"""Several labels a row: lists of labels flow in as rows of 0 and 1, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import BoundsError
from ..rows import array


def multi_hot(labels: Sequence[Iterable[Any]], classes: Sequence[Any]) -> NDArray[np.float32]:
    """1 in the columns of each row's labels, as BCEWithLogitsLoss wants its targets.

    Shape   N lists of labels -> float32 (N, K)
    Params  classes  the labels of the columns
    Raises  E663 for a label that is none of them
    Source  sklearn.preprocessing.MultiLabelBinarizer
    Example
        >>> multi_hot([["cat"], [], ["dog", "cat"]], ["cat", "dog"]).tolist()
        [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    """
    column = {name: k for k, name in enumerate(classes)}
    hot = np.zeros((len(labels), len(column)), np.float32)
    for row, names in enumerate(labels):
        for name in names:
            if name not in column:
                raise BoundsError("E663", "multi_hot", f"row {row} has a label {name!r}",
                                  need=", ".join(map(str, list(column)[:12])))
            hot[row, column[name]] = 1
    return hot


def labels_of(hot: Any, classes: Sequence[Any]) -> list[list[Any]]:
    """The labels of each row: the columns with a number above 1/2.

    Shape   (N, K) of 0 and 1, or probabilities -> N lists
    Source  the inverse of multi_hot
    Example
        >>> labels_of([[0.9, 0.1], [0.2, 0.3]], ["cat", "dog"])
        [['cat'], []]
    """
    return [[classes[int(k)] for k in np.flatnonzero(row > 0.5)] for row in array(hot)]
