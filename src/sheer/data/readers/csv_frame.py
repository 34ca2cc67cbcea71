"""A CSV file with or without a header goes in; the cells of each column come out as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sheer.data.errors import DataError
from sheer.data.readers.bad import Bad, Mode
from sheer.data.readers.csv_rows import Cells, csv_rows
from sheer.data.readers.whole_file import REPLACE

Rows = list[tuple[int, Cells]]


def read_csv_columns(path: Path, header: bool | None, names: Sequence[str] | None,
                     separator: str | None, bad: Mode) -> tuple[dict[str, list[str]], int]:
    """Cells by column, and how many rows were skipped; `read_frame` says what the rest means."""
    broken = Bad(bad, path.name)
    mark, found = csv_rows(path, separator=separator, broken=broken)
    rows: Rows = [(number, cells) for number, cells in found if any(cells)]
    if not rows:
        raise DataError("E802", f"{path.name} holds no rows", path, expected="data",
                        found="empty lines", fix=REPLACE)
    titles = _titles(path, rows, header, names)
    kept = []
    for number, cells in rows:
        if len(cells) == len(titles):
            kept.append(cells)
            continue
        broken(DataError("E805", f"{path.name}: a row has another number of columns", path,
                         number, expected=f"{len(titles)} columns separated by '{mark}'",
                         found=f"{len(cells)} columns", fix='correct the row, or bad="skip"'))
    skipped = broken.tell(len(kept))
    return {title: [cells[i] for cells in kept] for i, title in enumerate(titles)}, skipped


def _titles(path: Path, rows: Rows, header: bool | None, names: Sequence[str] | None) -> list[str]:
    """Names of the columns; a header is taken off the rows."""
    first = rows[0][1]
    if header if header is not None else _looks_like_header(first, rows[1:]):
        rows.pop(0)
    else:
        first = [f"column {i + 1}" for i in range(len(first))]
    titles = list(names) if names is not None else first
    twice = next((t for i, t in enumerate(titles) if t in titles[:i]), None)
    if twice is not None:
        raise DataError("E805", f"{path.name}: two columns have one name", path, 1,
                        expected="a name of its own for each column", found=repr(twice),
                        fix="name the columns by names=[...]")
    return titles


def _looks_like_header(first: Cells, below: Rows) -> bool:
    """No number in the first row, and one in the second."""
    numbers = sum(map(_is_number, first))
    return not numbers and bool(below) and any(map(_is_number, below[0][1]))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
