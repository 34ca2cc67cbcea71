"""voice-gender: a man or a woman? From synthetic vowels with published pitch and formants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..data.preprocess import Standardise
from ..tensor import Tensor
from .pictures import image_rows
from .recipe import OneCycle, Settings, Task
from .sound import log_mel

RATE = 8000                      # samples per second
# Means of 33 men and 28 women over ten American vowels: pitch, then three formants, Hz.
# Peterson and Barney 1952, doi:10.1121/1.1906875, table II
MEN = np.array([[136, 135, 130, 127, 124, 129, 137, 141, 130, 133],
                [270, 390, 530, 660, 730, 570, 440, 300, 640, 490],
                [2290, 1990, 1840, 1720, 1090, 840, 1020, 870, 1190, 1350],
                [3010, 2550, 2480, 2410, 2440, 2410, 2240, 2240, 2390, 1690]], float)
WOMEN = np.array([[235, 232, 223, 210, 212, 216, 232, 231, 221, 218],
                  [310, 430, 610, 860, 850, 590, 470, 370, 760, 500],
                  [2790, 2480, 2330, 2050, 1220, 920, 1160, 950, 1400, 1640],
                  [3310, 3070, 2990, 2850, 2810, 2710, 2680, 2670, 2780, 1960]], float)
WIDTHS = np.array([60.0, 90.0, 150.0])                   # of the formants, Hz, usual in synthesis


@dataclass(frozen=True)
class VoiceSettings(Settings):
    epochs: int = 12
    batch_size: int = 50
    lr: float = 5e-3             # highest rate of the schedule, per update
    hidden: int = 32             # units
    speakers: int = 250          # to learn from, half of them women; 100 others to test on
    spread: float = 0.25         # of the pitch of speakers of one sex, so that the sexes overlap
    sounds: int = 4              # of each speaker


class LastState(nn.Module):
    """Many moments in, one answer: what a GRU holds at the end. (B, bands, t) -> (B, K)."""

    def __init__(self, bands: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.gru = nn.GRU(bands, hidden, batch_first=True)
        self.out = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.out(self.gru(x.transpose(1, 2))[0][:, -1])
        return scores


class VoiceGender(OneCycle):
    """Sex from 0.4 seconds of vowels. The sounds are made up, as no recordings are at hand whose
    licence and labels would allow this; the speakers of the test part are others.
    """

    name = "voice-gender"
    summary = "sex of synthetic speakers from their vowels, by a GRU"
    settings = VoiceSettings
    promise = ("accuracy", 0.9)

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        rng = np.random.Generator(np.random.Philox(key=1))
        parts = [speakers(count, s.sounds, s.spread, rng) for count in (s.speakers, 100)]
        made = [log_mel(waves, RATE) for waves, _, _ in parts]
        scale = Standardise.fit(made[0], (0, 2))
        (x, y), (x_test, y_test) = ((scale(m), p[1]) for m, p in zip(made, parts, strict=True))
        return Task((x, y), (x_test, y_test), classes=("man", "woman"),
                    notes=["the voices are synthetic: harmonics through three formants"],
                    extra={"pitch": [pitch(p[0]) for p in parts], "mel": made[1]})

    def model(self, task: Task) -> Any:
        return LastState(task.train[0].shape[1], self.set.hidden, 2)  # type: ignore[attr-defined]

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """The commonest class; and a threshold on the pitch, halfway between the sexes."""
        y, (train, test) = task.test[1], task.extra["pitch"]
        halfway = np.mean([train[task.train[1] == k].mean() for k in (0, 1)])
        return {"commonest class": {"accuracy": float(max(np.mean(y), 1 - np.mean(y)))},
                "pitch alone": {"accuracy": float(np.mean((test > halfway) == y))}}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        rows = {name: task.extra["mel"][int(np.argmax(task.test[1] == k))][::-1]
                for k, name in enumerate(task.classes)}
        return [*super().pictures(model, task, folder),
                image_rows(rows, "moment", folder / "voices.png")]


def speakers(count: int, sounds: int, spread: float, rng: np.random.Generator,
             ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sounds of that many speakers, men and women in turn.

    Shape   waves (count * sounds, T), sex (count * sounds,) 1 for women, speaker likewise
    """
    waves, sexes, who = [], [], []
    for speaker in range(count):
        sex = speaker % 2
        voice = (WOMEN if sex else MEN) * 1.0
        voice[0] *= np.exp(rng.normal(0, spread))                # some are lower, some higher
        voice[1:] *= np.exp(rng.normal(0, 0.05))                 # longer and shorter vocal tracts
        for _ in range(sounds):
            waves.append(sound(voice[:, rng.integers(0, 10, 3)], rng))
            sexes.append(sex)
            who.append(speaker)
    return np.array(waves, np.float32), np.array(sexes, np.int64), np.array(who)


def sound(vowels: np.ndarray, rng: np.random.Generator, seconds: float = 0.4) -> np.ndarray:
    """Vowels that glide into each other: harmonics of a falling pitch, shaped by formants, noise.

    Shape   vowels (4, number): pitch and three formants, Hz -> (T,) in [-1, 1]
    Source  the vowel model of Fant 1960: a source that falls by 12 dB per octave, 6 of them
            regained at the lips, through resonances in series
    """
    count = int(RATE * seconds)
    along = np.linspace(0, vowels.shape[1] - 1, count)
    track = np.array([np.interp(along, np.arange(vowels.shape[1]), row) for row in vowels])
    track[0] *= np.linspace(1.05, 0.92, count) * (1 + 0.01 * np.sin(
        2 * np.pi * 5 * np.arange(count) / RATE + rng.uniform(0, 2 * np.pi)))    # slight vibrato
    phase = 2 * np.pi * np.cumsum(track[0]) / RATE
    track, phase = track.astype(np.float32), (phase % (2 * np.pi)).astype(np.float32)
    numbers = np.arange(1, int(RATE / 2 / track[0].min()) + 1, dtype=np.float32)[:, None]
    at = numbers * track[0]                                                      # (harmonics, T)
    level = np.where(at < RATE / 2, 1 / numbers, np.float32(0))
    for formant, width in zip(track[1:], WIDTHS.astype(np.float32), strict=True):
        level *= formant**2 / np.hypot(formant**2 - at**2, width * at)
    wave = (level * np.cos(numbers * phase)).sum(0)
    wave /= np.abs(wave).max()
    noisy: np.ndarray = wave + rng.normal(0, 10 ** rng.uniform(-2.5, -1), count)
    return noisy                                         # the noise is 20 to 50 dB below the peak


def pitch(waves: np.ndarray, low: float = 60, high: float = 400) -> np.ndarray:
    """Hz: where the autocorrelation of the middle of a wave is highest. Shape (N, T) -> (N,)."""
    middle = waves[:, waves.shape[1] // 4:-(waves.shape[1] // 4)]
    power = np.abs(np.fft.rfft(middle, 2 * middle.shape[1])) ** 2
    alike = np.fft.irfft(power)[:, int(RATE / high):int(RATE / low)]
    hertz: np.ndarray = RATE / (alike.argmax(1) + int(RATE / high))
    return hertz
