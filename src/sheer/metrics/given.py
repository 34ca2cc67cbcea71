"""What metrics are given: tensors, arrays or lists flow in, checked NumPy arrays flow out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.errors import ArgumentError, ShapeError
from ..tensor import Tensor

Array = NDArray[Any]
Floats = NDArray[np.float64]


def array(values: Any) -> Array:
    """As a NumPy array, without a copy where possible."""
    return values.numpy() if isinstance(values, Tensor) else np.asarray(values)


def labels_of(op: str, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    """Two arrays of labels over the same rows: (N,), or (N, K) of 0 and 1 for several at once.

    Raises  E670 for other shapes, E671 without rows
    """
    true, said = array(y_true), array(y_pred)
    if true.shape != said.shape or true.ndim not in (1, 2):
        raise ShapeError("E670", op, "the labels and what was said do not match",
                         got={"y_true": true, "y_pred": said},
                         need="two of one shape: (N,) classes, or (N, K) of 0 and 1",
                         tries=[("y_pred.argmax(1): these are scores",
                                 lambda: _same(true, said.argmax(1)))])
    if not len(true):
        raise ArgumentError("E671", op, "there are no rows", need="at least one")
    return true, said


def scores_of(op: str, y_true: Any, y_score: Any) -> tuple[Array, Floats]:
    """Labels (N,) and one score per row. Raises E670 for other shapes, E671 for NaN or no rows."""
    true, score = array(y_true), array(y_score).astype(np.float64)
    if true.ndim != 1 or true.shape != score.shape:
        raise ShapeError("E670", op, "the labels and the scores do not match",
                         got={"y_true": true, "y_score": score}, need="two of one shape (N,)",
                         tries=[("y_score[:, 1]: the score of class 1",
                                 lambda: _same(true, score[:, 1]))])
    if not len(true) or np.isnan(score).any():
        raise ArgumentError("E671", op, "there are no rows" if not len(true)
                            else f"{int(np.isnan(score).sum())} scores are NaN",
                            need="at least one row, and a number for each")
    return true, score


def weights_of(op: str, sample_weight: Any, rows: int) -> Floats:
    """A weight per row; ones unless given. Raises E670 for another number of them."""
    if sample_weight is None:
        return np.ones(rows)
    weight = array(sample_weight).astype(np.float64)
    if weight.shape != (rows,):
        raise ShapeError("E670", op, "there is not one weight per row",
                         got={"sample_weight": weight}, need=f"shape ({rows},)")
    return weight


def positives(op: str, true: Array, pos_label: Any = None) -> NDArray[np.bool_]:
    """Which rows are positive; the positive label is 1 (or True) unless given.

    Raises  E672 when there are more than two labels, or two that do not say which is positive
    """
    found = np.unique(true)
    unclear = pos_label is None and not np.isin(found, (0, 1, -1)).all()
    if len(found) > 2 or unclear:
        raise ArgumentError("E672", op, "it is not clear which label is the positive one",
                            got={"labels": ", ".join(map(str, found[:6]))},
                            need="labels 0 and 1, or pos_label")
    chosen: NDArray[np.bool_] = true == (1 if pos_label is None else pos_label)
    return chosen


def choice(op: str, name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    """Raise E671 unless value is one of those allowed."""
    if value not in allowed:
        raise ArgumentError("E671", op, f"there is no {name} {value!r}",
                            need=", ".join(map(repr, allowed)))


def probabilities_of(op: str, values: Any) -> Floats:
    """Numbers in [0, 1]. Raises E673 for others: logits, percentages, NaN."""
    p = array(values).astype(np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        bad = p[~((p >= 0) & (p <= 1))]
        raise ArgumentError("E673", op, f"{bad[0]:.6g} is no probability",
                            got={"outside [0, 1]": f"{bad.size} of {p.size}"},
                            need="probabilities; sigmoid or softmax of logits")
    return p


def _same(a: Array, b: Array) -> None:
    if a.shape != b.shape:
        raise ValueError
