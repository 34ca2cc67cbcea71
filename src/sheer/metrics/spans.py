"""Spans: tags of tokens flow in, named spans and the score of finding them flow out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..graph.errors import ArgumentError
from .given import choice

Span = tuple[str, int, int]


@dataclass(frozen=True)
class SpanScores:
    """Precision, recall and F1 of spans; support is how many are true; types: each on its own.

    Source  Tjong Kim Sang and De Meulder 2003, aclanthology.org/W03-0419
    Example
        >>> scores = span_scores([["B-PER", "O"]], [["B-PER", "B-LOC"]])
        >>> scores.precision, scores.recall, scores.types["PER"].f1
        (0.5, 1.0, 1.0)
    """

    precision: float
    recall: float
    f1: float
    support: int
    types: dict[str, SpanScores] = field(default_factory=dict)


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans in the tags of one sentence, as (type, first token, last token).

    A span begins at B-, and also at an I- (or E-) that does not continue one of its type: the
    lenient reading of the CoNLL scorer. S- is a span of one token, E- the last of one.

    Raises  E676 for a tag that is none
    Source  Tjong Kim Sang and De Meulder 2003, aclanthology.org/W03-0419 (conlleval)
    Example
        >>> spans_of(["B-PER", "I-PER", "O", "I-LOC"])
        [('PER', 0, 1), ('LOC', 3, 3)]
    """
    found: list[Span] = []
    begun, before, kind_before = 0, "O", ""
    for i, tag in enumerate([*tags, "O"]):
        prefix, kind = _parts(tag)
        new = prefix in "BS" or before in "OES" or kind != kind_before
        if before != "O" and (prefix == "O" or new):
            found.append((kind_before, begun, i - 1))
        if prefix != "O" and new:
            begun = i
        before, kind_before = prefix, kind
    return found


def span_scores(y_true: Sequence[Sequence[str]], y_pred: Sequence[Sequence[str]]) -> SpanScores:
    """Precision, recall and F1 over all spans: type and both ends must be right.

    Shape   sentences of tags; a quotient 0/0 is 0
    Raises  E670 when lengths differ, E676 for a tag that is none
    Source  Tjong Kim Sang and De Meulder 2003, aclanthology.org/W03-0419
    Example
        >>> span_scores([["B-PER", "I-PER", "O"]], [["B-PER", "I-PER", "B-LOC"]]).precision
        0.5
    """
    _check(y_true, y_pred)
    true, said = _all_spans(y_true), _all_spans(y_pred)
    types = {kind: _score({s for s in true if s[1] == kind}, {s for s in said if s[1] == kind})
             for kind in sorted({s[1] for s in true | said})}
    whole = _score(true, said)
    return SpanScores(whole.precision, whole.recall, whole.f1, whole.support, types)


def span_f1(y_true: Sequence[Sequence[str]], y_pred: Sequence[Sequence[str]], *,
            average: str = "micro") -> float:
    """F1 of spans: over all of them, or averaged over types.

    Params  average  "micro", "macro", or "weighted" by true spans
    Raises  E670, E671, E676
    Source  as span_scores
    Example
        >>> span_f1([["B-PER", "I-PER", "O"]], [["B-PER", "I-PER", "O"]])
        1.0
    """
    choice("span_f1", "average", average, ("micro", "macro", "weighted"))
    scores = span_scores(y_true, y_pred)
    each = list(scores.types.values())
    support = [s.support for s in each]
    if average == "micro" or not each:
        return scores.f1
    weights = support if average == "weighted" and any(support) else None
    return float(np.average([s.f1 for s in each], weights=weights))


def exact_match(y_true: Sequence[object], y_pred: Sequence[object]) -> float:
    """The share of answers that are equal to what was wanted.

    Raises  E670 when there are not as many, or none
    Source  definition
    Example
        >>> exact_match(["2024-01-02", "2024-05-06"], ["2024-01-02", "2024-06-05"])
        0.5
    """
    if len(y_true) != len(y_pred) or not len(y_true):
        raise ArgumentError("E670", "exact_match", "there is not one answer for each",
                            got={"y_true": len(y_true), "y_pred": len(y_pred)},
                            need="as many of both, at least one")
    return sum(1 for a, b in zip(y_true, y_pred, strict=True) if a == b) / len(y_true)


def _parts(tag: str) -> tuple[str, str]:
    """(B, PER) of B-PER; (O, "") of O. Raises E676 for anything else."""
    prefix, _, kind = tag.partition("-")
    if tag == "O" or (prefix in ("B", "I", "E", "S") and (kind or tag == prefix)):
        return prefix, kind
    raise ArgumentError("E676", "spans_of", f"{tag!r} is no tag",
                        need="O, or B-, I-, E-, S- followed by a type")


def _all_spans(sentences: Sequence[Sequence[str]]) -> set[tuple[int, str, int, int]]:
    return {(i, *span) for i, tags in enumerate(sentences) for span in spans_of(tags)}


def _score(true: set[tuple[int, str, int, int]],
           said: set[tuple[int, str, int, int]]) -> SpanScores:
    right = len(true & said)
    return SpanScores(right / len(said) if said else 0.0, right / len(true) if true else 0.0,
                      2 * right / (len(true) + len(said)) if true or said else 0.0, len(true))


def _check(y_true: Sequence[Sequence[str]], y_pred: Sequence[Sequence[str]]) -> None:
    true, said = [len(s) for s in y_true], [len(s) for s in y_pred]
    if true != said:
        row = next((i for i, (a, b) in enumerate(zip(true, said, strict=False)) if a != b),
                   min(len(true), len(said)))
        raise ArgumentError("E670", "span_scores", f"sentence {row} is tagged differently long",
                            got={"y_true": f"{len(true)} sentences", "y_pred":
                                 f"{len(said)} sentences"}, need="one tag per token in both")
