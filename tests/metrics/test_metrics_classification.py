"""Scores of classifications equal scikit-learn's, on random labels, weights and corner cases."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from sheer import metrics, tensor

AVERAGES = [None, "micro", "macro", "weighted"]


def labels(seed, rows=60, classes=5):
    """True and said classes; some classes are never true, some never said."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes - 1, rows), rng.integers(1, classes, rows), rng.random(rows)


def theirs(function, *args, **options):
    """scikit-learn's value; it warns where we document the result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


@pytest.mark.system("Accuracy, confusion matrix")
def test_accuracy_and_the_confusion_matrix_equal_scikit_learn():
    for seed in range(5):
        true, said, weight = labels(seed)
        assert metrics.accuracy_score(true, said) == sk.accuracy_score(true, said)
        np.testing.assert_allclose(metrics.accuracy_score(true, said, sample_weight=weight),
                                   sk.accuracy_score(true, said, sample_weight=weight), rtol=1e-12)
        assert metrics.accuracy_score(true, said, normalize=False) == (true == said).sum()
        np.testing.assert_array_equal(metrics.confusion_matrix(true, said),
                                      sk.confusion_matrix(true, said))
        for normalize in ("true", "pred", "all"):
            options = {"normalize": normalize, "labels": [3, 1, 0, 7], "sample_weight": weight}
            np.testing.assert_allclose(
                metrics.confusion_matrix(true, said, **options),
                theirs(sk.confusion_matrix, true, said, **options), rtol=1e-12)


@pytest.mark.system("Accuracy, confusion matrix")
def test_texts_tensors_and_several_labels():
    true, said = ["b", "a", "c", "a"], ["b", "c", "c", "a"]
    np.testing.assert_array_equal(metrics.confusion_matrix(true, said),
                                  sk.confusion_matrix(true, said))
    assert metrics.accuracy_score(tensor([1, 2, 2]), tensor([1, 2, 0])) == 2 / 3
    many, guess = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[1, 0], [0, 1], [0, 0]])
    assert metrics.accuracy_score(many, guess) == sk.accuracy_score(many, guess) == 2 / 3


@pytest.mark.system("Precision, recall", "F1 / F-beta")
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("zero", [0.0, 1.0, np.nan])
def test_every_average_equals_scikit_learn_with_zero_division(average, zero):
    options = {"average": average, "zero_division": zero}
    for seed, beta in zip(range(6), [0.5, 1, 2, 1, 0, np.inf], strict=True):
        true, said, weight = labels(seed)
        for extra in ({}, {"labels": [4, 0, 2]}, {"sample_weight": weight}, {"labels": [9]}):
            got = metrics.precision_recall_fscore_support(true, said, beta=beta, **options, **extra)
            want = theirs(sk.precision_recall_fscore_support, true, said, beta=beta, **options,
                          **extra)
            for ours, other in zip(got, want, strict=True):
                if other is not None:
                    np.testing.assert_allclose(ours, other, rtol=1e-12, err_msg=str(extra))


@pytest.mark.system("Precision, recall", "F1 / F-beta")
@pytest.mark.parametrize("average", [*AVERAGES, "samples"])
def test_rows_with_several_labels(average):
    rng = np.random.default_rng(0)
    true, said = rng.random((40, 6)) < 0.3, rng.random((40, 6)) < 0.3
    true[:, 2], said[:, 2] = False, False
    true, said = true.astype(int), said.astype(int)
    for zero in (0.0, 1.0, np.nan):
        got = metrics.precision_recall_fscore_support(true, said, average=average,
                                                      zero_division=zero)
        want = theirs(sk.precision_recall_fscore_support, true, said, average=average,
                      zero_division=zero)
        for ours, other in zip(got[:3], want[:3], strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-12)


@pytest.mark.system("Precision, recall", "F1 / F-beta")
def test_the_four_functions_of_two_classes():
    rng = np.random.default_rng(3)
    true, said = rng.integers(0, 2, 50), rng.integers(0, 2, 50)
    for name, options in [("precision_score", {}), ("recall_score", {}), ("f1_score", {}),
                          ("fbeta_score", {"beta": 2.0}), ("f1_score", {"pos_label": 0})]:
        np.testing.assert_allclose(getattr(metrics, name)(true, said, **options),
                                   getattr(sk, name)(true, said, **options), rtol=1e-12)
    nothing = np.zeros(4, int)
    assert metrics.precision_score([0, 1, 0, 1], nothing) == 0.0
    assert metrics.precision_score([0, 1, 0, 1], nothing, zero_division=1.0) == 1.0
    assert np.isnan(metrics.recall_score(nothing, nothing, zero_division=np.nan))


@pytest.mark.parametrize(("code", "call"), [
    ("E670", lambda: metrics.accuracy_score([0, 1], [0, 1, 1])),
    ("E671", lambda: metrics.accuracy_score([], [])),
    ("E671", lambda: metrics.confusion_matrix([0], [0], normalize="rows")),
    ("E671", lambda: metrics.confusion_matrix([[0, 1]], [[0, 1]])),
    ("E671", lambda: metrics.fbeta_score([0], [0], beta=-1)),
    ("E671", lambda: metrics.f1_score([0, 1], [0, 1], average="samples")),
    ("E672", lambda: metrics.f1_score([0, 1, 2], [0, 1, 2])),
    ("E672", lambda: metrics.f1_score(["no", "yes"], ["no", "yes"])),
    ("E670", lambda: metrics.accuracy_score([0, 1], [0, 1], sample_weight=[1.0])),
])
def test_what_makes_no_sense_is_refused(code, call):
    from sheer.graph.errors import SheerError
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
