"""Curves over all thresholds: labels and scores flow in, ROC and precision-recall flow out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, ShapeError
from .given import Array, Floats, array, choice, positives, scores_of, weights_of


def roc_curve(y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None,
              drop_intermediate: bool = True) -> tuple[Floats, Floats, Floats]:
    """False and true positive rates at every threshold, from the strictest on.

    Shape   y_true, y_score (N,) -> fpr, tpr, thresholds, each (M,); the first threshold is
            infinite: nothing is positive
    Params  drop_intermediate  leave out points on a straight line between their neighbours
    Raises  E670, E671; E672 when one of the classes does not occur
    Source  sklearn.metrics.roc_curve; Fawcett 2006, doi:10.1016/j.patrec.2005.10.010
    Example
        >>> fpr, tpr, at = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> fpr.tolist(), tpr.tolist()
        ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    false, right, at = _cumulated("roc_curve", y_true, y_score, pos_label, sample_weight)
    _both("roc_curve", false[-1], right[-1])
    if drop_intermediate and len(at) > 2:
        bend = (np.diff(false, 2) != 0) | (np.diff(right, 2) != 0)
        kept = np.concatenate([[True], bend, [True]])
        false, right, at = false[kept], right[kept], at[kept]
    zero = np.zeros(1)
    return (np.concatenate([zero, false]) / false[-1], np.concatenate([zero, right]) / right[-1],
            np.concatenate([[np.inf], at]))


def auc(x: Any, y: Any) -> float:
    """The area under a curve whose x only rises or only falls, by trapezia.

    Raises  E671 for an x that does both
    Source  sklearn.metrics.auc
    Example
        >>> auc([0, 0.5, 1], [0, 1, 1])
        0.75
    """
    across, up = array(x).astype(np.float64), array(y).astype(np.float64)
    step = np.diff(across)
    if len(across) < 2 or ((step < 0).any() and (step > 0).any()):
        raise ArgumentError("E671", "auc", "x does not go one way", got={"x": across},
                            need="at least two points, in order of x")
    area = float(step @ (up[1:] + up[:-1])) / 2
    return -area if (step < 0).any() else area


def roc_auc_score(y_true: Any, y_score: Any, *, average: str | None = "macro",
                  sample_weight: Any = None, multi_class: str = "raise",
                  labels: Any = None) -> Any:
    """The chance that a positive row scores above a negative one; ties count a half.

    Shape   y_true (N,) of 0 and 1 with y_score (N,); y_true (N, K) of 0 and 1 with scores (N, K);
            or classes (N,) with scores (N, K) and multi_class
    Params  average      over columns or classes: "macro", "weighted", "micro" (columns only), None
            multi_class  "ovr": each class against the rest; "ovo": each pair of classes
            labels       the classes of the columns; those that occur, sorted, unless given
    Raises  E670, E671, E672
    Source  sklearn.metrics.roc_auc_score; Hand and Till 2001, doi:10.1023/A:1010920819831 (ovo)
    Example
        >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    op = "roc_auc_score"
    choice(op, "average", average, ("macro", "weighted", "micro", None))
    true, score = array(y_true), array(y_score).astype(np.float64)
    area: Callable[..., float] = lambda t, s, w: auc(*roc_curve(t, s, sample_weight=w)[:2])
    if true.ndim == 1 and score.ndim == 1:
        return area(true, score, sample_weight)
    if true.ndim == 1 and score.ndim == 2:
        return _multi_class(true, score, average, multi_class, labels, sample_weight)
    return over_columns(op, area, true, score, average, sample_weight)


def precision_recall_curve(y_true: Any, y_score: Any, *, pos_label: Any = None,
                           sample_weight: Any = None,
                           drop_intermediate: bool = False) -> tuple[Floats, Floats, Floats]:
    """Precision and recall at every threshold, from the laxest on; the last point is (1, 0).

    Shape   y_true, y_score (N,) -> precision (M + 1,), recall (M + 1,), thresholds (M,)
    Raises  E670, E671; E672 when nothing is positive
    Source  sklearn.metrics.precision_recall_curve
    Example
        >>> p, r, at = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> r.tolist(), at.tolist()
        ([1.0, 1.0, 0.5, 0.5, 0.0], [0.1, 0.35, 0.4, 0.8])
    """
    op = "precision_recall_curve"
    false, right, at = _cumulated(op, y_true, y_score, pos_label, sample_weight)
    if not right[-1] > 0:
        raise ArgumentError("E672", op, "no row is positive", need="rows of both classes")
    if drop_intermediate and len(at) > 2:
        moves = np.diff(right) != 0
        kept = np.concatenate([[True], moves[:-1] | moves[1:], [True]])
        false, right, at = false[kept], right[kept], at[kept]
    said = false + right
    precision = np.divide(right, said, out=np.zeros(len(said)), where=said != 0)
    recall = right / right[-1]
    return (np.concatenate([precision[::-1], [1.0]]), np.concatenate([recall[::-1], [0.0]]),
            at[::-1])


def average_precision_score(y_true: Any, y_score: Any, *, average: str | None = "macro",
                            sample_weight: Any = None) -> Any:
    """Precision, averaged over the gains in recall.

    Shape   as roc_auc_score, but for classes
    Source  sklearn.metrics.average_precision_score
    Example
        >>> round(average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333
    """
    true, score = array(y_true), array(y_score).astype(np.float64)
    def one(t: Array, s: Floats, w: Any) -> float:
        precision, recall, _ = precision_recall_curve(t, s, sample_weight=w)
        return max(0.0, float(-np.diff(recall) @ precision[:-1]))
    if true.ndim == 1:
        return one(true, score, sample_weight)
    return over_columns("average_precision_score", one, true, score, average, sample_weight)


def over_columns(op: str, one: Callable[..., float], true: Array, score: Floats,
                 average: str | None, weight: Any) -> Any:
    """A score per column of (N, K), and their average."""
    if true.shape != score.shape or true.ndim != 2:
        raise ShapeError("E670", op, "the labels and the scores do not match",
                         got={"y_true": true, "y_score": score},
                         need="(N,) with (N,), or (N, K) with (N, K)")
    if average == "micro":
        repeated = None if weight is None else np.repeat(array(weight), true.shape[1])
        return one(true.ravel(), score.ravel(), repeated)
    each = np.array([one(t, s, weight) for t, s in zip(true.T, score.T, strict=True)])
    if average is None:
        return each
    share = None
    if average == "weighted":
        share = weights_of(op, weight, len(true)) @ true
    return float(np.average(each, weights=share))


def _cumulated(op: str, y_true: Any, y_score: Any, pos_label: Any,
               sample_weight: Any) -> tuple[Floats, Floats, Floats]:
    """False and true positives at each distinct score, from the highest down."""
    true, score = scores_of(op, y_true, y_score)
    weight = weights_of(op, sample_weight, len(true))
    order = np.argsort(-score, kind="stable")
    score, hit = score[order], positives(op, true, pos_label)[order]
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)     # of equal scores
    right = np.cumsum(hit * weight[order])[last]
    false = np.cumsum(~hit * weight[order])[last]
    return false, right, score[last]


def _both(op: str, negative: float, positive: float) -> None:
    if not (negative > 0 and positive > 0):
        raise ArgumentError("E672", op, "all rows are of one class",
                            got={"positive": f"{positive:g}", "negative": f"{negative:g}"},
                            need="rows of both classes")


def _multi_class(true: Array, score: Floats, average: str | None, how: str, labels: Any,
                 weight: Any) -> Any:
    op = "roc_auc_score"
    choice(op, "multi_class", how, ("ovr", "ovo"))
    known = np.unique(true) if labels is None else array(labels)
    if score.shape != (len(true), len(known)):
        raise ShapeError("E670", op, f"scores for {len(known)} classes are needed",
                         got={"y_score": score}, need=f"({len(true)}, {len(known)}); or labels")
    if how == "ovr":
        hot = (true[:, None] == known).astype(np.int64)                  # (N, K)
        return over_columns(op, lambda t, s, w: float(auc(*roc_curve(t, s, sample_weight=w)[:2])),
                            hot, score, average, weight)
    pairs = list(itertools.combinations(range(len(known)), 2))
    areas, share = np.empty(len(pairs)), np.empty(len(pairs))
    for i, (a, b) in enumerate(pairs):
        rows = (true == known[a]) | (true == known[b])
        first = (true[rows] == known[a]).astype(np.int64)
        areas[i] = (roc_auc_score(first, score[rows, a]) + roc_auc_score(1 - first,
                                                                          score[rows, b])) / 2
        share[i] = rows.mean()
    return float(np.average(areas, weights=share if average == "weighted" else None))
