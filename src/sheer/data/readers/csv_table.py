"""A CSV file and a list of its columns go in; a `TablePart` comes out, or the row that is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sheer.data.arrays.tables import TablePart
from sheer.data.errors import DataError
from sheer.data.readers.csv_rows import csv_rows
from sheer.data.readers.whole_file import REPLACE


@dataclass(frozen=True)
class Column:
    """One column: its name, and whether it holds a number, a category or the class to predict."""

    name: str
    kind: Literal["number", "category", "class"]


@dataclass(frozen=True)
class Table:
    """How a table is written.

    Params  columns  in the order of the file; exactly one of kind "class"
            classes  the labels, in the order of their indices
            rows     how many there are, if known: a file cut between two lines looks whole
            missing  the cell that stands for a missing value
            comment  lines that start with it are skipped (the first line of UCI's adult.test)
            label_end  what a label may end in besides (adult.test writes `<=50K.`)
            label_quote  what may stand around a label (mammography.csv writes `'-1'`)
    """

    columns: tuple[Column, ...]
    classes: tuple[str, ...]
    rows: int | None = None
    missing: str = "?"
    comment: str = "|"
    label_end: str = "."
    label_quote: str = "'"

    def names(self, kind: str) -> tuple[str, ...]:
        """Of the columns of one kind."""
        return tuple(c.name for c in self.columns if c.kind == kind)

    def places(self, kind: str) -> list[int]:
        """Of the columns of one kind, counted from 0."""
        return [i for i, c in enumerate(self.columns) if c.kind == kind]


def read_csv(path: Path, table: Table) -> TablePart:
    """The rows of a CSV file, gzip or plain.

    The separator is `;` if the first line has one, else a tab, else `,`; spaces around a cell are
    dropped; a first line that repeats the column names is skipped, and so are empty lines at the
    end.

    Shape   numeric (N, n), categorical (N, m), y (N,)
    Raises  E801 to E804 for the file, or when it has other than `table.rows` rows; E805 when a
            row has another number of columns; E806 when its label is no class; E807 when a number
            is not one, or not finite. The row is the line in the file, from 1.
    """
    rows = list(_rows(path, table))
    if table.rows is not None and len(rows) != table.rows:
        what = "is cut short" if len(rows) < table.rows else "has too many rows"
        raise DataError("E803", f"{path.name} {what}", path, expected=f"{table.rows} rows",
                        found=f"{len(rows)} rows", fix=REPLACE)
    if not rows:
        raise DataError("E802", f"{path.name} holds no rows", path, expected="data",
                        found="empty lines", fix=REPLACE)
    numbers, categories, (label,) = map(table.places, ("number", "category", "class"))
    index = {name: k for k, name in enumerate(table.classes)}
    numeric = [[_number(path, table, row, i, cells[i]) for i in numbers] for row, cells in rows]
    words = [["" if cells[i] == table.missing else cells[i] for i in categories]
             for _, cells in rows]
    y = [_class(path, table, index, row, cells[label]) for row, cells in rows]
    return TablePart(np.array(numeric, np.float64).reshape(len(rows), len(numbers)),
                     np.array(words, np.str_).reshape(len(rows), len(categories)),
                     np.array(y, np.int64))


def _rows(path: Path, table: Table) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row of data."""
    header = [c.name.casefold() for c in table.columns]
    separator, rows = csv_rows(path, table.comment)
    for number, cells in rows:
        if number == 1 and [cell.casefold() for cell in cells] == header:
            continue
        if len(cells) != len(table.columns):
            found = f"{len(cells)} columns" if any(cells) else "an empty line"
            raise DataError("E805", f"{path.name}: a row has another number of columns", path,
                            number, found=found, fix="correct the row, or delete it",
                            expected=f"{len(table.columns)} columns separated by '{separator}'")
        yield number, cells


def _number(path: Path, table: Table, row: int, at: int, cell: str) -> float:
    if cell == table.missing:
        return math.nan
    try:
        value = float(cell)
        if math.isfinite(value) and "_" not in cell:  # float() accepts Python's 1_000
            return value
    except ValueError:
        pass
    raise DataError("E807", f"{path.name}: column {at + 1} ({table.columns[at].name}) is not a "
                    "number", path, row, found=repr(cell),
                    expected=f"a finite number, or {table.missing} if it is missing",
                    fix="write a decimal point" if cell.replace(",", "", 1).isdecimal()
                    else "correct the cell, or delete the row")


def _class(path: Path, table: Table, index: dict[str, int], row: int, cell: str) -> int:
    label = cell if cell in index else cell.removesuffix(table.label_end).strip(table.label_quote)
    if label not in index:
        raise DataError("E806", f"{path.name}: a label is of no known class", path, row,
                        expected="one of " + ", ".join(table.classes), found=repr(cell),
                        fix="correct the label, or delete the row")
    return index[label]
