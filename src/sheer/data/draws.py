"""(seed, epoch, purpose) flow in; random orders and numbers flow out, and nothing else matters.

The draws are the raw Philox stream under the key (seed, epoch), which NumPy keeps stable, unlike
its shuffles. So an order depends neither on threads nor on what was drawn before, a run that is
resumed goes on with the same one, and `fit` uses the same order for tensors in memory.

Source: Salmon et al. 2011, doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.int64]

# Independent streams of one seed: a counter word for each purpose. The first is also fit's.
SHUFFLE, REPLACE, WEIGHTED, STRATIFIED, SPLIT = range(5)


def stream(seed: int, epoch: int, purpose: int) -> np.random.Philox:
    """Random bits as a function of these three numbers."""
    return np.random.Philox(key=np.array([seed % 2**64, epoch % 2**64], np.uint64),
                            counter=[0, 0, 0, purpose])


def permuted(n: int, seed: int, epoch: int, purpose: int = SHUFFLE) -> Order:
    """0 ... n - 1 in random order: that of n random 64-bit numbers."""
    return np.argsort(stream(seed, epoch, purpose).random_raw(n), kind="stable").astype(np.int64)


def uniform(n: int, seed: int, epoch: int, purpose: int) -> NDArray[np.float64]:
    """Numbers in [0, 1), multiples of 2^-53."""
    bits: NDArray[np.uint64] = stream(seed, epoch, purpose).random_raw(n)
    numbers: NDArray[np.float64] = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers


def seed_of(seed: int | None, generator: Any = None) -> int:
    """The seed given, that of a generator, or the one `sheer.manual_seed` set."""
    if seed is not None:
        return int(seed)
    if generator is None:
        from ..random import initial_seed
        return int(initial_seed())
    return int(generator if isinstance(generator, int) else generator.initial_seed())
