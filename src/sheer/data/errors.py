"""The error of the data room: what is wrong with a file goes in, a whole explanation comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..graph import errors


class DataError(errors.DataError):
    """A data file, or a request for one, that cannot be used: a SheerError about files and rows.

    Params  code      "E801" .. "E813", the page `sheer explain` opens:
                      E801 missing, E802 empty, E803 cut short or too long, E804 another format,
                      E805 columns, E806 label or class, E807 number, E808 image, E809 hash,
                      E810 download, E811 unknown dataset, E812 files that disagree, E813 a fit
            what      one line: which data, and what is wrong with it
            path      the file or folder, if there is one
            row       where in it, counted from 1 as an editor does (rows, or images in an archive)
            expected  what a good file has there
            found     what this one has
            fix       what to do about it
    """

    def __init__(self, code: str, what: str, path: Path | None = None, row: int | None = None, *,
                 expected: str | None = None, found: str | None = None,
                 fix: str | None = None) -> None:
        super().__init__(code, "data", what, need=expected or "")
        self.args = code, what, path, row    # these and the attributes survive pickling
        self.path, self.row = path, row
        self.expected, self.found, self.fix = expected, found, fix

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, self.__dict__

    def with_fix(self, fix: str) -> DataError:
        """The same error with other advice, for callers who know more than the reader did."""
        return DataError(self.code, self.what, self.path, self.row, expected=self.expected,
                         found=self.found, fix=fix)

    def __str__(self) -> str:
        parts = {"file": self.path, "row": self.row, "need": self.expected, "got": self.found,
                 "try": self.fix, "more": f"sheer explain {self.code}"}
        lines = [f"  {label:<5}: {value}" for label, value in parts.items() if value is not None]
        return "\n".join([self.what, *lines])
