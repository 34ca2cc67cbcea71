"""TextCNN: numbers of words (B, T) flow in, scores of classes (B, K) come out."""

from __future__ import annotations

from collections.abc import Sequence

from ..mixins.core import no_grad
from ..namespace_joining import cat
from ..nn import functional as F
from ..nn.containers import ModuleList
from ..nn.conv import Conv1d
from ..nn.dropout import Dropout
from ..nn.init import uniform_
from ..nn.linear import Embedding, Linear
from ..nn.module import Module
from ..tensor import Tensor


class TextCNN(Module):
    """Filters over a few words at a time; of each filter its highest value in the sentence.

    Words of number `padding` only fill up: no result depends on how many there are. The paper has
    dropout before the scores alone; word_dropout adds some behind the word vectors.

    Shape   x int (B, T) -> (B, num_classes)
    Params  embedding (num_words, width) ~ U(-0.25, 0.25), convs (filters, width, n) for each n of
            sizes and fc as their layers say
    Source  Kim 2014, arXiv:1408.5882, CNN-rand
    Example
        >>> TextCNN(100, 2)(sheer.ones(5, 9, dtype=sheer.int64)).shape
        (5, 2)
    """
    embedding: Embedding
    convs: ModuleList
    word_dropout: Dropout
    dropout: Dropout
    fc: Linear

    def __init__(self, num_words: int, num_classes: int, width: int = 300, filters: int = 100,
                 sizes: Sequence[int] = (3, 4, 5), dropout: float = 0.5, padding: int = 0,
                 word_dropout: float = 0.0) -> None:
        super().__init__()
        self.padding = padding
        self.embedding = Embedding(num_words, width, padding_idx=padding)
        with no_grad():
            uniform_(self.embedding.weight, -0.25, 0.25)
            self.embedding.weight[padding] = 0.0
        self.convs = ModuleList([Conv1d(width, filters, n, padding=n - 1) for n in sizes])
        self.word_dropout, self.dropout = Dropout(word_dropout), Dropout(dropout)
        self.fc = Linear(filters * len(sizes), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        words = self.word_dropout(self.embedding(x)).transpose(1, 2)     # (B, width, T)
        real = (x != self.padding).float().unsqueeze(1)              # (B, 1, T)
        found = []
        for conv in self.convs:
            n = conv.kernel_size[0]
            seen = F.max_pool1d(F.pad(real, (n - 1, n - 1)), n, 1)   # does it touch a word?
            values = F.relu(conv(words)) * seen                      # (B, filters, T + n - 1)
            found.append(values.amax(2))                             # (B, filters)
        scores: Tensor = self.fc(self.dropout(cat(found, 1)))        # (B, num_classes)
        return scores
