"""Seq2Seq: source and target tokens flow in, scores of every next target token come out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..namespace_creation import full, zeros
from ..namespace_joining import cat
from ..nn import functional as F
from ..nn.dropout import Dropout
from ..nn.linear import Embedding, Linear
from ..nn.module import Module
from ..nn.recurrent import LSTM
from ..nn.recurrent_cells import LSTMCell
from ..ops.structure import data
from ..tensor import Tensor
from ..transforms.loop import scan


class AdditiveAttention(Module):
    """Weights softmax(v . tanh(W q + U k)) of the keys for a query, and the mean they give.

    Shape   query (B, d_query), values (B, S, d_value), keys (B, S, width) = key(values),
            mask bool (B, S), True where a value may be looked at -> (B, d_value), weights (B, S)
    Params  query (width, d_query), key (width, d_value), score (1, width), as Linear without bias
    Source  Bahdanau et al. 2015, arXiv:1409.0473, section 3.1 and appendix A.1.2
    """
    query: Linear
    key: Linear
    score: Linear

    def __init__(self, d_query: int, d_value: int, width: int) -> None:
        super().__init__()
        self.query = Linear(d_query, width, bias=False)
        self.key = Linear(d_value, width, bias=False)
        self.score = Linear(width, 1, bias=False)

    def forward(self, query: Tensor, values: Tensor, keys: Tensor,
                mask: Tensor) -> tuple[Tensor, Tensor]:
        wide = (self.query(query).unsqueeze(1) + keys).tanh()             # (B, S, width)
        scores = (wide * self.score.weight[0]).sum(2)                     # (B, S)
        weights = F.softmax(scores.where(mask, -1e9), 1)
        mixed: Tensor = (weights.unsqueeze(2) * values).sum(1)            # (B, d_value)
        return mixed, weights


class AttendingWriter(Module):
    """Writes tokens one at a time with an LSTM, looking at a memory before each: what decoders
    with additive attention share. A subclass makes the layers and says how it reads, in `encode`.

    Shape   source as the subclass takes it, target int (B, T), beginning with the start token; or
            the pair of both in place of source -> scores (B, T, num_target) of the tokens that
            follow. In training the true target is given (teacher forcing)
    """
    target: Embedding
    attention: AdditiveAttention
    cell: LSTMCell
    readout: Linear
    out: Linear
    dropout: Dropout

    def encode(self, source: Tensor) -> tuple[Any, tuple[Tensor, Tensor]]:
        """What is looked at (values (B, S, d), keys, mask bool (B, S)), and the first state."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it reads")

    def forward(self, source: Any, target: Tensor | None = None) -> Tensor:
        if target is None:
            source, target = source
        memory, start = self.encode(source)
        words = self.dropout(self.target(target)).transpose(0, 1)         # (T, B, width)
        step = lambda state, word: self._step(memory, state, word)
        _, (hidden, mixed, _) = scan(step, start, words)                  # (T, B, hidden), twice
        scores: Tensor = self.scores(words, hidden, mixed).transpose(0, 1)
        return scores                                                     # (B, T, num_target)

    def _step(self, memory: Any, state: Any, word: Tensor) -> Any:
        """One step of the decoder: ((h, c), (h, what it looked at, the weights))."""
        values, keys, mask = memory
        mixed, weights = self.attention(state[0], values, keys, mask)
        h, c = self.cell(cat([word, mixed], 1), state)
        return (h, c), (h, mixed, weights)

    def scores(self, words: Tensor, hidden: Tensor, mixed: Tensor) -> Tensor:
        """Scores of the next token, (*B, num_target)."""
        wide = self.dropout(self.readout(cat([hidden, mixed, words], -1)).tanh())
        found: Tensor = self.out(wide)
        return found

    def generate(self, source: Tensor, start: int, steps: int) -> Tensor:
        """The most probable next token, again and again: int64 (B, steps)."""
        return self.attended(source, start, steps)[0]

    def attended(self, source: Tensor, start: int, steps: int) -> tuple[Tensor, Tensor]:
        """Generated tokens (B, steps) and what was looked at for each, (B, steps, S)."""
        memory, state = self.encode(source)
        first = full((source.shape[0],), start, dtype="int64")
        def step(carry: Any, _: Any) -> Any:
            state, token = carry
            word = self.target(token)
            state, (h, mixed, weights) = self._step(memory, state, word)
            token = self.scores(word, h, mixed).argmax(-1)
            return (state, token), (token, weights)
        _, (tokens, weights) = scan(step, (state, first), Tensor(data(np.zeros((steps, 1)))))
        return tokens.transpose(0, 1), weights.transpose(0, 1)


class Seq2Seq(AttendingWriter):
    """A bidirectional LSTM reads the source; an LSTM writes the target, one token at a time,
    looking at the source before each.

    Tokens of number `padding` only fill up: no score depends on how many there are. In training
    the decoder is given the true target (teacher forcing).

    Shape   source int (B, S), target int (B, T), beginning with the start token; or the pair of
            both in place of source -> scores (B, T, num_target) of the tokens that follow
    Params  as their layers say
    Source  Bahdanau et al. 2015, arXiv:1409.0473; LSTM in place of GRU, tanh in place of maxout
    Example
        >>> model = Seq2Seq(20, 30, 8, 16)
        >>> ones = lambda *shape: sheer.ones(*shape, dtype=sheer.int64)
        >>> model(ones(2, 5), ones(2, 7)).shape, model.generate(ones(2, 5), 1, 4).shape
        ((2, 7, 30), (2, 4))
    """
    source: Embedding
    encoder: LSTM
    bridge: Linear

    def __init__(self, num_source: int, num_target: int, width: int, hidden: int,
                 dropout: float = 0.0, padding: int = 0) -> None:
        super().__init__()
        self.padding, self.hidden = padding, hidden
        self.source = Embedding(num_source, width, padding_idx=padding)
        self.target = Embedding(num_target, width, padding_idx=padding)
        self.encoder = LSTM(width, hidden // 2, bidirectional=True, batch_first=True)
        self.bridge = Linear(hidden, hidden)
        self.attention = AdditiveAttention(hidden, hidden, hidden)
        self.cell = LSTMCell(width + hidden, hidden)
        self.readout = Linear(hidden + hidden + width, width)
        self.out = Linear(width, num_target)
        self.dropout = Dropout(dropout)

    def encode(self, source: Tensor) -> tuple[Any, tuple[Tensor, Tensor]]:
        """What the decoder looks at (values, keys, mask), and its first state (h, c)."""
        mask = source != self.padding                                     # (B, S)
        values, (last, _) = self.encoder(self.dropout(self.source(source)),
                                         lengths=mask.long().sum(1))      # (B, S, hidden)
        start = self.bridge(cat([last[0], last[1]], 1)).tanh()            # (B, hidden)
        return (values, self.attention.key(values), mask), (start, zeros(*start.shape))
