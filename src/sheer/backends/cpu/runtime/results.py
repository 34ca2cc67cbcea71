"""Memory for results: a spec flows in; for every run a new array, and where it lies, flows out."""

from __future__ import annotations

import numpy as np

from sheer.compile.program import ALIGN, aligned
from sheer.graph import Buffer, Spec
from sheer.graph.memory import address, empty

_PIECE = 8192        # bytes from which the arrays of small results are cut
_FEW = 4             # of somewhat larger ones, up to
_LARGE = 1 << 15     # bytes


class Results:
    """Makes the arrays of one result of a program. Small ones share a piece of memory, because to
    ask the system for some, and NumPy for its address, costs more than a small program does."""

    def __init__(self, spec: Spec) -> None:
        self.shape, self.dtype = spec.shape, spec.dtype.numpy
        self.step = aligned(max(spec.size * spec.dtype.size, 1))
        self._free: list[tuple[np.ndarray, int, int]] = []       # (piece, offset, address)

    def take(self) -> Buffer:
        """An array that nobody else has."""
        try:
            piece, offset, address = self._free.pop()
        except IndexError:
            piece, offset, address = self._cut()
        return Buffer(np.ndarray(self.shape, self.dtype, piece, offset), address)

    def _cut(self) -> tuple[np.ndarray, int, int]:
        count = max(_PIECE // self.step, _FEW if self.step <= _LARGE else 1)
        size = count * self.step
        piece = empty((size,), np.dtype(np.uint8))
        start = address(piece)
        assert start % ALIGN == 0
        first, *rest = ((piece, at, start + at) for at in range(0, size, self.step))
        self._free += rest
        return first
