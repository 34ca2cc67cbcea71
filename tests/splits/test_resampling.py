"""Uneven classes, scalers, planted faults: exact numbers, oracles, and never a validation row."""

import numpy as np
import pytest
from sklearn import preprocessing as sk
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight as sk_weight

import sheer
from sheer import metrics, nn
from sheer.data import (
    SMOTE,
    MinMaxScaler,
    RandomOverSampler,
    RandomUnderSampler,
    StandardScaler,
    StratifiedKFold,
    compute_class_weight,
    corrupt_inputs,
    corrupt_labels,
    labels_of,
    multi_hot,
    resample_training,
    resampled_folds,
    scaled,
    train_validation_test_split,
)
from sheer.graph.errors import SheerError


def rows(seed=0, counts=(90, 30, 8)):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return rng.normal(size=(len(y), 3)) + y[:, None], y


@pytest.mark.system("Class weighting")
def test_balanced_weights_equal_scikit_learn_and_repeating_rows():
    x, y = rows()
    np.testing.assert_allclose(compute_class_weight("balanced", y=y),
                               sk_weight("balanced", classes=np.unique(y), y=y))
    assert compute_class_weight({1: 3.0}, y=y).tolist() == [1.0, 3.0, 1.0]
    # A class of weight 3 is a class whose rows stand there three times, loss and gradient.
    sheer.manual_seed(0)
    model = nn.Linear(3, 3, dtype=sheer.float64)
    def gradient(inputs, labels, weight=None):
        loss = nn.functional.cross_entropy(model(sheer.tensor(inputs, dtype=sheer.float64)),
                                           sheer.tensor(labels), weight=weight)
        model.zero_grad()
        loss.backward()
        return np.append(model.weight.grad.numpy().ravel(), loss.item())
    repeated = np.concatenate([np.arange(len(y)), *[np.flatnonzero(y == 2)] * 2])
    np.testing.assert_allclose(
        gradient(x, y, sheer.tensor([1.0, 1.0, 3.0], dtype=sheer.float64)),
        gradient(x[repeated], y[repeated]), rtol=1e-10)


@pytest.mark.system("Over- and under-sampling (random, SMOTE)")
@pytest.mark.parametrize(("make", "ratio", "want"), [
    (RandomOverSampler, 1.0, [90, 90, 90]), (RandomOverSampler, 0.5, [90, 45, 45]),
    (RandomOverSampler, {2: 20}, [90, 30, 20]), (SMOTE, 0.2, [90, 30, 18]),
    (SMOTE, {1: 31, 2: 9}, [90, 31, 9]), (RandomUnderSampler, 1.0, [8, 8, 8]),
    (RandomUnderSampler, 0.5, [16, 16, 8]), (RandomUnderSampler, {0: 10}, [10, 30, 8])])
def test_the_numbers_of_rows_are_exact_and_the_draws_reproducible(make, ratio, want):
    x, y = rows()
    new_x, new_y = make(ratio, random_state=3).fit_resample(x, y)
    assert np.bincount(new_y).tolist() == want
    again, _ = make(ratio, random_state=3).fit_resample(x, y)
    np.testing.assert_array_equal(new_x, again)
    other, _ = make(ratio, random_state=4).fit_resample(x, y)
    assert (other != new_x).any()
    known = {tuple(r): c for r, c in zip(x.tolist(), y.tolist(), strict=True)}
    if make is not SMOTE:
        assert all(known[tuple(r)] == c for r, c in zip(new_x.tolist(), new_y.tolist(),
                                                        strict=True))
        chosen = make(ratio, random_state=3).rows(y)
        np.testing.assert_array_equal(x[chosen], new_x)
    if make is RandomUnderSampler:
        assert len(set(map(tuple, new_x.tolist()))) == len(new_x)        # each at most once
    else:
        np.testing.assert_array_equal(new_x[:len(x)], x)


@pytest.mark.system("Over- and under-sampling (random, SMOTE)",
                    "Numeric augmentation (jitter, mixup, SMOTE-like)")
def test_synthetic_points_lie_between_neighbours_of_their_class():
    x, y = rows()
    k = 4
    new_x, new_y = SMOTE(1.0, k_neighbors=k).fit_resample(x, y)
    for point, label in zip(new_x[len(x):], new_y[len(x):], strict=True):
        own = x[y == label]
        d = np.linalg.norm(own[:, None] - own, axis=2)
        near = np.argsort(d, axis=1)[:, 1:k + 1]
        pairs = [(own[i], own[j]) for i in range(len(own)) for j in near[i]]
        gaps = [np.linalg.norm(point - a) + np.linalg.norm(point - b) - np.linalg.norm(a - b)
                for a, b in pairs]
        assert min(gaps) < 1e-9
    pictures = np.random.default_rng(0).random((12, 1, 4, 4)).astype(np.float32)
    made, _ = SMOTE(k_neighbors=2).fit_resample(pictures, [0] * 8 + [1] * 4)
    assert (made.shape, made.dtype) == ((16, 1, 4, 4), np.float32)


@pytest.mark.system("Over- and under-sampling (random, SMOTE)")
@pytest.mark.parametrize("resampler", [RandomOverSampler(), RandomUnderSampler(),
                                       SMOTE(k_neighbors=2)])
def test_validation_folds_are_never_resampled(resampler):
    x, y = rows()
    folds = list(StratifiedKFold(4).split(y, y))
    for (train, held), (rows_in, rows_out) in zip(resampled_folds(x, y, folds, resampler), folds,
                                                  strict=True):
        np.testing.assert_array_equal(held[0], x[rows_out])
        np.testing.assert_array_equal(held[1], y[rows_out])
        assert len(set(np.bincount(train[1]).tolist())) == 1
        wanted = resampler.fit_resample(x[rows_in], y[rows_in])
        np.testing.assert_array_equal(train[0], wanted[0])     # of the training rows alone
    with pytest.raises(SheerError) as error:
        resample_training(x, y, [0, 1, 2], [2, 3], resampler)
    assert error.value.code == "E662"


@pytest.mark.system("Threshold moving")
def test_a_threshold_chosen_on_validation_improves_f1_and_cost_of_rare_events(figure):
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = (rng.random(40_000) < 0.01).astype(int)
        x = rng.normal(size=(len(y), 4)) + y[:, None] * [1.2, 0.8, 0.6, 0.0]
        part = train_validation_test_split(len(y), validation=0.3, test=0.3, stratify=y, seed=seed)
        model = LogisticRegression().fit(x[part.train], y[part.train])
        score = model.predict_proba(x)[:, 1]
        cut = metrics.best_threshold(y[part.validation], score[part.validation])
        test, said = y[part.test], score[part.test]
        half, moved = (metrics.f1_score(test, v) for v in (said >= 0.5, cut(said)))
        cost = metrics.best_threshold(y[part.validation], score[part.validation], metric="cost",
                                      cost_false_negative=50.0)
        price = lambda v, test=test: ((v > test).sum() + 50 * (v < test).sum()) / len(test)
        gains.append((half, moved, price((said >= 0.5).astype(int)), price(cost(said))))
        assert moved > half
        assert gains[-1][3] < gains[-1][2]
    half, moved, before, after = np.mean(gains, axis=0)
    figure(f"1:100: test F1 {half:.2f} at 0.5, {moved:.2f} at the threshold chosen on validation; "
           f"cost per row {before:.2f}, {after:.2f}")


@pytest.mark.system("Standardisation (zero mean, unit variance per feature)",
                    "Min-max rescaling to a range")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("make", "theirs", "options"), [
    (StandardScaler, sk.StandardScaler, {}), (StandardScaler, sk.StandardScaler,
                                              {"with_mean": False}),
    (StandardScaler, sk.StandardScaler, {"with_std": False}), (MinMaxScaler, sk.MinMaxScaler, {}),
    (MinMaxScaler, sk.MinMaxScaler, {"feature_range": (-2.0, 3.0), "clip": True})])
def test_scalers_equal_scikit_learn_and_invert(make, theirs, options, dtype, figure):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(50, 4)) * [1, 100, 1e-3, 0] + [0, -5, 1, 7]).astype(dtype)
    new = (rng.normal(size=(20, 4)) * [2, 100, 1e-3, 1]).astype(dtype)
    ours, other = make(**options).fit(x), theirs(**options).fit(x)
    tolerance = 1e-10 if dtype == np.float64 else 1e-4
    for part in (x, new):
        got = ours.transform(part)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, other.transform(part), rtol=tolerance, atol=tolerance)
    again = ours.inverse_transform(ours.transform(x))
    eps = np.finfo(dtype).eps
    off = (np.abs(again - x).max(0) / np.maximum(np.abs(x).max(0), np.ptp(x, 0))).max()
    assert off <= 4 * eps
    figure(f"{make.__name__} {np.dtype(dtype)}: inverse within {off / eps:.1f} eps")


@pytest.mark.system("Standardisation (zero mean, unit variance per feature)",
                    "Min-max rescaling to a range")
@pytest.mark.parametrize("make", [StandardScaler, MinMaxScaler])
def test_scalers_see_the_training_part_alone(make):
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(30, 2)), rng.normal(size=(9, 2))
    once, held = scaled(make(), train, test)
    again, other = scaled(make(), train, test * 100)
    np.testing.assert_array_equal(once, again)
    np.testing.assert_allclose(held, make().fit(train).transform(test))
    assert np.abs(other - held).max() > 1


@pytest.mark.system("Planted label noise and corrupted data")
def test_a_known_share_is_wrong():
    y = np.random.default_rng(0).integers(0, 5, 1000)
    for share in (0.0, 0.1, 0.333, 1.0):
        noisy, wrong = corrupt_labels(y, share, seed=2)
        assert wrong.sum() == round(share * 1000)
        np.testing.assert_array_equal(noisy != y, wrong)
        assert set(noisy) <= set(range(5))
    moves = np.bincount((noisy - y) % 5, minlength=5)          # all wrong: every class as likely
    assert moves[0] == 0
    assert ((moves[1:] - 250) ** 2 / 250).sum() < 16
    np.testing.assert_array_equal(corrupt_labels(y, 0.2, seed=1)[0],
                                  corrupt_labels(y, 0.2, seed=1)[0])
    assert (corrupt_labels(y, 0.2, seed=1)[1] != corrupt_labels(y, 0.2, seed=3)[1]).any()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32])
def test_many_classes_fit_into_small_labels(dtype):
    y = np.arange(1000) % 100
    noisy, wrong = corrupt_labels(y.astype(dtype), 1.0)
    assert noisy.dtype == dtype
    np.testing.assert_array_equal(noisy, corrupt_labels(y, 1.0)[0])
    assert (noisy != y).all()
    assert wrong.all()
    assert corrupt_labels(y.astype(dtype), 1.0, classes=500)[0].max() > 255


@pytest.mark.system("Planted label noise and corrupted data")
@pytest.mark.parametrize("kind", ["noise", "missing", "zero", "swap"])
def test_a_known_share_of_inputs_is_spoilt(kind):
    x = np.random.default_rng(0).normal(size=(200, 3, 4)).astype(np.float32) + 3
    bad, wrong = corrupt_inputs(x, 0.25, kind=kind, seed=1)
    assert wrong.sum() == 50
    assert bad.dtype == x.dtype
    touched = ~((bad == x) | (np.isnan(bad) & np.isnan(x))).reshape(200, -1).all(1)
    np.testing.assert_array_equal(touched, wrong)
    if kind in ("missing", "zero"):
        lost = np.isnan(bad) if kind == "missing" else bad == 0
        assert (lost[wrong].reshape(50, -1).sum(1) == 6).all()
    if kind == "noise":
        assert 0.8 < (bad - x)[wrong].std() / x.std() < 1.2
    if kind == "swap":
        np.testing.assert_array_equal(np.sort(bad[wrong].ravel()), np.sort(x[wrong].ravel()))


def test_several_labels_a_row_go_there_and_back():
    names = ["cat", "dog", "cow"]
    given = [["cat", "cow"], [], ["dog"]]
    hot = multi_hot(given, names)
    np.testing.assert_array_equal(
        hot, sk.MultiLabelBinarizer(classes=names).fit_transform(given))
    assert labels_of(hot, names) == given


@pytest.mark.parametrize(("code", "call"), [
    ("E662", lambda: compute_class_weight("even", y=[0, 1])),
    ("E662", lambda: compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 1])),
    ("E662", lambda: RandomOverSampler(1.5)),
    ("E662", lambda: RandomOverSampler({0: 1}).fit_resample([[1], [2]], [0, 0])),
    ("E662", lambda: RandomUnderSampler({0: 5}).fit_resample([[1], [2]], [0, 0])),
    ("E662", lambda: RandomOverSampler({7: 5}).fit_resample([[1], [2]], [0, 0])),
    ("E662", lambda: SMOTE().fit_resample(np.zeros((5, 1)), [0, 0, 0, 1, 1])),
    ("E661", lambda: SMOTE().fit_resample(np.zeros((5, 1)), [0, 0, 1, 1])),
    ("E663", lambda: corrupt_labels([0, 1], 1.2)),
    ("E663", lambda: corrupt_labels([0, 0], 0.5)),
    ("E663", lambda: corrupt_inputs([[1, 2]], 0.5)),
    ("E663", lambda: corrupt_inputs(np.ones((2, 2)), 0.5, kind="swap")),
    ("E663", lambda: corrupt_inputs(np.ones((2, 2)), 0.5, kind="blur")),
    ("E663", lambda: multi_hot([["cow"]], ["cat"])),
    ("E664", lambda: MinMaxScaler().transform([[1.0]])),
    ("E664", lambda: MinMaxScaler((1.0, 1.0))),
    ("E813", lambda: MinMaxScaler().fit([1.0, 2.0])),
    ("E813", lambda: StandardScaler().fit([[np.nan]])),
    ("E813", lambda: StandardScaler().fit([[1.0]]).transform([[1.0, 2.0]])),
])
def test_what_cannot_be_done_is_refused(code, call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
