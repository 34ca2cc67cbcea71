"""What is said about rows: a number, labels, groups or times flow in; checked arrays flow out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.errors import ArgumentError, BoundsError, ShapeError
from ..tensor import Tensor

RowIndex = NDArray[np.int64]


def array(values: Any) -> NDArray[Any]:
    """As a NumPy array."""
    return values.numpy() if isinstance(values, Tensor) else np.asarray(values)


def counted(rows: Any) -> int:
    """N, from N or from anything with a length."""
    return int(rows) if isinstance(rows, int | np.integer) else len(rows)


def placed(op: str, index: Any, n: int) -> int:
    """The number of one of n examples, -1 for the last. Raises E407 when it is not there."""
    row = int(index) + (n if index < 0 else 0)
    if not 0 <= row < n:
        raise BoundsError("E407", op, f"there is no example {index}", need=f"-{n} <= index < {n}")
    return row


def all_placed(op: str, rows: Any, n: int) -> RowIndex:
    """Rows of n as int64, none of them from the end. Raises E407 when one is not there."""
    found = np.asarray(rows, np.int64)
    if found.size and not 0 <= found.min() <= found.max() < n:
        raise BoundsError("E407", op, "there is no such example",
                          got={"rows": f"{found.min()} to {found.max()}"}, need=f"0 <= row < {n}")
    return found


def per_row(op: str, name: str, values: Any, n: int) -> NDArray[Any]:
    """One value for each of n rows. Raises E661 for another number of them, or none at all."""
    if values is None:
        raise ArgumentError("E661", op, f"it needs {name}", need=f"{name}, one per row")
    found = array(values)
    if found.shape != (n,):
        raise ShapeError("E661", op, f"{name} is not one value per row", got={name: found},
                         need=f"shape ({n},)",
                         tries=[(f"{name}.argmax(1): the class of one-hot rows", lambda: per_row(
                             op, name, found.argmax(1), n))] if found.ndim == 2 else [])
    return found


def share_of(op: str, name: str, value: float) -> float:
    """Raise E663 unless it is in [0, 1]."""
    if not 0 <= value <= 1:
        raise ArgumentError("E663", op, f"{name} = {value} is no share", need=f"0 <= {name} <= 1")
    return value
