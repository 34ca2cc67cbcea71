"""Named columns go in, of a file, a dict or pandas; a frame of them, and arrays, come out."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

Column = NDArray[Any]
NUMBERS = (Real, Decimal, np.bool_)         # cells of object arrays that are numbers


class Frame:
    """Columns of equal length under their names: numbers as float64 or int64, texts as str.

    A missing number is NaN, a missing text "". A column is one of numbers when every cell that is
    not missing is one, a whole number column int64 when none is missing. Whole numbers that int64
    cannot hold are texts.

    Params  columns  by name, each (N,)
            skipped  how many rows of the file were left out
            lines    the line of the file that each row is from, if it is from one
    Raises  E812 when the columns are not of one length; E634 for a name that is not there
    Example
        >>> frame = Frame({"age": [39, 50], "work": ["State-gov", "?"]})
        >>> frame.kinds
        {'age': 'number', 'work': 'category'}
    """

    def __init__(self, columns: Mapping[str, Iterable[Any]], skipped: int = 0,
                 lines: Sequence[int] = ()) -> None:
        self.columns = {str(name): _column(values) for name, values in columns.items()}
        self.skipped, self.lines = skipped, lines
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise DataError("E812", "the columns of the frame have different lengths",
                            expected="one length",
                            found=", ".join(f"{k}: {v}" for k, v in lengths.items()),
                            fix="give every row a cell in every column")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in order."""
        return tuple(self.columns)

    @property
    def kinds(self) -> dict[str, str]:
        """"number" or "category" for each column."""
        return {name: "category" if column.dtype.kind == "U" else "number"
                for name, column in self.columns.items()}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=1, cutoff=0.5)
            raise DataError("E634", f"there is no column {name!r}",
                            expected=", ".join(self.columns), found=repr(name),
                            fix=f"frame[{near[0]!r}]" if near else "look at frame.names")
        return self.columns[name]

    def drop(self, *names: str) -> Frame:
        """Without these columns. Raises E634 for a name that is not there."""
        for name in names:
            self[name]
        return Frame({k: v for k, v in self.columns.items() if k not in names})

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> Frame:
        """The given rows, in the given order."""
        return Frame({name: column[rows] for name, column in self.columns.items()})

    def numeric(self) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Names of the number columns, and their values float64 (N, n)."""
        names = tuple(name for name, kind in self.kinds.items() if kind == "number")
        return names, self._stacked(names, np.float64)

    def categorical(self) -> tuple[tuple[str, ...], NDArray[np.str_]]:
        """Names of the text columns, and their values str (N, m)."""
        names = tuple(name for name, kind in self.kinds.items() if kind == "category")
        return names, self._stacked(names, np.str_)

    def _stacked(self, names: Sequence[str], dtype: Any) -> NDArray[Any]:
        if not names:
            return np.zeros((len(self), 0), dtype)
        return np.stack([self.columns[name].astype(dtype) for name in names], 1)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{name}: {kind}" for name, kind in self.kinds.items())
        return f"Frame of {len(self)} rows ({kinds})"


def as_frame(table: Any) -> Frame:
    """A Frame of a Frame, a mapping of columns, or a data frame of pandas (or alike).

    Raises  E634 for anything else
    """
    if isinstance(table, Frame):
        return table
    if isinstance(table, Mapping):
        return Frame(table)
    if hasattr(table, "columns") and hasattr(table, "__getitem__"):
        return Frame({str(name): table[name] for name in table.columns})
    raise DataError("E634", f"a {type(table).__name__} has no columns",
                    expected="a Frame, a dict of columns, or a data frame", found=repr(type(table)),
                    fix="read_frame(path)")


def _foreign(series: Any) -> Column:
    """A column of pandas, its own marks of missing values as ours."""
    values = np.asarray(series)
    if values.dtype.kind == "O":
        cells = values.copy()
        cells[np.asarray(series.isna())] = None
        return cells
    if values.dtype.kind in "USTM":
        return np.where(np.asarray(series.isna()), "", values.astype(str))
    return values


def _column(values: Iterable[Any]) -> Column:
    """A column given by hand or by pandas: numbers stay, all else is looked at cell by cell."""
    if hasattr(values, "isna"):
        values = _foreign(values)
    column = values if isinstance(values, np.ndarray) else np.asarray(list(values))
    if column.ndim != 1:
        raise DataError("E812", "a column of the frame is no single column", expected="one axis",
                        found=f"shape {column.shape}", fix="one name per column")
    if column.dtype.kind in "ib" or column.dtype in (np.uint8, np.uint16, np.uint32):
        return column.astype(np.int64)
    if column.dtype.kind == "f":
        return column.astype(np.float64)
    cells = [None if isinstance(cell, float) and math.isnan(cell) else cell
             for cell in column.tolist()]
    numbers = whole_or_real(cells) if column.dtype.kind in "Ou" else None
    if numbers is not None:
        return numbers
    return np.array(["" if cell is None else str(cell) for cell in cells], np.str_)


def whole_or_real(cells: Sequence[Any]) -> Column | None:
    """Numbers and None as int64, or as float64 with NaN when one is missing or not whole.

    None when a cell is something else, when there is no number at all, or when whole numbers are
    too large for int64: those are names, which float64 would make equal to one another.
    """
    given = [cell for cell in cells if cell is not None]
    if not given or not all(isinstance(cell, NUMBERS) for cell in given):
        return None
    if len(given) < len(cells) or not all(isinstance(c, Integral | np.bool_) for c in given):
        return np.array([math.nan if cell is None else float(cell) for cell in cells])
    return np.array(given, np.int64) if -2**63 <= min(given) <= max(given) < 2**63 else None
