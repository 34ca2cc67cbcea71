"""Mixing: two examples, or a batch with itself, flow in; what lies between them flows out.

    loader = DataLoader(train, 64, collate_fn=lambda e: MixUp(num_classes=10)(*default_collate(e)))
    mixed = MixedDataset(train, MixUp(num_classes=10))       # partners from the whole dataset

Labels become probabilities (they sum to 1), which CrossEntropyLoss takes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError, BoundsError
from ...tensor import Tensor, tensor
from . import chance


class MixUp:
    """lam x_i + (1 - lam) x_j with the labels mixed alike; lam ~ Beta(alpha, alpha).

    In a batch j is the row before i, as torchvision has it.

    Shape   x (B, ...), labels (B,) or probabilities (B, K) -> (B, ...), (B, K)
    Params  alpha        > 0; large: half of each; small: nearly one of them
            num_classes  K; needed for labels (B,)
    Raises  E423 for an alpha <= 0, E221 for a label that is no class
    Source  torchvision.transforms.v2.MixUp; Zhang et al. 2017, arXiv:1710.09412
    """

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None) -> None:
        if not alpha > 0:
            raise ArgumentError("E423", type(self).__name__, f"alpha = {alpha}", need="alpha > 0")
        self.alpha, self.num_classes = alpha, num_classes

    def __call__(self, x: Any, labels: Any) -> tuple[Tensor, Tensor]:
        a, y = _numbers(x), self.probabilities(labels)
        mixed, lam = self.between(a, np.roll(a, 1, axis=0))
        return tensor(mixed), tensor(_mean(y, np.roll(y, 1, axis=0), lam))

    def pair(self, one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, np.ndarray]:
        """Two examples (x, label) mixed."""
        mixed, lam = self.between(*(_numbers(x) for x, _ in (one, other)))
        y = self.probabilities([one[1], other[1]])
        return mixed, _mean(y[0], y[1], lam)

    def between(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
        """What lies between, and the share of the first in it."""
        lam = chance.beta(self.alpha)
        return _mean(a, b, lam), lam

    def probabilities(self, labels: Any) -> np.ndarray:
        """(B, K) of labels (B,); probabilities as they are.  Raises E221."""
        y = np.asarray(labels.numpy() if isinstance(labels, Tensor) else labels)
        if y.ndim == 2:
            return y.astype(np.float32)
        k = self.num_classes
        if k is None or (y < 0).any() or (y >= k).any():
            raise BoundsError("E221", type(self).__name__, f"labels are not below {k} classes",
                              got={"labels": f"{y.min()} to {y.max()}"},
                              need="num_classes=K, and labels in 0 .. K - 1")
        hot: np.ndarray = np.eye(k, dtype=np.float32)[y.astype(np.int64)]
        return hot

    def __repr__(self) -> str: return f"{type(self).__name__}(alpha={self.alpha})"


class CutMix(MixUp):
    """A random rectangle of each picture replaced by that of another; labels mixed by area.

    Shape   x (B, C, H, W), labels (B,) or (B, K) -> the same, (B, K)
    Params  alpha, num_classes  as MixUp's
    Raises  E423, E221
    Source  torchvision.transforms.v2.CutMix; Yun et al. 2019, arXiv:1905.04899
    """

    def between(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
        high, wide = a.shape[-2:]
        side = math.sqrt(1 - chance.beta(self.alpha)) / 2
        y, x = chance.integer(high), chance.integer(wide)
        rows = slice(max(0, y - round(side * high)), min(high, y + round(side * high)))
        columns = slice(max(0, x - round(side * wide)), min(wide, x + round(side * wide)))
        mixed = a.copy()
        mixed[..., rows, columns] = b[..., rows, columns]
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        return mixed, 1 - area / (high * wide)


def _numbers(x: Any) -> np.ndarray:
    return np.asarray(x.numpy() if isinstance(x, Tensor) else x)


def _mean(a: np.ndarray, b: np.ndarray, lam: float) -> np.ndarray:
    result: np.ndarray = (lam * a + (1 - lam) * b).astype(np.result_type(a, np.float32))
    return result
