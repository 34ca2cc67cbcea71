"""A tagger: features of every word (B, T, F) flow in, scores of its tags (B, T, K) come out."""

from __future__ import annotations

from collections.abc import Sequence

from ..namespace_joining import cat
from ..nn.containers import ModuleList
from ..nn.dropout import Dropout
from ..nn.linear import Embedding, Linear
from ..nn.module import Module
from ..nn.recurrent import LSTM
from ..tensor import Tensor


class BiLSTMTagger(Module):
    """A table for each feature of a word (the word, its spelling), a bidirectional LSTM over the
    sentence, and scores at every word.

    A word whose first feature is `padding` only fills up.

    Shape   x int (B, T, F) -> (B, T, num_tags)
    Params  tables (entries, width) for each of the F (entries, width) pairs; lstm and out as their
            layers say
    Source  Huang et al. 2015, arXiv:1508.01991, BI-LSTM with spelling features, without the CRF
    Example
        >>> BiLSTMTagger([(50, 8), (4, 2)], 16, 5)(sheer.ones(2, 7, 2, dtype=sheer.int64)).shape
        (2, 7, 5)
    """
    tables: ModuleList
    lstm: LSTM
    out: Linear
    dropout: Dropout

    def __init__(self, features: Sequence[tuple[int, int]], hidden: int, num_tags: int,
                 dropout: float = 0.5, padding: int = 0) -> None:
        super().__init__()
        self.padding = padding
        self.tables = ModuleList([Embedding(n, width, padding_idx=padding)
                                  for n, width in features])
        self.lstm = LSTM(sum(width for _, width in features), hidden, bidirectional=True,
                         batch_first=True)
        self.out = Linear(2 * hidden, num_tags)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        read = cat([table(x[:, :, i]) for i, table in enumerate(self.tables)], 2)   # (B, T, width)
        lengths = (x[:, :, 0] != self.padding).long().sum(1)                        # (B,)
        known, _ = self.lstm(self.dropout(read), lengths=lengths)                   # (B, T, 2 H)
        scores: Tensor = self.out(self.dropout(known))                              # (B, T, K)
        return scores
