"""Sequences of several lengths flow in; one array of numbers, the shorter filled up, flows out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ShapeError


def pad(sequences: Sequence[Sequence[Any]], value: int = 0, length: int | None = None,
        cut: bool = False) -> NDArray[np.int64]:
    """Whole numbers in rows of one length, filled up at the end.

    Params  value   what fills up
            length  of every row; that of the longest unless given
            cut     leave out what is beyond it; otherwise that is an error
    Shape   N sequences -> int64 (N, length)
    Raises  E692 for a longer sequence
    Example
        >>> pad([[5, 6, 7], [8]]).tolist()
        [[5, 6, 7], [8, 0, 0]]
    """
    longest = max(map(len, sequences), default=0)
    length = longest if length is None else length
    if longest > length and not cut:
        long = next(i for i, s in enumerate(sequences) if len(s) > length)
        raise ShapeError("E692", "pad",
                         f"sequence {long} has {len(sequences[long])} tokens",
                         need=f"at most length={length}",
                         tries=[(f"length={longest}", lambda: None), ("cut=True", lambda: None)])
    rows = np.full((len(sequences), length), value, np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        part = np.asarray(sequence[:length], np.int64)
        row[:len(part)] = part
    return rows
