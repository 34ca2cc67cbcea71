"""Chance in transforms: (seed, epoch, item) flow in, the numbers an augmentation draws flow out.

The loader says which item of which epoch is being made (`at`); what is drawn is then a function
of that place alone, whatever the number of workers and the order they work in. Outside a loader
the numbers come from one stream per process, which every `sheer.manual_seed` starts again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ...random import default_generator

ITEM, BATCH = 0, 2**32


class _Local(threading.local):
    """What holds on each thread: the seed and epoch, and the stream of the item."""

    epoch: tuple[int, int] | None = None
    stream: np.random.Generator | None = None


_local = _Local()
# (seedings, seed) -> the stream of items without a place
_free: dict[tuple[int, int], np.random.Generator] = {}


@contextmanager
def draw_on(seed: int, epoch: int) -> Iterator[None]:
    """Within the block, items belong to this epoch of the training with this seed."""
    before = _local.epoch
    _local.epoch = seed % 2**64, epoch
    try:
        yield
    finally:
        _local.epoch = before


@contextmanager
def at(item: int, purpose: int = ITEM) -> Iterator[None]:
    """Within the block, transforms draw for this item of the dataset.

    purpose  another one has other draws: ITEM for the dataset itself, 1, 2, ... for what wraps it,
             BATCH for the batch that begins with the item
    """
    epoch = _local.epoch
    if epoch is None:
        yield
        return
    before = _local.stream
    bits = np.random.Philox(key=np.array(epoch, np.uint64), counter=[0, item, purpose, 0])
    _local.stream = np.random.Generator(bits)
    try:
        yield
    finally:
        _local.stream = before


def stream() -> np.random.Generator:
    """Where to draw from now."""
    placed = _local.stream
    return _unplaced() if placed is None else placed


def _unplaced() -> np.random.Generator:
    """The stream of the seed in force; `manual_seed` starts it again, with the same seed too."""
    seed = default_generator.initial_seed()
    now = default_generator.seedings, seed
    if now not in _free:
        _free.clear()
        _free[now] = np.random.Generator(np.random.Philox(key=seed % 2**64))
    return _free[now]


def uniform() -> float:
    """A number in [0, 1)."""
    return float(stream().random())


def between(low: float, high: float) -> float:
    """A number in [low, high)."""
    return low + (high - low) * uniform()


def numbers(*shape: int) -> np.ndarray:
    """Numbers in [0, 1)."""
    return stream().random(shape)


def normals(*shape: int) -> np.ndarray:
    """Normal numbers with mean 0 and deviation 1."""
    return stream().standard_normal(shape)


def beta(alpha: float) -> float:
    """A number in [0, 1] from Beta(alpha, alpha)."""
    return float(stream().beta(alpha, alpha))


def order(n: int) -> list[int]:
    """0 .. n - 1 in random order."""
    return [int(i) for i in np.argsort(stream().random(n), kind="stable")]


def integer(below: int) -> int:
    """A whole number in 0 .. below - 1."""
    return int(stream().integers(below))
