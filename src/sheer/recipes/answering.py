"""stories and spans: questions about short texts made up by rule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..data.text import PADDING, Vocabulary, pad
from ..metrics import exact_match
from ..models import MemN2N
from ..namespace_joining import cat, stack
from ..nn import functional as F
from ..tensor import Tensor
from ..train import predict
from ..train.plots import bars
from .recipe import OneCycle, Settings, Task

PEOPLE = ("mary", "john", "daniel", "sandra")
PLACES = ("kitchen", "garden", "office", "bathroom", "hallway", "bedroom")
THINGS = ("football", "apple", "milk")
Told = tuple[list[list[str]], list[str], str, str, int]    # story, question, answer, rule's, facts


@dataclass(frozen=True)
class StoriesSettings(Settings):
    epochs: int = 40
    batch_size: int = 32
    lr: float = 1e-2             # highest rate of the schedule, per update
    rows: int = 10_000           # stories to learn from
    test_rows: int = 2000        # others, for the score
    width: int = 48              # numbers per word
    hops: int = 3                # looks at the story
    longest: int = 10            # sentences of a story


class Stories(OneCycle):
    """Who went where, who took what: one or two sentences of up to ten hold the answer."""

    name = "stories"
    summary = "questions on made-up stories, one and two facts: end-to-end memory network"
    settings = StoriesSettings
    promise = ("accuracy", 0.98)
    clip_norm = 10.0

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        rng = np.random.Generator(np.random.Philox(0))
        told = [_story(rng, 1 + i % 2, s.longest) for i in range(s.rows + s.test_rows)]
        known = Vocabulary.build(([w for line in (*t[0], t[1], [t[2]]) for w in line]
                                  for t in told), specials=(PADDING,))
        story = np.stack([pad([known.encode(line) for line in t[0]]
                              + [[]] * (s.longest - len(t[0])), 0, 5) for t in told])
        question = pad([known.encode(t[1]) for t in told], 0, 5)
        answer = np.array([known[t[2]] for t in told])
        part = lambda a, b: ((story[a:b], question[a:b]), answer[a:b])
        return Task(part(0, s.rows), part(s.rows, None),
                    extra={"known": known, "test": told[s.rows:]})

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return MemN2N(len(task.extra["known"]), s.width, s.hops, s.longest, 5)

    def score(self, model: Any, task: Task) -> dict[str, float]:
        first = task.extra["test"][1]
        said = predict(model, task.test[0]).argmax(1)
        tokens = task.extra["known"].decode(said)
        task.notes.append(". ".join(" ".join(line) for line in first[0])
                          + f". {' '.join(first[1])}? {tokens[1]} (true: {first[2]})")
        return super().score(model, task) | _by_facts(task, tokens)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        said = [t[3] for t in task.extra["test"]]
        right = np.mean([a == t[2] for a, t in zip(said, task.extra["test"], strict=True)])
        return {"the place named last": {"accuracy": float(right)} | _by_facts(task, said)}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        said = task.extra["known"].decode(predict(model, task.test[0]).argmax(1))
        return [bars({f"network, {k}": v for k, v in _by_facts(task, said).items()}
                     | {f"last place, {k}": v for k, v in
                        _by_facts(task, [t[3] for t in task.extra["test"]]).items()},
                     "share of answers that are right", folder / "facts.png")]


def _by_facts(task: Task, said: list[str]) -> dict[str, float]:
    """Accuracy of the questions that need one fact, and of those that need two."""
    found = {}
    for facts, name in ((1, "one_fact"), (2, "two_facts")):
        right = [a == t[2] for a, t in zip(said, task.extra["test"], strict=True) if t[4] == facts]
        found[name] = float(np.mean(right))
    return found


def _story(rng: np.random.Generator, facts: int, longest: int) -> Told:
    """People move about; with two facts, some take things, and a thing is asked for."""
    place: dict[str, str] = {}
    holder: dict[str, str] = {}
    lines, last = [], ""
    pick = lambda names: names[rng.integers(len(names))]
    for _ in range(int(rng.integers(longest // 2, longest + 1))):
        who, free = pick(PEOPLE), [t for t in THINGS if t not in holder]
        if facts == 2 and who in place and free and rng.random() < 0.4:
            holder[pick(free)] = who
            lines.append([who, "took", "the", next(reversed(holder))])
        else:
            place[who] = last = pick(PLACES)
            lines.append([who, "went", "to", "the", last])
    if facts == 2 and not holder:
        return _story(rng, facts, longest)
    asked = pick(list(holder)) if facts == 2 else pick(list(place))
    question = ["where", "is", *(["the", asked] if facts == 2 else [asked])]
    return lines, question, place[holder[asked] if facts == 2 else asked], last, facts


# ---- spans ---------------------------------------------------------------------------------------
COLOURS = ("red", "blue", "green", "white", "black")
BOXES = ("box", "bag", "drawer", "basket", "chest")
NUMBERS = ("two", "three", "five", "seven", "nine")
SIZES = ("small", "large", "old", "new")
CONTENTS = ("coins", "keys", "books", "cups", "stones", "maps")


@dataclass(frozen=True)
class SpansSettings(Settings):
    epochs: int = 10
    batch_size: int = 32
    lr: float = 5e-3             # highest rate of the schedule, per update
    rows: int = 6000             # texts to learn from
    test_rows: int = 1000        # others, for the score
    width: int = 24              # numbers per word
    hidden: int = 48             # units of the LSTM, each way


class SpanReader(nn.Module):
    """Scores of every word of a text to begin, and to end, the answer.

    A word is known by its vector and by whether the question has it.

    Shape   (text int (B, T), question int (B, Q)) -> (B, 2, T)
    Source  Chen et al. 2017, arXiv:1704.00051, section 3.2, with the exact match feature alone
    """

    def __init__(self, num_words: int, width: int, hidden: int) -> None:
        super().__init__()
        self.words = nn.Embedding(num_words, width, padding_idx=0)
        self.lstm = nn.LSTM(width + 1, hidden, bidirectional=True, batch_first=True)
        self.ends = nn.Linear(2 * hidden, 2)

    def forward(self, given: tuple[Tensor, Tensor]) -> Tensor:
        text, question = given
        real = text != 0                                                       # (B, T)
        asked = (text.unsqueeze(2) == question.unsqueeze(1)).float().amax(2)   # (B, T)
        seen = cat([self.words(text), asked.unsqueeze(2)], 2)
        known, _ = self.lstm(seen, lengths=real.long().sum(1))                 # (B, T, 2 H)
        scores = self.ends(known)                                              # (B, T, 2)
        return stack([scores[:, :, i].where(real, -1e9) for i in range(2)], 1)


class Spans(OneCycle):
    """What is in the red box? Two to five sentences, an answer of one to three words in a row."""

    name = "spans"
    summary = "answers cut out of made-up texts: BiLSTM that points at both ends"
    settings = SpansSettings
    promise = ("exact", 0.99)
    metrics = ()

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        rng = np.random.Generator(np.random.Philox(0))
        made = [_holding(rng) for _ in range(s.rows + s.test_rows)]
        known = Vocabulary.build(((*text, *question) for text, question, _, _ in made),
                                 specials=(PADDING,))
        text = pad([known.encode(m[0]) for m in made])
        question = pad([known.encode(m[1]) for m in made])
        ends = np.array([m[2:] for m in made])                                 # (N, 2)
        part = lambda a, b: ((text[a:b], question[a:b]), ends[a:b])
        return Task(part(0, s.rows), part(s.rows, None),
                    extra={"known": known, "test": made[s.rows:]})

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return SpanReader(len(task.extra["known"]), s.width, s.hidden)

    def loss(self) -> Any:
        return lambda scores, y: F.cross_entropy(scores.reshape(-1, scores.shape[2]),
                                                 y.reshape(-1))

    def score(self, model: Any, task: Task) -> dict[str, float]:
        test = task.extra["test"]
        ends = predict(model, task.test[0]).argmax(2)                          # (N, 2)
        said = [" ".join(t[0][a:b + 1]) for t, (a, b) in zip(test, ends, strict=True)]
        task.notes.append(f"{' '.join(test[0][0])} {' '.join(test[0][1])}? {said[0]}"
                          f" (true: {_answers(task)[0]})")
        return super().score(model, task) | {"exact": exact_match(_answers(task), said)}

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """What the first sentence says is inside."""
        test = task.extra["test"]
        said = [" ".join(t[0][4:t[0].index(".")]) for t in test]
        return {"the content of the first container": {"exact": exact_match(_answers(task), said)}}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        ends = predict(model, task.test[0]).argmax(2)
        right = (ends == task.test[1]).all(1)
        sentences = np.array([t[0].count(".") for t in task.extra["test"]])
        return [bars({f"{n} sentences": float(right[sentences == n].mean())
                      for n in np.unique(sentences)}, "exact answers", folder / "lengths.png")]


def _answers(task: Task) -> list[str]:
    return [" ".join(text[a:b + 1]) for text, _, a, b in task.extra["test"]]


def _holding(rng: np.random.Generator) -> tuple[list[str], list[str], int, int]:
    """A text, a question, and the first and last word of its answer in the text."""
    pick = lambda names: names[rng.integers(len(names))]
    count = int(rng.integers(2, 6))
    kinds = [(c, b) for c in COLOURS for b in BOXES]
    chosen = [kinds[i] for i in rng.permutation(len(kinds))[:count]]
    asked = int(rng.integers(count))
    text: list[str] = []
    first = last = 0
    for i, (colour, box) in enumerate(chosen):
        inside = [*([pick(NUMBERS)] if rng.random() < 0.6 else []),
                  *([pick(SIZES)] if rng.random() < 0.5 else []), pick(CONTENTS)]
        if i == asked:
            first, last = len(text) + 4, len(text) + 3 + len(inside)
        text += ["the", colour, box, "holds", *inside, "."]
    return text, ["what", "is", "in", "the", *chosen[asked]], first, last
