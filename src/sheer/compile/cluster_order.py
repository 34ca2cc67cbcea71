"""The order of clusters: clusters and who follows whom flow in; a line without a cycle comes out.

Joining two clusters may close a circle through a third one that both stand around. So the clusters
are kept in a line where each stands after those it needs: only what stands between the two need be
looked at, and is put right when they are joined.

Source: D. Pearce and P. Kelly, "A dynamic topological sort algorithm", 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Generic, TypeVar

C = TypeVar("C")


class Order(Generic[C]):
    """Clusters in a line, every one after those it needs."""

    def __init__(self, clusters: Iterable[C], following: Callable[[C], Set[C]]) -> None:
        self._line: list[C | None] = list(clusters)
        self._at = {c: i for i, c in enumerate(self._line) if c is not None}
        self._following = following

    def between(self, one: C, other: C) -> set[C] | None:
        """What needs the first of the two and stands before the second; None if the second needs
        some of it, so that they cannot be joined.
        """
        first, second = sorted((one, other), key=self._at.__getitem__)
        found: set[C] = set()
        stack = [c for c in self._following(first) if c is not second]
        while stack:
            cluster = stack.pop()
            if cluster in found or self._at[cluster] > self._at[second]:
                continue
            found.add(cluster)
            following = self._following(cluster)
            if second in following:
                return None
            stack.extend(following)
        return found

    def join(self, one: C, other: C, joined: C, after: Set[C]) -> None:
        """Put the joined cluster in the place of both; `after` is what `between` has found."""
        begin, end = sorted(self._at.pop(c) for c in (one, other))
        rest = [c for c in self._line[begin:end + 1] if c not in (None, one, other)]
        line = [c for c in rest if c not in after]
        line += [joined, *(c for c in rest if c in after)]
        self._line[begin:end + 1] = [*line, *[None] * (end + 1 - begin - len(line))]
        self._at.update((c, i) for i, c in enumerate(line, begin) if c is not None)
