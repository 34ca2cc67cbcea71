"""MemN2N: sentences of a story and a question flow in, scores of one-word answers flow out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..namespace_creation import arange
from ..nn import functional as F
from ..nn.containers import ModuleList
from ..nn.init import normal_
from ..nn.linear import Embedding
from ..nn.module import Module
from ..ops.structure import data
from ..tensor import Tensor


class MemN2N(Module):
    """The question looks at the sentences, adds what it finds, and looks again: `hops` times.

    Words of number 0 and sentences without words only fill up. Sentences are counted from the
    last one, so that "the latest" has one place whatever the length of the story.

    Shape   story int (B, S, W), question int (B, W); or the pair of both in place of story ->
            (B, num_words)
    Params  words: hops + 1 tables (num_words, width), each the output of one hop and the input of
            the next; times: as many (longest, width); all ~ N(0, 0.1)
    Source  Sukhbaatar et al. 2015, arXiv:1503.08895, sections 2 and 4.1: adjacent tying, position
            and temporal encoding
    Example
        >>> ones = lambda *shape: sheer.ones(*shape, dtype=sheer.int64)
        >>> MemN2N(30, 16, 2, 10, 6)(ones(3, 10, 6), ones(3, 6)).shape
        (3, 30)
    """
    words: ModuleList
    times: ModuleList

    def __init__(self, num_words: int, width: int, hops: int, longest: int,
                 words_per_sentence: int) -> None:
        super().__init__()
        self.words = ModuleList([Embedding(num_words, width) for _ in range(hops + 1)])
        self.times = ModuleList([Embedding(longest, width) for _ in range(hops + 1)])
        for table in (*self.words, *self.times):
            normal_(table.weight, 0.0, 0.1)
        j = np.arange(1, words_per_sentence + 1)[:, None] / words_per_sentence
        k = np.arange(1, width + 1)[None] / width
        order = (1 - j - k * (1 - 2 * j)).astype(np.float32)             # section 4.1
        self.register_buffer("order", Tensor(data(order)), persistent=False)

    def forward(self, story: Any, question: Tensor | None = None) -> Tensor:
        if question is None:
            story, question = story
        real = story != 0                                                 # (B, S, W)
        told = real.sum(2) > 0                                            # (B, S)
        after = told.long().sum(1, keepdim=True)
        age = (after - 1 - arange(story.shape[1])).clamp(min=0)           # 0: the last one
        read = [self._sentences(i, story, real) + table(age)
                for i, table in enumerate(self.times)]
        state = self._sentences(0, question, question != 0)               # (B, width)
        for keys, values in pairwise(read):                          # (B, S, width) each
            match = (keys * state.unsqueeze(1)).sum(2).where(told, -1e9)  # (B, S)
            share = F.softmax(match, 1)
            state = state + (share.unsqueeze(2) * values).sum(1)
        scores: Tensor = F.linear(state, self.words[-1].weight)           # (B, num_words)
        return scores

    def _sentences(self, table: int, words: Tensor, real: Tensor) -> Tensor:
        """Sums of word vectors, each weighted by its place: (*B, W) -> (*B, width)."""
        found: Tensor = (self.words[table](words) * self.order * real.unsqueeze(-1)).sum(-2)
        return found
