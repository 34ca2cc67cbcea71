"""GMDH: quadratics of pairs of features, fitted and selected layer by layer; no gradient at all."""

from __future__ import annotations

import itertools
import math
from typing import Any

from .. import linalg, nn
from ..graph.dtypes import float64
from ..mixins.core import no_grad
from ..namespace_joining import stack
from ..tensor import Tensor, as_tensor


class GMDH(nn.Module):
    """The group method of data handling: a deep network of quadratic units that grows itself.

    Every unit of a layer is the best quadratic (on the training rows) of two outputs of the layer
    below; those with the least error on the validation rows stay, and layers are added until the
    best one does not improve. So the selection, not a penalty, bounds the size.

    Shape   x (N, in_features) -> (N,)
    Params  pairs (layers, kept, 2) places in the layer below, weights (layers, kept, 6)
    Source  Ivakhnenko 1971, IEEE Trans. Systems, Man, and Cybernetics 1(4)
    """
    kept: int
    layers: int
    min_gain: float
    history: list[float]

    def __init__(self, kept: int = 12, layers: int = 8, min_gain: float = 1e-3) -> None:
        super().__init__()
        self.kept, self.layers, self.min_gain = kept, layers, min_gain
        self.history = []                    # least validation error after every layer
        self._units: list[tuple[list[tuple[int, int]], Tensor]] = []

    @no_grad()
    def solve(self, x: Any, y: Any, x_val: Any, y_val: Any) -> GMDH:
        """Grow the layers. A layer must lower the error by the share `min_gain` to be kept."""
        here, there, y, y_val = (as_tensor(t, float64) for t in (x, x_val, y, y_val))
        self._units, self.history = [], []
        for _ in range(self.layers):
            pairs = list(itertools.combinations(range(here.shape[1]), 2))
            wanted = y.expand(len(pairs), len(y)).unsqueeze(2)          # (P, N, 1)
            weights = linalg.lstsq(_quadratic(here, pairs), wanted).solution      # (P, 6, 1)
            said = (_quadratic(there, pairs) @ weights).squeeze(2)      # (P, N_val)
            errors = ((said - y_val) ** 2).mean(1).numpy()
            order = errors.argsort()[:self.kept]
            best = float(errors[order[0]])
            if best > (1 - self.min_gain) * (self.history[-1] if self.history else math.inf):
                break
            self.history.append(best)
            chosen = [pairs[i] for i in order]
            self._units.append((chosen, weights[as_tensor(order)]))
            here, there = self._layer(here, -1), self._layer(there, -1)
        return self

    def forward(self, x: Tensor) -> Tensor:
        x = as_tensor(x, float64)
        for i in range(len(self._units)):
            x = self._layer(x, i)                                       # (N, kept)
        return x[:, 0]                                                  # the best of the last layer

    def _layer(self, x: Tensor, i: int) -> Tensor:
        pairs, weights = self._units[i]
        return (_quadratic(x, pairs) @ weights).squeeze(2).mT           # (N, kept)


def _quadratic(x: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    """1, a, b, ab, a^2, b^2 of every pair of columns, (P, N, 6)."""
    a = x[:, as_tensor([i for i, _ in pairs])].mT                       # (P, N)
    b = x[:, as_tensor([j for _, j in pairs])].mT
    return stack([a * 0 + 1, a, b, a * b, a * a, b * b], 2)
