"""Threshold moving: labels and scores of the validation part flow in, where to cut flows out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .given import Array, array, choice, positives, scores_of


@dataclass(frozen=True)
class Threshold:
    """Scores of at least `value` are positive. best: what that reaches on the validation part.

    metric  "f", "accuracy" (higher is better) or "cost" (per row, lower is better)

    Shape   (*S) -> int64 (*S), when it is called
    Source  definition
    Example
        >>> Threshold(0.5, best=1.0, metric="f")([0.2, 0.5, 0.9]).tolist()
        [0, 1, 1]
    """

    value: float
    best: float
    metric: str

    def __call__(self, scores: Any) -> Array:
        """1 where a score is at least the threshold, else 0.  Shape (*S) -> int64 (*S)."""
        return (array(scores) >= self.value).astype(np.int64)


def best_threshold(y_true: Any, y_score: Any, *, metric: str = "f", beta: float = 1.0,
                   cost_false_positive: float = 1.0, cost_false_negative: float = 1.0) -> Threshold:
    """The threshold that is best on these rows: choose it on the validation part, never on test.

    Every distinct score is tried, and a threshold above all of them; between neighbours it is put
    in the middle. Of several that are equally good the highest is taken.

    Shape   y_true, y_score (N,)
    Params  metric  "f" (F-beta), "accuracy", or "cost": what false positives and negatives cost
    Raises  E670, E671, E672
    Source  Elkan 2001, The foundations of cost-sensitive learning; Lipton et al. 2014,
            arXiv:1402.1892, for F1
    Example
        >>> best_threshold([0, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.35, 0.4]).value
        0.25
    """
    op = "best_threshold"
    choice(op, "metric", metric, ("f", "accuracy", "cost"))
    true, score = scores_of(op, y_true, y_score)
    order = np.argsort(-score, kind="stable")
    score, hit = score[order], positives(op, true)[order]
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)     # of equal scores
    right = np.append(0, np.cumsum(hit)[last])
    false = np.append(0, np.cumsum(~hit)[last])
    missed, spared = right[-1] - right, false[-1] - false
    if metric == "f":
        f = (1 + beta**2) * right
        value = np.divide(f, f + beta**2 * missed + false, out=np.zeros(len(f)), where=f > 0)
    elif metric == "accuracy":
        value = (right + spared) / len(true)
    else:
        value = -(cost_false_positive * false + cost_false_negative * missed) / len(true)
    i = int(value.argmax())
    distinct = score[last]
    above = np.inf if i == 0 else distinct[i - 1]
    cut = above if i in (0, len(distinct)) else (above + distinct[i]) / 2
    return Threshold(float(cut), float(abs(value[i])), metric)
