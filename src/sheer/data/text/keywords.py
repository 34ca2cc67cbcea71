"""Tokens of documents flow in; the words that mark each, and the topics of all, flow out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ArgumentError
from .vocabulary import Vocabulary

Matrix = NDArray[np.float64]


class TfIdf:
    """Weights of words in documents: how often a word is there, times how rare it is elsewhere.

    weight = count * (ln((1 + N) / (1 + documents with the word)) + 1), each document then divided
    by its length (L2 norm).

    Params  min_documents  in how many documents a word must occur
            max_share      in what share of them it may occur at most, in (0, 1]
    Raises  E693 for settings that leave no word
    Source  Spaerck Jones 1972, doi:10.1108/eb026526; smoothing and norm as in scikit-learn's
            TfidfVectorizer
    Example
        >>> model = TfIdf.fit([["red", "rose"], ["red", "wine"]])
        >>> model.keywords(["red", "wine"], 1)
        ['wine']
    """

    def __init__(self, vocabulary: Vocabulary, idf: Matrix) -> None:
        self.vocabulary, self.idf = vocabulary, idf

    @classmethod
    def fit(cls, documents: Sequence[Sequence[str]], min_documents: int = 1,
            max_share: float = 1.0) -> TfIdf:
        """Take the words and how many documents each is in."""
        n = len(documents)
        counts = Counter(word for d in documents for word in set(d))
        kept = sorted(w for w, c in counts.items() if min_documents <= c <= max_share * n)
        if not kept:
            raise ArgumentError("E693", "TfIdf", "no word is left",
                                got={"documents": n, "words": len(counts)},
                                need="a lower min_documents or a higher max_share")
        seen = np.array([counts[w] for w in kept], np.float64)
        return cls(Vocabulary(kept), np.log((1 + n) / (1 + seen)) + 1)

    def __call__(self, documents: Sequence[Sequence[str]]) -> Matrix:
        """Weights of every word of the vocabulary, float64 (N, words)."""
        table = np.zeros((len(documents), len(self.vocabulary)))
        for row, words in zip(table, documents, strict=True):
            for word, count in Counter(words).items():
                if word in self.vocabulary:
                    row[self.vocabulary[word]] = count
        table *= self.idf
        norm = np.linalg.norm(table, axis=1, keepdims=True)
        return table / np.where(norm == 0, 1, norm)

    def keywords(self, document: Sequence[str], count: int = 10) -> list[str]:
        """The words of the greatest weight in a document, the greatest first."""
        weights = self([document])[0]
        order = np.argsort(-weights, kind="stable")[:count]
        return [self.vocabulary.tokens[i] for i in order if weights[i] > 0]


def topics(weights: Matrix, count: int, steps: int = 200,
           seed: int = 0) -> tuple[Matrix, Matrix]:
    """Documents as sums of topics, topics as sums of words: weights ~ shares @ words, none below 0.

    Multiplicative updates of the squared error, which never rises.

    Shape   weights (N, W) -> shares (N, count), words (count, W)
    Raises  E693 for weights below 0, or more topics than documents
    Source  Lee and Seung 2001, Algorithms for non-negative matrix factorization, theorem 1
    """
    if (weights < 0).any() or not 0 < count <= len(weights):
        raise ArgumentError("E693", "topics", f"{count} topics of {len(weights)} documents",
                            got={"smallest weight": float(weights.min(initial=0))},
                            need="weights >= 0, and at least as many documents as topics")
    rng = np.random.Generator(np.random.Philox(seed))
    scale = np.sqrt(weights.mean() / count)
    shares, words = (scale * (0.5 + rng.random(shape)) for shape in
                     ((len(weights), count), (count, weights.shape[1])))
    tiny = np.finfo(np.float64).tiny
    for _ in range(steps):
        words *= (shares.T @ weights) / (shares.T @ shares @ words + tiny)
        shares *= (weights @ words.T) / (shares @ (words @ words.T) + tiny)
    return shares, words
