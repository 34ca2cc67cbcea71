"""Checked mode: with SHEER_CHECK=1 a program's first results are compared with the reference's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.errors import StateError
from ..graph.graph import Graph
from ..graph.interpret import interpret
from ..graph.node import Buffer
from ..graph.verify import verify

CALLS = 3                    # how many calls of each program are compared
TOLERANCE = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-9}   # of the largest value


def wanted() -> bool:
    """Is checked mode on?"""
    return os.environ.get("SHEER_CHECK", "") not in ("", "0")


class Checked:
    """An executable whose first calls are repeated on the reference.

    Raises StateError E903, an error of sheer, when a result is not what the primitives mean.
    """

    def __init__(self, inner: Any, graph: Graph) -> None:
        self.inner, self.graph, self.left = inner, verify(graph), CALLS
        self.program = getattr(inner, "program", None)

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        expected = None
        if self.left:
            self.left -= 1
            expected = interpret(self.graph, [a.copy() for a in arrays])   # donated ones change
        found: list[np.ndarray] = self.inner(arrays)
        if expected is not None:
            for number, (got, want) in enumerate(zip(found, expected, strict=True)):
                self._compare(number, got, want)
        return found

    def on_buffers(self, buffers: Sequence[Buffer]) -> list[Buffer]:
        """As a call."""
        return [Buffer(a) for a in self([b.array for b in buffers])]

    def _compare(self, number: int, got: np.ndarray, want: np.ndarray) -> None:
        if got.dtype.kind == "f":
            finite = np.isfinite(want)
            scale = float(np.abs(want[finite]).max(initial=1e-6))
            same = np.array_equal(np.isnan(got), np.isnan(want)) and bool(
                (np.abs(got - want)[finite] <= TOLERANCE[got.dtype] * scale).all())
        else:
            same = np.array_equal(got, want)
        if not same:
            clues: dict[str, Any] = {"result": self.graph.outputs[number],
                                     "program": str(self.program)}
            raise StateError("E903", "check", f"result {number} is not what the reference gives",
                             got=clues,
                             need="equal results; this is an error of sheer, please report it")
