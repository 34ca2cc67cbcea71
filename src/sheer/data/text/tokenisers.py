"""Tokenisers: a text flows in, its tokens flow out, and joining them gives the text again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from ...graph.errors import ArgumentError, StateError
from ...serialization import write_whole
from ..errors import DataError
from .vocabulary import Vocabulary

GLUE = "\uffed"                  # in front of a token that follows without a space


class Tokeniser(Protocol):
    """Cuts texts; join(split(text)) == text."""

    def split(self, text: str) -> list[str]: ...
    def join(self, tokens: Iterable[str]) -> str: ...


class Characters:
    """Every character is a token.

    Example
        >>> Characters().split("to be")
        ['t', 'o', ' ', 'b', 'e']
    """

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: Iterable[str]) -> str:
        return "".join(tokens)


class Words:
    """Words, and single characters between them. A token that follows without a space begins with
    a mark; white space other than one space is a token of its own. So nothing is lost.

    Params  pattern  a regular expression for a word; r"\\S+" keeps what is tokenised already
            lower    take texts in lower case (join gives them so)
    Raises  E693 for a pattern that is no regular expression, or one that may match nothing or
            white space
    Example
        >>> Words().split("Words, words.")
        ['Words', '￭,', 'words', '￭.']
        >>> Words().join(Words().split("Words, words."))
        'Words, words.'
    """

    def __init__(self, pattern: str = r"\w+", lower: bool = False) -> None:
        self.pattern, self.lower = pattern, lower
        try:
            word = re.compile(pattern)
            self._piece = re.compile(rf"\s+|{pattern}|.", re.DOTALL)
        except re.error as error:
            raise ArgumentError("E693", "Words", f"the pattern {pattern!r} does not compile",
                                got={"error": error},
                                need="a regular expression, flags as in (?i:...)") from error
        if word.fullmatch("") or word.match(" "):
            raise ArgumentError("E693", "Words", f"the pattern {pattern!r} matches no word",
                                need="a pattern of at least one character, none of them a space")

    def split(self, text: str) -> list[str]:
        pieces = [m.group() for m in self._piece.finditer(text.lower() if self.lower else text)]
        tokens: list[str] = []
        for i, piece in enumerate(pieces):
            inside = 0 < i < len(pieces) - 1
            if piece == " " and inside:
                continue                                       # what join puts in by itself
            glued = i > 0 and not piece.isspace() and not pieces[i - 1].isspace()
            if not glued and piece.startswith(GLUE) and len(piece) > 1:
                tokens += [GLUE, GLUE + piece[1:]]             # a text that holds the mark itself
            else:
                tokens.append(GLUE + piece if glued else piece)
        return tokens

    def join(self, tokens: Iterable[str]) -> str:
        text, before = "", " "
        for token in tokens:
            if len(token) > 1 and token.startswith(GLUE):
                text += token[1:]
            else:
                text += token if before.isspace() or token.isspace() else " " + token
            before = token
        return text


class BytePairs:
    """Frequent sequences of bytes, learned from texts by joining pairs: no text is unknown to it.

    Made by `train` or `load`, through the package `tokenizers`: pip install "sheer[text]".

    Raises  E694 without that package, E691 for a file that is something else, E693 for a size that
            does not hold the 256 bytes
    Source  Sennrich et al. 2016, arXiv:1508.07909; on bytes: Radford et al. 2019, section 2.2
    """

    def __init__(self, held: Any, specials: Sequence[str], unknown: str | None,
                 padding: str | None) -> None:
        self._held, self.specials = held, tuple(specials)
        self._roles = unknown, padding

    @classmethod
    def train(cls, texts: Iterable[str], size: int, specials: Sequence[str] = ("<pad>", "<unk>"),
              min_count: int = 2) -> BytePairs:
        """Learn `size` tokens, the special ones and the 256 bytes among them.

        min_count  how often a pair must occur to be joined
        """
        package = _package()
        if size < 256 + len(specials):
            raise ArgumentError("E693", "BytePairs", f"size={size} does not hold every byte",
                                need=f"size >= {256 + len(specials)}")
        held = package.Tokenizer(package.models.BPE())
        held.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
        held.decoder = package.decoders.ByteLevel()
        held.train_from_iterator(texts, package.trainers.BpeTrainer(
            vocab_size=size, min_frequency=min_count, special_tokens=list(specials),
            initial_alphabet=package.pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
        has = lambda token: token if token in specials else None
        return cls(held, specials, has("<unk>"), has("<pad>"))

    def split(self, text: str) -> list[str]:
        return list(self._held.encode(text, add_special_tokens=False).tokens)

    def join(self, tokens: Iterable[str]) -> str:
        return str(self._held.decoder.decode([t for t in tokens if t not in self.specials]))

    @property
    def vocabulary(self) -> Vocabulary:
        """All its tokens, the special ones first."""
        numbers = self._held.get_vocab()
        return Vocabulary(sorted(numbers, key=numbers.__getitem__), *self._roles)

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        held = {"specials": self.specials, "roles": self._roles,
                "tokenizer": json.loads(self._held.to_str())}
        write_whole(Path(path), json.dumps(held, ensure_ascii=False).encode())

    @classmethod
    def load(cls, path: str | Path) -> BytePairs:
        """Read what `save` wrote."""
        package = _package()
        try:
            kept = json.loads(Path(path).read_text(encoding="utf-8"))
            held = package.Tokenizer.from_str(json.dumps(kept["tokenizer"]))
            return cls(held, kept["specials"], *kept["roles"])
        except Exception as error:       # the package has no narrower one for a text it cannot read
            found = error.strerror if isinstance(error, OSError) else "something else"
            raise DataError("E691", "these are no byte pairs", Path(path),
                            expected="JSON with specials, roles and tokenizer", found=found,
                            fix="a file that BytePairs.save wrote") from error


def _package() -> Any:
    """The package `tokenizers`. Raises E694 where it is not installed."""
    try:
        import tokenizers
    except ImportError as error:
        raise StateError("E694", "BytePairs", "the package tokenizers is not installed",
                         need='pip install "sheer[text]"') from error
    return tokenizers
