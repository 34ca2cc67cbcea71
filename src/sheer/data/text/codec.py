"""Codec: texts flow in, numbers of tokens flow out; numbers flow in, texts flow out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .padding import pad
from .tokenisers import Tokeniser
from .vocabulary import END, PADDING, START, Vocabulary


@dataclass(frozen=True)
class Codec:
    """A tokeniser and the vocabulary of its tokens.

    start, end  put the token of that name in front or behind; the vocabulary must have it

    Example
        >>> from sheer.data.text import Characters
        >>> codec = Codec(Characters(), Vocabulary(["<pad>", *"abc"], padding="<pad>"))
        >>> codec.encode("cab")
        [3, 1, 2]
        >>> codec.batch(["cab", "a"]).tolist()
        [[3, 1, 2], [1, 0, 0]]
        >>> codec.decode([1, 0, 0])
        'a'
    """

    tokeniser: Tokeniser
    vocabulary: Vocabulary
    start: bool = False
    end: bool = False

    def encode(self, text: str) -> list[int]:
        """The numbers of a text.

        Raises  E690 for an unknown token where none stands for it, and for a start or end token
                that the vocabulary does not have
        """
        v = self.vocabulary
        body = v.encode(self.tokeniser.split(text))
        return [*([v.special(START)] if self.start else []), *body,
                *([v.special(END)] if self.end else [])]

    def batch(self, texts: Iterable[str], length: int | None = None,
              cut: bool = False) -> NDArray[np.int64]:
        """The numbers of some texts, filled up to one length: int64 (N, length). See `pad`."""
        return pad([self.encode(t) for t in texts], self.vocabulary.pad, length, cut)

    def decode(self, numbers: Sequence[Any] | NDArray[Any]) -> str:
        """The text of some numbers, up to the end token, without start and padding."""
        tokens = self.vocabulary.decode(numbers)
        if END in tokens:
            tokens = tokens[:tokens.index(END)]
        left_out = START, self.vocabulary.padding or PADDING
        return self.tokeniser.join(t for t in tokens if t not in left_out)
