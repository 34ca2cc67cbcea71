"""The range of an index: what is allowed, what a negative one means, and the error otherwise.

The one place that says it. An index i into an axis of length n is allowed when 0 <= i < n, and,
where `wrap` is set, when -n <= i < 0, which means i + n. Anything else is BoundsError E130,
which names the first offending position in row-major order and there the first index array.

A compiled kernel follows the same rule: it stops at that position and reports three numbers,
(flat position, which index array, value); its caller raises `out_of_range` made from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import BoundsError


def normalise(op: str, x: Any, indices: Sequence[np.ndarray], wrap: bool) -> tuple[np.ndarray, ...]:
    """Index arrays of one shape, checked against the first axes of x, with all indices >= 0."""
    found = []
    for index, length in zip(indices, x.shape, strict=False):
        low = -length if wrap else 0
        if index.size and (index.min() < low or index.max() >= length):
            raise _first(op, x, indices, wrap)
        found.append(np.where(index < 0, index + length, index) if wrap else index)
    return tuple(found)


def _first(op: str, x: Any, indices: Sequence[np.ndarray], wrap: bool) -> BoundsError:
    bad = [(index < (-n if wrap else 0)) | (index >= n)
           for index, n in zip(indices, x.shape, strict=False)]
    place = int(np.argmax(np.logical_or.reduce(bad)))
    axis = next(a for a, b in enumerate(bad) if b.flat[place])
    position = tuple(int(i) for i in np.unravel_index(place, indices[0].shape))
    return out_of_range(op, x, axis, int(indices[axis].flat[place]), position, wrap)


def out_of_range(op: str, x: Any, axis: int, value: int, position: tuple[int, ...] = (),
                 wrap: bool = True) -> BoundsError:
    """E130 for index `value` at `position` of the indices for an axis of x (a node or a Spec)."""
    length = x.shape[axis]
    where = f" at position {position}" if position else ""
    need = f"{-length if wrap else 0} <= index < {length}" if length else "an axis with elements"
    what = f"index {value}{where} is outside axis {axis} of length {length}"
    return BoundsError("E130", op, what, got={"x": x}, need=need)
