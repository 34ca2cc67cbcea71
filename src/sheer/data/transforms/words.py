"""Text: a sentence, or a list of its words, flows in; words moved or changed, it flows out.

Source: Wei and Zou 2019, EDA, arXiv:1901.11196; Sennrich et al. 2016, arXiv:1511.06709.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...graph.errors import DTypeError
from . import chance
from .settings import probability


class WordTransform:
    """Base: a text is cut at spaces and joined again; a list of words stays a list."""

    def __call__(self, text: Any) -> Any:
        if isinstance(text, str):
            return " ".join(self.on_words(text.split()))
        if not isinstance(text, list | tuple) or not all(isinstance(w, str) for w in text):
            raise DTypeError("E666", type(self).__name__, f"a {type(text).__name__} is no text",
                             need="a str, or a list of words")
        return self.on_words(list(text))

    def on_words(self, words: list[str]) -> list[str]:
        """Words -> words."""
        raise NotImplementedError(f"{type(self).__name__} does not say what becomes of words")


class RandomSwap(WordTransform):
    """Two random words exchanged, n times; a share of the words instead when n is below 1.

    Raises  E423 for a negative n, E666 for what is no text
    Source  Wei and Zou 2019, arXiv:1901.11196, random swap
    """

    def __init__(self, n: float = 1) -> None: self.n = _count("RandomSwap", n)

    def on_words(self, words: list[str]) -> list[str]:
        for _ in range(times(self.n, len(words)) if len(words) > 1 else 0):
            i, j = chance.integer(len(words)), chance.integer(len(words) - 1)
            j += j >= i
            words[i], words[j] = words[j], words[i]
        return words

    def __repr__(self) -> str: return f"RandomSwap(n={self.n})"


class RandomDeletion(WordTransform):
    """Each word left out with probability p; one stays at least.

    Raises  E423, E666
    Source  Wei and Zou 2019, arXiv:1901.11196, random deletion
    """

    def __init__(self, p: float = 0.1) -> None: self.p = probability("RandomDeletion", p)

    def on_words(self, words: list[str]) -> list[str]:
        if not words:
            return words
        draws = chance.numbers(len(words))
        kept = [w for w, u in zip(words, draws, strict=True) if u >= self.p]
        return kept or [words[int(draws.argmax())]]

    def __repr__(self) -> str: return f"RandomDeletion(p={self.p})"


class SynonymReplacement(WordTransform):
    """Words that the table knows replaced by one of their synonyms, each with probability p.

    Params  table  from a word (lower case is tried, too) to words that mean the same
    Raises  E423, E666
    Source  Wei and Zou 2019, arXiv:1901.11196, synonym replacement
    Example
        >>> SynonymReplacement({"film": ["movie"]}, p=1.0)("a good film")
        'a good movie'
    """

    def __init__(self, table: Mapping[str, Sequence[str]], p: float = 0.1) -> None:
        self.table, self.p = table, probability("SynonymReplacement", p)

    def on_words(self, words: list[str]) -> list[str]:
        return [self._other(w) if chance.uniform() < self.p else w for w in words]

    def _other(self, word: str) -> str:
        known = self.table.get(word) or self.table.get(word.lower()) or ()
        return known[chance.integer(len(known))] if known else word

    def __repr__(self) -> str: return f"SynonymReplacement({len(self.table)} words, p={self.p})"


class RandomInsertion(SynonymReplacement):
    """Synonyms of random words put at random places, n times (a share of the words below 1).

    Raises  E423, E666
    Source  Wei and Zou 2019, arXiv:1901.11196, random insertion
    """

    def __init__(self, table: Mapping[str, Sequence[str]], n: float = 1) -> None:
        super().__init__(table, 1.0)
        self.n = _count("RandomInsertion", n)

    def on_words(self, words: list[str]) -> list[str]:
        for _ in range(times(self.n, len(words)) if words else 0):
            known = [w for w in words if self._known(w)]
            if known:
                new = self._other(known[chance.integer(len(known))])
                words.insert(chance.integer(len(words) + 1), new)
        return words

    def _known(self, word: str) -> bool:
        return bool(self.table.get(word) or self.table.get(word.lower()))

    def __repr__(self) -> str: return f"RandomInsertion({len(self.table)} words, n={self.n})"


class BackTranslation:
    """Into another language and back, with probability p, by two functions you have.

    Params  there, back  from a text to a text: translators, or look-ups in a file of translations
    Raises  E423; E666 when a translator gives no text
    Source  Sennrich et al. 2016, arXiv:1511.06709
    Example
        >>> BackTranslation({"film": "Film"}.get, {"Film": "movie"}.get, p=1.0)("film")
        'movie'
    """

    def __init__(self, there: Callable[[str], Any], back: Callable[[Any], Any],
                 p: float = 0.5) -> None:
        self.there, self.back, self.p = there, back, probability("BackTranslation", p)

    def __call__(self, text: str) -> str:
        if chance.uniform() >= self.p:
            return text
        new = self.back(self.there(text))
        if not isinstance(new, str):
            raise DTypeError("E666", "BackTranslation", f"what came back is a {type(new).__name__}",
                             got={"text": repr(text)}, need="a str from both functions")
        return new

    def __repr__(self) -> str: return f"BackTranslation(p={self.p})"


def times(n: float, words: int) -> int:
    """n, or a share of the words, at least 1."""
    return int(n) if n >= 1 or n == 0 else max(1, round(n * words))


def _count(op: str, n: float) -> float:
    return n if n >= 1 else probability(op, n)
