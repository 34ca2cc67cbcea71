"""The files of one published dataset of text go in, in a fixed order; its records come out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sheer.data.arrays.texts import Corpus, PairArrays, TagArrays, TextArrays, TextPart
from sheer.data.readers.conll import read_conll, tag_names
from sheer.data.readers.parallel import read_parallel
from sheer.data.readers.text_file import read_lines, read_text


def rt_polarity(paths: Sequence[Path]) -> TextArrays:
    """Sentences of film reviews: class 0 negative, 1 positive; all negative ones first."""
    parts = [[line.strip() for line in read_lines(path)] for path in paths]
    y = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return TextArrays("rt-polarity", ("negative", "positive"),
                      TextPart([text for part in parts for text in part], y), None,
                      paths[0].parent)


def multi30k(paths: Sequence[Path]) -> PairArrays:
    """Captions in English and German: train, validation, and the Flickr test set of 2016."""
    train, validation, test = (read_parallel(paths[i], paths[i + 1]) for i in (0, 2, 4))
    return PairArrays("multi30k", ("en", "de"), train, validation, test, paths[0].parent)


def wnut17(paths: Sequence[Path]) -> TagArrays:
    """Tweets and comments with six types of rare entities: train, validation (dev), test."""
    train, validation, test = (read_conll(path) for path in paths)
    return TagArrays("wnut17", tag_names([train, validation, test]), train, validation, test,
                     paths[0].parent)


def corpus(name: str, paths: Sequence[Path]) -> Corpus:
    """One text."""
    return Corpus(name, read_text(paths[0]), paths[0])
