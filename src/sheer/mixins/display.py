"""How a tensor shows itself in a notebook: its kind, its numbers when they are few."""

from __future__ import annotations

import numpy as np

from .. import html
from ..transforms import execute, trace
from .core import Core, evaluate

MOST = 8               # rows and columns that are shown


class Display(Core):
    """The rich form of a tensor."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        spec = str(self.node.spec) + (", requires gradient" if self.requires_grad else "")
        if trace.current() is not None and not execute.is_known(self.node):
            return html.note(f"{spec}, traced")
        array = np.asarray(evaluate([self])[0])
        if array.size == 0 or array.ndim > 2:
            return html.note(spec + _statistics(array))
        grid = np.atleast_2d(array)
        rows = [[_text(v) for v in row[:MOST]] + ["…"] * (grid.shape[1] > MOST)
                for row in grid[:MOST]]
        rows += [["…"] * len(rows[0])] * (grid.shape[0] > MOST)
        cut = _statistics(array) if max(grid.shape) > MOST else ""
        return html.note(spec + cut) + html.table((), rows, 0)


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, np.floating) else str(value)


def _statistics(array: np.ndarray) -> str:
    """Lowest, mean, highest: what a picture of the numbers would show first."""
    if array.size == 0 or array.dtype.kind == "b":
        return ""
    return f", from {array.min():.4g} to {array.max():.4g}, mean {array.mean():.4g}"
