"""Sounds: spectra are what they should be, voices have their pitch, words are heard."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import fft

import sheer
from sheer.recipes import make, run
from sheer.recipes.sound import cepstra, fitted, log_mel, summaries
from sheer.recipes.speech import Later, Vary
from sheer.recipes.voices import MEN, RATE, WOMEN, pitch, sound, speakers

RNG = np.random.default_rng(0)


def tone(hertz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE).astype(np.float32)


def test_waves_become_equally_loud_and_long():
    out = fitted([np.array([0.1, -0.2]), np.arange(5) / 8, np.zeros(2)], 3)
    np.testing.assert_allclose(out, [[0.5, -1, 0], [0, 0.5, 1], [0, 0, 0]])


def test_a_tone_is_loudest_in_its_band():
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 42) / 2595) - 1)
    for hertz in (500, 1000, 3000):
        loudest = log_mel(tone(hertz)[None], RATE)[0].mean(1).argmax()
        assert edges[loudest] < hertz < edges[loudest + 2]


def test_cepstra_are_a_cosine_transform():
    mel = RNG.normal(size=(2, 40, 7)).astype(np.float32)
    np.testing.assert_allclose(cepstra(mel), fft.dct(mel, axis=1, norm="ortho")[:, :13],
                               rtol=1e-4, atol=1e-4)


def test_summaries_do_not_depend_on_silence_around_a_word():
    word = RNG.normal(size=2000).astype(np.float32)
    quiet = lambda n: np.zeros(n, np.float32)
    waves = [np.concatenate([quiet(a), word, quiet(8000 - 2000 - a)]) for a in (0, 1280, 5120)]
    a, b, c = summaries(log_mel(np.array(waves), RATE))
    assert a.shape == (4 * 13 * 2,)
    np.testing.assert_allclose(b, c, atol=1e-3)
    assert np.abs(a - b).max() < np.abs(b).max() / 2             # the edge of the first frame


@pytest.mark.parametrize("hertz", [85, 130, 220, 255])
def test_a_voice_has_the_pitch_it_was_given(hertz):
    vowels = MEN[:, [0, 4, 7]].copy()
    vowels[0] = hertz
    assert pitch(sound(vowels, np.random.default_rng(1))[None])[0] == pytest.approx(hertz, rel=0.05)


@pytest.mark.parametrize("table", [MEN, WOMEN])
def test_a_vowel_has_the_formants_of_the_table(table):
    for vowel in (3, 4):                                         # those with formants far apart
        row = table[:, [vowel, vowel]].copy()
        row[0] = 60                                              # harmonics close together
        wave = sound(row, np.random.default_rng(0))
        power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 4 * len(wave)))
        at = np.fft.rfftfreq(4 * len(wave), 1 / RATE)
        for formant in row[1:3, 0]:
            near = (at > 0.8 * formant) & (at < 1.2 * formant)
            assert at[near][power[near].argmax()] == pytest.approx(formant, abs=70)


def test_speakers_are_men_and_women_in_turn():
    waves, sex, who = speakers(4, 3, 0.1, np.random.default_rng(0))
    assert waves.shape == (12, int(0.4 * RATE))
    assert sex.tolist() == [0] * 3 + [1] * 3 + [0] * 3 + [1] * 3
    assert who.tolist() == [*itertools.chain(*([k] * 3 for k in range(4)))]
    assert pitch(waves)[sex == 1].mean() > pitch(waves)[sex == 0].mean()


@pytest.mark.parametrize(("layer", "shape"), [(Vary(), (3, 1, 400)), (Later(), (3, 1, 5, 30))])
def test_sounds_vary_in_training_only(layer: Any, shape: tuple[int, ...]):
    x = sheer.randn(*shape)
    first, again = layer(x).numpy(), layer(x).numpy()
    assert first.shape == shape
    assert np.any(first != again)
    layer.eval()
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())


def test_nothing_varied_is_the_wave_itself():
    x = sheer.randn(2, 1, 50)
    np.testing.assert_allclose(Vary(0, 0, 0)(x).numpy(), x.numpy(), atol=1e-6)


def test_a_speaker_held_out_is_in_the_test_part_alone(shared_data):
    recipe = make("spoken-digits", {"held_out": "theo"})
    train, test, _ = recipe.parts(shared_data)
    assert set(test.speakers) == {"theo"}
    assert len(test) == 200
    assert "theo" not in train.speakers
    assert len(train) == 1000


# ---- what is reached -----------------------------------------------------------------------------
def compared(found: Any) -> str:
    others = ", ".join(f"{n} {100 * b['accuracy']:.1f} %" for n, b in found.baselines.items())
    return f"{100 * found.test['accuracy']:.1f} % ({others})"


@pytest.mark.slow
@pytest.mark.system("End-to-end learning", "Speech recognition (spoken words/digits)")
@pytest.mark.xdist_group("spoken-digits")
def test_digits_are_heard_from_the_raw_wave(reached, figure):
    found = reached("spoken-digits")
    assert found.test["accuracy"] >= 0.95
    assert found.baselines["cepstra, logistic regression"]["accuracy"] > 0.9
    assert "spectra.png" in {p.name for p in found.pictures}
    figure(f"raw waves {compared(found)}")


@pytest.mark.slow
@pytest.mark.system("Speech recognition (spoken words/digits)")
@pytest.mark.parametrize("speaker", ["theo", "jackson"])
def test_digits_of_a_speaker_never_heard_before(speaker, shared_data, figure):
    found = run(make("spoken-digits-spectrogram", {"held_out": speaker}), data_dir=shared_data,
                progress=False)
    assert found.test["accuracy"] > 0.5
    figure(f"{speaker} held out: spectrograms {compared(found)}")


@pytest.mark.slow
@pytest.mark.system("Gender recognition from speech")
@pytest.mark.xdist_group("voice-gender")
def test_the_sex_of_synthetic_speakers_is_heard(reached, figure):
    found = reached("voice-gender")
    assert found.test["accuracy"] > found.baselines["commonest class"]["accuracy"] + 0.3
    figure(f"synthetic voices, other speakers: {compared(found)}")


@pytest.mark.slow
@pytest.mark.system("Handwriting, genome and other sequence recognition")
@pytest.mark.xdist_group("dna-motif")
def test_a_motif_is_found_in_synthetic_dna(reached, figure):
    found = reached("dna-motif")
    auc = found.test["roc_auc"]
    assert auc > 0.95
    assert auc > max(b["roc_auc"] for b in found.baselines.values())
    others = ", ".join(f"{n} {b['roc_auc']:.3f}" for n, b in found.baselines.items())
    figure(f"DNA: AUC {auc:.3f} ({others})")
