"""Rows of numbers: a row flows in, the same with noise, other sizes or gaps flows out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.errors import ArgumentError
from ...tensor import Tensor, tensor
from . import chance
from .settings import probability


class RowTransform:
    """Base: arrays and tensors come back as what they were."""

    def __call__(self, row: Any) -> Any:
        if isinstance(row, Tensor):
            return tensor(self.on_array(row.numpy()), dtype=row.dtype)
        a = np.asarray(row)
        return self.on_array(a).astype(a.dtype if a.dtype.kind == "f" else np.float32)

    def on_array(self, a: np.ndarray) -> np.ndarray:
        """(*S) -> (*S)."""
        raise NotImplementedError(f"{type(self).__name__} does not say what becomes of numbers")


class Jitter(RowTransform):
    """Normal noise on every number.

    Shape   any -> the same
    Params  sigma  deviation of the noise: a number, or one per column, as the columns' own
    Raises  E423 for a negative one
    Source  Bishop 1995, doi:10.1162/neco.1995.7.1.108
    """

    def __init__(self, sigma: Any = 0.1) -> None:
        self.sigma = np.asarray(sigma, np.float64)
        if (self.sigma < 0).any():
            raise ArgumentError("E423", "Jitter", f"sigma = {sigma}", need=">= 0")

    def on_array(self, a: np.ndarray) -> np.ndarray:
        result: np.ndarray = a + self.sigma * chance.normals(*a.shape)
        return result

    def __repr__(self) -> str: return f"Jitter(sigma={self.sigma})"


class Scaling(RowTransform):
    """Everything times one random factor near 1.

    Shape   any -> the same
    Params  sigma  deviation of the factor
    Raises  E423
    Source  Um et al. 2017, arXiv:1706.00527
    """

    def __init__(self, sigma: float = 0.1) -> None:
        if sigma < 0:
            raise ArgumentError("E423", "Scaling", f"sigma = {sigma}", need=">= 0")
        self.sigma = sigma

    def on_array(self, a: np.ndarray) -> np.ndarray:
        result: np.ndarray = a * (1 + self.sigma * chance.normals(1)[0])
        return result

    def __repr__(self) -> str: return f"Scaling(sigma={self.sigma})"


class FeatureDropout(RowTransform):
    """Each number replaced by `fill` with probability p: as if it had not been measured.

    Shape   any -> the same
    Raises  E423
    Source  Vincent et al. 2008, doi:10.1145/1390156.1390294
    """

    def __init__(self, p: float = 0.1, fill: float = 0.0) -> None:
        self.p, self.fill = probability("FeatureDropout", p), fill

    def on_array(self, a: np.ndarray) -> np.ndarray:
        return np.where(chance.numbers(*a.shape) < self.p, self.fill, a)

    def __repr__(self) -> str: return f"FeatureDropout(p={self.p})"
