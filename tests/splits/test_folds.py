"""Folds equal scikit-learn's, index for index; parts are disjoint, and as they promise."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import model_selection as sk

from sheer import manual_seed, tensor
from sheer.data import (
    GroupKFold,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
    train_validation_test_split,
)
from sheer.graph.errors import SheerError


def equal(ours, theirs, n, y=None, groups=None):
    x = np.zeros((n, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = list(theirs.split(x, y, groups))
    found = list(ours.split(x, y, groups))
    assert len(found) == len(wanted) == ours.get_n_splits()
    for (a, b), (c, d) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


@pytest.mark.system("k-fold cross-validation")
@given(n=st.integers(5, 60), k=st.integers(2, 5), seed=st.none() | st.integers(0, 2**32 - 1))
def test_k_folds_equal_scikit_learn(n, k, seed):
    options = {"shuffle": seed is not None, "random_state": seed}
    equal(KFold(k, **options), sk.KFold(k, **options), n)


@pytest.mark.system("k-fold cross-validation")
@given(data=st.data(), k=st.integers(2, 4), seed=st.none() | st.integers(0, 2**32 - 1))
def test_stratified_folds_equal_scikit_learn(data, k, seed):
    y = np.array(data.draw(st.lists(st.sampled_from("cab"), min_size=12, max_size=40)))
    options = {"shuffle": seed is not None, "random_state": seed}
    equal(StratifiedKFold(k, **options), sk.StratifiedKFold(k, **options), len(y), y)


@pytest.mark.system("k-fold cross-validation")
@given(data=st.data(), k=st.integers(2, 4), seed=st.none() | st.integers(0, 2**32 - 1))
def test_group_folds_equal_scikit_learn(data, k, seed):
    groups = np.array(data.draw(st.lists(st.integers(0, 9), min_size=20, max_size=60)
                                .filter(lambda g: len(set(g)) >= 4)))
    options = {"shuffle": seed is not None, "random_state": seed}
    equal(GroupKFold(k, **options), sk.GroupKFold(k, **options), len(groups), groups=groups)


@pytest.mark.system("Time-series cross-validation")
@given(n=st.integers(30, 80), k=st.integers(2, 5), size=st.none() | st.integers(1, 4),
       gap=st.integers(0, 3), most=st.none() | st.integers(1, 10))
def test_folds_of_time_equal_scikit_learn_and_never_look_ahead(n, k, size, gap, most):
    options = {"test_size": size, "gap": gap, "max_train_size": most}
    ours = TimeSeriesSplit(k, **options)
    equal(ours, sk.TimeSeriesSplit(k, **options), n)
    assert all(train.max() < test.min() - gap + 1 for train, test in ours.split(n))


def test_the_seed_of_manual_seed_shuffles_and_tensors_are_labels():
    y = tensor([0, 1] * 10)
    manual_seed(3)
    one = [t.tolist() for _, t in StratifiedKFold(2, shuffle=True).split(y, y)]
    assert one == [t.tolist() for _, t in StratifiedKFold(2, shuffle=True).split(y, y)]
    manual_seed(4)
    assert one != [t.tolist() for _, t in StratifiedKFold(2, shuffle=True).split(y, y)]


@pytest.mark.system("Train / validation / test splitting", "Validation set, hold-out")
@given(n=st.integers(3, 200), seed=st.integers(0, 2**63), validation=st.sampled_from([0, 0.1, 0.3]),
       test=st.sampled_from([0, 0.15, 0.5]))
def test_parts_are_disjoint_complete_and_reproducible(n, seed, validation, test):
    one, again, other = (train_validation_test_split(n, validation=validation, test=test, seed=s)
                         for s in (seed, seed, seed + 1))
    np.testing.assert_array_equal(np.sort(np.concatenate(one)), np.arange(n))
    for a, b, share in zip(one, again, (1 - validation - test, validation, test), strict=True):
        np.testing.assert_array_equal(a, b)
        assert abs(len(a) - share * n) <= 2
        assert (len(a) > 0) == (share > 0)
    if n > 20 and validation + test:
        assert any(len(a) != len(b) or (a != b).any() for a, b in zip(one, other, strict=True))


@pytest.mark.system("Train / validation / test splitting")
def test_every_class_has_its_share_in_every_part(figure):
    y = np.random.default_rng(0).choice(["a", "b", "c"], 1000, p=[0.7, 0.25, 0.05])
    parts = train_validation_test_split(y, validation=0.2, test=0.1, stratify=y, seed=5)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1000))
    off = max(abs((y[rows] == c).sum() - (y == c).sum() * share)
              for rows, share in zip(parts, (0.7, 0.2, 0.1), strict=True) for c in "abc")
    assert off <= 1.5
    again = train_validation_test_split(y, validation=0.2, test=0.1, stratify=y, seed=5)
    other = train_validation_test_split(y, validation=0.2, test=0.1, stratify=y, seed=6)
    assert [p.tolist() for p in parts] == [p.tolist() for p in again]
    assert parts.test.tolist() != other.test.tolist()
    figure(f"classes within {off:.1f} rows of their share")


@pytest.mark.system("Train / validation / test splitting")
def test_groups_stay_together_and_time_goes_one_way():
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 40, 500)
    parts = train_validation_test_split(500, groups=groups, validation=0.2, test=0.2, seed=2)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(500))
    names = [set(groups[p]) for p in parts]
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    np.testing.assert_allclose([len(p) / 500 for p in parts], [0.6, 0.2, 0.2], atol=0.05)
    times = rng.integers(0, 60, 500)
    parts = train_validation_test_split(500, times=times, validation=0.2, test=0.2)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(500))
    assert times[parts.train].max() < times[parts.validation].min()
    assert times[parts.validation].max() < times[parts.test].min()


@pytest.mark.parametrize(("code", "call"), [
    ("E660", lambda: KFold(1)),
    ("E660", lambda: list(KFold(5).split(4))),
    ("E661", lambda: list(StratifiedKFold(2).split(4))),
    ("E661", lambda: list(StratifiedKFold(2).split(2, np.eye(2)))),
    ("E660", lambda: list(StratifiedKFold(3).split(4, [0, 0, 1, 1]))),
    ("E660", lambda: list(GroupKFold(3).split(4, groups=[0, 0, 1, 1]))),
    ("E660", lambda: TimeSeriesSplit(2, gap=-1)),
    ("E660", lambda: list(TimeSeriesSplit(5).split(5))),
    ("E660", lambda: list(TimeSeriesSplit(2, test_size=2, gap=2).split(6))),
    ("E660", lambda: train_validation_test_split(10, validation=0.5, test=0.5)),
    ("E660", lambda: train_validation_test_split(4, stratify=[0, 0, 1, 1], times=[1, 2, 3, 4])),
    ("E660", lambda: train_validation_test_split(4, groups=[1, 1, 2, 2])),
    ("E660", lambda: train_validation_test_split(4, times=[1, 1, 1, 1])),
    ("E661", lambda: train_validation_test_split(4, groups=[1, 2, 2])),
])
def test_what_cannot_be_divided_is_refused(code, call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
