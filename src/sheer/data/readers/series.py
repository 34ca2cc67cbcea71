"""A CSV file with a column of times goes in; times and measurements come out, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sheer.data.arrays.signals import SeriesArrays
from sheer.data.errors import DataError
from sheer.data.readers.frame import MISSING, read_frame
from sheer.data.tables.frame import Frame

UNITS = ("year", "month", "day", "hour", "minute", "second")


def read_series(path: str | Path, time: str | Sequence[str], *, drop: Sequence[str] = (),
                missing: Sequence[str] = MISSING, season: int = 0,
                name: str | None = None) -> SeriesArrays:
    """The measurements of a CSV file with a header, and when each was made.

    Params  time     the column of times, written as ISO 8601 (1949-01, 1981-01-01, 2010-01-01
                     12:00); or the columns of year, month, day, hour, minute, second, as many as
                     there are
            drop     columns to leave out
            missing  cells that stand for no value: NaN
            season   rows per natural cycle, kept with the data
    Raises  E801 to E805 for the file; E634 for a column that is not there; E633 when a time is
            none, or not after the one before
    """
    path = Path(path)
    frame = read_frame(path, header=True, missing=missing)
    columns = (time,) if isinstance(time, str) else tuple(time)
    times = _times(path, frame, columns)
    late = np.flatnonzero(np.diff(times) <= np.timedelta64(0, "s"))
    if len(late):
        at = int(late[0])
        raise DataError("E633", f"{path.name}: a time is not after the one before", path,
                        frame.lines[at + 1],
                        expected=f"later than {times[at]}", found=str(times[at + 1]),
                        fix="sort the rows, and keep one per time")
    rest = frame.drop(*columns, *drop)
    names, values = rest.numeric()
    words, categories = rest.categorical()
    return SeriesArrays(name or path.stem, times, values, names, path, season,
                        categories if words else None, words)


def _times(path: Path, frame: Frame, columns: tuple[str, ...]) -> NDArray[np.datetime64]:
    if len(columns) == 1 and columns[0] not in UNITS:
        texts = [str(cell).replace(" ", "T") for cell in frame[columns[0]]]
    else:
        texts = _joined(path, [frame[c] for c in columns])
    try:
        found = np.array(texts, "datetime64[s]")
    except ValueError:                                 # one of them; which, is found one by one
        found = np.array([_time(text) for text in texts], "datetime64[s]")
    bad = np.flatnonzero(np.isnat(found))
    if len(bad):
        at = int(bad[0])
        raise DataError("E633", f"{path.name}: a time cannot be read", path,
                        frame.lines[at],
                        expected="ISO 8601: 1949-01, 1949-01-31 or 1949-01-31 12:00",
                        found=repr(texts[at]), fix="correct the cell, or delete the row")
    return found


def _time(text: str) -> np.datetime64:
    """One time; not a time where it cannot be read."""
    try:
        return np.datetime64(text, "s")
    except ValueError:
        return np.datetime64("NaT", "s")


def _joined(path: Path, parts: list[NDArray[np.int64]]) -> list[str]:
    """Year, month, day, hour, ... as ISO 8601."""
    if any(part.dtype.kind != "i" for part in parts):
        raise DataError("E633", f"{path.name}: a time cannot be read", path,
                        expected="whole numbers for " + ", ".join(UNITS[:len(parts)]),
                        found="a column with another value", fix="correct the column")
    marks = ("", "-", "-", "T", ":", ":")
    return ["".join(f"{mark}{value:02d}" for mark, value in zip(marks, row, strict=False))
            for row in zip(*(part.tolist() for part in parts), strict=True)]
