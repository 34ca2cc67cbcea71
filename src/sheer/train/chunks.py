"""Data larger than memory flow in, a chunk of minibatches ahead of need; slices come out.

While a program runs the batches of one chunk, a thread gathers the rows of the next ones, as many
as AHEAD_BYTES hold: reading block by block (Parquet) takes its time all at once, and then none.
Besides those there are at most the chunk that runs, the one before and the one being made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..data.loader import DataLoader
from ..data.samplers.batches import BatchSampler
from ..data.samplers.orders import Sampler
from ..mixins.core import wrap
from ..ops.structure import data
from .plan import Part, slice_length

CHUNK_BYTES = 16 << 20        # of a chunk: far more than a cache, far less than any memory
AHEAD_BYTES = 96 << 20        # of the chunks that wait
MOST_AHEAD = 64               # chunks, however small they are


class ChunkSource:
    """A dataset that gives many rows at once (`batch(rows)`) and says how large one is
    (`row_bytes`), in the order of its loader.

    The order, and every number, are those of arrays in memory.
    """

    def __init__(self, loader: DataLoader) -> None:
        self.loader, self.size = loader, int(loader.batch_size or 1)
        self.rows = len(loader.sampler)
        self.size = min(self.size, self.rows)
        self.full_batches = self.rows // self.size
        self.steps = self.full_batches if loader.drop_last else -(-self.rows // self.size)

    def length(self, session: Any) -> int:
        """How many batches a program should run."""
        return min(slice_length(self.full_batches, session.seconds_per_batch(self)), self._most())

    def _most(self) -> int:
        """Batches that fit into a chunk."""
        return max(1, CHUNK_BYTES // (self.size * int(self.loader.dataset.row_bytes)))

    def slices(self, epoch: int, length: int, start: int = 0) -> Iterator[Part]:
        """Parts of at most `length` batches, from batch `start` on."""
        length = min(length, self._most())
        waiting = AHEAD_BYTES // (length * self.size * int(self.loader.dataset.row_bytes))
        return ahead(self._parts(epoch, length, start), max(1, min(waiting, MOST_AHEAD)))

    def _parts(self, epoch: int, length: int, start: int) -> Iterator[Part]:
        first = start
        for rows in grouped(self._order(epoch), length * self.size, start * self.size):
            whole = len(rows) // self.size
            if whole:
                yield self._part(rows[:whole * self.size], first, self.size)
                first += whole
            rest = rows[whole * self.size:]
            if len(rest) and not self.loader.drop_last:
                yield self._part(rest, first, len(rest))

    def _part(self, rows: np.ndarray, first: int, size: int) -> Part:
        arrays = self.loader.dataset.batch(rows)
        parts = tuple(wrap(data(a.reshape(-1, size, *a.shape[1:]))) for a in arrays)
        return Part(None, parts, first, size)

    def _order(self, epoch: int) -> Iterable[np.ndarray]:
        sampler = self.loader.sampler
        return sampler.pieces(epoch) if hasattr(sampler, "pieces") else [sampler.order(epoch)]


def suits(loader: Any) -> bool:
    """Can a loader's batches be gathered chunk by chunk, with nothing else done to them?"""
    dataset = getattr(loader, "dataset", None)
    return (isinstance(loader, DataLoader) and hasattr(dataset, "batch")
            and hasattr(dataset, "row_bytes") and type(loader.batch_sampler) is BatchSampler
            and isinstance(loader.sampler, Sampler) and loader.collate_fn is None)


def grouped(pieces: Iterable[np.ndarray], count: int, start: int = 0) -> Iterator[np.ndarray]:
    """Rows `count` at a time, from row `start` on, whatever the pieces they come in."""
    waiting = np.zeros(0, np.int64)
    for piece in pieces:
        skipped = min(start, len(piece))
        start -= skipped
        waiting = np.concatenate([waiting, piece[skipped:]]) if len(waiting) else piece[skipped:]
        while len(waiting) >= count:
            yield waiting[:count]
            waiting = waiting[count:]
    if len(waiting):
        yield waiting


def ahead(made: Iterator[Any], depth: int = 1) -> Iterator[Any]:
    """The same values; the next `depth` are made by a thread while the last one is used."""
    end = object()
    pool = ThreadPoolExecutor(1, thread_name_prefix="sheer-chunks")
    coming = deque(pool.submit(next, made, end) for _ in range(depth))
    try:
        while (value := coming.popleft().result()) is not end:
            coming.append(pool.submit(next, made, end))
            yield value
            del value                                 # else it would live while the next is awaited
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
