"""Sources: tensors, a dataset or a loader flow in; slices of batches for the programs come out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ..data.datasets.mapped import MappedDataset, is_mapped
from ..data.loader import DataLoader
from ..data.text.buckets import Buckets
from ..graph.errors import ArgumentError
from ..mixins.core import wrap
from ..ops.structure import data
from ..tensor import Tensor, as_tensor
from ..transforms import tree
from .chunks import ChunkSource, suits
from .plan import Memory, Part, epoch_order, slice_length

STACK = 16                    # batches of a loader that one program runs


class Source(Protocol):
    """Where batches come from. steps and full_batches are per epoch."""

    steps: int
    full_batches: int

    def length(self, session: Any) -> int: ...
    def slices(self, epoch: int, length: int, start: int = 0) -> Iterator[Part]: ...


class MemorySource:
    """All rows in memory: batches are gathered by the program itself."""

    def __init__(self, memory: Memory, seed: int, shuffle: bool) -> None:
        self.memory, self.seed, self.shuffle = memory, seed, shuffle
        self.steps = memory.steps
        self.full_batches = memory.rows // memory.batch_size

    def length(self, session: Any) -> int:
        """How many batches a program should run."""
        return slice_length(self.full_batches, session.seconds_per_batch(self))

    def slices(self, epoch: int, length: int, start: int = 0) -> Iterator[Part]:
        order = epoch_order(self.memory.rows, self.seed, epoch, self.shuffle)
        return self.memory.slices(order, length, start)


class BucketsSource:
    """Groups of rows, each of one shape, in memory; slices of one group after those of another."""

    def __init__(self, groups: Sequence[Memory], seed: int, shuffle: bool) -> None:
        self.groups = [MemorySource(m, seed, shuffle) for m in groups]
        self.seed, self.shuffle = seed, shuffle
        self.steps = sum(g.steps for g in self.groups)
        self.full_batches = sum(g.full_batches for g in self.groups)
        self._lengths: list[int] | None = None

    def length(self, session: Any) -> int:
        """How many batches the longest slice has; each group has a length of its own."""
        self._lengths = [g.length(session) for g in self.groups]
        return max(self._lengths)

    def slices(self, epoch: int, length: int, start: int = 0) -> Iterator[Part]:
        """The slices of all groups, in an order that depends on (seed, epoch) alone; those before
        batch `start` are left out.
        """
        lengths = self._lengths or [length] * len(self.groups)
        found = [part for g, most in zip(self.groups, lengths, strict=True)
                 for part in g.slices(epoch, min(length, most))]
        first = 0
        for number in epoch_order(len(found), self.seed, epoch, self.shuffle):
            part = found[number]
            skipped = min(max(start - first, 0), part.count)
            if skipped < part.count:
                kept = part if not skipped else part.cut(skipped, part.count)
                yield replace(kept, first=first + skipped)
            first += part.count


class LoaderSource:
    """A DataLoader: equal batches are stacked, up to STACK of them, while the program runs."""

    def __init__(self, loader: Any, op: str = "fit") -> None:
        self.loader = loader
        self.steps = self.full_batches = _counted(loader, op)
        if not self.steps:
            raise ArgumentError("E512", op, "the loader has no batches",
                                need="rows; drop_last=False when they are fewer than batch_size")

    def length(self, session: Any) -> int:
        """How many batches a program should run."""
        return min(STACK, self.steps)

    def slices(self, epoch: int, length: int, start: int = 0) -> Iterator[Part]:
        first = start
        for group in _equal_runs(map(_pair, self._batches(epoch, start)), min(length, STACK)):
            parts = tuple(_stack([b[i] for b in group]) for i in range(2))
            yield Part(None, parts, first, tree.leaves(parts)[0].shape[1])
            first += len(group)

    def _batches(self, epoch: int, start: int) -> Iterator[Any]:
        """Batches of an epoch from `start` on; our loader does not make those before."""
        if isinstance(self.loader, DataLoader):
            return self.loader.batches(epoch, start)
        if hasattr(self.loader, "set_epoch"):
            self.loader.set_epoch(epoch)
        return itertools.islice(iter(self.loader), start, None)


def _counted(loader: Any, op: str) -> int:
    """How many batches an epoch has. Raises E512 for a stream that does not say."""
    try:
        return len(loader)
    except TypeError:
        stream = type(getattr(loader, "dataset", loader)).__name__
        raise ArgumentError("E512", op, "the loader does not say how many batches it has",
                            got={"dataset": f"{stream} without a length"},
                            need=f"{stream}.__len__, the examples of an epoch") from None


def as_source(given: Any, batch_size: int, seed: int, shuffle: bool, drop_last: bool,
              op: str = "fit") -> Source:
    """A source from (x, y), Buckets, a dataset or a DataLoader, for errors of `op`. Raises E509 for
    anything else, E401, E410 and E512 for rows that do not fit or are missing.

    Memory maps are not read as a whole: they become chunks, as a dataset on disk does.
    """
    tensors = getattr(given, "tensors", None)
    if tensors is not None:
        given = tuple(tensors)
    if isinstance(given, Buckets):
        groups = [Memory(x, y, batch_size, drop_last, op) for x, y in given.parts]
        return BucketsSource(groups, seed, shuffle)
    if isinstance(given, tuple | list) and len(given) == 2:
        if any(map(is_mapped, given)):                # larger than memory, or it would be there
            given = MappedDataset(*(np.asanyarray(a) for a in given))
            return ChunkSource(_loader(given, batch_size, seed, shuffle, drop_last))
        return MemorySource(Memory(given[0], given[1], batch_size, drop_last, op), seed,
                            shuffle)
    if hasattr(given, "__len__") and hasattr(given, "__iter__") and hasattr(given, "batch_size"):
        return ChunkSource(given) if suits(given) else LoaderSource(given, op)
    if hasattr(given, "__len__") and hasattr(given, "__getitem__") and not isinstance(
            given, tuple | list | dict | str | Tensor | np.ndarray):
        loader = _loader(given, batch_size, seed, shuffle, drop_last)
        return ChunkSource(loader) if suits(loader) else LoaderSource(loader, op)
    raise ArgumentError("E509", op, f"a {type(given).__name__} is no training data",
                        need="(x, y), Buckets, a dataset or a DataLoader")


def _loader(dataset: Any, size: int, seed: int, shuffle: bool, drop_last: bool) -> DataLoader:
    return DataLoader(dataset, size, shuffle, drop_last=drop_last, seed=seed)


def _pair(batch: Any) -> tuple[Any, Any]:
    """A batch of a loader as (x, y) of tensors. Raises E509 for one of another form."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        form = f"{len(batch)} parts" if isinstance(batch,
                                                   tuple | list) else f"a {type(batch).__name__}"
        raise ArgumentError("E509", "fit", f"a batch of the loader is {form}",
                            need="(x, y), or ((x1, x2), y)",
                            tries=[("a collate_fn that returns (x, y)", lambda: None)])
    return _as_tensors(batch[0]), _as_tensors(batch[1])


def _as_tensors(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_as_tensors(v) for v in value)
    return as_tensor(value)


def _equal_runs(batches: Iterable[Any], most: int) -> Iterator[list[Any]]:
    """Consecutive batches of equal shapes, at most `most` together."""
    group: list[Any] = []
    for batch in batches:
        if group and (len(group) == most or _shapes(batch) != _shapes(group[0])):
            yield group
            group = []
        group.append(batch)
    if group:
        yield group


def _shapes(batch: Any) -> list[Any]:
    return [t.node.spec for t in tree.leaves(list(batch))]


def _stack(values: list[Any]) -> Any:
    """Batches side by side along a new first axis."""
    if isinstance(values[0], list | tuple):
        return tuple(_stack([v[i] for v in values]) for i in range(len(values[0])))
    return wrap(data(np.stack([v.numpy() for v in values])))
