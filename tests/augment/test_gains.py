"""What augmentation gains on few real examples; several labels, or classes, of real digits."""

import numpy as np
import pytest

import sheer
from sheer import metrics, nn, optim
from sheer.data import DataLoader, Subset, TransformedDataset, load_arrays, multi_hot
from sheer.data import transforms as T
from sheer.data.datasets import Pictures
from sheer.train import evaluate, fit, predict

pytestmark = pytest.mark.slow
MEAN, STD = 0.1307, 0.3081


def mnist(shared_data):
    arrays = load_arrays("mnist", shared_data)
    return arrays.train, arrays.test


def network(width=28):
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * (width // 4), 64), nn.ReLU(), nn.Linear(64, 10))


def spread(values):
    return f"{np.mean(values):.1%} ({min(values):.1%} to {max(values):.1%})"


@pytest.mark.system("Image augmentation: rotation, reflection, Gaussian blur, crop, colour, noise")
def test_images_turned_and_shifted_help_500_of_them(shared_data, figure):
    train, test = mnist(shared_data)
    ready = [T.ToTensor(), T.Normalize((MEAN,), (STD,))]
    moved = [T.RandomAffine(12, (0.1, 0.1), (0.85, 1.15), 8, "bilinear"), T.GaussianNoise(0, 0.05)]
    held = Pictures(test.x[:5000], test.y[:5000], transform=T.Compose(ready)).batch(range(5000))
    found = {"plain": [], "augmented": []}
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(60_000)[:500]
        for name, steps in [("plain", ready), ("augmented", moved + ready)]:
            sheer.manual_seed(seed)
            model = network()
            some = Pictures(train.x[rows], train.y[rows], transform=T.Compose(steps))
            loader = DataLoader(some, 50, shuffle=True, seed=seed)
            optimizer = optim.Adam(model.parameters(), lr=2e-3)
            schedule = optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=600)
            fit(model, loader, loss=nn.CrossEntropyLoss(), epochs=60, progress=False,
                optimizer=optimizer, schedule=schedule)
            found[name].append(evaluate(model, held, loss=nn.CrossEntropyLoss(),
                                        metrics=["accuracy"])["accuracy"])
    assert np.mean(found["augmented"]) > np.mean(found["plain"]) + 0.005
    figure(f"MNIST, 500 images, 3 seeds: {spread(found['plain'])} plain, "
           f"{spread(found['augmented'])} augmented")


SYNONYMS = {k: [w for w in group if w != k] for group in [
    ("film", "movie", "picture"), ("funny", "comic", "humorous"), ("dull", "boring", "tedious"),
    ("moving", "touching"), ("story", "tale"), ("bad", "poor"), ("good", "fine"),
    ("clever", "smart"),
    ("silly", "foolish"), ("characters", "figures"), ("actors", "players"), ("beautiful", "lovely"),
    ("slow", "sluggish"), ("stupid", "dumb"), ("big", "large"), ("very", "really"),
    ("director", "filmmaker"), ("comedy", "farce"), ("entertaining", "amusing"),
    ("scenes", "moments"), ("kids", "children"), ("often", "frequently"), ("almost", "nearly")]
    for k in group}
EDA = T.Compose([T.SynonymReplacement(SYNONYMS, 0.5), T.RandomSwap(0.1), T.RandomDeletion(0.1)])


def polarity(shared_data):
    """Sentences and 0/1, shuffled."""
    texts, labels = [], []
    for label, name in enumerate(("rt-polarity.neg", "rt-polarity.pos")):
        lines = (shared_data / "rt_polarity" / name).read_text(encoding="utf-8").splitlines()
        texts += lines
        labels += [label] * len(lines)
    order = np.random.default_rng(0).permutation(len(texts))
    return [texts[i] for i in order], np.array(labels)[order]


def coder(texts, length=40):
    """Words seen at least twice, as numbers; 0 is padding and every other word."""
    words, counts = np.unique([w for t in texts for w in t.split()], return_counts=True)
    number = {w: i + 1 for i, w in enumerate(words[counts > 1])}
    def code(text):
        ids = [number.get(w, 0) for w in text.split()][:length]
        return np.array(ids + [0] * (length - len(ids)), np.int64)
    return code, len(number) + 1


class Bag(nn.Module):
    """The mean of the words' vectors, and a line through it."""

    def __init__(self, words, width=32):
        super().__init__()
        self.embed, self.out = nn.Embedding(words, width), nn.Linear(width, 2)

    def forward(self, x):
        known = (x != 0).float().unsqueeze(-1)
        return self.out((self.embed(x) * known).sum(1) / known.sum(1).clamp(min=1))


def text_model(texts, labels, epochs, seed, augment=None, lr=5e-3):
    sheer.manual_seed(seed)
    vocabulary = texts if augment is None else [*texts, *SYNONYMS, *SYNONYMS]
    code, words = coder(vocabulary)
    change = code if augment is None else T.Compose([augment, code])
    rows = TransformedDataset(list(zip(texts, labels.tolist(), strict=True)), change)
    model = Bag(words)
    fit(model, DataLoader(rows, 50, shuffle=True, seed=seed), loss=nn.CrossEntropyLoss(),
        epochs=epochs, optimizer=optim.AdamW(model.parameters(), lr=lr), progress=False)
    return lambda sentences: predict(model, np.stack([code(s) for s in sentences])).argmax(1)


@pytest.mark.system("Text augmentation (swap, deletion, synonym, back-translation)")
def test_texts_keep_their_polarity_and_500_of_them_gain(shared_data, figure):
    texts, labels = polarity(shared_data)
    assert len(texts) == 10_662
    held, wanted = texts[:2000], labels[:2000]
    # A judge that has learnt from 8,000 other sentences finds the same polarity in changed ones.
    judge = text_model(texts[2000:10_000], labels[2000:10_000], 4, 0)
    with T.draw_on(1, 0):
        changed = []
        for i, sentence in enumerate(held):
            with T.at(i):
                changed.append(EDA(sentence))
    assert np.mean([a != b for a, b in zip(held, changed, strict=True)]) > 0.8
    before, after = (np.mean(judge(s) == wanted) for s in (held, changed))
    same = np.mean(judge(held) == judge(changed))
    assert after > before - 0.02
    assert same > 0.9
    plain, eda = [], []
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(np.arange(2000, len(texts)))[:500]
        few = [texts[i] for i in rows], labels[rows]
        plain.append(np.mean(text_model(*few, 30, seed)(held) == wanted))
        eda.append(np.mean(text_model(*few, 30, seed, EDA)(held) == wanted))
    assert min(*plain, *eda) > 0.52
    assert np.mean(eda) > np.mean(plain) - 0.02
    figure(f"a judge is right on {before:.1%} of sentences and {after:.1%} of changed ones, of one "
           f"mind on {same:.1%}; 500 sentences, 3 seeds: {spread(plain)} plain, {spread(eda)} "
           "augmented")


@pytest.mark.system("Multi-label data")
def test_sets_of_digits_in_one_picture_are_found(shared_data, figure):
    train, test = mnist(shared_data)
    def composites(part, count, seed):
        """Two digits beside each other, or one, or none; labels: which there are."""
        rng = np.random.default_rng(seed)
        picks = rng.integers(0, len(part), (count, 2))
        shown = rng.random((count, 2)) < 0.8
        x = np.where(shown[:, :, None, None], part.x[picks, 0], 0)           # (N, 2, 28, 28)
        x = np.concatenate([x[:, 0], x[:, 1]], axis=-1)[:, None]             # (N, 1, 28, 56)
        sets = [part.y[p][s].tolist() for p, s in zip(picks, shown, strict=True)]
        return x, multi_hot(sets, range(10))
    x, y = composites(train, 20_000, 0)
    scores = []
    for seed in range(3):
        sheer.manual_seed(seed)
        model = network(56)
        scaled = lambda v: (v.float() / 255 - MEAN) / STD
        optimizer = optim.Adam(model.parameters(), lr=2e-3)
        schedule = optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=3 * 313)
        run = fit(model, (x, y), loss=nn.BCEWithLogitsLoss(), epochs=3, batch_size=64, seed=seed,
                  optimizer=optimizer, schedule=schedule, transform=scaled, progress=False,
                  metrics=["f1"])
        held, wanted = composites(test, 4000, 1)
        said = predict(model, held, transform=scaled) > 0
        scores.append(metrics.accuracy_score(wanted, said))
        assert run.column("f1")[-1] > 0.9
    assert np.mean(scores) >= 0.90
    figure(f"subset accuracy {spread(scores)}, 3 seeds")


@pytest.mark.system("Multi-class data")
def test_softmax_and_cross_entropy_tell_ten_digits_apart(shared_data, figure):
    train, test = mnist(shared_data)
    scaled = lambda v: (v.float() / 255 - MEAN) / STD
    scores = []
    for seed in range(3):
        sheer.manual_seed(seed)
        model = network()
        optimizer = optim.Adam(model.parameters(), lr=2e-3)
        schedule = optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=938)
        fit(model, (train.x, train.y), loss=nn.CrossEntropyLoss(), epochs=1, batch_size=64,
            seed=seed, optimizer=optimizer, schedule=schedule, transform=scaled, progress=False)
        scores.append(evaluate(model, (test.x, test.y), loss=nn.CrossEntropyLoss(),
                               transform=scaled, metrics=["accuracy"])["accuracy"])
    assert np.mean(scores) >= 0.98
    figure(f"MNIST test accuracy {spread(scores)}, 3 seeds")


def test_a_subset_of_pictures_is_augmented_by_its_own_numbers(shared_data):
    train, _ = mnist(shared_data)
    chain = T.Compose([T.RandomRotation(20, "bilinear"), T.ToTensor()])
    whole = Pictures(train.x[:100], train.y[:100], transform=chain)
    part = DataLoader(Subset(whole, range(40, 60)), 20, seed=4)
    every = DataLoader(whole, 100, seed=4)
    np.testing.assert_array_equal(next(iter(part.batches(3)))[0].numpy(),
                                  next(iter(every.batches(3)))[0].numpy()[40:60])
