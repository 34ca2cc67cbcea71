"""handwriting: digits as a pen writes them, one step at a time, by a mixture-density LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..models.handwriting import StrokeWriter, stroke_loss
from ..random import Generator
from ..tensor import Tensor, tensor
from ..train import evaluate, fit, predict
from .pictures import pen_strokes
from .recipe import OneCycle, Settings, Task
from .strokes import digits_by_pen


@dataclass(frozen=True)
class HandwritingSettings(Settings):
    epochs: int = 8
    batch_size: int = 32
    lr: float = 1e-2             # highest rate of the schedule, per update
    rows: int = 10_000           # digits to learn from
    test_rows: int = 1000        # others, for the score
    hidden: int = 128            # units of the LSTM
    components: int = 10         # Gaussians
    bias: float = 1.0            # of what is written: towards what is likeliest
    samples: int = 500           # digits written to be read again
    reading: int = 4             # passes over the training rows for the one who reads


class Reader(nn.Module):
    """Which digit strokes are: what a GRU holds at their end. (B, T, 5) -> (B, 10)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(4, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 10)

    def forward(self, x: Tensor) -> Tensor:
        _, last = self.gru(x[:, :, :4], lengths=x[:, :, 4].sum(1).long())
        scores: Tensor = self.out(last[0])
        return scores


class Handwriting(OneCycle):
    """The next step of a pen has more than one likely place, so its density is a mixture. There is
    no set of real strokes at hand: the digits are made up, each in two or three ways.

    Source  Graves 2013, arXiv:1308.0850, section 4
    """

    name = "handwriting"
    summary = "mixture-density LSTM writes made-up digits with a pen"
    settings = HandwritingSettings
    promise = ("nll", -0.03)
    metrics = ()
    clip_norm = 5.0

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        rng = np.random.Generator(np.random.Philox(key=1))
        steps, digit = digits_by_pen(s.rows + s.test_rows, rng)
        real = steps[:s.rows][(steps[:s.rows, :, 4] > 0) & (steps[:s.rows, :, 3] == 0)]
        scale = real[:, :2].std()
        steps[:, :, :2] /= scale
        before = np.pad(steps, ((0, 0), (1, 0), (0, 0)))[:, :-1]                 # (N, T, 5)
        part = lambda a, b: ((before[a:b], digit[a:b]), steps[a:b])
        return Task(part(0, s.rows), part(s.rows, None), notes=[
            f"the digits are made up; the unit of a step is {scale:.3f} of their height"])

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return StrokeWriter(10, s.hidden, s.components)

    def loss(self) -> Any:
        return stroke_loss

    def score(self, model: Any, task: Task) -> dict[str, float]:
        """Nats per step; the share of digits written that are read as what was asked for."""
        s: Any = self.set
        (_, digit), steps = task.test
        whole = lambda raw, y: stroke_loss(raw, y, "none").sum() / y.shape[0]
        found = evaluate(model, task.test, loss=whole)["loss"] * len(steps) / steps[..., 4].sum()
        reader = self._reader(task)
        asked = np.arange(s.samples) % 10
        said = predict(reader, self.write(model, asked, steps.shape[1])).argmax(1)
        return {"nll": float(found), "legible": float(np.mean(said == asked)),
                "reader": float(np.mean(predict(reader, steps).argmax(1) == digit))}

    def write(self, model: Any, digits: np.ndarray, steps: int, seed: int = 0) -> np.ndarray:
        """Strokes of those digits, (N,) -> (N, steps, 5)."""
        s: Any = self.set
        chances = Generator().manual_seed(seed)
        drawn: np.ndarray = model.write(tensor(digits), steps, s.bias, chances).numpy()
        return drawn

    def _reader(self, task: Task) -> Any:
        """A network that reads strokes, trained once, on the true ones."""
        if "reader" not in task.extra:
            s: Any = self.set
            (_, digit), steps = task.train
            reader = task.extra["reader"] = Reader(s.hidden // 2)
            optimizer = super().optimizer(reader)
            count = s.reading * -(-len(steps) // s.batch_size)
            fit(reader, (steps, digit), loss=nn.CrossEntropyLoss(), optimizer=optimizer,
                epochs=s.reading, batch_size=s.batch_size, clip_norm=1.0, progress=False,
                schedule=self.schedule(optimizer, count))
        return task.extra["reader"]

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """The same network with one Gaussian."""
        s: Any = self.set
        plain = StrokeWriter(10, s.hidden, 1)
        self.train(plain, task, progress=False)
        return {"one Gaussian": self.score(plain, task)}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        """True digits in two rows above, and what was written when asked for them below."""
        (_, digit), steps = task.test
        some = np.linspace(0, len(digit) - 1, 20).astype(np.int64).reshape(10, 2).T.ravel()
        shown = np.argsort(digit, kind="stable")[some]                           # 0 0 1 1 ... 9 9
        drawn = self.write(model, np.tile(digit[shown], 2), steps.shape[1], seed=1)
        return [pen_strokes(np.concatenate([steps[shown], drawn]), 10, folder / "strokes.png")]
