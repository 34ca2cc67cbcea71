"""Blocks of rows on disk flow in; an order that needs few of them at once flows out.

A full permutation of a file reads a row here and a row there; of a format that is read block by
block (Parquet) it would unpack a block for every row. Here blocks are drawn in random order, a few
at a time, and the rows of those few are mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError
from ..draws import Order, permuted, seed_of, stream
from .orders import Sampler

BLOCKS, ROWS = 8, 9              # purposes of the draws, apart from those of the other samplers


class BlockSampler(Sampler):
    """Every row once: `mix` random blocks at a time, their rows in random order.

    With one block, or mix as large as there are blocks, this is a full permutation. The more rows
    are mixed, the nearer it comes to one; a batch should be small beside them.

    Params  sizes  rows of each block; or the number of all rows, cut into blocks of `block`
            mix    blocks that are in memory at once
    Raises  E409 for sizes, block or mix below 1
    Example
        >>> sorted(BlockSampler([3, 2, 4], mix=2, seed=0).order(0).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8]
    """

    def __init__(self, sizes: Sequence[int] | int, block: int = 4096, mix: int = 8,
                 generator: Any = None, seed: int | None = None) -> None:
        if isinstance(sizes, int | np.integer) and block >= 1:
            sizes = [min(block, int(sizes) - i) for i in range(0, int(sizes), block)]
        self.sizes = np.asarray(sizes, np.int64)
        if block < 1 or mix < 1 or self.sizes.ndim != 1 or (self.sizes < 1).any():
            raise ArgumentError("E409", "BlockSampler", "blocks and mix are numbers of rows",
                                got={"sizes": str(sizes)[:60], "block": block, "mix": mix},
                                need="whole numbers >= 1")
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.mix, self.seed = mix, seed_of(seed, generator)

    def pieces(self, epoch: int) -> Iterator[Order]:
        """The order of an epoch in pieces: one never needs to hold all of it."""
        blocks = permuted(len(self.sizes), self.seed, epoch, BLOCKS)
        bits = stream(self.seed, epoch, ROWS)
        for i in range(0, len(blocks), self.mix):
            rows = np.concatenate([np.arange(self.starts[b], self.starts[b] + self.sizes[b])
                                   for b in blocks[i:i + self.mix]])
            yield rows[np.argsort(bits.random_raw(len(rows)), kind="stable")]

    def order(self, epoch: int) -> Order:
        return np.concatenate([np.zeros(0, np.int64), *self.pieces(epoch)])

    def __len__(self) -> int:
        return int(self.sizes.sum())
