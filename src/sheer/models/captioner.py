"""Captioner: an image and the words so far flow in, scores of every next word come out."""

from __future__ import annotations

from typing import Any

from ..namespace_creation import arange, ones, zeros
from ..nn.activation import ReLU
from ..nn.batchnorm import BatchNorm2d
from ..nn.containers import Sequential
from ..nn.conv import Conv2d
from ..nn.dropout import Dropout
from ..nn.linear import Embedding, Linear
from ..nn.pool import MaxPool2d
from ..nn.recurrent_cells import LSTMCell
from ..tensor import Tensor
from .seq2seq import AdditiveAttention, AttendingWriter


class Captioner(AttendingWriter):
    """A convolutional network sees; an LSTM writes, one word at a time, looking at a place of the
    image before each.

    Shape   source float (B, channels, H, W), H and W multiples of 4, target int (B, T), beginning
            with the start token -> (B, T, num_words); places are read row by row, H W / 16 of them
    Params  as their layers say
    Source  Xu et al. 2015, arXiv:1502.03044, soft attention, with a small network in place of VGG
            and a table of places
    Example
        >>> model = Captioner(20, 8, 16, (8, 12))
        >>> words = sheer.ones(2, 7, dtype=sheer.int64)
        >>> model(sheer.zeros(2, 3, 8, 12), words).shape
        (2, 7, 20)
    """
    eye: Sequential
    places: Embedding
    bridge: Linear

    def __init__(self, num_words: int, width: int, hidden: int, size: tuple[int, int],
                 channels: int = 3, dropout: float = 0.0, padding: int = 0) -> None:
        super().__init__()
        half = hidden // 2
        self.eye = Sequential(
            Conv2d(channels, half, 3, padding=1), BatchNorm2d(half), ReLU(), MaxPool2d(2),
            Conv2d(half, hidden, 3, padding=1), BatchNorm2d(hidden), ReLU(), MaxPool2d(2))
        self.places = Embedding(size[0] * size[1] // 16, hidden)
        self.bridge = Linear(hidden, hidden)
        self.target = Embedding(num_words, width, padding_idx=padding)
        self.attention = AdditiveAttention(hidden, hidden, hidden)
        self.cell = LSTMCell(width + hidden, hidden)
        self.readout = Linear(hidden + hidden + width, width)
        self.out = Linear(width, num_words)
        self.dropout = Dropout(dropout)

    def encode(self, source: Tensor) -> tuple[Any, tuple[Tensor, Tensor]]:
        """What the writer looks at (values, keys, mask), and its first state (h, c)."""
        seen = self.eye(source).flatten(2).transpose(1, 2)                 # (B, S, hidden)
        values = seen + self.places(arange(seen.shape[1]))
        start = self.bridge(seen.mean(1)).tanh()                           # (B, hidden)
        mask = ones(*values.shape[:2], dtype="bool")
        return (values, self.attention.key(values), mask), (start, zeros(*start.shape))
