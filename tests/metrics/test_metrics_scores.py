"""Curves, probabilities and clusterings equal scikit-learn's; AUC is the Mann-Whitney statistic."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve as sk_calibration
from sklearn.datasets import make_blobs

from sheer import metrics
from sheer.graph.errors import SheerError


def scored(seed, rows=80, steps=12):
    """Labels, scores with many ties, weights."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 2, rows)
    true[:2] = 0, 1
    return true, np.round(rng.random(rows) * 0.6 + true * 0.3, 2 if seed % 2 else 1), rng.random(
        rows)


@pytest.mark.system("ROC curve, AUC")
@pytest.mark.parametrize("drop", [True, False])
def test_the_roc_curve_equals_scikit_learn(drop):
    for seed in range(6):
        true, score, weight = scored(seed)
        for extra in ({}, {"sample_weight": weight}, {"pos_label": 0}):
            got = metrics.roc_curve(true, score, drop_intermediate=drop, **extra)
            want = sk.roc_curve(true, score, drop_intermediate=drop, **extra)
            for ours, other in zip(got, want, strict=True):
                np.testing.assert_allclose(ours, other, rtol=1e-12, atol=1e-15)


@pytest.mark.system("ROC curve, AUC")
def test_auc_is_the_mann_whitney_statistic_with_ties(figure):
    worst = 0.0
    for seed in range(20):
        true, score, weight = scored(seed)
        high, low = score[true == 1][:, None], score[true == 0]
        wins = (high > low).mean() + (high == low).mean() / 2
        assert (high == low).any()
        got = metrics.roc_auc_score(true, score)
        worst = max(worst, abs(got - wins), abs(got - sk.roc_auc_score(true, score)))
        np.testing.assert_allclose(
            metrics.roc_auc_score(true, score, sample_weight=weight),
            sk.roc_auc_score(true, score, sample_weight=weight), rtol=1e-12)
    assert worst <= 1e-12
    figure(f"AUC and Mann-Whitney differ by at most {worst:.0e}")


@pytest.mark.system("ROC curve, AUC")
def test_auc_of_several_classes_and_columns():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 4, 90)
    score = rng.random((90, 4)) + np.eye(4)[true] * 0.4
    score /= score.sum(1, keepdims=True)
    for how, average in [("ovr", "macro"), ("ovr", "weighted"), ("ovo", "macro"),
                         ("ovo", "weighted")]:
        np.testing.assert_allclose(
            metrics.roc_auc_score(true, score, multi_class=how, average=average),
            sk.roc_auc_score(true, score, multi_class=how, average=average), rtol=1e-12)
    many = (rng.random((90, 4)) < 0.4).astype(int)
    for average in ("macro", "micro", "weighted", None):
        for name in ("roc_auc_score", "average_precision_score"):
            np.testing.assert_allclose(getattr(metrics, name)(many, score, average=average),
                                       getattr(sk, name)(many, score, average=average), rtol=1e-12)


@pytest.mark.system("Precision-recall curve")
@pytest.mark.parametrize("drop", [True, False])
def test_the_precision_recall_curve_equals_scikit_learn(drop):
    for seed in range(6):
        true, score, weight = scored(seed)
        for extra in ({}, {"sample_weight": weight}):
            got = metrics.precision_recall_curve(true, score, drop_intermediate=drop, **extra)
            want = sk.precision_recall_curve(true, score, drop_intermediate=drop, **extra)
            for ours, other in zip(got, want, strict=True):
                np.testing.assert_allclose(ours, other, rtol=1e-12)
            np.testing.assert_allclose(metrics.average_precision_score(true, score, **extra),
                                       sk.average_precision_score(true, score, **extra),
                                       rtol=1e-12)


@pytest.mark.system("Log loss, Brier, calibration curve")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_loss_and_brier_equal_scikit_learn(dtype):
    rng = np.random.default_rng(2)
    true, weight = rng.integers(0, 3, 40), rng.random(40)
    p = rng.random((40, 3)) ** 3
    p = (p / p.sum(1, keepdims=True)).astype(dtype)
    p[0] = np.eye(3)[(true[0] + 1) % 3]                      # certain, and wrong
    for extra in ({}, {"sample_weight": weight}):
        np.testing.assert_allclose(metrics.log_loss(true, p, **extra),
                                   sk.log_loss(true, p, **extra), rtol=1e-6)
        np.testing.assert_allclose(metrics.brier_score_loss(true, p, **extra),
                                   sk.brier_score_loss(true, p, **extra), rtol=1e-6)
    hit, q = (true > 0).astype(int), p[:, 0].astype(np.float64)
    np.testing.assert_allclose(metrics.log_loss(hit, q), sk.log_loss(hit, q), rtol=1e-12)
    np.testing.assert_allclose(metrics.brier_score_loss(hit, q), sk.brier_score_loss(hit, q),
                               rtol=1e-12)
    np.testing.assert_allclose(metrics.log_loss([1, 1], [0.3, 0.9], labels=[0, 1]),
                               sk.log_loss([1, 1], [0.3, 0.9], labels=[0, 1]), rtol=1e-12)


@pytest.mark.system("Log loss, Brier, calibration curve")
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_the_calibration_curve_equals_scikit_learn(strategy):
    rng = np.random.default_rng(4)
    p = rng.random(300) ** 2
    true = (rng.random(300) < p).astype(int)
    p[:2] = 0, 1
    for bins in (3, 10):
        got = metrics.calibration_curve(true, p, n_bins=bins, strategy=strategy)
        want = sk_calibration(true, p, n_bins=bins, strategy=strategy)
        for ours, other in zip(got, want, strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-12)


@pytest.mark.system("Silhouette, NMI, ARI for clustering")
def test_scores_of_clusterings_equal_scikit_learn():
    x, true = make_blobs(n_samples=700, centers=5, n_features=3, random_state=0)
    rng = np.random.default_rng(5)
    said = np.where(rng.random(700) < 0.7, true, rng.integers(0, 7, 700))
    said[0] = 99                                             # a cluster of one point
    np.testing.assert_allclose(metrics.silhouette_score(x, said), sk.silhouette_score(x, said),
                               rtol=1e-10)
    d = sk.pairwise_distances(x)
    np.fill_diagonal(d, 0)
    np.testing.assert_allclose(metrics.silhouette_score(d, said, metric="precomputed"),
                               sk.silhouette_score(d, said, metric="precomputed"), rtol=1e-10)
    np.testing.assert_allclose(metrics.adjusted_rand_score(true, said),
                               sk.adjusted_rand_score(true, said), rtol=1e-12)
    for method in ("arithmetic", "geometric", "min", "max"):
        np.testing.assert_allclose(
            metrics.normalized_mutual_info_score(true, said, average_method=method),
            sk.normalized_mutual_info_score(true, said, average_method=method), rtol=1e-10)


@pytest.mark.system("Silhouette, NMI, ARI for clustering")
@pytest.mark.parametrize("pair", [([0, 0, 0], [0, 0, 0]), ([0, 1, 2], [0, 1, 2]),
                                  ([0, 0, 0], [0, 1, 2]), ([0, 0, 1, 1], [0, 1, 0, 1])])
def test_corner_cases_of_clusterings(pair):
    for name in ("adjusted_rand_score", "normalized_mutual_info_score"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = getattr(sk, name)(*pair)
        np.testing.assert_allclose(getattr(metrics, name)(*pair), want, atol=1e-12)


@pytest.mark.parametrize(("code", "call"), [
    ("E671", lambda: metrics.roc_curve([0, 1], [np.nan, 1.0])),
    ("E672", lambda: metrics.roc_curve([0, 2], [0.1, 1.0])),
    ("E672", lambda: metrics.precision_recall_curve([0, 0], [0.1, 1.0])),
    ("E671", lambda: metrics.roc_auc_score([0, 1, 2], np.eye(3))),
    ("E670", lambda: metrics.roc_auc_score([0, 1, 2], np.ones((3, 2)), multi_class="ovr")),
    ("E671", lambda: metrics.auc([0, 1, 0.5], [0, 1, 1])),
    ("E673", lambda: metrics.log_loss([0, 1], [[0.5, 0.2], [0.5, 0.5]])),
    ("E672", lambda: metrics.log_loss([0, 1], [[0.5, 0.2, 0.3], [0.5, 0.5, 0.0]])),
    ("E673", lambda: metrics.brier_score_loss([0, 1], [0.5, np.nan])),
    ("E670", lambda: metrics.calibration_curve([0, 1], [0.5])),
    ("E672", lambda: metrics.silhouette_score([[0.0], [1.0]], [0, 0])),
])
def test_what_has_no_score_is_refused(code, call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
