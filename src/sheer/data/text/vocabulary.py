"""Vocabulary: tokens flow in, their numbers flow out, and back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...graph.errors import ArgumentError, BoundsError
from ...serialization import write_whole
from ..errors import DataError

PADDING, UNKNOWN, START, END = "<pad>", "<unk>", "<bos>", "<eos>"


class Vocabulary:
    """Tokens by number, 0 ... len - 1, in the order given.

    unknown  the token that stands for every other; None: another token is an error
    padding  the token that fills up short sequences; its number is `pad`

    Raises  E690 for a token or number that is not there; E693 for a token given twice, or a special
            one that is not given
    Example
        >>> v = Vocabulary.build([["a", "rose", "is", "a", "rose"]], min_count=2)
        >>> v.encode(["a", "red", "rose"])
        [2, 1, 3]
        >>> v.decode([3, 1, 0])
        ['rose', '<unk>', '<pad>']
    """

    def __init__(self, tokens: Iterable[str], unknown: str | None = None,
                 padding: str | None = None) -> None:
        self.tokens = tuple(tokens)
        self.unknown, self.padding = unknown, padding
        self._number = {token: i for i, token in enumerate(self.tokens)}
        if len(self._number) < len(self.tokens):
            twice = next(t for t, n in Counter(self.tokens).items() if n > 1)
            raise ArgumentError("E693", "Vocabulary", f"the token {twice!r} is given twice",
                                need="each token once")
        for name, token in (("unknown", unknown), ("padding", padding)):
            if token is not None and token not in self._number:
                raise ArgumentError("E693", "Vocabulary", f"{name}={token!r} is not a token of it",
                                    need=f"{name} among the tokens, or None")

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], min_count: int = 1,
              max_size: int | None = None,
              specials: Sequence[str] = (PADDING, UNKNOWN)) -> Vocabulary:
        """Of the tokens in some sentences: the special ones first, then the most frequent first.

        Tokens of one frequency stand in alphabetical order. `<unk>` and `<pad>` among the specials
        mean what their names say.

        Params  min_count  occurrences a token must have
                max_size   entries at most, the special ones included
        Raises  E693 when min_count is below 1 or max_size leaves no room
        """
        if min_count < 1 or (max_size is not None and max_size < len(specials)):
            raise ArgumentError("E693", "Vocabulary", "these settings leave nothing",
                                got={"min_count": min_count, "max_size": max_size},
                                need="min_count >= 1, max_size >= the number of special tokens")
        counts = Counter(token for sentence in sentences for token in sentence)
        kept = [t for t, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
                if n >= min_count and t not in specials]
        if max_size is not None:
            kept = kept[:max_size - len(specials)]
        return cls([*specials, *kept], UNKNOWN if UNKNOWN in specials else None,
                   PADDING if PADDING in specials else None)

    # ---- looking up -----------------------------------------------------------------------------
    def __len__(self) -> int: return len(self.tokens)
    def __contains__(self, token: object) -> bool: return token in self._number
    def __iter__(self) -> Iterator[str]: return iter(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((self.tokens, self.unknown, self.padding))

    def __getitem__(self, token: str) -> int:
        """The number of a token, or that of the unknown token."""
        found = self._number.get(token)
        if found is not None:
            return found
        if self.unknown is None:
            raise BoundsError("E690", "Vocabulary", f"there is no token {token!r}",
                              need=f"one of its {len(self)} tokens, or an unknown token",
                              tries=[(f"the specials ({UNKNOWN!r}, ...)", lambda: None)])
        return self._number[self.unknown]

    def special(self, token: str) -> int:
        """The number of a token that no other stands for. Raises E690 when it is not there."""
        found = self._number.get(token)
        if found is None:
            raise BoundsError("E690", "Vocabulary", f"there is no token {token!r}",
                              need=f"{token!r} among its {len(self)} tokens: one of the specials")
        return found

    @property
    def pad(self) -> int:
        """The number of the padding token. Raises E690 when there is none."""
        return self.special(PADDING if self.padding is None else self.padding)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The numbers of some tokens."""
        return [self[t] for t in tokens]

    def decode(self, numbers: Iterable[Any]) -> list[str]:
        """The tokens of some numbers. Raises E690 for one outside 0 ... len - 1."""
        return [self._token(int(n)) for n in numbers]

    def _token(self, number: int) -> str:
        if not 0 <= number < len(self):
            raise BoundsError("E690", "Vocabulary", f"there is no token number {number}",
                              need=f"0 <= number < {len(self)}")
        return self.tokens[number]

    # ---- files ----------------------------------------------------------------------------------
    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        write_whole(Path(path), json.dumps(self._fields(), ensure_ascii=False, indent=0).encode())

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read what `save` wrote. Raises E691 for another file."""
        try:
            held = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls([str(t) for t in held["tokens"]], held["unknown"], held["padding"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            found = error.strerror if isinstance(error, OSError) else "something else"
            raise DataError("E691", "this is no vocabulary", Path(path),
                            expected="JSON with tokens, unknown and padding", found=found,
                            fix="a file that Vocabulary.save wrote") from error

    def _fields(self) -> dict[str, Any]:
        return {"tokens": list(self.tokens), "unknown": self.unknown, "padding": self.padding}

    def __repr__(self) -> str:
        return f"Vocabulary of {len(self)} tokens"


__all__ = ["END", "PADDING", "START", "UNKNOWN", "Vocabulary"]
