"""Clusterings: points and labels, or two labellings, flow in; how well they fit flows out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, ShapeError
from .given import Array, Floats, array, choice, labels_of

ROWS = 512          # of distances at a time: the whole table of 60,000 rows would take 29 GB


def silhouette_score(X: Any, labels: Any, *, metric: str = "euclidean") -> float:
    """Mean of (b - a) / max(a, b): a, the mean distance to the own cluster, b to the nearest other.

    Shape   X (N, d), or the distances (N, N) with metric="precomputed"; labels (N,)
    Raises  E670; E672 unless there are 2 to N - 1 clusters
    Source  sklearn.metrics.silhouette_score; Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7
    Example
        >>> round(silhouette_score([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]), 3)
        0.9
    """
    choice("silhouette_score", "metric", metric, ("euclidean", "precomputed"))
    x, named = array(X).astype(np.float64), array(labels)
    if x.ndim != 2 or named.shape != x.shape[:1]:
        raise ShapeError("E670", "silhouette_score", "there is not one label per point",
                         got={"X": x, "labels": named}, need="X (N, d) and labels (N,)")
    _, at, count = np.unique(named, return_inverse=True, return_counts=True)
    if not 2 <= len(count) < len(x):
        raise ArgumentError("E672", "silhouette_score",
                            f"{len(count)} cluster{'s' * (len(count) != 1)} of {len(x)} points",
                            need="2 to N - 1 clusters")
    member = np.eye(len(count))[at]                            # (N, K)
    each = np.empty(len(x))
    for i in range(0, len(x), ROWS):
        d = x[i:i + ROWS] if metric == "precomputed" else _distances(x[i:i + ROWS], x)
        each[i:i + ROWS] = _silhouettes(d @ member, at[i:i + ROWS], count)
    return float(each.mean())


def normalized_mutual_info_score(labels_true: Any, labels_pred: Any, *,
                                 average_method: str = "arithmetic") -> float:
    """Mutual information of two labellings over the mean of their entropies: 0 to 1.

    Shape   (N,) and (N,)
    Params  average_method  "arithmetic", "geometric", "min" or "max"
    Raises  E670, E671
    Source  sklearn.metrics.normalized_mutual_info_score; Vinh et al. 2010
    Example
        >>> normalized_mutual_info_score([0, 0, 1, 1], [1, 1, 0, 0])
        1.0
    """
    op = "normalized_mutual_info_score"
    choice(op, "average_method", average_method, ("arithmetic", "geometric", "min", "max"))
    joint = _contingency(op, labels_true, labels_pred) / len(array(labels_true))
    h, g = (_entropy(joint.sum(axis)) for axis in (1, 0))
    if h == 0 and g == 0:
        return 1.0                          # both put everything into one cluster
    shared = max(0.0, h + g - _entropy(joint.ravel()))
    mean = {"arithmetic": (h + g) / 2, "geometric": (h * g) ** 0.5, "min": min(h, g),
            "max": max(h, g)}[average_method]
    return float(shared / max(mean, np.finfo(np.float64).eps))


def adjusted_rand_score(labels_true: Any, labels_pred: Any) -> float:
    """The share of pairs on which two labellings agree, 0 for chance and 1 for equality.

    Shape   (N,) and (N,)
    Raises  E670, E671
    Source  sklearn.metrics.adjusted_rand_score; Hubert and Arabie 1985, doi:10.1007/BF01908075
    Example
        >>> adjusted_rand_score([0, 0, 1, 1], [1, 1, 0, 0])
        1.0
    """
    table = _contingency("adjusted_rand_score", labels_true, labels_pred)
    pairs = lambda n: float((n * (n - 1)).sum()) / 2
    both, rows, columns = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    every = pairs(table.sum())
    expected = rows * columns / every if every else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else float((both - expected) / (most - expected))


def _contingency(op: str, a: Any, b: Any) -> Array:
    """How many rows have each pair of labels, int64 (Ka, Kb)."""
    true, said = labels_of(op, a, b)
    (ka, ia), (kb, ib) = (np.unique(v, return_inverse=True) for v in (true, said))
    table = np.zeros((len(ka), len(kb)), np.int64)
    np.add.at(table, (ia, ib), 1)
    return table


def _entropy(p: Floats) -> float:
    p = p[p > 0]
    return float(-(p @ np.log(p)))


def _distances(a: Floats, b: Floats) -> Floats:
    """Euclidean, (n, N), by differences: exact where squares would cancel."""
    out = np.empty((len(a), len(b)))
    for i, row in enumerate(a):
        out[i] = np.sqrt(((b - row) ** 2).sum(1))
    return out


def _silhouettes(total: Floats, own: Array, count: Array) -> Floats:
    """From summed distances to each cluster, (n, K)."""
    rows = np.arange(len(own))
    alone = count[own] == 1
    within = total[rows, own] / np.maximum(count[own] - 1, 1)
    others = total / count
    others[rows, own] = np.inf
    between = others.min(1)
    top = np.maximum(within, between)
    score = np.divide(between - within, top, out=np.zeros(len(own)), where=top > 0)
    return np.where(alone, 0.0, score)
