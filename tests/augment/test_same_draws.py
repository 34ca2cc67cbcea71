"""Chance in transforms is a function of (seed, epoch, example), and of nothing else."""

import numpy as np
import pytest

import sheer
from sheer import nn, optim
from sheer.data import (
    ConcatDataset,
    DataLoader,
    PairedDataset,
    Subset,
    TensorDataset,
    TransformedDataset,
    WeightedRandomSampler,
)
from sheer.data import transforms as T
from sheer.data.datasets import Pictures
from sheer.graph.errors import SheerError
from sheer.train import Run, fit

PICTURE = T.Compose([
    T.RandomCrop(12, padding=2), T.RandomHorizontalFlip(), T.RandomVerticalFlip(0.3),
    T.RandomRotation(20, "bilinear"), T.RandomAffine(5, (0.1, 0.1)), T.RandomPerspective(0.2),
    T.RandomResizedCrop(10, (0.5, 1.0)), T.ColorJitter(0.3, 0.3, 0.3, 0.1), T.RandomGrayscale(),
    T.RandomInvert(0.2), T.GaussianBlur(3), T.GaussianNoise(0.0, 0.02), T.RandomErasing(),
    T.ToTensor(), T.Normalize((0.5,), (0.5,))])
ROWS = 23


def pictures(channels=3, transform=PICTURE):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (ROWS, channels, 14, 13)).astype(np.uint8)
    return Pictures(images, np.arange(ROWS), transform=transform)


def texts():
    rows = [(f"a {'very ' * (i % 4)}good film number {i}", i) for i in range(ROWS)]
    chain = T.Compose([T.RandomSwap(2), T.RandomDeletion(0.2)])
    return TransformedDataset(rows, chain)


def sounds():
    x = np.random.default_rng(0).normal(size=(ROWS, 400)).astype(np.float32)
    chain = T.Compose([T.AddNoise(), T.RandomShift(), T.RandomGain(), T.Spectrogram(64),
                       T.TimeMasking(5), T.FrequencyMasking(5)])
    return TransformedDataset(TensorDataset(x, np.arange(ROWS)), chain)


def rows():
    x = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
    return TransformedDataset(TransformedDataset(TensorDataset(x, np.arange(ROWS)), T.Jitter(0.1)),
                              T.FeatureDropout(0.2))


def pairs():
    return PairedDataset(pictures(transform=None), T.GaussianBlur(5), T.ToTensor(),
                         T.RandomCrop(10))


def boxes():
    def both(x, y):
        return T.Compose([T.RandomHorizontalFlip(), T.RandomCrop(10), T.ToTensor()])(
            x, {"boxes": np.array([[2.0, 2, 9, 8]], np.float32), "number": y})
    return TransformedDataset(pictures(transform=None), transforms=both)


DATASETS = {"colour": pictures, "grey": lambda: pictures(1), "text": texts, "sound": sounds,
            "rows": rows, "pairs": pairs, "boxes": boxes}


def flat(value):
    """Examples of a batch as plain lists, one by one."""
    if isinstance(value, dict):
        return [dict(zip(value, v, strict=True)) for v in zip(*map(flat, value.values()),
                                                              strict=True)]
    if isinstance(value, sheer.Tensor):
        return value.tolist()
    return list(value)


def epoch(dataset, size, workers, number=2, start=0, seed=9):
    """Every example of an epoch, by its number in the order."""
    loader = DataLoader(dataset, size, shuffle=True, num_workers=workers, seed=seed)
    made = [list(zip(*map(flat, b), strict=True)) for b in loader.batches(number, start)]
    return [example for batch in made for example in batch]


@pytest.mark.parametrize("name", DATASETS)
def test_workers_batch_sizes_and_resumption_change_nothing(name):
    dataset = DATASETS[name]()
    want = epoch(dataset, 1, 0)
    assert len(want) == ROWS
    for size, workers in [(1, 3), (4, 0), (4, 2), (7, 3)]:
        assert epoch(dataset, size, workers) == want
    assert epoch(dataset, 4, 2, start=3) == want[12:]
    assert epoch(DATASETS[name](), 4, 0) == want                # another process would be so
    assert epoch(dataset, 4, 0, number=1) != want
    assert epoch(dataset, 4, 0, seed=8) != want


def test_whole_batches_are_made_as_single_examples_are():
    for channels in (1, 3):
        fast = pictures(channels)
        slow = pictures(channels, T.Compose([T.Lambda(lambda p: p), PICTURE]))     # PIL images
        assert fast.batch([0, 3]) is not None
        assert slow.batch([0, 3]) is None
        for (a, _), (b, _) in zip(epoch(fast, 5, 0), epoch(slow, 5, 0), strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_example_has_its_draws_wherever_it_stands():
    dataset = rows()
    order = DataLoader(dataset, 1, shuffle=True, seed=9).order(2)
    by_number = dict(zip(order.tolist(), epoch(dataset, 5, 0), strict=True))
    loader = DataLoader(dataset, 4, seed=9)
    plain = [e for b in loader.batches(2) for e in zip(*map(flat, b), strict=True)]
    assert [by_number[i] for i in range(ROWS)] == plain
    sampler = WeightedRandomSampler(np.ones(ROWS), 40, seed=1)
    again = DataLoader(dataset, 4, sampler=sampler, seed=9)
    drawn = [e for b in again.batches(2) for e in zip(*map(flat, b), strict=True)]
    assert [by_number[int(i)] for i in sampler.order(2)] == drawn
    part = DataLoader(Subset(pictures(), [4, 11]), 2, seed=9)
    whole = DataLoader(pictures(), 1, seed=9)
    want = [b[0].tolist()[0] for b in whole.batches(2)]
    assert next(iter(part.batches(2)))[0].tolist() == [want[4], want[11]]


@pytest.mark.parametrize("hide", [lambda d: Subset(d, range(ROWS)),
                                  lambda d: ConcatDataset([d])])
def test_transforms_around_a_part_or_a_sum_have_draws_of_their_own(hide):
    zeros = [(np.zeros(3, np.float32), 0)] * ROWS
    once = [x for x, _ in epoch(TransformedDataset(zeros, T.Jitter(1.0)), 1, 0)]
    inner = TransformedDataset(zeros, T.Jitter(1.0))
    twice = [x for x, _ in epoch(TransformedDataset(hide(inner), T.Jitter(1.0)), 1, 0)]
    assert not np.allclose(np.array(twice), 2 * np.array(once))


def test_a_training_that_was_resumed_saw_the_same_pictures(tmp_path):
    def train(folder, stop, resume=False):
        sheer.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(300, 4))
        loader = DataLoader(TransformedDataset(pictures(), target_transform=lambda y: y % 4), 5,
                            shuffle=True, seed=3, num_workers=2)
        epochs = 1 if stop else 3
        return model, fit(model, loader, loss=nn.functional.cross_entropy, epochs=epochs,
                          optimizer=optim.SGD(model.parameters(), lr=0.05), progress=False,
                          run=Run.open(folder, None if resume else {}), resume=resume)
    whole, run = train(tmp_path / "a", False)
    train(tmp_path / "b", True)
    again, resumed = train(tmp_path / "b", False, resume=True)
    assert resumed.column("loss") == run.column("loss")
    np.testing.assert_array_equal(whole[1].weight.numpy(), again[1].weight.numpy())


@pytest.mark.system("Black-and-white to colour, blurred to sharp pairs")
def test_pairs_are_one_picture_twice():
    images = pictures(transform=None)
    for spoil, channels in [(T.Grayscale(), 1), (T.GaussianBlur(7, 2.0), 3)]:
        pair = PairedDataset(images, spoil, T.ToTensor(), T.RandomCrop(10))
        batches = list(DataLoader(pair, 8, num_workers=2, seed=1))
        assert [b[0].shape[0] for b in batches] == [8, 8, 7]
        worse, better = (np.concatenate([b[k].numpy() for b in batches]) for k in range(2))
        assert (worse.shape, better.shape) == ((ROWS, channels, 10, 10), (ROWS, 3, 10, 10))
        for a, b in zip(worse, better, strict=True):
            want = spoil(T.ToPILImage()(sheer.tensor(b)))
            np.testing.assert_allclose(a, T.ToTensor()(want).numpy(), atol=1.01 / 255)
        assert worse.std() < better.std() or channels == 1


def test_two_ways_to_transform_are_refused():
    with pytest.raises(SheerError) as error:
        TransformedDataset([(1, 2)], transform=abs, transforms=max)
    assert error.value.code == "E667"
