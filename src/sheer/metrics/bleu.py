"""BLEU: translations and references flow in, their shared n-grams and one score flow out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..graph.errors import ArgumentError
from .given import choice

ORDER = 4
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
# Signs that stand alone; apostrophe, comma, hyphen and full stop depend on what is beside them.
_ALONE = re.compile("([" + re.escape("!\"#$%&()*+/:;<=>?@[\\]^_`{|}~") + "])")
_RULES = ((re.compile(r"([^0-9])([.,])"), r"\1 \2 "), (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
          (re.compile(r"([0-9])(-)"), r"\1 \2 "))


@dataclass(frozen=True)
class BLEU:
    """A score in 0..100 and what it is made of.

    precisions       of n-grams of length 1 to 4, in 0..100, smoothed
    brevity_penalty  below 1 when the translations are shorter than the references

    Source  Papineni et al. 2002, aclanthology.org/P02-1040
    Example
        >>> found = corpus_bleu(["the cat sat"], [["the cat sat on the mat"]])
        >>> round(found.precisions[0]), round(found.brevity_penalty, 4)           # e^(1 - 6 / 3)
        (100, 0.3679)
    """

    score: float
    precisions: tuple[float, ...]
    brevity_penalty: float
    hypothesis_length: int
    reference_length: int


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[Sequence[str]],
                smooth_method: str = "exp", tokenize: str = "13a",
                lowercase: bool = False) -> BLEU:
    """BLEU of a corpus.

    Params  references     streams of references: references[k][i] is the k-th one of sentence i
            smooth_method  what a precision of 0 becomes: "exp" halves at each length without hits,
                           "none" leaves 0
            tokenize       "13a" cuts off punctuation as WMT's scorer does; "none" splits at spaces
    Raises  E671 for another method, E674 when the numbers of sentences differ
    Source  Papineni et al. 2002, doi:10.3115/1073083.1073135; Post 2018, arXiv:1804.08771;
            Chen and Cherry 2014, method 3, for "exp"
    Example
        >>> round(corpus_bleu(["the cat sat on the mat"], [["the cat sat on a mat"]]).score, 2)
        53.73
    """
    choice("corpus_bleu", "smooth_method", smooth_method, ("exp", "none"))
    choice("corpus_bleu", "tokenize", tokenize, ("13a", "none"))
    _check(hypotheses, references)
    cut: Callable[[str], list[str]] = tokenize_13a if tokenize == "13a" else str.split
    words = lambda text: cut(text.lower() if lowercase else text)
    right, said = [0] * ORDER, [0] * ORDER
    length = reference_length = 0
    for i, text in enumerate(hypotheses):
        found, wanted = words(text), [words(stream[i]) for stream in references]
        length += len(found)
        reference_length += min((abs(len(w) - len(found)), len(w)) for w in wanted)[1]
        for n in range(1, ORDER + 1):
            most: Counter[tuple[str, ...]] = Counter()
            for w in wanted:
                most |= _ngrams(w, n)
            ours = _ngrams(found, n)
            right[n - 1] += (ours & most).total()
            said[n - 1] += ours.total()
    precisions = _precisions(right, said, smooth_method == "exp")
    penalty = 1.0 if length >= reference_length else (
        math.exp(1 - reference_length / length) if length else 0.0)
    score = 0.0
    if any(right) and min(precisions) > 0:
        score = penalty * math.exp(sum(map(math.log, precisions)) / ORDER)
    return BLEU(score, tuple(precisions), penalty, length, reference_length)


def tokenize_13a(text: str) -> list[str]:
    """A sentence as words and signs, by the rules of mteval-v13a.

    Source  NIST mteval-v13a.pl, as described in Post 2018, arXiv:1804.08771
    Example
        >>> tokenize_13a("It costs $1,000.50 (or so).")
        ['It', 'costs', '$', '1,000.50', '(', 'or', 'so', ')', '.']
    """
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    text = _ALONE.sub(r" \1 ", f" {text} ")
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()


def _ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))


def _precisions(right: Sequence[int], said: Sequence[int], smooth: bool) -> list[float]:
    """In 0..100; a length that no sentence reaches has 0."""
    found, halvings = [], 0
    for hits, total in zip(right, said, strict=True):
        if total and not hits and smooth:
            halvings += 1
            found.append(100 / (2**halvings * total))
        else:
            found.append(100 * hits / total if total else 0.0)
    return found


def _check(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if isinstance(hypotheses, str) or any(isinstance(r, str) for r in references):
        raise ArgumentError("E674", "corpus_bleu", "these are single sentences, not lists of them",
                            need="hypotheses [s1, s2, ...], references [[r1, r2, ...], ...]")
    counts = [len(r) for r in references]
    if not counts or not hypotheses or set(counts) != {len(hypotheses)}:
        raise ArgumentError("E674", "corpus_bleu", "there is not a reference for each sentence",
                            got={"hypotheses": len(hypotheses),
                                 "references": ", ".join(map(str, counts)) or "none"},
                            need="streams of references, each as long as the hypotheses",
                            tries=[("list(zip(*references)): they are grouped by sentence",
                                    lambda: _check(hypotheses, list(zip(*references, strict=True)))
                                    )] if counts and len(counts) == len(hypotheses) else [])
