"""Probabilities and how good they are: labels and probabilities flow in, losses and curves out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, ShapeError
from .classification import places
from .given import Array, Floats, array, choice, positives, probabilities_of, weights_of


def log_loss(y_true: Any, y_pred: Any, *, normalize: bool = True, sample_weight: Any = None,
             labels: Any = None) -> float:
    """Minus the mean log-probability of what is true, in nats.

    Shape   y_true (N,); y_pred (N,) the probability of the second class, or (N, K)
    Params  normalize  False gives the sum
            labels     the classes of the columns; those that occur, sorted, unless given
    Raises  E670, E672, E673; a probability of 0 counts as the smallest of its dtype's eps
    Source  sklearn.metrics.log_loss
    Example
        >>> round(log_loss([1, 0, 0, 1], [0.9, 0.1, 0.2, 0.65]), 4)
        0.2162
    """
    hot, p, eps = _table("log_loss", y_true, y_pred, labels)
    if not np.allclose(p.sum(1), 1, rtol=0, atol=eps**0.5):
        raise ArgumentError("E673", "log_loss", "the probabilities of a row do not add up to 1",
                            got={"sums": f"{p.sum(1).min():.6g} to {p.sum(1).max():.6g}"},
                            need="softmax of logits, or p / p.sum(1, keepdims=True)")
    weight = weights_of("log_loss", sample_weight, len(p))
    each = -np.log(p.clip(eps, 1 - eps))[hot]                  # (N,)
    total = float(each @ weight)
    return total / float(weight.sum()) if normalize else total


def brier_score_loss(y_true: Any, y_proba: Any, *, sample_weight: Any = None,
                     pos_label: Any = None, labels: Any = None) -> float:
    """The mean squared distance of probabilities from what happened.

    Shape   y_true (N,); y_proba (N,) the probability of the positive class, or (N, K)
    Raises  E670, E672, E673
    Source  sklearn.metrics.brier_score_loss; Brier 1950
    Example
        >>> round(brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]), 4)
        0.0375
    """
    op = "brier_score_loss"
    if array(y_proba).ndim == 1:
        p = probabilities_of(op, y_proba)
        true = array(y_true)
        _rows_match(op, true, p)
        each = (p - positives(op, true, pos_label)) ** 2
    else:
        hot, p, _ = _table(op, y_true, y_proba, labels)
        each = ((p - hot) ** 2).sum(1) / (2 if p.shape[1] == 2 else 1)
    return float(np.average(each, weights=weights_of(op, sample_weight, len(each))))


def calibration_curve(y_true: Any, y_prob: Any, *, pos_label: Any = None, n_bins: int = 5,
                      strategy: str = "uniform") -> tuple[Floats, Floats]:
    """Among rows of about equal probability, the share that is positive.

    Shape   y_true, y_prob (N,) -> share of positives, mean probability, each (bins with rows,)
    Params  strategy  "uniform": bins of equal width; "quantile": of equally many rows
    Raises  E670, E671, E672, E673
    Source  sklearn.calibration.calibration_curve
    Example
        >>> calibration_curve([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], n_bins=2)[0].tolist()
        [0.0, 1.0]
    """
    op = "calibration_curve"
    choice(op, "strategy", strategy, ("uniform", "quantile"))
    true, p = array(y_true), probabilities_of(op, y_prob)
    _rows_match(op, true, p)
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.percentile(p, edges * 100)
    at = np.searchsorted(edges[1:-1], p)
    count = np.bincount(at, minlength=n_bins)
    hits = np.bincount(at, positives(op, true, pos_label), n_bins)
    total, filled = np.bincount(at, p, n_bins), count > 0
    return hits[filled] / count[filled], total[filled] / count[filled]


def perplexity(log_probabilities: Any, mask: Any = None) -> float:
    """exp of minus the mean log-probability of each token: how many tokens are as good as open.

    Shape   log_probabilities (*S), of the tokens that came; mask (*S) says which count
    Raises  E670 for another mask, E671 without tokens, E673 for a log-probability above 0
    Source  Jelinek et al. 1977, doi:10.1121/1.2016299
    Example
        >>> round(perplexity(np.log([0.25, 0.25, 0.25])), 6)
        4.0
    """
    given = array(log_probabilities).astype(np.float64)
    kept = np.ones(given.shape, bool) if mask is None else array(mask).astype(bool)
    if kept.shape != given.shape:
        raise ShapeError("E670", "perplexity", "the mask has another shape",
                         got={"log_probabilities": given, "mask": kept}, need="one shape")
    chosen = given[kept]
    if not chosen.size:
        raise ArgumentError("E671", "perplexity", "there are no tokens", need="at least one")
    if (chosen > 1e-6).any():
        raise ArgumentError("E673", "perplexity",
                            f"{chosen.max():.6g} is no log-probability",
                            need="numbers <= 0: log_softmax of logits, at the tokens that came")
    return float(np.exp(-chosen.mean()))


def _table(op: str, y_true: Any, y_pred: Any, labels: Any) -> tuple[Array, Floats, float]:
    """Which column is true, bool (N, K); probabilities (N, K); the eps of their dtype."""
    raw = array(y_pred)
    eps = float(np.finfo(raw.dtype if raw.dtype.kind == "f" else np.float64).eps)
    p, true = probabilities_of(op, raw), array(y_true)
    _rows_match(op, true, p)
    p = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
    known = np.unique(true if labels is None else array(labels))
    at, found = places(true, known)
    if len(known) != p.shape[1] or not found.all():
        raise ArgumentError("E672", op, f"{len(known)} classes, {p.shape[1]} columns",
                            got={"classes": ", ".join(map(str, known[:8]))},
                            need="one column a class; labels=... when some do not occur")
    return np.arange(p.shape[1]) == at[:, None], p, eps


def _rows_match(op: str, true: Array, p: Floats) -> None:
    if true.ndim != 1 or p.ndim not in (1, 2) or len(true) != len(p) or not len(p):
        raise ShapeError("E670", op, "the labels and the probabilities do not match",
                         got={"y_true": true, "y_prob": p}, need="(N,) with (N,) or (N, K)")
