"""A transformer that translates: source and target tokens flow in, scores of the next flow out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..namespace_creation import arange, full
from ..nn.dropout import Dropout
from ..nn.init import normal_
from ..nn.linear import Embedding, Linear
from ..nn.module import Module
from ..nn.seq2seq import Transformer
from ..ops.structure import data
from ..tensor import Tensor
from ..transforms.loop import scan


class PositionalEncoding(Module):
    """Adds to the number at place t sin and cos of t at wavelengths from 2 pi to 10000 * 2 pi.

    Shape   x (B, T, d_model), T at most longest -> the same
    Source  Vaswani et al. 2017, arXiv:1706.03762, section 3.5
    """

    def __init__(self, d_model: int, longest: int = 512) -> None:
        super().__init__()
        angle = np.arange(longest)[:, None] / 10000 ** (np.arange(0, d_model, 2) / d_model)
        table = np.zeros((longest, d_model), np.float32)
        table[:, 0::2], table[:, 1::2] = np.sin(angle), np.cos(angle[:, :d_model // 2])
        self.register_buffer("table", Tensor(data(table)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.table[:x.shape[1]]
        return out


class Translator(Module):
    """Embeddings and places, nn.Transformer, and the token table again as last layer.

    One vocabulary for both languages. Tokens of number `padding` only fill up.

    Shape   source int (B, S), target int (B, T), beginning with the start token; or the pair of
            both in place of source -> scores (B, T, num_tokens) of the tokens that follow
    Params  tokens ~ N(0, 1/sqrt(d_model)), shared by source, target and scores; others as in
            nn.Transformer
    Source  Vaswani et al. 2017, arXiv:1706.03762, section 3.4; norms first: Xiong et al. 2020
    Example
        >>> model = Translator(30, 8, 2, 1, 16)
        >>> ones = lambda *shape: sheer.ones(*shape, dtype=sheer.int64)
        >>> model(ones(2, 5), ones(2, 7)).shape, model.generate(ones(2, 5), 1, 4).shape
        ((2, 7, 30), (2, 4))
    """
    tokens: Embedding
    places: PositionalEncoding
    transformer: Transformer
    out: Linear
    dropout: Dropout

    def __init__(self, num_tokens: int, d_model: int, nhead: int, layers: int,
                 dim_feedforward: int, dropout: float = 0.1, padding: int = 0) -> None:
        super().__init__()
        self.padding, self.d_model = padding, d_model
        self.tokens = Embedding(num_tokens, d_model)
        self.places = PositionalEncoding(d_model)
        self.dropout = Dropout(dropout)
        self.transformer = Transformer(d_model, nhead, layers, layers, dim_feedforward, dropout,
                                       batch_first=True, norm_first=True)
        self.out = Linear(d_model, num_tokens)
        normal_(self.tokens.weight, 0.0, d_model ** -0.5)
        self.out.weight = self.tokens.weight                              # one table for all

    def forward(self, source: Any, target: Tensor | None = None) -> Tensor:
        if target is None:
            source, target = source
        blank = source == self.padding                                    # (B, S)
        return self.scores(self.decode(self.encode(source, blank), blank, target))

    def encode(self, source: Tensor, blank: Tensor) -> Tensor:
        """The memory the decoder looks at, (B, S, d_model)."""
        memory: Tensor = self.transformer.encoder(self._read(source), src_key_padding_mask=blank)
        return memory

    def decode(self, memory: Tensor, blank: Tensor, target: Tensor) -> Tensor:
        """What is known at every place of the target, (B, T, d_model)."""
        ahead = Transformer.generate_square_subsequent_mask(target.shape[1])
        known: Tensor = self.transformer.decoder(
            self._read(target), memory, tgt_mask=ahead, tgt_is_causal=True,
            memory_key_padding_mask=blank)
        return known

    def scores(self, known: Tensor) -> Tensor:
        """Scores of the next token, (*B, num_tokens)."""
        found: Tensor = self.out(known)
        return found

    def _read(self, tokens: Tensor) -> Tensor:
        read: Tensor = self.dropout(self.places(self.tokens(tokens) * math.sqrt(self.d_model)))
        return read

    def generate(self, source: Tensor, start: int, steps: int) -> Tensor:
        """The most probable next token, again and again: int64 (B, steps)."""
        blank = source == self.padding
        memory = self.encode(source, blank)
        written = full((source.shape[0], steps + 1), self.padding, dtype="int64")
        written = written.where(arange(steps + 1) > 0, start)
        def step(written: Tensor, t: Tensor) -> Any:
            known = self.decode(memory, blank, written[:, :steps])            # (B, steps, d_model)
            here = known.index_select(1, t.reshape(1))[:, 0]                  # (B, d_model)
            token = self.scores(here).argmax(-1)
            return written.where(arange(steps + 1) != t + 1, token.unsqueeze(1)), ()
        found: Tensor = scan(step, written, arange(steps))[0][:, 1:]
        return found
