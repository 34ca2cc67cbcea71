"""Orders: every example as often as promised, a function of (seed, epoch) alone."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheer.data import (
    BatchSampler,
    DataLoader,
    GroupSampler,
    RandomSampler,
    SequentialSampler,
    StratifiedSampler,
    SubsetRandomSampler,
    TensorDataset,
    TimeSampler,
    WeightedRandomSampler,
)
from sheer.graph.errors import SheerError


def chi_square(counts, expected):
    """Per degree of freedom; near 1 when the counts are drawn as expected."""
    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    return ((counts - expected) ** 2 / expected).sum() / (counts.size - 1)


@pytest.mark.system("Shuffling")
@given(n=st.integers(1, 300), seed=st.integers(-2**70, 2**70), epoch=st.integers(0, 10))
def test_a_shuffle_has_every_example_once(n, seed, epoch):
    order = RandomSampler(range(n), seed=seed).order(epoch)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(n))


@pytest.mark.system("Shuffling")
def test_orders_differ_by_epoch_and_seed_and_by_nothing_else():
    a, b = RandomSampler(range(50), seed=1), RandomSampler(range(50), seed=1)
    other = RandomSampler(range(50), seed=2)
    orders = [*(tuple(a.order(e)) for e in range(5)), tuple(other.order(0))]
    assert len(set(orders)) == 6
    assert tuple(b.order(3)) == orders[3]                       # without the epochs before
    assert [tuple(b) for _ in range(5)] == orders[:5]
    b.set_epoch(2)
    assert tuple(b) == orders[2]


def test_the_order_is_the_one_of_fit():
    from sheer.train.plan import epoch_order
    for epoch in range(3):
        np.testing.assert_array_equal(RandomSampler(range(77), seed=5).order(epoch),
                                      epoch_order(77, 5, epoch, shuffle=True))


def test_positions_are_uniform():
    counts = np.zeros((6, 6))
    for epoch in range(1200):
        counts[np.arange(6), RandomSampler(range(6), seed=0).order(epoch)] += 1
    assert 0.5 < chi_square(counts.ravel(), np.full(36, 200)) < 1.6


@pytest.mark.system("Random sampling with replacement (no epoch)")
def test_draws_with_replacement_reach_all_but_one_part_in_e(figure):
    n = 20_000
    shares = [len(np.unique(RandomSampler(range(n), replacement=True, seed=s).order(0))) / n
              for s in range(3)]
    np.testing.assert_allclose(shares, 1 - np.exp(-1), rtol=0.01)
    figure(f"share of distinct examples {np.mean(shares):.4f} (1 - 1/e = 0.6321)")


def test_draws_with_replacement_are_uniform():
    order = RandomSampler(range(40), replacement=True, num_samples=40_000, seed=3).order(0)
    assert 0.5 < chi_square(np.bincount(order, minlength=40), np.full(40, 1000)) < 1.6


def test_more_examples_than_there_are_come_in_rounds():
    order = RandomSampler(range(5), num_samples=13, seed=1).order(0)
    assert len(order) == 13
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert len(set(order[10:])) == 3
    np.testing.assert_array_equal(order[:5], RandomSampler(range(5), seed=1).order(0))
    assert len(RandomSampler(range(5), num_samples=3, seed=1).order(0)) == 3


def test_weights_are_the_shares():
    weights = np.array([1.0, 0, 3, 6])
    order = WeightedRandomSampler(weights, 20_000, seed=4).order(0)
    counts = np.bincount(order, minlength=4)
    assert counts[1] == 0
    assert chi_square(counts[[0, 2, 3]], 20_000 * weights[[0, 2, 3]] / 10) < 3


def test_weights_without_replacement_draw_the_first_as_with():
    weights, first = [1.0, 0, 2, 5], np.zeros(4)
    sampler = WeightedRandomSampler(weights, 3, replacement=False, seed=0)
    for epoch in range(2000):
        order = sampler.order(epoch)
        assert sorted(order) == [0, 2, 3]
        first[order[0]] += 1
    assert chi_square(first[[0, 2, 3]], 2000 * np.array([1, 2, 5]) / 8) < 3


def test_a_subset_in_random_order():
    sampler = SubsetRandomSampler([4, 8, 15, 16], seed=0)
    assert sorted(sampler.order(0)) == [4, 8, 15, 16]
    assert {tuple(sampler.order(e)) for e in range(200)} == set(
        itertools.permutations([4, 8, 15, 16]))


def test_stretches_have_the_shares_of_the_classes():
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    sampler = StratifiedSampler(labels, seed=1)
    for epoch in range(20):
        order = sampler.order(epoch)
        np.testing.assert_array_equal(np.sort(order), np.arange(1000))
        counts = np.array([np.bincount(b, minlength=3) for b in labels[order].reshape(20, 50)])
        assert np.abs(counts - [35, 10, 5]).max() <= 4
    assert tuple(sampler.order(0)) != tuple(sampler.order(1))


def test_batches_of_a_sampler():
    sequential = SequentialSampler(range(7))
    assert list(BatchSampler(sequential, 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(BatchSampler(sequential, 3, drop_last=True)) == [[0, 1, 2], [3, 4, 5]]
    assert [len(BatchSampler(sequential, 3, d)) for d in (False, True)] == [3, 2]


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one(n):
    assert list(RandomSampler(range(n), seed=0)) == list(range(n))
    assert list(SequentialSampler(range(n))) == list(range(n))
    assert list(StratifiedSampler(np.zeros(n), seed=0)) == list(range(n))


@pytest.mark.system("Epoch / batch / iteration accounting")
@pytest.mark.parametrize(("n", "size", "steps"), [
    (10_000, 200, 50), (2_000, 10, 200), (103, 10, 11), (7, 10, 1), (20, 10, 2)])
def test_updates_of_an_epoch_are_counted(n, size, steps):
    from sheer.train.source import as_source
    x = np.zeros((n, 1), np.float32)
    loader = DataLoader(TensorDataset(x, x), size)
    short = DataLoader(TensorDataset(x, x), size, drop_last=True)
    assert [len(loader), len(short)] == [steps, n // size]
    assert [sum(1 for _ in loader), sum(1 for _ in short)] == [steps, n // size]
    source = as_source((x, x), size, 0, True, False)
    assert source.steps == steps
    assert sum(part.count for part in source.slices(0, 7)) == steps
    assert as_source((x, x), min(size, n), 0, True, True).steps == n // min(size, n)


def test_groups_stay_together_in_a_new_order():
    groups = np.random.default_rng(0).integers(0, 9, 60)
    sampler = GroupSampler(groups, seed=2)
    orders = set()
    for epoch in range(6):
        order = sampler.order(epoch)
        np.testing.assert_array_equal(np.sort(order), np.arange(60))
        runs = groups[order][np.flatnonzero(np.diff(groups[order], prepend=-1))]
        assert len(runs) == len(set(groups))                     # each group once
        for g in set(groups):
            np.testing.assert_array_equal(order[groups[order] == g], np.flatnonzero(groups == g))
        orders.add(tuple(runs))
    assert len(orders) == 6
    assert list(GroupSampler(groups, seed=2)) == sampler.order(0).tolist()
    assert len(sampler) == 60


def test_time_goes_on_within_a_stretch():
    times = np.random.default_rng(0).permutation(50)
    assert times[TimeSampler(times).order(3)].tolist() == list(range(50))
    sampler = TimeSampler(times, block=8, seed=1)
    assert len(sampler) == 50
    starts = set()
    for epoch in range(5):
        found = times[sampler.order(epoch)]
        assert sorted(found) == list(range(50))
        stretches = np.split(found, np.flatnonzero(np.diff(found) != 1) + 1)
        assert all(s[0] % 8 == 0 for s in stretches)             # cut nowhere else
        starts.add(tuple(s[0] for s in stretches))
    assert len(starts) == 5


@pytest.mark.parametrize("call", [lambda: GroupSampler([[1], [2]]), lambda: TimeSampler(3.0),
                                  lambda: TimeSampler([1, 2], block=-1)])
def test_groups_and_times_are_one_per_example(call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == "E661"
