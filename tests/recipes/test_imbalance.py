"""Rare classes: weights, thresholds moved on rows held back, classical models beside."""

from __future__ import annotations

import numpy as np
import pytest

from recipes_record import each
from sheer.recipes import Task, make
from sheer.recipes.classical import MISSING, accuracies, classical
from sheer.recipes.imbalance import rare_scores

METRICS = pytest.importorskip("sklearn.metrics")


def blobs(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    y = (rng.random(rows) < 0.2).astype(np.int64)
    return (rng.normal(size=(rows, 3)) + 1.5 * y[:, None]).astype(np.float32), y


def task() -> Task:
    rng = np.random.default_rng(0)
    return Task(blobs(rng, 300), blobs(rng, 200), validation=blobs(rng, 200))


def test_the_threshold_comes_from_the_rows_held_back():
    given = task()
    held, test = given.validation[0].sum(1), given.test[0].sum(1)
    found = rare_scores(given, held, test)
    f1 = [METRICS.f1_score(given.validation[1], held >= cut) for cut in np.sort(held)]
    cut = np.sort(held)[int(np.argmax(f1))]
    assert found["f1"] == pytest.approx(METRICS.f1_score(given.test[1], test >= cut), abs=0.03)
    assert found["average_precision"] == pytest.approx(
        METRICS.average_precision_score(given.test[1], test))
    assert found["roc_auc"] == pytest.approx(METRICS.roc_auc_score(given.test[1], test))


def test_classical_models_stand_beside_it():
    found = accuracies(task())
    assert list(found) == ["commonest class", "logistic regression", "random forest"]
    assert found["commonest class"]["accuracy"] == np.mean(task().test[1] == 0)
    assert found["logistic regression"]["accuracy"] > found["commonest class"]["accuracy"]


def test_without_scikit_learn_a_note_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    given = task()
    assert classical(given) == {}
    assert given.notes == [MISSING]


@pytest.mark.slow
@pytest.mark.parametrize("name", each("pima", "mammography"))
def test_a_network_is_not_behind_logistic_regression(name, reached):
    found, metric = reached(name), make(name).promise[0]
    assert found.test[metric] > found.baselines["logistic regression"][metric] - 0.01
    assert "precision-recall.png" in {p.name for p in found.pictures}


@pytest.mark.slow
@pytest.mark.parametrize("name", each("adult", "wine-quality"))
def test_tables_are_not_behind_logistic_regression(name, reached):
    found = reached(name)
    assert list(found.baselines) == ["commonest class", "logistic regression", "random forest"]
    assert found.test["accuracy"] > found.baselines["logistic regression"]["accuracy"] - 0.003
