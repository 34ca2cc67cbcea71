"""Classical models beside a network: a task flows in, what they reach on it comes out."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from .recipe import Task

Probabilities = Callable[[np.ndarray], np.ndarray]       # x (N, d) -> (N, K)

MISSING = 'no logistic regression or random forest beside it: pip install "sheer[sklearn]"'


def classical(task: Task, balanced: bool = False) -> dict[str, Probabilities]:
    """Logistic regression and a random forest by name, fitted on the training part, seed 0.

    Where scikit-learn is not installed there are none, and the notes of the task say so.

    Params  balanced  weigh classes by how rare they are
    """
    if importlib.util.find_spec("sklearn") is None:
        task.notes.append(MISSING)
        return {}
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    weight = "balanced" if balanced else None
    models: dict[str, Any] = {
        "logistic regression": LogisticRegression(max_iter=2000, class_weight=weight),
        "random forest": RandomForestClassifier(100, class_weight=weight, random_state=0)}
    x, y = task.train
    return {name: model.fit(x, y).predict_proba for name, model in models.items()}


def accuracies(task: Task) -> dict[str, dict[str, float]]:
    """The commonest class, and the classical models: accuracy on the test part."""
    x, y = task.test
    common = np.bincount(task.train[1]).argmax()
    found = {"commonest class": {"accuracy": float(np.mean(y == common))}}
    for name, model in classical(task).items():
        found[name] = {"accuracy": float(np.mean(model(x).argmax(1) == y))}
    return found


def nearest_mean(task: Task) -> dict[str, dict[str, float]]:
    """The class whose mean picture is nearest: accuracy on the test part, and the commonest class.

    Pictures are uint8 or float, (N, *S).
    """
    x, y = (np.asarray(a) for a in task.test)
    pictures, labels = (np.asarray(a) for a in task.train)
    flat = x.reshape(len(x), -1).astype(np.float32)
    means = np.stack([pictures[labels == k].mean(0, dtype=np.float64).ravel()
                      for k in range(labels.max() + 1)]).astype(np.float32)
    away = (means * means).sum(1) - 2 * flat @ means.T              # but for |x|^2: (N, K)
    common = np.bincount(labels).argmax()
    return {"commonest class": {"accuracy": float(np.mean(y == common))},
            "nearest mean picture": {"accuracy": float(np.mean(away.argmin(1) == y))}}
