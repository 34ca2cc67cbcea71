"""A CSV file goes in, plain or gzip; the line number and the cells of each of its rows come out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from sheer.data.errors import DataError
from sheer.data.readers.bad import Bad
from sheer.data.readers.text_file import read_text

Cells = list[str]


def csv_rows(path: Path, comment: str = "", separator: str | None = None,
             broken: Bad | None = None) -> tuple[str, Iterator[tuple[int, Cells]]]:
    """The separator, and every line that is no comment; spaces around a cell are dropped.

    Params  separator  None takes `;` if the first line has one, else a tab if it has one, else `,`
            broken     what to do with a row that cannot be cut; None raises
    Raises  E801 to E804 for the file; E805 for a row with an unpaired quote
    """
    lines = read_text(path).split("\n")
    while lines and not lines[-1].strip():
        lines.pop()                       # whole lines: a tab at the end of a row is an empty cell
    first = lines[0] if lines else ""
    mark = separator or next((s for s in ";\t" if s in first), ",")
    return mark, _rows(path, lines, comment, mark, broken)


def _rows(path: Path, lines: list[str], comment: str, separator: str,
          broken: Bad | None) -> Iterator[tuple[int, Cells]]:
    for number, line in enumerate(lines, start=1):
        if comment and line.startswith(comment):
            continue
        try:
            yield number, _cells(path, number, line, separator)
        except DataError as error:
            if broken is None:
                raise
            broken(error)


def _cells(path: Path, number: int, line: str, separator: str) -> Cells:
    # Line by line, so that an unpaired quote spoils one row and not the rest of the file.
    try:
        found = next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise DataError("E805", f"{path.name}: a row cannot be split into columns", path, number,
                        expected="quotes in pairs", found=str(error),
                        fix="correct the row, or delete it") from error
    return [cell.strip() for cell in found]
