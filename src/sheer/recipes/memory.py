"""delayed-copy, adding, ntm-copy: synthetic sequences that ask for a memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..mixins.core import no_grad
from ..models.ntm import NeuralTuringMachine
from ..nn import functional as F
from ..tensor import Tensor, as_tensor
from ..train import Callback, EarlyStopping, evaluate, predict
from .pictures import image_rows
from .recipe import OneCycle, Settings, Task


class Reader(nn.Module):
    """A recurrent layer and a linear one at every step, or behind the last step only.

    Shape   x (B, T, d_in) -> (B, T, K); of the last step (B, K)
    """

    layer: nn.RNNBase
    out: nn.Linear
    last: bool

    def __init__(self, layer: nn.RNNBase, outputs: int, last: bool = False) -> None:
        super().__init__()
        self.layer, self.last = layer, last
        self.out = nn.Linear(layer.hidden_size * (1 + layer.bidirectional), outputs)

    def forward(self, x: Tensor) -> Tensor:
        states = self.layer(x)[0]                                   # (B, T, D H)
        scores: Tensor = self.out(states[:, -1] if self.last else states)
        return scores


# ---- delayed copy ----------------------------------------------------------------------------
@dataclass(frozen=True)
class DelaySettings(Settings):
    epochs: int = 8
    batch_size: int = 32
    lr: float = 5e-3             # highest rate of the schedule, per update
    hidden: int = 64             # units; the last `lag` symbols must fit in them
    lag: int = 5                 # steps between hearing a symbol and saying it
    symbols: int = 8             # different symbols
    steps: int = 40              # symbols in a row


class DelayedCopy(OneCycle):
    """A plain recurrent network says what it heard `lag` steps ago."""

    name = "delayed-copy"
    summary = "plain RNN repeats symbols five steps later"
    settings = DelaySettings
    promise = ("accuracy", 0.999)
    clip_norm = 1.0

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        self.demand(0 < s.lag < s.steps, "lag", "no symbol is heard and said again",
                    f"lag of 1 to {s.steps - 1}, less than steps")
        rng = np.random.default_rng(0)

        def rows(count: int) -> tuple[Any, Any]:
            heard = rng.integers(1, s.symbols + 1, (count, s.steps))             # (N, T)
            said = np.zeros_like(heard)                                  # 0: nothing to say yet
            said[:, s.lag:] = heard[:, :-s.lag]
            return np.eye(s.symbols + 1, dtype=np.float32)[heard], said
        return Task(rows(4000), rows(500))

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return _Scores(nn.RNN(s.symbols + 1, s.hidden, batch_first=True), s.symbols + 1)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        said = task.test[1]
        return {"always the commonest symbol": {"accuracy": float(np.mean(
            said == np.bincount(said.ravel()).argmax()))}}


class _Scores(Reader):
    """Scores with the classes on axis 1, as cross-entropy has them: (B, T, d_in) -> (B, K, T)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).transpose(1, 2)


# ---- adding ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class AddingSettings(Settings):
    epochs: int = 5
    batch_size: int = 64
    lr: float = 1e-2             # highest rate of the schedule, per update
    hidden: int = 32             # units
    steps: int = 200             # numbers in a row; two of them are marked
    rows: int = 20_000           # sequences to learn from


class Adding(OneCycle):
    """An LSTM adds the two marked numbers of a long row; a plain RNN forgets the first.

    Source  Hochreiter and Schmidhuber 1997, section 5.4; one mark in each half: Arjovsky et al.
            2016, arXiv:1511.06464
    """

    name = "adding"
    summary = "LSTM adds two marked numbers among 200; a plain RNN does not"
    settings = AddingSettings
    promise = ("mse", 0.01)
    metrics = ("mse",)
    clip_norm = 1.0

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        self.demand(s.steps >= 2, "steps", "each half of the row has a mark", "steps of at least 2")
        rng = np.random.default_rng(0)

        def rows(count: int) -> tuple[Any, Any]:
            x = np.zeros((count, s.steps, 2), np.float32)
            x[..., 0] = rng.random((count, s.steps))
            for half in range(2):
                at = rng.integers(0, s.steps // 2, count) + half * (s.steps // 2)
                x[np.arange(count), at, 1] = 1
            return x, (x[..., 0] * x[..., 1]).sum(1, keepdims=True)              # (N, 1)
        return Task(rows(s.rows), rows(1000))

    def model(self, task: Task) -> Any:
        s: Any = self.set
        reader = Reader(nn.LSTM(2, s.hidden, batch_first=True), 1, last=True)
        remember(reader.layer, s.steps)
        return reader

    def loss(self) -> Any:
        return nn.MSELoss()

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        plain = Reader(nn.RNN(2, self.set.hidden, batch_first=True), 1,  # type: ignore[attr-defined]
                       last=True)
        self.train(plain, task, progress=False)
        return {"always the mean": {"mse": float(np.mean((task.test[1]
                                                          - task.train[1].mean()) ** 2))},
                "plain RNN": {"mse": self.score(plain, task)["mse"]}}


def remember(layer: nn.RNNBase, steps: int) -> None:
    """Start the gates of an LSTM so that its cells keep what they hold for up to `steps` steps.

    Source  Tallec and Ollivier 2018, arXiv:1804.11188, equation 16 ("chrono initialisation")
    """
    size = layer.hidden_size
    keep = np.log(np.random.Generator(np.random.Philox(key=size)).uniform(1, steps - 1, size))
    gates = np.concatenate([-keep, keep, np.zeros(2 * size)]).astype(np.float32)    # i, f, g, o
    with no_grad():
        _, _, bias, other = layer.all_weights[0]
        bias.copy_(as_tensor(gates))
        other.zero_()


# ---- copying with an external memory -----------------------------------------------------------
def copies(lengths: np.ndarray, longest: int, bits: int,
           rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random bits, a mark that they end, and then the time to repeat them.

    Shape   lengths (N,) -> x (N, 2 longest + 1, bits + 1), the last column the mark; y likewise,
            the last column 1 where bits are wanted
    """
    x = np.zeros((len(lengths), 2 * longest + 1, bits + 1), np.float32)
    y = np.zeros_like(x)
    for row, n in enumerate(lengths):
        heard = rng.integers(0, 2, (n, bits))
        x[row, :n, :bits], x[row, n, bits] = heard, 1
        y[row, n + 1:2 * n + 1, :bits], y[row, n + 1:2 * n + 1, bits] = heard, 1
    return x, y


def copy_loss(out: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of the bits that are wanted.

    Shape   out (B, T, bits), target (B, T, bits + 1) as in `copies` -> ()
    """
    wanted = target[:, :, -1:]
    each = F.binary_cross_entropy_with_logits(out, target[:, :, :-1], reduction="none")
    return (each * wanted).sum() / (wanted.sum() * out.shape[-1])


def wrong_bits(out: Tensor, target: Tensor) -> Tensor:
    """Share of the wanted bits that are wrong.

    Shape   out (B, T, bits), target (B, T, bits + 1) as in `copies` -> ()
    """
    wanted = target[:, :, -1:]
    wrong = ((out > 0).float() - target[:, :, :-1]).abs() * wanted
    return wrong.sum() / (wanted.sum() * out.shape[-1])


@dataclass(frozen=True)
class CopySettings(Settings):
    epochs: int = 12
    batch_size: int = 32
    lr: float = 2e-3             # highest rate of the schedule, per update
    bits: int = 8                # of every vector
    longest: int = 20            # vectors in the sequences trained on; tested on twice as many
    hidden: int = 64             # units of the controller
    slots: int = 64              # of the memory: at least what is to be copied
    width: int = 16              # numbers in a slot
    rows: int = 16384            # sequences to learn from; of few it learns exceptions


class Copying(OneCycle):
    """A neural Turing machine repeats a sequence, also one twice as long as any it has seen.

    Source  Graves et al. 2014, arXiv:1410.5401, section 4.1
    """

    name = "ntm-copy"
    summary = "neural Turing machine copies sequences twice as long as it was trained on"
    settings = CopySettings
    promise = ("wrong_bits_twice", 0.01)
    clip_norm = 1.0              # a burst of gradients blurs places that were exact
    metrics = (wrong_bits,)

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        rng = np.random.default_rng(0)
        some = rng.integers(1, s.longest + 1, s.rows)
        whole = lambda rows: copies(np.full(rows, s.longest), s.longest, s.bits, rng)
        return Task(copies(some, s.longest, s.bits, rng), whole(500), validation=whole(1000))

    def callbacks(self) -> list[Callback]:
        """A trained machine now and then loses its place for some epochs: the best one is kept."""
        return [EarlyStopping(patience=self.set.epochs)]

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return NeuralTuringMachine(s.bits + 1, s.bits, s.hidden, s.slots, s.width)

    def loss(self) -> Any:
        return copy_loss

    def score(self, model: Any, task: Task) -> dict[str, float]:
        """Also for sequences of twice the length."""
        found = evaluate(model, self._twice(), loss=copy_loss, metrics=(wrong_bits,), batch_size=50)
        return super().score(model, task) | {"wrong_bits_twice": found["wrong_bits"]}

    def _twice(self) -> tuple[Any, Any]:
        s: Any = self.set
        return copies(np.full(500, 2 * s.longest), 2 * s.longest, s.bits, np.random.default_rng(1))

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        s: Any = self.set
        lstm = Reader(nn.LSTM(s.bits + 1, 2 * s.hidden, batch_first=True), s.bits)
        self.train(lstm, task, progress=False)
        return {"LSTM": self.score(lstm, task)}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        x, y = self._twice()
        said = 1 / (1 + np.exp(-predict(model, x[:1])[0]))                       # (T, bits)
        rows = {"heard": x[0].T, "said": (said * y[0, :, -1:]).T, "wanted": y[0, :, :-1].T}
        return [image_rows(rows, "step", folder / "copy.png")]
