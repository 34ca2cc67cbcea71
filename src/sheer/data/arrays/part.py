"""Numbers of rows go in; the part of a dataset that has those rows alone comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer[Any]] | Sequence[int]


@dataclass(frozen=True, eq=False)
class Part:
    """Base: every field has one entry per row, in an array or in a list."""

    def __len__(self) -> int:
        return len(self._columns()[0])

    def take(self, rows: Rows) -> Self:
        """The given rows, in the given order; those of arrays as a copy."""
        return type(self)(*(_taken(column, rows) for column in self._columns()))

    def _columns(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]


def _taken(column: Any, rows: Rows) -> Any:
    return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]
