"""The range of an index: what is allowed, what a negative one means, and the error otherwise.

The one place that says it. An index i into an axis of length n is allowed when 0 <= i < n, and,
where `wrap` is set, when -n <= i < 0, which means i + n. Anything else is BoundsError E130, or what
the user's own word for the operation says, which names the first offending position in row-major
order and there the first index array.

A compiled kernel follows the same rule: it stops at that position, and the primitive's `ref` says
what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.errors import BoundsError, Operand
from ...graph.node import Node


@dataclass(frozen=True)
class Word:
    """What the user called, and how it speaks of an index out of range.

    what and need are filled with value, where, axis, low, length; x and index are what the operands
    are called, "" for one that is not the user's; more is a remedy for an index that is too large,
    filled with most, the length that would do.
    """

    op: str
    code: str = "E130"
    what: str = "index {value}{where} is outside axis {axis} of length {length}"
    need: str = "{low} <= index < {length}"
    x: str = "x"
    index: str = "index"
    more: str = ""


def normalise(word: Word, x: Any, indices: Sequence[np.ndarray], wrap: bool,
              ) -> tuple[np.ndarray, ...]:
    """Index arrays of one shape, checked against the first axes of x, with all indices >= 0."""
    found = []
    for index, length in zip(indices, x.shape, strict=False):
        low = -length if wrap else 0
        if index.size and (index.min() < low or index.max() >= length):
            raise _first(word, x, indices, wrap)
        found.append(np.where(index < 0, index + length, index) if wrap else index)
    return tuple(found)


def _first(word: Word, x: Any, indices: Sequence[np.ndarray], wrap: bool) -> BoundsError:
    bad = [(index < (-n if wrap else 0)) | (index >= n)
           for index, n in zip(indices, x.shape, strict=False)]
    place = int(np.argmax(np.logical_or.reduce(bad)))
    axis = next(a for a, b in enumerate(bad) if b.flat[place])
    position = tuple(int(i) for i in np.unravel_index(place, indices[0].shape))
    return out_of_range(word, x, axis, int(indices[axis].flat[place]), position, wrap,
                        indices[axis])


def out_of_range(word: Word, x: Any, axis: int, value: int, position: tuple[int, ...] = (),
                 wrap: bool = True, index: np.ndarray | None = None) -> BoundsError:
    """The error for index `value` at `position` of the indices for an axis of x."""
    length = x.shape[axis]
    parts = {"value": value, "axis": axis, "length": length, "low": -length if wrap else 0,
             "where": f" at position {position}" if position else "",
             "row": f"row {position[0]}" if len(position) == 1 else f"place {position}"}
    known = isinstance(x, Node)
    got: dict[str, Any] = {word.x: x if known else Operand(0, str(x))} if word.x else {}
    tries = []
    if index is not None:
        got[word.index] = Operand(axis + 1, f"i64{list(index.shape)}")
        most, least = int(index.max()), int(index.min())
        from_one = least == 1 and most == length
        tries = [(f"{word.index} - 1, when they count from 1", _holds(from_one))]
        if word.more:
            larger = least >= 0 and most >= length and not from_one
            tries.append((word.more.format(most=most + 1), _holds(larger)))
    need = word.need.format(**parts) if length else "an axis with elements"
    return BoundsError(word.code, word.op, word.what.format(**parts), got=got, need=need,
                       tries=tries)


def _holds(right: bool) -> Any:
    """The check of a hint that is known to fit, or not."""
    def check() -> None:
        if not right:
            raise ValueError
    return check
