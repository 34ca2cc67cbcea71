"""Lengths of sequences flow in; groups of like length flow out, so that little is filled up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ArgumentError, ShapeError
from ..draws import SHUFFLE, SPLIT, permuted, seed_of
from ..samplers.batches import check_batch_size

Rows = NDArray[np.int64]


def bucketed(lengths: Any, edges: int | Sequence[int]) -> dict[int, Rows]:
    """The rows of each bucket, by the length that all its sequences fit in; empty ones left out.

    Params  edges  the longest length of each bucket, rising; or how many buckets, which then get
                   about the same number of rows each
    Raises  E693 for edges that do not rise, E692 for a length beyond the last
    Example
        >>> {edge: rows.tolist() for edge, rows in bucketed([3, 9, 4, 1], [4, 10]).items()}
        {4: [0, 2, 3], 10: [1]}
    """
    sizes = np.asarray(lengths, np.int64)
    if isinstance(edges, int | np.integer):
        places = -(-np.arange(1, edges + 1) * len(sizes) // max(int(edges), 1)) - 1
        edges = sorted({int(n) for n in np.sort(sizes)[places]}) if len(sizes) else [0]
    bounds = np.asarray(edges, np.int64)
    if not len(bounds) or (np.diff(bounds) <= 0).any():
        raise ArgumentError("E693", "bucketed", "the edges do not rise",
                            got={"edges": list(edges)}, need="at least one, each above the last")
    if len(sizes) and sizes.max() > bounds[-1]:
        row = int(np.argmax(sizes > bounds[-1]))
        raise ShapeError("E692", "bucketed", f"sequence {row} has {sizes[row]} tokens",
                         need=f"at most {bounds[-1]}, the last edge")
    which = np.searchsorted(bounds, sizes)
    found = {int(edge): np.flatnonzero(which == i) for i, edge in enumerate(bounds)}
    return {edge: rows for edge, rows in found.items() if len(rows)}


class BucketSampler:
    """Batches of rows of like length, for a DataLoader's batch_sampler: a new order every epoch.

    Params  lengths     of every sequence
            edges       as `bucketed` takes them
            drop_last   leave out the last batch of a bucket when it is not full
            seed        of the orders; that of `sheer.manual_seed` unless given
    Raises  E402 for batch_size; E692, E693 for edges
    """

    epoch = 0                            # of the next iteration

    def __init__(self, lengths: Any, batch_size: int, edges: int | Sequence[int] = 4,
                 shuffle: bool = True, drop_last: bool = False, seed: int | None = None) -> None:
        check_batch_size("BucketSampler", batch_size)
        self.buckets = bucketed(lengths, edges)
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self.seed = seed_of(seed)

    def batches(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch, in order."""
        found = []
        for rows in self.buckets.values():
            order = rows[permuted(len(rows), self.seed, epoch, SHUFFLE)] if self.shuffle else rows
            for first in range(0, len(rows), self.batch_size):
                batch = order[first:first + self.batch_size].tolist()
                if len(batch) == self.batch_size or not self.drop_last:
                    found.append(batch)
        if not self.shuffle:
            return found
        return [found[i] for i in permuted(len(found), self.seed, epoch, SPLIT)]

    def set_epoch(self, epoch: int) -> None:
        """Go on with this epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        now, self.epoch = self.epoch, self.epoch + 1
        return iter(self.batches(now))

    def __len__(self) -> int:
        return len(self.batches(0))


class Buckets:
    """Rows in groups, each of one shape: what `fit` takes when sequences have several lengths.

    Each group is compiled once for its shape, and its batches are mixed with those of the others.

    Params  parts  (x, y) of each group, tensors or arrays or tuples of them
            rows   which row of the whole each row of a group was, if that is to be known
    Raises  E693 without groups
    """

    def __init__(self, parts: Sequence[tuple[Any, Any]], rows: Sequence[Rows] = ()) -> None:
        if not parts:
            raise ArgumentError("E693", "Buckets", "there are no groups", need="at least one")
        self.parts, self.rows = tuple(parts), tuple(rows)
