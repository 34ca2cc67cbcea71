"""char-lstm and shakespeare-gpt: the next character of Shakespeare's plays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, optim
from ..data.known.catalogue import load_arrays
from ..data.text import Characters, Codec, Vocabulary
from ..mixins.core import no_grad
from ..models import GPT, GPTConfig
from ..models.gpt import drawn
from ..namespace_joining import cat
from ..nn import functional as F
from ..random import manual_seed
from ..tensor import Tensor, tensor
from ..transforms.jit import jit
from ..transforms.loop import scan
from .recipe import OneCycle, Settings, Task
from .text_baselines import ngram_nats

SAMPLE_SEED, SAMPLE_STEPS, SAMPLE_TEMPERATURE = 1, 240, 0.8


@dataclass(frozen=True)
class CharactersSettings(Settings):
    epochs: int = 5
    batch_size: int = 8          # texts per update: few, so that there are many updates
    lr: float = 2e-3             # highest rate of the schedule, per update
    length: int = 128            # characters of a text
    test_fraction: float = 0.1   # of the plays: the end of the file
    width: int = 128             # numbers per character


class _Characters(OneCycle, abstract=True):
    """The plays in texts of one length; each character is to be told from those before it."""

    settings = CharactersSettings
    metrics = ()
    clip_norm = 1.0

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        text = load_arrays("tinyshakespeare", folder).text
        codec = Codec(Characters(), Vocabulary(sorted(set(text))))
        numbers = np.array(codec.encode(text), np.int64)
        cut = round(len(numbers) * (1 - s.test_fraction))
        train, test = numbers[:cut], numbers[cut:]
        return Task(_texts(train, s.length), _texts(test, s.length),
                    extra={"codec": codec, "train": train, "test": test})

    def loss(self) -> Any:
        return F.sequence_cross_entropy

    def optimizer(self, model: Any) -> Any:
        return optim.AdamW(model.parameters(), lr=self.set.lr, betas=(0.9, 0.99),
                           weight_decay=0.1)

    def schedule(self, optimizer: Any, steps: int) -> Any:
        return optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.set.lr, total_steps=steps,
                                             pct_start=0.1)

    def score(self, model: Any, task: Task) -> dict[str, float]:
        """loss is in nats per character."""
        found = super().score(model, task)
        task.notes.append(sample(model, task.extra["codec"], "ROMEO:\n"))
        return found | {"perplexity": math.exp(found["loss"])}

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        train, test = task.extra["train"], task.extra["test"]
        nats = ngram_nats(train, test, 5, len(task.extra["codec"].vocabulary))
        return {"counts of five characters in a row": {"loss": nats,
                                                       "perplexity": math.exp(nats)}}


def _texts(numbers: Any, length: int) -> tuple[Any, Any]:
    """(characters, those that follow), each (N, length), cut one after the other."""
    count = (len(numbers) - 1) // length
    return (numbers[:count * length].reshape(count, length),
            numbers[1:count * length + 1].reshape(count, length))


def sample(model: Any, codec: Codec, prompt: str, steps: int = SAMPLE_STEPS,
           temperature: float = SAMPLE_TEMPERATURE, seed: int = SAMPLE_SEED) -> str:
    """The prompt and what a model writes after it; the same seed gives the same text."""
    model.eval()
    manual_seed(seed)
    with no_grad():
        write = jit(lambda x: model.generate(x, steps, temperature))
        return codec.decode(write(tensor([codec.encode(prompt)])).numpy()[0])


@dataclass(frozen=True)
class LstmSettings(CharactersSettings):
    epochs: int = 5
    batch_size: int = 16
    lr: float = 5e-3
    length: int = 96
    width: int = 64
    hidden: int = 256            # units of the LSTM


class CharLSTM(nn.Module):
    """One LSTM reads characters and scores the next.

    Shape   int (B, T) -> (B, T, kinds)
    Source  Graves 2013, arXiv:1308.0850, section 3
    """

    def __init__(self, kinds: int, width: int, hidden: int) -> None:
        super().__init__()
        self.characters = nn.Embedding(kinds, width)
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        self.scores = nn.Linear(hidden, kinds)

    def forward(self, index: Tensor) -> Tensor:
        found: Tensor = self.scores(self.lstm(self.characters(index))[0])
        return found

    def generate(self, index: Tensor, steps: int, temperature: float = 1.0) -> Tensor:
        """index and `steps` more characters, drawn from softmax(scores / temperature)."""
        out, state = self.lstm(self.characters(index))
        first = drawn(self.scores(out[:, -1]), temperature)                  # (B,)
        def step(carry: Any, _: Any) -> Any:
            token, state = carry
            out, state = self.lstm(self.characters(token.unsqueeze(1)), state)
            return (drawn(self.scores(out[:, 0]), temperature), state), token
        _, tokens = scan(step, (first, state), length=steps)
        return cat([index, tokens.transpose(0, 1)], 1)


class CharLstm(_Characters):
    """An LSTM over characters."""

    name = "char-lstm"
    summary = "the next character of Shakespeare: LSTM"
    settings = LstmSettings
    promise = ("loss", 1.56)

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return CharLSTM(len(task.extra["codec"].vocabulary), s.width, s.hidden)

    def optimizer(self, model: Any) -> Any:
        return optim.Adam(model.parameters(), lr=self.set.lr)


@dataclass(frozen=True)
class GptSettings(CharactersSettings):
    epochs: int = 7
    lr: float = 2.5e-3
    layers: int = 4
    heads: int = 4


class ShakespeareGPT(_Characters):
    """A GPT of 0.8 million weights."""

    name = "shakespeare-gpt"
    summary = "the next character of Shakespeare: a small GPT"
    settings = GptSettings
    promise = ("loss", 1.59)

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return GPT(GPTConfig(len(task.extra["codec"].vocabulary), s.length, s.layers, s.heads,
                             s.width, dropout=0.0))
