"""The estimators keep scikit-learn's rules, and work in its pipelines and searches."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import sheer
from sheer import nn
from sheer.graph.errors import ArgumentError
from sheer.sklearn import SheerClassifier, SheerRegressor


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [SheerClassifier(random_state=0),
                                       SheerRegressor(random_state=0)], ids=["class", "number"])
def test_every_check_of_scikit_learn_passes(estimator):
    found = check_estimator(estimator, on_fail=None, on_skip=None)
    left = {r["check_name"]: r["status"] for r in found if r["status"] != "passed"}
    assert left in ({}, {"check_array_api_input": "skipped"})      # needs SCIPY_ARRAY_API
    assert len(found) > 50


def test_a_grid_search_over_a_pipeline():
    x, y = load_iris(return_X_y=True, as_frame=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y.map(["a", "b", "c"].__getitem__),
                                                        stratify=y, random_state=0)
    search = GridSearchCV(make_pipeline(StandardScaler(),
                                        SheerClassifier(epochs=30, random_state=0)),
                          {"sheerclassifier__lr": [1e-5, 1e-2]}, cv=2)
    search.fit(x_train, y_train)
    assert search.best_params_ == {"sheerclassifier__lr": 1e-2}
    assert search.score(x_test, y_test) > 0.9
    probabilities = search.predict_proba(x_test)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert list(search.classes_) == ["a", "b", "c"]
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(x_test), probabilities)


def test_a_regressor_of_several_targets():
    x, y = load_diabetes(return_X_y=True)
    both = np.stack([y, -y], axis=1)
    model = SheerRegressor(hidden=(16,), epochs=30, random_state=0).fit(x, both)
    assert model.predict(x).shape == both.shape
    assert model.score(x, both) > 0.5
    assert len(model.loss_curve_) == 30
    assert SheerRegressor(hidden=(16,), epochs=5).fit(x, y).predict(x).shape == y.shape


def test_a_network_of_one_s_own_and_the_same_seed():
    x, y = load_iris(return_X_y=True)
    make = lambda d, k: nn.Sequential(nn.Linear(d, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, k))
    sheer.manual_seed(5)
    expected = sheer.rand(3).tolist()
    sheer.manual_seed(5)
    runs = [SheerClassifier(make, epochs=3, random_state=s).fit(x, y).loss_curve_
            for s in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert sheer.rand(3).tolist() == expected        # nobody else's random numbers are touched


def test_one_class_is_refused():
    with pytest.raises(ArgumentError) as caught:
        SheerClassifier().fit([[1.0], [2.0]], ["a", "a"])
    assert str(caught.value) == """\
SheerClassifier.fit: y holds only one class
  class: a
  need : at least two classes
  more : sheer explain E850"""
