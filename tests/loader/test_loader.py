"""Batches: torch's structure and lengths, the same with any number of workers."""

import threading
import time
from collections import namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import sheer
from sheer.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from sheer.data.transforms import chance


class Squares(Dataset):
    """Example i is (a vector of i, i^2)."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        return np.full(2, i, np.float32), i * i


class Slow(Squares):
    """Later examples are ready earlier."""

    def __getitem__(self, i):
        time.sleep(0.002 * (5 - i % 5))
        return super().__getitem__(i)


class Augmented(Squares):
    """Draws a number for every example."""

    def __getitem__(self, i):
        return chance.stream().random(), i


class Counting(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))


def tensors(n, dtype=np.float32):
    x = np.arange(2 * n, dtype=dtype).reshape(n, 2)
    return sheer.tensor(x), sheer.tensor(np.arange(n))


def listed(loader):
    """What a pass gives, as nested lists."""
    return [[t.tolist() for t in batch] for batch in loader]


@pytest.mark.system("Mini-batch data loader")
@given(n=st.integers(1, 60), size=st.integers(1, 20), drop=st.booleans(), workers=st.integers(0, 3),
       fast=st.booleans(), shuffle=st.booleans())
def test_every_example_once_in_as_many_batches_as_promised(n, size, drop, workers, fast, shuffle):
    dataset = TensorDataset(*tensors(n)) if fast else Squares(n)
    loader = DataLoader(dataset, size, shuffle, num_workers=workers, drop_last=drop, seed=7)
    batches = list(loader)
    assert len(batches) == len(loader) == (n // size if drop else -(-n // size))
    assert all(isinstance(t, sheer.Tensor) for b in batches for t in b)
    rows = np.concatenate([[], *(b[0][:, 0].numpy() for b in batches)]) / (2 if fast else 1)
    np.testing.assert_array_equal(rows, loader.order(0)[:len(rows)])
    assert len(rows) == (n - n % size if drop else n)
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(("n", "size", "steps"), [(10_000, 200, 50), (2_000, 10, 200)])
def test_steps_per_epoch(n, size, steps):
    assert len(DataLoader(range(n), size)) == steps


@pytest.mark.system("Mini-batch data loader")
@pytest.mark.parametrize("dataset", [Slow(23), TensorDataset(*tensors(23)), Augmented(23),
                                     Subset(Squares(40), range(5, 28))])
def test_workers_change_nothing(dataset):
    passes = [[listed(loader) for _ in range(2)] for loader in (
        DataLoader(dataset, 4, shuffle=True, seed=3, num_workers=w) for w in (0, 1, 4))]
    assert passes[0] == passes[1] == passes[2]
    assert passes[0][0] != passes[0][1]                     # the next epoch has another order


def test_a_pass_can_be_resumed_in_the_middle():
    loader = DataLoader(Augmented(20), 3, shuffle=True, seed=1)
    epochs = [listed(loader) for _ in range(3)]
    again = DataLoader(Augmented(20), 3, shuffle=True, seed=1, num_workers=2)
    assert [[t.tolist() for t in b] for b in again.batches(2, start=4)] == epochs[2][4:]
    again.set_epoch(1)
    assert listed(again) == epochs[1]
    assert again.epoch == 2


def test_workers_run_ahead_but_not_far():
    made = []
    class Watched(Squares):
        def __getitem__(self, i):
            made.append(i)
            return super().__getitem__(i)
    batches = iter(DataLoader(Watched(100), 1, num_workers=2, prefetch_factor=3))
    next(batches)
    time.sleep(0.05)
    assert 1 < len(made) <= 8
    batches.close()
    time.sleep(0.05)
    assert len(made) <= 8
    assert not [t for t in threading.enumerate() if t.name.startswith("sheer-loader")]


def test_a_seed_may_come_from_a_generator_or_from_manual_seed():
    order = lambda **how: DataLoader(Squares(30), 2, shuffle=True, **how).order(0).tolist()
    assert order(seed=9) == order(generator=sheer.random.Generator().manual_seed(9))
    sheer.random.manual_seed(9)
    assert order() == order(seed=9)


# ---- structure ---------------------------------------------------------------------------------

Pair = namedtuple("Pair", "x y")

STRUCTURES = [
    [1, 2, 3], [True, False], [np.float32(1.5), np.float32(2)], [np.arange(3), np.arange(3)],
    [(1, np.ones((2, 2), np.float32)), (2, np.zeros((2, 2), np.float32))], [[1, 2], [3, 4]],
    [{"x": np.ones(2, np.float32), "name": "a"}, {"x": np.zeros(2, np.float32), "name": "b"}],
    [Pair(1, (2, "s")), Pair(3, (4, "t"))], ["text", "more"], [b"one", b"two"],
    [np.uint8(3), np.uint8(4)], [np.array([1], np.int32), np.array([2], np.int32)],
]


def plain(value):
    """Nested lists with dtypes and types, of either library."""
    if isinstance(value, sheer.Tensor | torch.Tensor):
        return str(value.numpy().dtype), value.tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return type(value).__name__, [plain(v) for v in value]
    return value


@pytest.mark.parametrize("examples", STRUCTURES, ids=repr)
def test_batches_have_torchs_structure(examples):
    theirs = torch.utils.data.default_collate(examples)
    assert plain(default_collate(examples)) == plain(theirs)


def test_floats_become_float32_and_float64_tensors_stay():
    assert default_collate([1.5, 2.5]).dtype == sheer.float32
    wide = [sheer.tensor(1.5, dtype="float64"), sheer.tensor(2.5, dtype="float64")]
    assert default_collate(wide).dtype == sheer.float64
    x = sheer.tensor(np.arange(6.0).reshape(3, 2), dtype="float64")
    data = TensorDataset(x)
    assert next(iter(DataLoader(data, 2)))[0].dtype == data[0][0].dtype == sheer.float64


def test_tensors_that_were_not_computed_yet_are_computed_together():
    from sheer.transforms import execute
    x = sheer.tensor([1.0, 2.0, 3.0])
    runs, original = [], execute._run
    execute._run = lambda pending, keep: (runs.append(len(pending)), original(pending, keep))
    try:
        assert default_collate([x * i for i in (2.0, 3.0)]).tolist() == [[2, 4, 6], [3, 6, 9]]
    finally:
        execute._run = original
    assert runs == [2]


def test_batches_are_copies():
    x, y = tensors(4)
    batch = next(iter(DataLoader(TensorDataset(x, y), 4)))
    batch[0]._rebind((batch[0] * 0).node)
    assert x.numpy()[1].tolist() == [2, 3]


def test_own_collate_and_single_examples():
    assert list(DataLoader(Squares(3), 2, collate_fn=len)) == [2, 1]
    singles = list(DataLoader(Squares(3), batch_size=None, shuffle=False))
    assert [type(s[0]) for s in singles] == [sheer.Tensor] * 3
    assert [s[1] for s in singles] == [0, 1, 4]
    assert len(DataLoader(Squares(3), batch_size=None)) == 3


def test_batch_samplers():
    sampler = BatchSampler(RandomSampler(range(7), seed=2), 3)
    rows = [b[0][:, 0].tolist() for b in DataLoader(Squares(7), batch_sampler=sampler)]
    order = RandomSampler(range(7), seed=2).order(0).tolist()
    assert rows == [order[:3], order[3:6], order[6:]]
    fixed = [[0, 3], [1, 2, 4]]
    loader = DataLoader(Squares(7), batch_sampler=fixed, num_workers=2)
    assert [b[0][:, 0].tolist() for b in loader] == fixed
    assert len(loader) == 2


def test_foreign_samplers():
    loader = DataLoader(Squares(7), 2, sampler=[5, 1, 3])
    assert [b[0][:, 0].tolist() for b in loader] == [[5, 1], [3]]


class Odd(Sampler):
    """As people write it for torch: no order, only what comes next; another one in every pass."""

    def __init__(self, data_source):
        super().__init__(data_source)
        self.n, self.passes = len(data_source), 0

    def __iter__(self):
        self.passes += 1
        return iter([*range(1, self.n, 2), *range(0, self.n, 2)][::(-1) ** (self.passes + 1)])

    def __len__(self):
        return self.n


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sampler_written_for_torch_needs_no_order(workers):
    loader = DataLoader(list(range(5)), 2, sampler=Odd(range(5)), num_workers=workers)
    there = torch.utils.data.DataLoader(range(5), 2, sampler=Odd(range(5)))
    for _ in range(2):
        assert [b.tolist() for b in loader] == [b.tolist() for b in there]
    assert Odd(range(3)).order(0).tolist() == [1, 0, 2]
    single = DataLoader(list(range(5)), None, sampler=Odd(range(5)))
    assert [int(b) for b in single] == [1, 3, 0, 2, 4]
    with pytest.raises(NotImplementedError, match="neither order nor __iter__"):
        list(Sampler())


def test_workers_say_their_number_as_they_start():
    seen = []
    loader = DataLoader(list(range(8)), 2, num_workers=2, worker_init_fn=seen.append,
                        multiprocessing_context=None)
    assert len(list(loader)) == 4
    assert seen in ([0], [0, 1], [1, 0])                  # one that has time may do it all
    def failing(number):
        raise LookupError(f"worker {number}")
    with pytest.raises(LookupError, match="worker 0"):
        list(DataLoader([1, 2], num_workers=1, worker_init_fn=failing))
    assert len(list(DataLoader([1, 2], worker_init_fn=failing))) == 2       # no worker, as torch


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize(("n", "size", "drop", "sizes"), [
    (7, 3, False, [3, 3, 1]), (7, 3, True, [3, 3]), (6, 3, False, [3, 3]), (0, 3, False, [])])
def test_streams(workers, n, size, drop, sizes):
    loader = DataLoader(Counting(n), size, num_workers=workers, drop_last=drop)
    batches = [b.tolist() for b in loader]
    assert [len(b) for b in batches] == sizes
    assert [i for b in batches for i in b] == list(range(sum(sizes)))
    assert [b.tolist() for b in loader.batches(0, start=1)] == batches[1:]


# ---- datasets ----------------------------------------------------------------------------------

def test_rows_of_tensors():
    x, y = tensors(5)
    data = TensorDataset(x, y)
    assert len(data) == 5
    assert [t.tolist() for t in data[3]] == [[6, 7], 3]
    assert [t.tolist() for t in data[1:3]] == [[[2, 3], [4, 5]], [1, 2]]


def test_datasets_in_a_row():
    both = Squares(3) + TensorDataset(*tensors(2)) + Squares(4)
    assert len(both) == 9
    assert [int(both[i][1]) for i in range(9)] == [0, 1, 4, 0, 1, 0, 1, 4, 9]
    assert both[-1][1] == 9


@pytest.mark.parametrize(("lengths", "sizes"), [
    ([7, 3], [7, 3]), ([0.5, 0.5], [5, 5]), ([0.33, 0.33, 0.34], [4, 3, 3]), ([1.0], [10]),
    ([10, 0], [10, 0])])
def test_random_parts(lengths, sizes):
    parts = random_split(Squares(10), lengths, seed=1)
    assert [len(p) for p in parts] == sizes
    rows = [i for p in parts for i in p.indices]
    assert sorted(rows) == list(range(10))
    assert rows == [i for p in random_split(Squares(10), lengths, seed=1) for i in p.indices]
    assert [len(p) for p in torch.utils.data.random_split(range(10), lengths)] == sizes


def test_parts_of_tensors_are_gathered_at_once():
    class Watched(TensorDataset):
        singles = 0
        def __getitem__(self, i):
            Watched.singles += 1
            return super().__getitem__(i)
    data = Watched(*tensors(10))
    first = random_split(random_split(data, [8, 2], seed=0)[0], [6, 2], seed=1)[0]
    rows = [r for b in DataLoader(first, 4, shuffle=True, seed=1) for r in b[1].tolist()]
    assert sorted(rows) == sorted(first.dataset.indices[i] for i in first.indices)
    assert Watched.singles == 0


def test_a_loader_trains():
    """The usual loop: a line is found from noisy points."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 1)).astype(np.float32)
    data = TensorDataset(x, (3 * x + 1).astype(np.float32))
    w = sheer.tensor([[0.0]], requires_grad=True)
    b = sheer.tensor([0.0], requires_grad=True)
    optimizer = sheer.optim.SGD([w, b], lr=0.1)
    for _ in range(20):
        for xi, yi in DataLoader(data, 16, shuffle=True, seed=0, num_workers=2):
            optimizer.zero_grad()
            error = xi @ w + b - yi
            (error * error).mean().backward()
            optimizer.step()
    np.testing.assert_allclose([w.item(), b.item()], [3, 1], atol=1e-3)


def test_datasets_take_types_and_streams_ask_for_their_worker_as_they_are_written_for_torch():
    from sheer.utils.data import Dataset, get_worker_info
    class Rows(Dataset[tuple[int, int]]):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return i, 2 * i
    class Shared(IterableDataset[int]):
        def __iter__(self):
            share = get_worker_info()
            return iter(range(6) if share is None else range(share.id, 6, share.num_workers))
    assert listed(DataLoader(Rows(), 3)) == [[[0, 1, 2], [0, 2, 4]]]
    assert [b.tolist() for b in DataLoader(Shared(), 3, num_workers=2)] == [[0, 1, 2], [3, 4, 5]]
