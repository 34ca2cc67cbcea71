"""What a loaded dataset of text is: lines, tags and pairs go in, one typed record comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .part import Part


@dataclass(frozen=True, eq=False)
class TextPart(Part):
    """Texts with their labels.

    Shape   texts: N of them, y (N,)
    Dtype   y int64 class index in 0..K-1
    """

    texts: list[str]
    y: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TextArrays:
    """A dataset of labelled texts.

    Params  classes  name of each class, by index
            test     None where the publisher gives no test part
            skipped  how many examples were left out because they could not be read
    """

    name: str
    classes: tuple[str, ...]
    train: TextPart
    test: TextPart | None
    source: Path
    skipped: int = 0


@dataclass(frozen=True, eq=False)
class TagPart(Part):
    """Sentences of tokens with a tag for each: tokens[i] and tags[i] are lists of one length."""

    tokens: list[list[str]]
    tags: list[list[str]]


@dataclass(frozen=True, eq=False)
class TagArrays:
    """A dataset of tagged sentences.

    Params  tags     every tag there is: "O", then B- and I- of each type, sorted by type
    """

    name: str
    tags: tuple[str, ...]
    train: TagPart
    validation: TagPart | None
    test: TagPart | None
    source: Path
    skipped: int = 0


@dataclass(frozen=True, eq=False)
class PairPart(Part):
    """Lines of two languages: target[i] is the translation of source[i]."""

    source: list[str]
    target: list[str]


@dataclass(frozen=True, eq=False)
class PairArrays:
    """A dataset of translated lines.

    Params  languages  of source and target, as the files' names say
    """

    name: str
    languages: tuple[str, str]
    train: PairPart
    validation: PairPart | None
    test: PairPart | None
    source: Path
    skipped: int = 0


@dataclass(frozen=True, eq=False)
class Corpus:
    """One long text."""

    name: str
    text: str
    source: Path

    def __len__(self) -> int:
        return len(self.text)
