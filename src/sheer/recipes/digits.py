"""digits and digits-mlp: the 1,797 handwritten digits that ship with sheer, 8 x 8 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, optim
from ..data.catalogue import load_arrays
from ..data.split import stratified_split
from .recipe import Recipe, Settings, Task


@dataclass(frozen=True)
class DigitsSettings(Settings):
    epochs: int = 15
    batch_size: int = 64
    lr: float = 4e-3             # highest rate of the schedule, per update
    test_fraction: float = 0.2   # of the rows, the same share of every class


def load_digits(folder: Path | None, test_fraction: float) -> Task:
    """x float32 (N, 1, 8, 8) in [0, 1], y int64 (N,); the same split whatever the seed."""
    arrays = load_arrays("digits", folder)
    x = arrays.train.x.astype(np.float32) / arrays.top
    y = arrays.train.y
    train, test = stratified_split(y, test_fraction, 0)
    return Task((x[train], y[train]), (x[test], y[test]), classes=arrays.classes)


class Digits(Recipe):
    """A small convolutional network."""

    name = "digits"
    summary = "small CNN on the 1,797 UCI handwritten digits (ships with sheer)"
    settings = DigitsSettings
    promise = ("accuracy", 0.98)

    def data(self, folder: Path | None) -> Task:
        return load_digits(folder, self.set.test_fraction)  # type: ignore[attr-defined]

    def model(self, task: Task) -> Any:
        return nn.Sequential(                                       # (B, 1, 8, 8)
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(),              # (B, 32, 8, 8)
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),             # (B, 64, 8, 8)
            nn.MaxPool2d(2),                                        # (B, 64, 4, 4)
            nn.Flatten(), nn.Dropout(0.3),                          # (B, 1024)
            nn.Linear(64 * 4 * 4, 10))                              # (B, 10)

    def schedule(self, optimizer: Any, steps: int) -> Any:
        return optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.set.lr, total_steps=steps)


class DigitsMLP(Recipe):
    """The thinnest network worth the name: two layers."""

    name = "digits-mlp"
    summary = "two-layer network on the same digits"
    settings = DigitsSettings
    promise = ("accuracy", 0.96)

    def data(self, folder: Path | None) -> Task:
        return load_digits(folder, self.set.test_fraction)  # type: ignore[attr-defined]

    def model(self, task: Task) -> Any:
        return nn.Sequential(nn.Flatten(),                          # (B, 64)
                             nn.Linear(64, 128), nn.ReLU(),         # (B, 128)
                             nn.Linear(128, 10))                    # (B, 10)
