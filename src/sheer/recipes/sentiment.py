"""sentiment-rnn, -lstm, -bilstm, -cnn, -transformer: is a sentence about a film kind or not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from .. import nn, optim
from ..data.known.catalogue import load_arrays
from ..data.splits.stratified import stratified_split
from ..data.text import PADDING, UNKNOWN, Vocabulary, Words, pad
from ..models import PositionalEncoding, TextCNN
from ..tensor import Tensor
from .recipe import OneCycle, Settings, Task
from .text_baselines import bag_of_words


@dataclass(frozen=True)
class SentimentSettings(Settings):
    epochs: int = 5
    batch_size: int = 50
    lr: float = 2e-3             # highest rate of the schedule, per update
    test_fraction: float = 0.1   # of the sentences: the publisher names no test part
    length: int = 48             # words kept of a sentence; 1 % have more
    min_count: int = 2           # occurrences of a word in the training part, else it is unknown
    width: int = 128             # numbers per word
    hidden: int = 128            # units of a recurrent layer, each way
    dropout: float = 0.5         # share of numbers switched off, behind words and before scores
    decay: float = 0.02          # of weights per update, times the rate


class Reader(nn.Module):
    """Words into numbers, a network over them, the mean over the words it read, two scores.

    Words of number 0 only fill up: no score depends on how many there are.

    Shape   x int (B, T) -> (B, classes)
    """

    def __init__(self, num_words: int, width: int, network: Any, out: int, classes: int,
                 dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(num_words, width, padding_idx=0)
        nn.init.normal_(self.words.weight, 0.0, 0.3)    # row 0 is masked
        self.network, self.dropout = network, nn.Dropout(dropout)
        self.scores = nn.Linear(out, classes)

    def forward(self, x: Tensor) -> Tensor:
        real = x != 0                                                     # (B, T)
        read = self.network(self.dropout(self.words(x)), real)            # (B, T, out)
        count = real.sum(1, keepdim=True).clamp(min=1)                    # (B, 1)
        mean = (read * real.unsqueeze(2)).sum(1) / count                  # (B, out)
        found: Tensor = self.scores(self.dropout(mean))
        return found


class Recurrent(nn.Module):
    """The outputs of a recurrent layer, which rests where a sentence is over."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        out: Tensor = self.layer(x, lengths=real.long().sum(1))[0]
        return out


class Attending(nn.Module):
    """Places added, then transformer layers that look at real words only."""

    def __init__(self, width: int, heads: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.places = PositionalEncoding(width)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout, batch_first=True,
                                           norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width))

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        out: Tensor = self.encoder(self.places(x), src_key_padding_mask=~real)
        return out


class _Sentiment(OneCycle, abstract=True):
    """The sentences, a tenth of them for the test."""

    settings = SentimentSettings
    layer: ClassVar[str] = ""

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        arrays = load_arrays("rt-polarity", folder)
        words = [Words(r"\S+").split(text) for text in arrays.train.texts]
        train, test = stratified_split(arrays.train.y, s.test_fraction, 0)
        known = Vocabulary.build((words[i] for i in train), s.min_count,
                                 specials=(PADDING, UNKNOWN))
        x = pad([known.encode(w) for w in words], known.pad, s.length, cut=True)
        y = arrays.train.y
        return Task((x[train], y[train]), (x[test], y[test]), classes=arrays.classes,
                    extra={"vocabulary": known})

    def network(self) -> tuple[Any, int]:
        """What reads the words, and how many numbers it gives for each."""
        s: Any = self.set
        both = self.layer == "BiLSTM"
        layer = nn.RNN if self.layer == "RNN" else nn.LSTM
        return (Recurrent(layer(s.width, s.hidden, batch_first=True, bidirectional=both)),
                s.hidden * (1 + both))

    def model(self, task: Task) -> Any:
        s: Any = self.set
        network, out = self.network()
        return Reader(len(task.extra["vocabulary"]), s.width, network, out, len(task.classes),
                      s.dropout)

    def optimizer(self, model: Any) -> Any:
        s: Any = self.set
        return optim.AdamW(model.parameters(), lr=s.lr, weight_decay=s.decay)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        (x, y), (x_test, y_test) = task.train, task.test
        found = bag_of_words(x, y, x_test, len(task.extra["vocabulary"]))
        return {"logistic regression on bags of words": {
            "accuracy": float(((found > 0) == y_test).mean())}}


class SentimentRNN(_Sentiment):
    """A plain recurrent network."""

    name, layer = "sentiment-rnn", "RNN"
    summary = "film reviews, kind or not: recurrent network"
    promise = ("accuracy", 0.745)


class SentimentLSTM(_Sentiment):
    """A long short-term memory."""

    name, layer = "sentiment-lstm", "LSTM"
    summary = "film reviews, kind or not: LSTM"
    promise = ("accuracy", 0.75)


class SentimentBiLSTM(_Sentiment):
    """An LSTM in each direction."""

    name, layer = "sentiment-bilstm", "BiLSTM"
    summary = "film reviews, kind or not: LSTM in both directions"
    promise = ("accuracy", 0.735)


class SentimentTransformer(_Sentiment):
    """One transformer layer."""

    name = "sentiment-transformer"
    summary = "film reviews, kind or not: transformer encoder"
    promise = ("accuracy", 0.745)

    def network(self) -> tuple[Any, int]:
        s: Any = self.set
        return Attending(s.width, 4, 1, 0.2), s.width


class SentimentCNN(_Sentiment):
    """Kim's network of 2014."""

    name = "sentiment-cnn"
    summary = "film reviews, kind or not: convolutions over words (Kim 2014)"
    promise = ("accuracy", 0.735)

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return TextCNN(len(task.extra["vocabulary"]), len(task.classes), s.width,
                       dropout=s.dropout, word_dropout=s.dropout)


__all__: Sequence[str] = ["SentimentBiLSTM", "SentimentCNN", "SentimentLSTM", "SentimentRNN",
                          "SentimentTransformer"]
