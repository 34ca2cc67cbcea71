"""Numbers, mixtures, texts and sounds under transforms: what they keep and what they change."""

import collections
import math

import numpy as np
import pytest
import torch
from scipy.fft import dct

import sheer
from sheer.data import DataLoader, MixedDataset, TensorDataset, default_collate
from sheer.data import transforms as T
from sheer.data.transforms import chance
from sheer.graph.errors import SheerError

NUMERIC = "Numeric augmentation (jitter, mixup, SMOTE-like)"
TEXT = "Text augmentation (swap, deletion, synonym, back-translation)"
FOURIER = "Structured and unstructured inputs (tables, images, audio, text)"


def many(transform, value, count=300):
    """What a transform makes of a value at several places."""
    with chance.draw_on(5, 0):
        made = []
        for i in range(count):
            with chance.at(i):
                made.append(transform(value))
    return made


@pytest.mark.system(NUMERIC)
def test_jitter_is_noise_of_the_size_asked_for():
    row = np.array([1.0, 100.0, 5.0], np.float32)
    made = np.array(many(T.Jitter([0.1, 10.0, 0.0]), row, 3000))
    assert made.dtype == np.float32
    np.testing.assert_allclose(made.mean(0), row, rtol=0.02)
    np.testing.assert_allclose(made.std(0), [0.1, 10, 0], rtol=0.05)
    t = many(T.Jitter(0.1), sheer.tensor(row), 1)[0]
    assert t.dtype == sheer.float32
    scaled = np.array(many(T.Scaling(0.2), row, 2000))
    np.testing.assert_allclose(scaled / row, (scaled / row)[:, :1].repeat(3, 1), rtol=1e-5)
    np.testing.assert_allclose((scaled / row).std(0), 0.2, rtol=0.06)
    dropped = np.array(many(T.FeatureDropout(0.3, -1.0), row, 2000))
    np.testing.assert_allclose((dropped == -1).mean(0), 0.3, atol=0.04)


def test_the_same_seed_starts_the_same_draws_again():
    row = np.zeros(4, np.float32)
    def made(seed):
        sheer.manual_seed(seed)
        return [T.Jitter(1.0)(row).tolist() for _ in range(2)]
    first = made(0)
    assert first[0] != first[1]
    assert made(0) == first
    assert made(1) != first


@pytest.mark.system(NUMERIC)
@pytest.mark.parametrize("make", [T.MixUp, T.CutMix])
def test_mixed_labels_sum_to_one_and_say_what_is_in_the_picture(make):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 16)
    x = np.broadcast_to(y[:, None, None, None], (16, 3, 12, 10)).astype(np.float32)
    shares = []
    for picture, label in many(lambda b: make(num_classes=5, alpha=1.0)(*b), (x, y), 60):
        p = label.numpy()
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
        np.testing.assert_allclose(picture.numpy().mean((1, 2, 3)), p @ np.arange(5), atol=1e-5)
        i = int(np.flatnonzero(y != np.roll(y, 1))[0])
        shares.append(p[i, y[i]])
    # Uniform for alpha = 1; a rectangle that reaches over the edge is cut off.
    assert 0.4 < np.mean(shares) < (0.6 if make is T.MixUp else 0.8)
    assert np.std(shares) > 0.15
    loss = sheer.nn.functional.cross_entropy(sheer.randn(16, 5), label)
    assert math.isfinite(loss.item())
    mixed = make(num_classes=5)(x, np.eye(5, dtype=np.float32)[y])[1]
    np.testing.assert_allclose(mixed.numpy().sum(1), 1, atol=1e-6)


@pytest.mark.system(NUMERIC)
def test_mixtures_do_not_depend_on_batches():
    x = np.arange(24, dtype=np.float32).reshape(12, 2)
    mixed = MixedDataset(TensorDataset(x, np.arange(12) % 3), T.MixUp(num_classes=3))
    def epoch(size, workers):
        loader = DataLoader(mixed, size, num_workers=workers, seed=3)
        return [np.concatenate([b[k].numpy() for b in loader.batches(2)]) for k in range(2)]
    one = epoch(1, 0)
    np.testing.assert_allclose(one[1].sum(1), 1, atol=1e-6)
    for size, workers in [(5, 0), (4, 3)]:
        for a, b in zip(one, epoch(size, workers), strict=True):
            np.testing.assert_array_equal(a, b)
    some = MixedDataset(TensorDataset(x, np.arange(12) % 3), T.MixUp(num_classes=3), p=0.0)
    np.testing.assert_array_equal(some[4][1], [0, 1, 0])


def test_a_batch_mixed_with_itself_is_the_same_for_all_workers():
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    mix = T.MixUp(num_classes=4)
    def epoch(workers, start=0):
        loader = DataLoader(TensorDataset(x, np.arange(20) % 4), 5, shuffle=True, seed=1,
                            num_workers=workers, collate_fn=lambda e: mix(*default_collate(e)))
        return [(a.tolist(), b.tolist()) for a, b in loader.batches(1, start)]
    assert epoch(0) == epoch(3) == epoch(1)
    assert epoch(2, start=2) == epoch(0)[2:]


SENTENCE = "the film is a quiet , slow and very beautiful film"
TABLE = {"film": ["movie", "picture"], "slow": ["unhurried"], "very": []}


@pytest.mark.system(TEXT)
def test_words_are_swapped_left_out_and_replaced():
    words = SENTENCE.split()
    for text in many(T.RandomSwap(2), SENTENCE):
        assert collections.Counter(text.split()) == collections.Counter(words)
    assert len(set(many(T.RandomSwap(1), SENTENCE))) > 20
    moved = [sum(a != b for a, b in zip(t.split(), words, strict=True))
             for t in many(T.RandomSwap(1), SENTENCE)]
    assert set(moved) <= {0, 2}
    kept = [len(t.split()) for t in many(T.RandomDeletion(0.3), SENTENCE, 1000)]
    assert abs(np.mean(kept) - 0.7 * len(words)) < 0.2
    assert min(len(t.split()) for t in many(T.RandomDeletion(1.0), SENTENCE)) == 1
    made = many(T.SynonymReplacement(TABLE, 0.5), SENTENCE)
    allowed = [{w, *TABLE.get(w, ())} for w in words]
    assert all(w in a for t in made for w, a in zip(t.split(), allowed, strict=True))
    assert {t.split()[1] for t in made} == {"film", "movie", "picture"}
    longer = many(T.RandomInsertion(TABLE, 2), SENTENCE)
    assert all(len(t.split()) == len(words) + 2 for t in longer)
    assert {w for t in longer for w in t.split()} - set(words) == {"movie", "picture", "unhurried"}


@pytest.mark.system(TEXT)
def test_lists_stay_lists_and_shares_of_words_count():
    assert many(T.RandomSwap(0.2), SENTENCE.split(), 1)[0] != SENTENCE
    assert isinstance(many(T.RandomDeletion(0.1), SENTENCE.split(), 1)[0], list)
    assert many(T.RandomSwap(3), "one", 1) == ["one"]
    assert many(T.RandomDeletion(0.5), "", 1) == [""]
    assert many(T.SynonymReplacement(TABLE, 1.0), "Film", 30).count("movie") > 5


@pytest.mark.system(TEXT)
def test_back_translation_takes_two_functions_you_have():
    calls = []
    def there(text):
        calls.append(text)
        return text.upper()
    made = many(T.BackTranslation(there, lambda text: f"<{text.lower()}>", 0.5), "good")
    assert set(made) == {"good", "<good>"}
    assert len(calls) == made.count("<good>")
    assert 110 < len(calls) < 190


def wave(length=4000, seed=0):
    t = np.arange(length) / 8000
    noise = np.random.default_rng(seed).normal(size=length) * 0.01
    return (0.5 * np.sin(2 * np.pi * 440 * t) + noise).astype(np.float32)


def test_noise_shift_and_volume_of_sound():
    x = wave()
    for snr in (0.0, 20.0):
        noisy = many(T.AddNoise(snr), x, 1)[0]
        ratio = 10 * np.log10(np.mean(x**2) / np.mean((noisy - x)**2))
        assert abs(ratio - snr) < 0.3
    for moved in many(T.RandomShift(0.1), x, 30):
        by = next(k for k in range(-400, 401) if np.array_equal(
            moved[max(k, 0):len(x) + min(k, 0)], x[max(-k, 0):len(x) + min(-k, 0)]))
        gap = moved[:by] if by > 0 else moved[len(x) + by:]
        assert (gap == 0).all()
    wrapped = many(T.RandomShift(50, wrap=True), x, 1)[0]
    np.testing.assert_array_equal(np.sort(wrapped), np.sort(x))
    np.testing.assert_allclose(T.Vol(0.5)(x), x / 2)
    np.testing.assert_allclose(T.Vol(4.0, "power")(x), (2 * x).clip(-1, 1), rtol=1e-6)
    np.testing.assert_allclose(T.Vol(-20.0, "db")(x), x / 10, rtol=1e-6)
    gains = [np.abs(v).max() / np.abs(x).max() for v in many(T.RandomGain((-12, -3)), x)]
    assert 10 ** (-12 / 20) <= min(gains) < 0.3
    assert 0.65 < max(gains) <= 10 ** (-3 / 20) + 1e-6


@pytest.mark.parametrize(("n_fft", "win", "hop", "center", "power"), [
    (400, None, None, True, 2.0), (256, 200, 80, True, 1.0), (128, 100, 60, False, 2.0)])
def test_the_spectrogram_is_torchs(n_fft, win, hop, center, power):
    x = np.stack([wave(seed=s) for s in range(2)])
    got = T.Spectrogram(n_fft, win, hop, power, center)(x)
    want = torch.stft(torch.tensor(x), n_fft, hop or (win or n_fft) // 2, win or n_fft,
                      torch.hann_window(win or n_fft), center=center, return_complex=True)
    want = want.abs() ** power
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-3, atol=2e-4)


def test_mel_bands_and_cepstrum_follow_their_formulas():
    bands = T.mel_filters(201, 0.0, 8000.0, 40, 16000)
    assert bands.shape == (201, 40)
    mel = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 42)
    centres = 700 * (10 ** (mel[1:-1] / 2595) - 1)
    at = np.linspace(0, 8000, 201)
    for k in range(20, 40):                                     # wider than the grid
        assert abs(at[bands[:, k].argmax()] - centres[k]) <= 40
        inside = (at > 700 * (10 ** (mel[k] / 2595) - 1)) & (at < 700 * (10 ** (mel[k + 2] / 2595)
                                                                         - 1))
        np.testing.assert_array_equal(bands[:, k] > 0, inside)
    covered = (at > centres[0]) & (at < centres[-1])
    np.testing.assert_allclose(bands.sum(1)[covered], 1, atol=1e-9)     # triangles that add up
    x = wave()
    spectrum = T.Spectrogram(256)(x)
    mels = T.MelSpectrogram(8000, n_fft=256, n_mels=30)(x).numpy()
    filters = T.mel_filters(129, 0.0, 4000.0, 30, 8000)
    np.testing.assert_allclose(mels, filters.T @ spectrum.numpy(), rtol=1e-4, atol=1e-5)
    level = T.AmplitudeToDB("power", 80.0)(mels).numpy()
    want = 10 * np.log10(np.maximum(mels, 1e-10))
    np.testing.assert_allclose(level, np.maximum(want, want.max() - 80), rtol=1e-5, atol=1e-4)
    cepstrum = T.MFCC(8000, 13, melkwargs={"n_fft": 256, "n_mels": 30})(x)
    np.testing.assert_allclose(cepstrum.numpy(), dct(level, axis=0, norm="ortho")[:13], rtol=1e-4,
                               atol=1e-3)


def test_spectra_run_inside_programs_and_have_gradients():
    x = sheer.tensor(wave(800))
    mel = T.MelSpectrogram(8000, n_fft=128, n_mels=12)
    np.testing.assert_allclose(sheer.jit(mel)(x).numpy(), mel(x).numpy(), rtol=1e-5, atol=1e-6)
    total = lambda v: mel(v).sum()
    slope = sheer.grad(total)(x).numpy()
    step = np.zeros(800, np.float32)
    step[300] = 1e-2
    numeric = (total(x + sheer.tensor(step)).item() - total(x - sheer.tensor(step)).item()) / 2e-2
    np.testing.assert_allclose(slope[300], numeric, rtol=2e-2)


def test_masks_wipe_out_bands_and_stretches():
    spectrum = np.ones((2, 40, 60), np.float32)
    heights = []
    for masked in many(T.FrequencyMasking(10), spectrum):
        rows = (masked == 0).all((0, 2))
        assert (masked[:, ~rows] == 1).all()
        heights.append(rows.sum())
    assert (min(heights), max(heights)) == (0, 9)
    lengths = [(m == -1).all((0, 1)).sum() for m in many(T.TimeMasking(50, 0.2, -1.0), spectrum)]
    assert max(lengths) == 11


@pytest.mark.parametrize(("code", "call"), [
    ("E423", lambda: T.Jitter(-1)),
    ("E423", lambda: T.MixUp(alpha=0)),
    ("E221", lambda: T.MixUp(num_classes=2)(np.zeros((2, 1)), [0, 2])),
    ("E221", lambda: T.CutMix()(np.zeros((2, 1, 2, 2)), [0, 1])),
    ("E423", lambda: T.RandomSwap(-1)),
    ("E666", lambda: T.RandomSwap()(b"bytes")),
    ("E666", lambda: T.BackTranslation({}.get, {}.get, 1.0)("text")),
    ("E423", lambda: T.Vol(1.0, "loud")),
    ("E423", lambda: T.AddNoise((5, 1))),
    ("E423", lambda: T.RandomShift(-1)),
    ("E423", lambda: T.Spectrogram(100, 200)),
    ("E666", lambda: T.Spectrogram(400)(np.zeros(150, np.float32))),
    ("E666", lambda: T.Spectrogram(400, center=False)(np.zeros(300, np.float32))),
    ("E666", lambda: T.MelScale(n_stft=100)(np.zeros((99, 4), np.float32))),
    ("E423", lambda: T.AmplitudeToDB("loud")),
    ("E423", lambda: T.MFCC(n_mfcc=200)),
    ("E423", lambda: T.MelScale(f_min=9000.0)),
    ("E423", lambda: T.TimeMasking(-1)),
])
def test_what_makes_no_sense_is_refused(code, call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
