"""Memory: lifetimes of values flow in, offsets into one arena come out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from .program import aligned

_PAGE = 4096
_APART = 9 * 64         # odd in lines: eight neighbours meet in no set


@dataclass
class Lifetimes:
    """Values that need memory from one kernel (by number) up to and including another."""

    items: list[tuple[Hashable, int, int, int]] = field(default_factory=list)

    def add(self, key: Hashable, size: int, first: int, last: int) -> None:
        """`size` bytes that no other value may touch from kernel `first` to kernel `last`."""
        self.items.append((key, _staggered(max(size, 1)), first, last))

    def place(self) -> tuple[dict[Hashable, int], int]:
        """Offset of every value, and the bytes needed in all.

        Largest first, each at the lowest place that is free during its life: greedy by size,
        Pisarchyk and Lee 2020, arXiv:2001.03288.
        """
        placed: list[tuple[int, int, int, int]] = []      # offset, end, first, last
        offsets: dict[Hashable, int] = {}
        for key, size, first, last in sorted(self.items, key=lambda i: (-i[1], i[2])):
            at = 0
            for low, high, a, b in sorted(placed):
                if a <= last and first <= b and low < at + size and at < high:
                    at = high
            placed.append((at, at + size, first, last))
            offsets[key] = at
        return offsets, max((end for _, end, _, _ in placed), default=0)


def _staggered(size: int) -> int:
    """Whole cache lines; a few more behind whole pages.

    Neighbours of whole pages would begin at the same place of a page: what a kernel reads and
    writes side by side then shares a few sets of the cache, and loads wait for stores to others.
    """
    return aligned(size) + (0 if size % _PAGE else _APART)
