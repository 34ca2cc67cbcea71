"""dna-motif: does a stretch of synthetic DNA hold a motif that is never written quite the same?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..metrics import roc_auc_score
from ..train import predict
from .classical import classical
from .pictures import image_rows
from .recipe import OneCycle, Settings, Task

LETTERS = "ACGT"
MOTIF = "GGGACTTTCC"             # where NF-kappa-B binds, Sen and Baltimore 1986


@dataclass(frozen=True)
class MotifSettings(Settings):
    epochs: int = 10
    batch_size: int = 64
    lr: float = 5e-3             # highest rate of the schedule, per update
    length: int = 150            # letters in a stretch
    faithful: float = 0.9        # probability that a letter of the motif is as in its consensus
    rows: int = 6000             # stretches to learn from, half of them with the motif


class DnaMotif(OneCycle):
    """A convolution over letters learns the motif; the best match in the stretch decides.

    Source  Alipanahi et al. 2015, doi:10.1038/nbt.3300, "DeepBind", smaller
    """

    name = "dna-motif"
    summary = "motif detection in synthetic DNA, by a 1-D CNN"
    settings = MotifSettings
    promise = ("roc_auc", 0.95)

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        self.demand(s.length >= len(MOTIF), "length", "the motif is longer than the stretches",
                    f"length of at least {len(MOTIF)}")
        rng = np.random.Generator(np.random.Philox(key=1))
        return Task(stretches(s.rows, s.length, s.faithful, rng),
                    stretches(2000, s.length, s.faithful, rng), classes=("without", "with"))

    def model(self, task: Task) -> Any:
        return nn.Sequential(                                       # (B, 4, length)
            nn.Conv1d(4, 32, 11, padding=5), nn.ReLU(), nn.AdaptiveMaxPool1d(1),  # (B, 32, 1)
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))

    def score(self, model: Any, task: Task) -> dict[str, float]:
        scores = predict(model, task.test[0])
        auc = roc_auc_score(task.test[1], scores[:, 1] - scores[:, 0])
        return super().score(model, task) | {"roc_auc": float(auc)}

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """Classical models on how often each of the 256 words of four letters occurs."""
        counted = Task((words(task.train[0]), task.train[1]), (words(task.test[0]), task.test[1]),
                       notes=task.notes)
        found = {}
        for name, model in classical(counted).items():
            said = model(counted.test[0])[:, 1]
            found[f"words, {name}"] = {
                "accuracy": float(np.mean((said > 0.5) == task.test[1])),
                "roc_auc": float(roc_auc_score(task.test[1], said))}
        return found

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        """The filters that react most strongly, a row per letter."""
        weight = model[0].weight.detach().numpy()                                # (32, 4, 11)
        strongest = np.argsort(-np.ptp(weight, (1, 2)))[:4]
        rows = {f"filter {k}: {''.join(LETTERS[i] for i in weight[k].argmax(0))}": weight[k]
                for k in strongest}
        return [*super().pictures(model, task, folder),
                image_rows(rows, "letter", folder / "filters.png")]


def stretches(rows: int, length: int, faithful: float,
              rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random letters, and in every second row somewhere the motif, on either strand, misspelt.

    Rows without it get as many letters of the motif, in another order each time, so that neither
    the letters nor their number give it away.

    Shape   x (rows, 4, length) one-hot float32, y (rows,)
    """
    letters = rng.integers(0, 4, (rows, length))
    y = np.arange(rows) % 2
    consensus = np.array([LETTERS.index(c) for c in MOTIF])
    for row, has in zip(letters, y, strict=True):
        word = consensus.copy() if has else rng.permutation(consensus)
        slips = rng.random(len(word)) > faithful
        word[slips] = rng.integers(0, 4, slips.sum())
        if rng.random() < 0.5:
            word = 3 - word[::-1]                        # the other strand: A with T, C with G
        at = rng.integers(0, length - len(word) + 1)
        row[at:at + len(word)] = word
    x = np.eye(4, dtype=np.float32)[letters].transpose(0, 2, 1)
    return np.ascontiguousarray(x), y.astype(np.int64)


def words(x: np.ndarray, size: int = 4) -> np.ndarray:
    """How often each word of `size` letters occurs. Shape (N, 4, T) -> (N, 4 ** size)."""
    letters = x.argmax(1)
    count = letters.shape[1] - size + 1
    number = sum(letters[:, i:i + count] * 4 ** i for i in range(size))           # (N, count)
    return np.array([np.bincount(row, minlength=4 ** size) for row in number], np.float32)
