"""Rows that cannot be read go in; the first one is an error, or they are counted and told of."""

from __future__ import annotations

from typing import Literal

from sheer.data.errors import DataError
from sheer.data.readers.notes import say_once

Mode = Literal["raise", "skip"]


class Bad:
    """What to do with a row, line, image or box that is broken.

    Params  mode   "raise" stops at the first; "skip" leaves it out, counts it and says so at the
                   end, with the first of them, once on stderr
            where  the name of the file, for the note
            noun   what is skipped: "row", "sentence", ...
    Raises  E638 for another mode
    """

    def __init__(self, mode: Mode, where: str, noun: str = "row") -> None:
        if mode not in ("raise", "skip"):
            raise DataError("E638", f"{where}: bad={mode!r}", expected='"raise" or "skip"',
                            found=repr(mode), fix='bad="skip"')
        self.mode, self.where, self.noun = mode, where, noun
        self.count, self.first = 0, ""

    def __call__(self, error: DataError) -> None:
        """One that is broken: raise its error, or count it."""
        if self.mode == "raise":
            raise error
        if not self.count:
            row = "" if error.row is None else f", {self.noun} {error.row}"
            self.first = f"{error.what}{row}: {error.found}"
        self.count += 1

    def tell(self, kept: int) -> int:
        """Say how many were skipped; their number."""
        if self.count:
            say_once(f"{self.where}: skipped {self.count} of {kept + self.count} {self.noun}s "
                     f"that cannot be read; the first: {self.first}")
        return self.count
