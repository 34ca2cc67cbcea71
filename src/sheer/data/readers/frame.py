"""A CSV or a Parquet file goes in; a frame comes out, the types of its columns inferred."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheer.data.readers.csv_frame import read_csv_columns
from sheer.data.readers.parquet import read_parquet
from sheer.data.tables.frame import Column, Frame, whole_or_real

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "?")      # cells that stand for no value


def read_frame(path: str | Path, *, header: bool | None = None, names: Sequence[str] | None = None,
               separator: str | None = None, missing: Sequence[str] = MISSING,
               bad: Any = "raise") -> Frame:
    """The columns of a CSV or a Parquet file, their types inferred.

    Whole numbers are exact, as int64 or, beyond it, as texts; those of a column with missing cells
    are float64, which is exact to 2^53.

    Params  header     does the first line hold names? None: yes when no cell of it is a number and
                       some cell below it is one
            names      of the columns, when the file has none
            separator  None takes `;`, a tab or `,`, whichever the first line has
            missing    cells that stand for no value
            bad        "raise", or "skip" to leave out rows of another number of columns
    Raises  E801 to E804 for the file; E805 for a row with another number of columns; E637 for
            Parquet without pyarrow; E638 for another `bad`
    """
    path = Path(path)
    if path.suffix in (".parquet", ".pq"):
        return Frame(read_parquet(path))
    columns, lines, skipped = read_csv_columns(path, header, names, separator, bad)
    words = frozenset(missing)
    return Frame({name: _inferred(cells, words) for name, cells in columns.items()}, skipped,
                 lines)


def _inferred(cells: Sequence[str], missing: frozenset[str]) -> Column:
    """Cells of a text file as whole numbers, numbers or texts, whichever fits first."""
    absent = np.fromiter((cell in missing for cell in cells), bool, len(cells))
    given = [cell for cell in cells if cell not in missing]
    signs = set("".join(given))
    found = None if "_" in signs else _numbers(given)            # float() accepts Python's 1_000
    if found is None:
        return np.array(["" if gone else cell for cell, gone in zip(cells, absent, strict=True)],
                        np.str_)
    if len(found) == len(cells) and signs <= set("+-0123456789"):
        exact = whole_or_real([int(cell) for cell in cells])     # float() keeps 53 bits of an ID
        return np.array(cells, np.str_) if exact is None else exact
    numbers = np.full(len(cells), np.nan)
    numbers[~absent] = found
    return numbers


def _numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """The cells as finite numbers; None when there is none, or one of them is none."""
    try:
        found = np.array([float(cell) for cell in cells])
    except ValueError:
        return None
    return found if len(found) and np.isfinite(found).all() else None
