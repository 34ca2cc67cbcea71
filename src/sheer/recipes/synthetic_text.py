"""dates and reverse: sequences made up by rule, which an encoder and a decoder learn exactly."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.text import END, PADDING, START, Characters, Codec, Vocabulary
from ..metrics import exact_match
from ..models import Seq2Seq
from .recipe import OneCycle, Settings, Task
from .translation import attention_map
from .writing import following, pairs, written

# How people write dates; each is asked of strftime, without leading zeros where there is a "-".
FORMS = ("%-d %B %Y", "%B %-d, %Y", "%A, %-d %B %Y", "%d.%m.%Y", "%-d.%-m.%Y", "%d/%m/%Y",
         "%-d %b %Y", "%b %-d, %Y", "%a %d %b %Y", "%Y/%m/%d", "%-d. %B %Y")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class ExactSettings(Settings):
    epochs: int = 6
    batch_size: int = 64
    lr: float = 5e-3             # highest rate of the schedule, per update
    rows: int = 12_000           # examples to learn from
    test_rows: int = 1000        # others, for the score
    width: int = 32              # numbers per character
    hidden: int = 96             # units of the decoder; the encoder has half of them each way


class _Exact(OneCycle, abstract=True):
    """Texts into texts, a character at a time; what counts is whole texts."""

    settings = ExactSettings
    metrics = ()
    clip_norm = 1.0

    def examples(self, rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
        """Different texts and what becomes of them."""
        raise NotImplementedError

    def simple(self, source: str) -> str:
        """What a rule of thumb makes of a source."""
        raise NotImplementedError

    simple_name: str

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        made = self.examples(np.random.Generator(np.random.Philox(0)), s.rows + s.test_rows)
        letters = Characters()
        known = [Vocabulary.build((letters.split(pair[i]) for pair in made),
                                  specials=(PADDING, START, END)) for i in range(2)]
        read, write = Codec(letters, known[0]), Codec(letters, known[1], start=True, end=True)
        sources, targets = [read.encode(a) for a, _ in made], [write.encode(b) for _, b in made]
        edge = max(*map(len, sources), *(len(t) - 1 for t in targets))
        part = lambda a, b: pairs(sources[a:b], targets[a:b], [edge]).parts[0]
        return Task(part(0, s.rows), part(s.rows, None),
                    extra={"read": read, "write": write, "test": made[s.rows:]})

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return Seq2Seq(len(task.extra["read"].vocabulary), len(task.extra["write"].vocabulary),
                       s.width, s.hidden)

    def loss(self) -> Any:
        return following()

    def score(self, model: Any, task: Task) -> dict[str, float]:
        (source, target), _ = task.test
        write = task.extra["write"]
        numbers = written(model, source, write.vocabulary[START], target.shape[1])
        said = [write.decode(row) for row in numbers]
        true = [b for _, b in task.extra["test"]]
        task.notes.append(f"{task.extra['test'][0][0]} -> {said[0]} (true: {true[0]})")
        return super().score(model, task) | {"exact": exact_match(true, said)}

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        test = task.extra["test"]
        said = [self.simple(a) for a, _ in test]
        return {self.simple_name: {"exact": exact_match([b for _, b in test], said)}}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        return [attention_map(model, task.test[0][0][0], task.extra["write"],
                              task.extra["read"].vocabulary, folder)]


class Dates(_Exact):
    """Dates from 1900 to 2099 as people write them, into YYYY-MM-DD; test dates are not learned."""

    name = "dates"
    summary = "dates as people write them into YYYY-MM-DD: LSTM encoder and decoder, attention"
    promise = ("exact", 0.99)
    simple_name = "the numbers in the order year, month, day, read from the end"

    def examples(self, rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
        first, days = datetime.date(1900, 1, 1), 73_049                # up to 31 December 2099
        dates = [first + datetime.timedelta(int(d)) for d in rng.permutation(days)[:count]]
        return [(_text(date, FORMS[rng.integers(len(FORMS))]), date.isoformat()) for date in dates]

    def simple(self, source: str) -> str:
        return "-".join(n.zfill(2) for n in reversed(re.findall(r"\d+", source)))


def _text(date: datetime.date, form: str) -> str:
    """strftime without a locale, and with "-" on every platform."""
    month, day = MONTHS[date.month - 1], DAYS[date.weekday()]
    values = {"%-d": str(date.day), "%d": f"{date.day:02}", "%-m": str(date.month),
              "%m": f"{date.month:02}", "%Y": str(date.year), "%B": month, "%b": month[:3],
              "%A": day, "%a": day[:3]}
    return re.sub(r"%-?[a-zA-Z]", lambda found: values[found.group()], form)


@dataclass(frozen=True)
class ReverseSettings(ExactSettings):
    epochs: int = 8
    rows: int = 8_000
    hidden: int = 64


class Reverse(_Exact):
    """Strings of 3 to 10 letters, written backwards."""

    name = "reverse"
    summary = "strings of letters written backwards: LSTM encoder and decoder with attention"
    settings = ReverseSettings
    promise = ("exact", 0.99)
    simple_name = "as they stand"

    def examples(self, rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
        found: dict[str, str] = {}
        while len(found) < count:
            letters = rng.integers(0, 12, rng.integers(3, 11))
            text = "".join("abcdefghijkl"[i] for i in letters)
            found.setdefault(text, text[::-1])
        return list(found.items())

    def simple(self, source: str) -> str:
        return source
