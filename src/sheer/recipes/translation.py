"""translate-transformer and translate-lstm: captions of pictures, English into German."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, optim
from ..data.arrays.texts import PairPart
from ..data.known.catalogue import load_arrays
from ..data.text import END, PADDING, START, UNKNOWN, BytePairs, Codec, Words
from ..metrics import corpus_bleu
from ..mixins.core import no_grad
from ..models import Seq2Seq, Translator
from ..tensor import tensor
from ..train.plots import alignment
from ..transforms.jit import jit
from .recipe import OneCycle, Settings, Task
from .text_baselines import word_dictionary
from .writing import following, pairs, written


@dataclass(frozen=True)
class TranslationSettings(Settings):
    epochs: int = 4
    batch_size: int = 32
    lr: float = 2e-3             # highest rate of the schedule, per update
    pieces: int = 3000           # byte pairs of both languages together
    longest: int = 32            # tokens of a training sentence; 1 % have more and are left out
    buckets: int = 3             # groups of like length
    train_pairs: int = 29_000    # of which to learn: all
    test_pairs: int = 1000       # to translate for the score: all
    width: int = 128             # numbers per token
    dropout: float = 0.1         # share of numbers switched off
    smoothing: float = 0.1       # share of the target that is spread over all tokens


class _Translation(OneCycle, abstract=True):
    """Byte pairs of both languages; greedy translation; BLEU of the texts as they are."""

    settings = TranslationSettings
    metrics = ()
    clip_norm = 1.0

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        arrays = load_arrays("multi30k", folder)
        assert arrays.test is not None
        train = arrays.train.take(range(min(s.train_pairs, len(arrays.train))))
        test = arrays.test.take(range(min(s.test_pairs, len(arrays.test))))
        tokens = BytePairs.train([*train.source, *train.target], s.pieces,
                                 (PADDING, UNKNOWN, START, END))
        known = tokens.vocabulary
        plain, framed = Codec(tokens, known), Codec(tokens, known, start=True, end=True)
        def rows(part: PairPart, longest: int | None) -> Any:
            both = [(plain.encode(a), framed.encode(b))
                    for a, b in zip(part.source, part.target, strict=True)]
            kept = [p for p in both if longest is None or max(map(len, p)) <= longest]
            return pairs([a for a, _ in kept], [b for _, b in kept],
                         1 if longest is None else s.buckets)
        return Task(rows(train, s.longest), rows(test, None).parts[0],
                    extra={"codec": plain, "train": train, "test": test})

    def loss(self) -> Any:
        return following(self.set.smoothing)  # type: ignore[attr-defined]

    def optimizer(self, model: Any) -> Any:
        return optim.Adam(model.parameters(), lr=self.set.lr, betas=(0.9, 0.98))

    def schedule(self, optimizer: Any, steps: int) -> Any:
        return optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.set.lr, total_steps=steps,
                                             pct_start=0.1)

    def score(self, model: Any, task: Task) -> dict[str, float]:
        (source, target), _ = task.test
        codec, test = task.extra["codec"], task.extra["test"]
        numbers = written(model, source, codec.vocabulary[START], target.shape[1])
        said = [codec.decode(row) for row in numbers]
        for row in range(min(2, len(said))):
            task.notes.append(f"{test.source[row]} -> {said[row]} (true: {test.target[row]})")
        return super().score(model, task) | {"bleu": corpus_bleu(said, [test.target]).score}

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        words, train, test = Words(), task.extra["train"], task.extra["test"]
        known = word_dictionary([words.split(t) for t in train.source],
                                [words.split(t) for t in train.target])
        said = [words.join(known.get(w, w) for w in words.split(t)) for t in test.source]
        return {"word by word, with a dictionary": {
            "bleu": corpus_bleu(said, [test.target]).score}}


class TranslateTransformer(_Translation):
    """A small transformer: 2 layers each way."""

    name = "translate-transformer"
    summary = "English captions into German: transformer"
    promise = ("bleu", 27.0)

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return Translator(len(task.extra["codec"].vocabulary), s.width, 4, 2, 4 * s.width,
                          s.dropout)


@dataclass(frozen=True)
class LstmSettings(TranslationSettings):
    hidden: int = 192            # units of the decoder; the encoder has half of them each way
    dropout: float = 0.2


class TranslateLSTM(_Translation):
    """An LSTM reads, another writes and looks at what was read."""

    name = "translate-lstm"
    summary = "English captions into German: LSTM encoder and decoder with attention"
    settings = LstmSettings
    promise = ("bleu", 21.5)

    def model(self, task: Task) -> Any:
        s: Any = self.set
        size = len(task.extra["codec"].vocabulary)
        return Seq2Seq(size, size, s.width, s.hidden, s.dropout)

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        codec = task.extra["codec"]
        return [attention_map(model, task.test[0][0][0], codec, codec.vocabulary, folder)]


def attention_map(model: nn.Module, source: np.ndarray, out: Codec, read: Any,
                  folder: Path) -> Path:
    """What a Seq2Seq looks at while it writes for one source (S,), as a picture."""
    model.eval()
    real = source[source != 0]
    with no_grad():
        look = jit(lambda x: model.attended(x, out.vocabulary[START], len(source) + 8))
        tokens, weights = (t.numpy()[0] for t in look(tensor(source[None])))
    said = out.vocabulary.decode(tokens)
    stop = said.index(END) if END in said else len(said)
    return alignment(weights, read.decode(real), said[:stop], folder / "attention.png")
