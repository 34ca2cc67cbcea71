"""A frame goes in; numbers alone come out, and the frame again from the numbers.

Two ways: every text as the number of its word (`FrameCodes`, which can be undone), or sorted into
numbers, categories and a class for the rules of `preprocess` (`as_table`), as networks like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.tables import TableArrays, TablePart
from ..errors import DataError
from .frame import Frame, as_frame


@dataclass(frozen=True, eq=False)
class FrameCodes:
    """What each column of a frame is, so that it can become numbers and a frame again.

    Params  names  of the columns, in order
            words  per column of texts its words, sorted; None for a column of numbers
            whole  the columns that are whole numbers
    Example
        >>> frame = Frame({"age": [39, 50], "work": ["State-gov", "Private"]})
        >>> codes = FrameCodes.fit(frame)
        >>> codes.encode(frame)
        array([[39.,  1.],
               [50.,  0.]])
        >>> codes.decode(codes.encode(frame))["work"].tolist()
        ['State-gov', 'Private']
    """

    names: tuple[str, ...]
    words: dict[str, NDArray[np.str_] | None]
    whole: frozenset[str]

    @classmethod
    def fit(cls, table: Any) -> FrameCodes:
        """Learn the columns and the words of a frame, a dict or a data frame."""
        frame = as_frame(table)
        words = {name: np.unique(frame[name]) if kind == "category" else None
                 for name, kind in frame.kinds.items()}
        whole = frozenset(name for name in frame.names if frame[name].dtype.kind == "i")
        return cls(frame.names, words, whole)

    def encode(self, table: Any) -> NDArray[np.float64]:
        """Numbers as they are, texts as the number of their word.

        Shape   N rows -> (N, columns)
        Raises  E634 for a column that is not there; E806 for a word that was not there at `fit`,
                with the row
        """
        frame = as_frame(table)
        columns = [self._numbers(name, frame[name]) for name in self.names]
        return np.stack(columns, 1) if columns else np.zeros((len(frame), 0))

    def _numbers(self, name: str, column: NDArray[Any]) -> NDArray[np.float64]:
        words = self.words[name]
        if words is None:
            return column.astype(np.float64)
        place = np.minimum(np.searchsorted(words, column), max(len(words) - 1, 0))
        strange = np.flatnonzero(words[place] != column) if len(words) else np.arange(len(column))
        if len(strange):
            row = int(strange[0])
            raise DataError("E806", f"column {name} has a word that was not there before",
                            row=row + 1, expected="one of " + ", ".join(words[:8].tolist()),
                            found=repr(str(column[row])),
                            fix="fit the codes on all words there are")
        return place.astype(np.float64)

    def decode(self, numbers: NDArray[Any]) -> Frame:
        """The frame that `encode` made these numbers of.

        Shape   (N, columns) -> N rows
        Raises  E813 for another number of columns; E806 for a number that stands for no word
        """
        if numbers.ndim != 2 or numbers.shape[1] != len(self.names):
            raise DataError("E813", "FrameCodes: the array has another shape than the frame",
                            expected=f"(N, {len(self.names)})", found=str(numbers.shape),
                            fix="pass what encode gave")
        return Frame({name: self._column(name, numbers[:, i])
                      for i, name in enumerate(self.names)})

    def _column(self, name: str, numbers: NDArray[Any]) -> NDArray[Any]:
        words = self.words[name]
        if words is None:
            return numbers.astype(np.int64) if name in self.whole else numbers.astype(np.float64)
        bad = np.flatnonzero(~np.isin(numbers, np.arange(len(words))))
        if len(bad):
            raise DataError("E806", f"column {name}: a number stands for no word",
                            row=int(bad[0]) + 1, expected=f"0 to {len(words) - 1}",
                            found=str(numbers[bad[0]]), fix="pass what encode gave")
        return words[numbers.astype(np.int64)]


def as_table(table: Any, target: str, classes: Sequence[str] | None = None,
             name: str = "frame") -> TableArrays:
    """A frame, a dict or a data frame as numbers, categories and a class: for `TableEncoder`.

    Params  target   the column to predict
            classes  its values in the order of their indices; None takes those that occur, sorted
    Raises  E634 for a column that is not there; E806 for a value that is no class, or is missing,
            with the row
    Example
        >>> people = as_table({"age": [39, 50], "pay": ["<=50K", ">50K"]}, target="pay")
        >>> people.classes
        ('<=50K', '>50K')
    """
    frame = as_frame(table)
    column = frame[target]
    missing = np.isnan(column) if column.dtype.kind == "f" else column.astype(np.str_) == ""
    labels = column.astype(np.str_)
    known = list(classes) if classes is not None else [
        str(v) for v in np.unique(column[~missing]).tolist()]
    index = {label: i for i, label in enumerate(known)}
    y = np.array([index.get(label, -1) for label in labels.tolist()], np.int64)
    y[missing] = -1                       # the text of NaN is no name of a class
    if (y < 0).any():
        row = int(np.flatnonzero(y < 0)[0])
        raise DataError("E806", f"column {target}: a label is of no known class", row=row + 1,
                        expected="one of " + ", ".join(known), found=repr(str(labels[row])),
                        fix="correct the label, or leave the row out")
    rest = frame.drop(target)
    numeric_names, numeric = rest.numeric()
    category_names, categorical = rest.categorical()
    return TableArrays(name, tuple(known), numeric_names, category_names,
                       TablePart(numeric, categorical, y), None, Path())
