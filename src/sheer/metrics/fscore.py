"""Precision, recall and F: labels flow in, one score per class or one average flows out.

Where nothing was said, or nothing is true, the quotient is 0/0; it is `zero_division`, 0 unless
set. Every function takes labels (N,), or (N, K) of 0 and 1 for rows with several labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from .classification import classes_of
from .given import Array, Floats, choice, labels_of, weights_of

AVERAGES = (None, "binary", "micro", "macro", "weighted", "samples")


@dataclass(frozen=True)
class Counts:
    """Per class (or sample): right, said and true, each (K,)."""

    right: Floats
    said: Floats
    true: Floats

    def scores(self, beta: float, zero: float) -> tuple[Floats, Floats, Floats]:
        """Precision, recall and F-beta."""
        precision, recall = (_quotient(self.right, n, zero) for n in (self.said, self.true))
        if np.isinf(beta):
            return precision, recall, recall
        both = beta**2 * self.true + self.said                 # (K,)
        return precision, recall, _quotient((1 + beta**2) * self.right, both, zero)


def precision_recall_fscore_support(
        y_true: Any, y_pred: Any, *, beta: float = 1.0, labels: Any = None, pos_label: Any = 1,
        average: str | None = None, sample_weight: Any = None,
        zero_division: float = 0.0) -> tuple[Any, Any, Any, Any]:
    """Precision, recall, F-beta and the number of true rows.

    Params  beta           how many times recall counts as much as precision; > 0
            labels         the classes that count, in this order
            average        None gives one number per class; "binary" that of pos_label; "micro"
                           counts all classes together; "macro" is their plain mean, "weighted"
                           that by true rows; "samples" the mean over rows with several labels
            zero_division  what 0/0 is: a number, or NaN, which averages leave out
    Raises  E670, E671; E672 when "binary" is asked of more than two classes
    Source  sklearn.metrics.precision_recall_fscore_support
    Example
        >>> [s.tolist() for s in precision_recall_fscore_support([0, 1, 1], [0, 1, 0])]
        [[0.5, 1.0], [1.0, 0.5], [0.6666666666666666, 0.6666666666666666], [1.0, 2.0]]
    """
    op = "precision_recall_fscore_support"
    choice(op, "average", average, AVERAGES)
    true, said = labels_of(op, y_true, y_pred)
    if not beta >= 0:
        raise ArgumentError("E671", op, f"beta = {beta}", need="beta >= 0")
    if average == "binary":
        labels = _binary(op, true, said, pos_label)
    weight = weights_of(op, sample_weight, len(true))
    counts = _counts(op, true, said, labels, average, weight)
    if average is None:
        return *counts.scores(beta, zero_division), counts.true
    return *averaged(counts, beta, average, zero_division, weight), None


def averaged(counts: Counts, beta: float, average: str, zero: float,
             weight: Floats | None = None) -> tuple[float, float, float]:
    """Precision, recall and F-beta as one number each; weight: of the rows, for "samples"."""
    if average == "micro":
        counts = Counts(*(np.array([v.sum()]) for v in (counts.right, counts.said, counts.true)))
    share = {"weighted": counts.true, "samples": weight}.get(average)
    p, r, f = (_mean(v, np.ones(len(v)) if share is None else share)
               for v in counts.scores(beta, zero))
    return p, r, f


def precision_score(y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1,
                    average: str | None = "binary", sample_weight: Any = None,
                    zero_division: float = 0.0) -> Any:
    """Of what was said, the share that is true: tp / (tp + fp).

    Source  sklearn.metrics.precision_score; arguments as precision_recall_fscore_support
    Example
        >>> precision_score([0, 1, 1, 0], [0, 1, 1, 1])
        0.6666666666666666
    """
    return precision_recall_fscore_support(
        y_true, y_pred, labels=labels, pos_label=pos_label, average=average,
        sample_weight=sample_weight, zero_division=zero_division)[0]


def recall_score(y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1,
                 average: str | None = "binary", sample_weight: Any = None,
                 zero_division: float = 0.0) -> Any:
    """Of what is true, the share that was said: tp / (tp + fn).

    Source  sklearn.metrics.recall_score; arguments as precision_recall_fscore_support
    Example
        >>> recall_score([0, 1, 1, 1, 1], [0, 1, 1, 1, 0])
        0.75
    """
    return precision_recall_fscore_support(
        y_true, y_pred, labels=labels, pos_label=pos_label, average=average,
        sample_weight=sample_weight, zero_division=zero_division)[1]


def fbeta_score(y_true: Any, y_pred: Any, *, beta: float, labels: Any = None, pos_label: Any = 1,
                average: str | None = "binary", sample_weight: Any = None,
                zero_division: float = 0.0) -> Any:
    """(1 + beta^2) p r / (beta^2 p + r) of precision p and recall r.

    Source  sklearn.metrics.fbeta_score; van Rijsbergen 1979, chapter 7
    Example
        >>> round(fbeta_score([0, 1, 1, 0], [0, 1, 1, 1], beta=2.0), 4)
        0.9091
    """
    return precision_recall_fscore_support(
        y_true, y_pred, beta=beta, labels=labels, pos_label=pos_label, average=average,
        sample_weight=sample_weight, zero_division=zero_division)[2]


def f1_score(y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1,
             average: str | None = "binary", sample_weight: Any = None,
             zero_division: float = 0.0) -> Any:
    """The harmonic mean of precision and recall.

    Source  sklearn.metrics.f1_score; arguments as precision_recall_fscore_support
    Example
        >>> f1_score([0, 1, 1, 0], [0, 1, 1, 1])
        0.8
    """
    return fbeta_score(y_true, y_pred, beta=1.0, labels=labels, pos_label=pos_label,
                       average=average, sample_weight=sample_weight, zero_division=zero_division)


def _counts(op: str, true: Array, said: Array, labels: Any, average: str | None,
            weight: Floats) -> Counts:
    """Counts per class; per row for "samples"."""
    if true.ndim == 1:
        if average == "samples":
            raise ArgumentError("E671", op, 'average="samples" is for rows with several labels',
                                need="labels (N, K) of 0 and 1; or another average")
        known = classes_of(true, said, labels)
        true, said = (v[:, None] == known for v in (true, said))             # (N, K) both
    else:
        true, said = (v.astype(bool) if labels is None else v[:, labels].astype(bool)
                      for v in (true, said))
    if average == "samples":
        return Counts(*((v.sum(1).astype(np.float64)) for v in (true & said, said, true)))
    return Counts(weight @ (true & said), weight @ said, weight @ true)


def _binary(op: str, true: Array, said: Array, pos_label: Any) -> Array:
    """The positive label as the only one that counts. Raises E672 when there is no such thing."""
    present = np.union1d(true, said)
    if true.ndim == 2 or len(present) > 2 or (len(present) == 2 and pos_label not in present):
        raise ArgumentError("E672", op, 'average="binary" needs two classes, pos_label one of them',
                            got={"classes": ", ".join(map(str, present[:8])),
                                 "pos_label": pos_label},
                            need='pos_label; or average="macro", "micro", "weighted" or None')
    return np.array([pos_label])


def _quotient(a: Floats, b: Floats, zero: float) -> Floats:
    result: Floats = np.divide(a, b, out=np.full(a.shape, float(zero)), where=b != 0)
    return result


def _mean(values: Floats, share: Floats) -> float:
    """The weighted mean of those that are not NaN; the plain mean where all weights are 0."""
    kept = ~np.isnan(values)
    if not kept.any():
        return float("nan")
    values, share = values[kept], share[kept]
    return float(np.average(values, weights=share if share.any() else None))
