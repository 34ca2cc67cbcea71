"""The numbers of a sampler flow in, one by one; lists of them, a batch each, flow out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError


class BatchSampler:
    """The numbers of a sampler in lists of batch_size; the last may be shorter, or is left out.

    Source  torch.utils.data.BatchSampler
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool = False) -> None:
        check_batch_size("BatchSampler", batch_size)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def check_batch_size(who: str, batch_size: Any) -> None:
    """Raise E402 unless it is a whole number > 0."""
    whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
    if not whole or batch_size < 1:
        raise ArgumentError("E402", who, f"batch_size = {batch_size!r}", need="a whole number >= 1")
