"""Accuracy and the confusion matrix: labels flow in, shares and counts flow out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from .given import Array, array, choice, labels_of, weights_of


def accuracy_score(y_true: Any, y_pred: Any, *, normalize: bool = True,
                   sample_weight: Any = None) -> float:
    """The share of rows that are right; of rows with several labels, all of them must be.

    Shape   y_true, y_pred (N,), or (N, K) of 0 and 1
    Params  normalize  False gives the number instead of the share
    Raises  E670, E671
    Source  sklearn.metrics.accuracy_score
    Example
        >>> accuracy_score([0, 1, 2, 2], [0, 1, 1, 2])
        0.75
    """
    true, said = labels_of("accuracy_score", y_true, y_pred)
    right = true == said
    right = right.all(1) if right.ndim == 2 else right
    weight = weights_of("accuracy_score", sample_weight, len(right))
    total = float(right @ weight)
    return total / float(weight.sum()) if normalize else total


def confusion_matrix(y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None,
                     normalize: str | None = None) -> Array:
    """How often each class (row) was taken for each class (column).

    Shape   y_true, y_pred (N,) -> (K, K); int64, float64 with weights or normalize
    Params  labels     the classes, in this order; all that occur, sorted, unless given. Rows whose
                       label is not among them do not count
            normalize  "true" divides by the rows' sums, "pred" by the columns', "all" by both;
                       an empty one stays 0
    Raises  E670, E671
    Source  sklearn.metrics.confusion_matrix
    Example
        >>> confusion_matrix([0, 1, 1], [0, 1, 0]).tolist()
        [[1, 0], [1, 1]]
    """
    choice("confusion_matrix", "normalize", normalize, (None, "true", "pred", "all"))
    true, said = labels_of("confusion_matrix", y_true, y_pred)
    if true.ndim == 2:
        raise ArgumentError("E671", "confusion_matrix", "rows have several labels each",
                            need="one class per row; or one matrix per column")
    known = classes_of(true, said, labels)
    rows, known_true = places(true, known)
    columns, known_said = places(said, known)
    kept = known_true & known_said
    weight = weights_of("confusion_matrix", sample_weight, len(true))
    counts = np.zeros((len(known), len(known)))
    np.add.at(counts, (rows[kept], columns[kept]), weight[kept])
    if normalize is None:
        return counts if sample_weight is not None else counts.astype(np.int64)
    axes = {"true": 1, "pred": 0, "all": None}[normalize]
    total = counts.sum(axis=axes, keepdims=True)
    shares: Array = np.divide(counts, total, out=np.zeros_like(counts), where=total != 0)
    return shares


def classes_of(true: Array, said: Array, labels: Any) -> Array:
    """The classes in question: those given, else all that occur, sorted."""
    return np.union1d(true, said) if labels is None else array(labels)


def places(values: Array, known: Array) -> tuple[Array, Array]:
    """The place of each value among the known, and whether it has one."""
    order = np.argsort(known, kind="stable")
    at = order[np.searchsorted(known[order], values).clip(max=len(known) - 1)]
    return at, known[at] == values
