"""Sequences in buckets: each row once, of like length, in an order of (seed, epoch); in `fit`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sheer
from sheer import nn, optim
from sheer.data import DataLoader
from sheer.data.text import Buckets, BucketSampler, bucketed, pad
from sheer.graph.errors import ArgumentError, ShapeError, SheerError
from sheer.nn import functional as F
from sheer.train import evaluate, fit
from sheer.train.fit import as_source

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(lengths=LENGTHS, count=st.integers(1, 6))
def test_every_row_is_in_the_first_bucket_it_fits_in(lengths, count):
    found = bucketed(lengths, count)
    rows = np.concatenate(list(found.values()))
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    assert len(found) <= count
    edges = list(found)
    for before, edge in zip([-1, *edges], edges, strict=False):
        inside = np.array(lengths)[found[edge]]
        assert inside.max() == edge
        assert inside.min() > before


@given(lengths=LENGTHS, size=st.integers(1, 9), drop=st.booleans())
def test_batches_have_like_lengths_and_every_row_once(lengths, size, drop):
    sampler = BucketSampler(lengths, size, edges=[10, 20, 40], drop_last=drop, seed=3)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    rows = [r for batch in batches for r in batch]
    assert len(set(rows)) == len(rows)
    assert drop or len(rows) == len(lengths)
    for batch in batches:
        assert len(set(np.searchsorted([10, 20, 40], np.array(lengths)[batch]))) == 1
        assert len(batch) == size if drop else 0 < len(batch) <= size


def test_the_order_is_a_function_of_seed_and_epoch():
    lengths = np.arange(50) % 17
    make = lambda seed: BucketSampler(lengths, 4, seed=seed)
    first = make(1)
    epochs = [list(first), list(first)]
    assert epochs[0] != epochs[1]
    again = make(1)
    again.set_epoch(1)
    assert list(again) == epochs[1]
    assert list(make(2)) != epochs[0]
    plain = BucketSampler(lengths, 4, shuffle=False)
    assert list(plain) == list(plain)


def test_a_loader_takes_the_sampler():
    texts = [list(range(1, n + 1)) for n in (3, 9, 4, 1, 8)]
    loader = DataLoader(texts, batch_sampler=BucketSampler([len(t) for t in texts], 2, [4, 10]),
                        collate_fn=pad)
    shapes = [batch.shape for batch in loader]
    assert sorted(rows for rows, _ in shapes) == [1, 2, 2]
    assert sorted({length > 4 for rows, length in shapes if rows == 2}) == [False, True]


@pytest.mark.parametrize(("make", "code"), [
    (lambda: bucketed([1], [3, 3]), "E693"), (lambda: bucketed([1], []), "E693"),
    (lambda: bucketed([1, 9], [3]), "E692"), (lambda: BucketSampler([1], 0), "E402"),
    (lambda: Buckets([]), "E693")])
def test_edges_that_do_not_hold_are_refused(make, code):
    with pytest.raises((ArgumentError, ShapeError)) as error:
        make()
    assert error.value.code == code


# ---- in fit --------------------------------------------------------------------------------------

class Tagger(nn.Module):
    """Says for each number whether it is odd."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.table(x))


def numbers(count: int = 37) -> Buckets:
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 9, rng.integers(1, 12)) for _ in range(count)]
    groups = bucketed([len(r) for r in rows], [4, 11])
    parts = []
    for edge, which in groups.items():
        x = pad([rows[i] for i in which], 0, edge)
        parts.append((x, np.where(x == 0, -100, x % 2)))
    return Buckets(parts, list(groups.values()))


def trained(epochs: int, **options):
    sheer.manual_seed(0)
    model = Tagger()
    run = fit(model, numbers(), loss=F.sequence_cross_entropy,
              optimizer=optim.Adam(model.parameters(), lr=0.05), epochs=epochs, batch_size=4,
              seed=5, progress=False, **options)
    return model, run


def test_training_learns_and_each_row_counts_once():
    _, run = trained(12, validation=numbers())
    assert run.history[-1]["val_loss"] < 0.05 < run.history[0]["loss"]
    source = as_source(numbers(), 4, 5, True, False)
    for epoch in range(2):
        parts = list(source.slices(epoch, 3))
        assert sum(p.rows * p.count for p in parts) == 37
        assert [p.first for p in parts] == np.cumsum([0, *(p.count for p in parts)])[:-1].tolist()
        assert sum(p.count for p in parts) == source.steps


def test_what_is_left_of_an_epoch_are_its_last_batches():
    source = as_source(numbers(), 4, 5, True, False)
    batches = lambda parts: [rows for p in parts for rows in p.parts.numpy().tolist()]
    whole = batches(source.slices(1, 3))
    for start in range(source.steps + 1):
        assert batches(source.slices(1, 3, start)) == whole[start:]


def test_fit_does_what_a_loop_over_its_batches_does():
    mine, _ = trained(2)
    sheer.manual_seed(0)
    model = Tagger()
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    source = as_source(numbers(), 4, 5, True, False)
    for epoch in range(2):
        for part in source.slices(epoch, 2**30):
            for rows in part.parts.numpy():
                x, y = (m.numpy()[rows] for m in part.memory)
                loss = F.sequence_cross_entropy(model(sheer.tensor(x)), sheer.tensor(y))
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(mine.state_dict()[name].numpy(), value.numpy(), rtol=2e-4,
                                   atol=2e-6, err_msg=name)


def test_evaluation_weighs_rows():
    model, _ = trained(1)
    found = evaluate(model, numbers(), loss=F.sequence_cross_entropy, batch_size=8)
    parts = [evaluate(model, part, loss=F.sequence_cross_entropy, batch_size=8)["loss"]
             * len(part[0]) for part in numbers().parts]
    assert found["loss"] == pytest.approx(sum(parts) / 37, rel=1e-6)


def test_groups_must_have_rows():
    with pytest.raises(SheerError, match="the data have no rows"):
        as_source(Buckets([(np.zeros((0, 3), np.int64), np.zeros(0, np.int64))]), 2, 0, True, False)
