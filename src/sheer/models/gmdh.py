"""GMDH: quadratics of pairs of features, fitted and selected layer by layer; no gradient at all."""

from __future__ import annotations

import itertools
import math
from typing import Any

from .. import linalg, nn
from ..graph.dtypes import float64
from ..mixins.core import no_grad
from ..namespace_joining import cat, stack
from ..tensor import Tensor, as_tensor

Unit = tuple[list[tuple[int, int]], Tensor]


class GMDH(nn.Module):
    """The group method of data handling: a deep network of quadratic units that grows itself.

    A unit is the best quadratic (on the training rows) of two features. The first layer has one
    for every pair of inputs; each later layer pairs the units of the layer below, those of the
    first, and the inputs, and keeps the units with the least error on the validation rows. Layers
    are added until the best unit does not improve: selection, not a penalty, bounds the size.

    Shape   x (N, in_features) -> (N,)
    Source  Ivakhnenko 1971, IEEE Trans. Systems, Man, and Cybernetics 1(4); the inputs and the
            first layer stay in reach of all others, so that what a unit lacks can be added
    """
    kept: int
    layers: int
    min_gain: float
    history: list[float]

    def __init__(self, kept: int = 6, layers: int = 12, min_gain: float = 0.03) -> None:
        super().__init__()
        self.kept, self.layers, self.min_gain = kept, layers, min_gain
        self.history = []                    # least validation error after every layer
        self._units: list[Unit] = []

    @no_grad()
    def solve(self, x: Any, y: Any, x_val: Any, y_val: Any) -> GMDH:
        """Grow the layers. A layer must lower the error by the share `min_gain` to be kept."""
        x, x_val, y, y_val = (as_tensor(t, float64) for t in (x, x_val, y, y_val))
        self._units, self.history = [], []
        here, there = x, x_val
        while len(self._units) < self.layers:
            pairs = list(itertools.combinations(range(here.shape[1]), 2))
            wanted = y.expand(len(pairs), len(y)).unsqueeze(2)          # (P, N, 1)
            weights = linalg.lstsq(_quadratic(here, pairs), wanted).solution      # (P, 6, 1)
            said = (_quadratic(there, pairs) @ weights).squeeze(2)      # (P, N_val)
            errors = ((said - y_val) ** 2).mean(1).numpy()
            order = errors.argsort()[:self.kept if self._units else None]
            least = float(errors[order[0]])
            if least > (1 - self.min_gain) * (self.history[-1] if self.history else math.inf):
                break
            self.history.append(least)
            self._units.append(([pairs[i] for i in order], weights[as_tensor(order)]))
            here, there = self._features(x), self._features(x_val)
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self._features(as_tensor(x, float64))[:, 0]              # the best of the last layer

    def _features(self, x: Tensor) -> Tensor:
        """What the next layer may pair: the last layer, the first, the inputs."""
        base = features = x
        for number, unit in enumerate(self._units):
            out = _apply(unit, features)                                # (N, units)
            base = base if number else cat([out, x], 1)
            features = cat([out, base], 1) if number else base
        return features


def _apply(unit: Unit, x: Tensor) -> Tensor:
    pairs, weights = unit
    said: Tensor = (_quadratic(x, pairs) @ weights).squeeze(2).mT
    return said


def _quadratic(x: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    """1, a, b, ab, a^2, b^2 of every pair of columns, (P, N, 6)."""
    a = x[:, as_tensor([i for i, _ in pairs])].mT                       # (P, N)
    b = x[:, as_tensor([j for _, j in pairs])].mT
    return stack([a * 0 + 1, a, b, a * b, a * a, b * b], 2)
