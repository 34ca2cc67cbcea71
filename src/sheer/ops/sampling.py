"""Test inputs for primitives: what `samples` is made from. hypothesis is imported when asked for.

Everything here gives a hypothesis strategy of (primitive, tuple of NumPy arrays).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

SHAPES: Sequence[tuple[int, ...]] = (
    (), (1,), (3,), (17,), (2, 3), (4, 1), (1, 5), (2, 3, 4), (3, 1, 2), (0,), (2, 0))


def st() -> Any:
    """hypothesis.strategies, a development dependency."""
    import hypothesis.strategies
    return hypothesis.strategies


def nothing() -> Any:
    """No sample: the primitive cannot be evaluated by itself."""
    return st().nothing()


def nullary(prim: Any) -> Any:
    """The primitive without arguments."""
    return st().just((prim, ()))


def values(shape: tuple[int, ...], dtype: Any = np.float64, low: float = -3.0, high: float = 3.0,
           seed: int = 0) -> np.ndarray:
    """Reproducible numbers between low and high; integers and bools where the dtype is one."""
    rng = np.random.default_rng((seed, len(shape), *shape))
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        lowest = max(0, math.ceil(low)) if dtype.kind == "u" else math.ceil(low)
        return rng.integers(lowest, math.floor(high), shape, dtype=dtype, endpoint=True)
    return np.asarray(rng.uniform(low, high, shape), dtype=dtype)


def arrays(prim: Any, *shapes: tuple[int, ...], dtype: Any = np.float64, low: float = -3.0,
           high: float = 3.0) -> Any:
    """The primitive on random arrays of fixed shapes."""
    return st().integers(0, 2**16).map(
        lambda seed: (prim, tuple(values(s, dtype, low, high, seed + i)
                                  for i, s in enumerate(shapes))))


def one_array(prim: Any, dtype: Any = np.float64, low: float = -3.0, high: float = 3.0) -> Any:
    """The primitive on one random array of any of SHAPES."""
    return alike(prim, 1, (dtype,), (low, high))


def alike(prim: Any, count: int, dtypes: Sequence[Any], domain: tuple[float, float]) -> Any:
    """The primitive on `count` arrays of one shape and one dtype."""
    draw = lambda shape, dtype, seed: (
        prim, tuple(values(shape, dtype, *domain, seed=seed + i) for i in range(count)))
    return st().builds(draw, st().sampled_from(SHAPES), st().sampled_from(list(dtypes)),
                       st().integers(0, 2**16))


def case(prim: Any, *arrays: Any, dtype: Any = np.float64) -> Any:
    """One pinned case, for `hard`: the primitive and its arrays, given as lists."""
    return prim, tuple(np.array(a, dtype) for a in arrays)


def cases(make: Any, seeds: int = 2**16) -> Any:
    """make(rng) -> (primitive, arrays), called with a seeded NumPy generator."""
    return st().integers(0, seeds).map(lambda seed: make(np.random.default_rng(seed)))
