"""digits and digits-mlp: the 1,797 handwritten digits that ship with sheer, 8 x 8 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..data.known.catalogue import load_arrays
from ..data.splits.stratified import stratified_split
from .classical import nearest_mean
from .recipe import OneCycle, Settings, Task


@dataclass(frozen=True)
class DigitsSettings(Settings):
    epochs: int = 12
    batch_size: int = 64
    lr: float = 1e-2             # highest rate of the schedule, per update
    test_fraction: float = 0.2   # of the rows, the same share of every class


def load_digits(folder: Path | None, test_fraction: float) -> Task:
    """x float32 (N, 1, 8, 8) in [0, 1], y int64 (N,); the same split whatever the seed."""
    arrays = load_arrays("digits", folder)
    x = arrays.train.x.astype(np.float32) / arrays.top
    y = arrays.train.y
    train, test = stratified_split(y, test_fraction, 0)
    return Task((x[train], y[train]), (x[test], y[test]), classes=arrays.classes)


class _Digits(OneCycle, abstract=True):
    """What both have in common: the rows."""

    def data(self, folder: Path | None) -> Task:
        return load_digits(folder, self.set.test_fraction)  # type: ignore[attr-defined]

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        return nearest_mean(task)


class Digits(_Digits):
    """A small convolutional network."""

    name = "digits"
    summary = "small CNN on the 1,797 UCI handwritten digits (ships with sheer)"
    settings = DigitsSettings
    promise = ("accuracy", 0.98)

    def model(self, task: Task) -> Any:
        def stage(before: int, after: int) -> list[Any]:
            return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        return nn.Sequential(                                       # (B, 1, 8, 8)
            *stage(1, 16), *stage(16, 32), nn.MaxPool2d(2),         # (B, 32, 4, 4)
            *stage(32, 32), nn.MaxPool2d(2),                        # (B, 32, 2, 2)
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 2 * 2, 10))


@dataclass(frozen=True)
class MlpSettings(DigitsSettings):
    epochs: int = 30
    lr: float = 8e-3


class DigitsMLP(_Digits):
    """The thinnest network worth the name: two layers."""

    name = "digits-mlp"
    summary = "two-layer network on the same digits"
    settings = MlpSettings
    promise = ("accuracy", 0.96)

    def model(self, task: Task) -> Any:
        return nn.Sequential(nn.Flatten(),                          # (B, 64)
                             nn.Linear(64, 256), nn.ReLU(),         # (B, 256)
                             nn.Linear(256, 10))                    # (B, 10)
