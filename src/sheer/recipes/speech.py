"""spoken-digits, spoken-digits-spectrogram: which digit was said, from the wave or its spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, optim
from ..data.arrays.signals import AudioPart
from ..data.known.catalogue import load_arrays
from ..data.preprocess import Standardise
from ..namespace_creation import arange
from ..random import rand, randint, randn
from ..tensor import Tensor
from .classical import accuracies
from .pictures import image_rows
from .recipe import OneCycle, Settings, Task
from .sound import fitted, log_mel, summaries


@dataclass(frozen=True)
class SpeechSettings(Settings):
    epochs: int = 60
    batch_size: int = 32
    lr: float = 3e-3             # highest rate of the schedule, per update
    decay: float = 1e-2          # of weights per update, times the rate
    seconds: float = 1.0         # heard of a recording: one in a hundred is longer
    held_out: str = ""           # a speaker to test on, who is then not trained on; "": the split
                                 # of the publisher, where every speaker is in both parts


class _Spoken(OneCycle, abstract=True):
    """The parts of the dataset, and the classical way beside the network."""

    def parts(self, folder: Path | None) -> tuple[AudioPart, AudioPart, Any]:
        """Training part, test part, and the dataset."""
        arrays, speaker = load_arrays("fsdd", folder), self.set.held_out  # type: ignore[attr-defined]
        train, test = arrays.train, arrays.test
        assert test is not None
        if speaker:
            other = [train.take(np.flatnonzero(train.speakers != speaker)),
                     test.take(np.flatnonzero(test.speakers != speaker))]
            own = [train.take(np.flatnonzero(train.speakers == speaker)),
                   test.take(np.flatnonzero(test.speakers == speaker))]
            train, test = joined(other), joined(own)
        return train, test, arrays

    def data(self, folder: Path | None) -> Task:
        train, test, arrays = self.parts(folder)
        length = int(arrays.rate * self.set.seconds)  # type: ignore[attr-defined]
        x, x_test = fitted(train.waves, length), fitted(test.waves, length)
        return Task((x[:, None], train.y), (x_test[:, None], test.y), classes=arrays.classes,
                    extra={"rate": arrays.rate, "waves": (x, x_test)})

    def optimizer(self, model: Any) -> Any:
        return optim.AdamW(model.parameters(), lr=self.set.lr,
                           weight_decay=self.set.decay)  # type: ignore[attr-defined]

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """The same classical models on features made by hand: means of cepstra over time."""
        made = [summaries(log_mel(w, task.extra["rate"])) for w in task.extra["waves"]]
        scale = Standardise.fit(made[0])
        by_hand = Task((scale(made[0]), task.train[1]), (scale(made[1]), task.test[1]),
                       notes=task.notes)
        found = accuracies(by_hand)
        return {name if "class" in name else f"cepstra, {name}": scores
                for name, scores in found.items()}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        """Beside the confusion matrix, one word of each class as the spectrum shows it."""
        firsts = [int(np.argmax(task.test[1] == k)) for k in range(3)]
        seen = log_mel(task.extra["waves"][1][firsts], task.extra["rate"])
        rows = {task.classes[k]: image[::-1] for k, image in enumerate(seen)}
        return [*super().pictures(model, task, folder),
                image_rows(rows, "moment", folder / "spectra.png")]


def joined(parts: Sequence[AudioPart]) -> AudioPart:
    """The recordings of several parts, one after the other."""
    return AudioPart([w for p in parts for w in p.waves], np.concatenate([p.y for p in parts]),
                     np.concatenate([p.speakers for p in parts]))


class Vary(nn.Module):
    """In training every wave is a little faster or slower, sooner or later, and noisier.

    Shape   x (B, 1, T) -> (B, 1, T)
    Source  Ko et al. 2015, Audio augmentation for speech recognition, for the speed
    """

    def __init__(self, speed: float = 0.15, shift: float = 0.1, noise: float = 0.02) -> None:
        super().__init__()
        self.speed = speed       # share
        self.shift = shift       # of the length, to later; a fifth to sooner: words begin at once
        self.noise = noise       # of the loudest sample, at most

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        rows, _, length = x.shape
        between = lambda low, high: low + (high - low) * rand(rows, 1)            # (B, 1)
        at = (arange(length).float() * between(1 - self.speed, 1 + self.speed)
              + length * between(-self.shift, self.shift / 5))                    # (B, T)
        before = at.floor()
        index = before.long()
        part = lambda i: x[:, 0].gather(1, i.clamp(0, length - 1)) * ((i >= 0) & (i < length))
        moved = part(index) + (at - before) * (part(index + 1) - part(index))
        noisy: Tensor = moved + randn(rows, length) * between(0, self.noise)
        return noisy.unsqueeze(1)


class SpokenDigits(_Spoken):
    """Convolutions over the samples themselves: nobody tells the network what a spectrum is.

    Source  Dai et al. 2016, arXiv:1610.00087, "M5", narrower
    """

    name = "spoken-digits"
    summary = "spoken digits end to end, from raw waves, by a 1-D CNN"
    settings = SpeechSettings
    promise = ("accuracy", 0.96)

    def model(self, task: Task) -> Any:
        def stage(before: int, after: int, size: int, stride: int = 1) -> list[Any]:
            return [nn.Conv1d(before, after, size, stride, size // 2, bias=False),
                    nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(4)]
        return nn.Sequential(                                       # (B, 1, 8000)
            Vary(),
            *stage(1, 32, 64, 4),                                   # (B, 32, 500)
            *stage(32, 64, 5), *stage(64, 96, 5),                   # (B, 96, 31)
            *stage(96, 128, 5),                                     # (B, 128, 7)
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 10))


@dataclass(frozen=True)
class SpectrogramSettings(SpeechSettings):
    epochs: int = 30
    batch_size: int = 50
    lr: float = 6e-3             # highest rate of the schedule, per update
    bands: int = 40              # of the mel scale


class Later(nn.Module):
    """In training every spectrogram begins a little sooner or later.

    Shape   x (B, 1, bands, t) -> (B, 1, bands, t)
    """

    def __init__(self, most: int = 8) -> None:
        super().__init__()
        self.most = most         # moments

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        rows, _, bands, count = x.shape
        by = randint(-self.most, self.most + 1, (rows, 1))                    # (B, 1)
        index = (arange(count) + by).clamp(0, count - 1)                          # (B, t)
        return x.gather(3, index.reshape(rows, 1, 1, count).expand(rows, 1, bands, count))


class SpokenDigitsSpectrogram(_Spoken):
    """The same from mel spectrograms, as from pictures."""

    name = "spoken-digits-spectrogram"
    summary = "spoken digits from mel spectrograms, by a 2-D CNN"
    settings = SpectrogramSettings
    promise = ("accuracy", 0.975)

    def data(self, folder: Path | None) -> Task:
        task = super().data(folder)
        bands = self.set.bands  # type: ignore[attr-defined]
        made = [log_mel(w, task.extra["rate"], bands=bands) for w in task.extra["waves"]]
        scale = Standardise.fit(made[0], (0, 2))                    # per band
        x, x_test = scale(made[0])[:, None], scale(made[1])[:, None]              # (N, 1, bands, t)
        task.train, task.test = (x, task.train[1]), (x_test, task.test[1])
        return task

    def model(self, task: Task) -> Any:
        def stage(before: int, after: int) -> list[Any]:
            return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after),
                    nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(                                       # (B, 1, 40, 61)
            Later(), *stage(1, 16), *stage(16, 32), *stage(32, 64), # (B, 64, 5, 7)
            *stage(64, 96),                                         # (B, 96, 2, 3)
            nn.Flatten(), nn.Dropout(0.4), nn.Linear(96 * 2 * 3, 10))
