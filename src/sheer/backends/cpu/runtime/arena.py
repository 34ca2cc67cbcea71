"""Arenas: a size flows in, memory for the values of one running program flows out.

Nothing in an arena outlives a run, so programs that do not run at the same time share one.
"""

from __future__ import annotations

import threading
from weakref import WeakSet

import numpy as np

from sheer.graph.memory import empty


class Arena:
    """A block of memory that one run uses at a time. It lives as long as a program refers to it."""

    def __init__(self, size: int) -> None:
        self.array = empty((max(size, 1),), np.dtype(np.uint8))
        self.size, self.address = size, self.array.ctypes.data
        self._busy = threading.Lock()

    def take(self) -> bool:
        """Claim it; false when somebody else has it."""
        return self._busy.acquire(blocking=False)

    def give_back(self) -> None:
        """Let others have it."""
        self._busy.release()


_all: WeakSet[Arena] = WeakSet()


def take(size: int) -> Arena:
    """A claimed arena of at least `size` bytes: a free one, or a new one."""
    for arena in list(_all):
        if arena.size >= size and arena.take():
            return arena
    made = Arena(size)
    made.take()
    _all.add(made)
    return made
