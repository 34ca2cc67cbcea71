"""ner-bilstm: which words of a tweet name a person, a place, a group, a product?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.known.catalogue import load_arrays
from ..data.text import PADDING, UNKNOWN, Vocabulary, pad
from ..metrics import span_scores
from ..models import BiLSTMTagger
from ..nn import functional as F
from ..train import predict
from ..train.plots import bars
from .recipe import OneCycle, Settings, Task
from .text_baselines import usual_tags

IGNORED = -100                   # the label of padding


@dataclass(frozen=True)
class TaggingSettings(Settings):
    epochs: int = 12
    batch_size: int = 32
    lr: float = 4e-3             # highest rate of the schedule, per update
    hidden: int = 96             # units of the LSTM, each way
    width: int = 64              # numbers per word; spellings get a quarter of it each
    min_count: int = 2           # occurrences of a word or spelling, else it is unknown
    dropout: float = 0.3         # share of numbers switched off, behind words and before scores


def shape(word: str) -> str:
    """How a word is written: Xx for Paris, XX for NATO, d for 1984, @ and # for their marks."""
    kinds = ["X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c
             for c in word]
    return "".join(c for i, c in enumerate(kinds) if i == 0 or c != kinds[i - 1])[:6]


# What is known of a word, each with a table of its own.
FEATURES: tuple[Callable[[str], str], ...] = (
    str.lower, shape, lambda word: word[:3].lower(), lambda word: word[-3:].lower())


class NerBiLSTM(OneCycle):
    """Words and their spelling, an LSTM in each direction, a tag for every word."""

    name = "ner-bilstm"
    summary = "named entities in tweets (WNUT-17): BiLSTM over words and spellings"
    settings = TaggingSettings
    promise = ("f1", 0.12)
    metrics = ()
    clip_norm = 5.0

    def data(self, folder: Path | None) -> Task:
        arrays = load_arrays("wnut17", folder)
        train, test = arrays.train, arrays.test
        assert test is not None
        count = self.set.min_count  # type: ignore[attr-defined]
        known = [Vocabulary.build(([f(w) for w in words] for words in train.tokens), count,
                                  specials=(PADDING, UNKNOWN)) for f in FEATURES]
        number = {tag: i for i, tag in enumerate(arrays.tags)}
        def rows(part: Any) -> tuple[Any, Any]:
            x = [pad([v.encode(map(f, words)) for words in part.tokens], v.pad)
                 for v, f in zip(known, FEATURES, strict=True)]
            return (np.stack(x, 2),                                        # (N, T, F)
                    pad([[number[t] for t in tags] for tags in part.tags], IGNORED))
        return Task(rows(train), rows(test), extra={
            "sizes": [len(v) for v in known], "tags": arrays.tags, "train": train, "test": test})

    def model(self, task: Task) -> Any:
        s: Any = self.set
        widths = [s.width, *[s.width // 4] * (len(FEATURES) - 1)]
        return BiLSTMTagger(list(zip(task.extra["sizes"], widths, strict=True)), s.hidden,
                            len(task.extra["tags"]), s.dropout)

    def loss(self) -> Any:
        return lambda scores, y: F.sequence_cross_entropy(scores, y, ignore_index=IGNORED)

    def score(self, model: Any, task: Task) -> dict[str, float]:
        test = task.extra["test"]
        said = self._said(model, task)
        found = span_scores(test.tags, said)
        task.notes.append(_example(test.tokens, said))
        return super().score(model, task) | {
            "f1": found.f1, "precision": found.precision, "recall": found.recall}

    def _said(self, model: Any, task: Task) -> list[list[str]]:
        """The most probable tag of every word of the test part."""
        best = predict(model, task.test[0]).argmax(2)                      # (N, T)
        tags = task.extra["tags"]
        return [[tags[i] for i in row[:len(words)]]
                for row, words in zip(best, task.extra["test"].tokens, strict=True)]

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        train, test = task.extra["train"], task.extra["test"]
        usual = usual_tags(train.tokens, train.tags)
        said = [[usual.get(w.lower(), "O") for w in words] for words in test.tokens]
        found = span_scores(test.tags, said)
        return {"the most frequent tag of each word": {
            "f1": found.f1, "precision": found.precision, "recall": found.recall}}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        found = span_scores(task.extra["test"].tags, self._said(model, task))
        return [bars({kind: part.f1 for kind, part in found.types.items()} | {"all": found.f1},
                     "F1 of each type", folder / "types.png")]


def _example(tokens: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> str:
    """The first sentence in which something was found, with the tags behind the words."""
    for words, tags in zip(tokens, said, strict=True):
        if any(tag != "O" for tag in tags):
            return " ".join(w if t == "O" else f"{w}[{t}]" for w, t in zip(words, tags,
                                                                           strict=True))
    return "nothing was found"
