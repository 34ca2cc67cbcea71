"""cifar-cnn: small photographs of ten kinds of things, 32 x 32 pixels, RGB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import nn
from ..data.known.catalogue import load_arrays
from .classical import nearest_mean
from .recipe import OneCycle, Settings, Task


@dataclass(frozen=True)
class CifarSettings(Settings):
    epochs: int = 8
    batch_size: int = 64
    lr: float = 3e-3             # highest rate of the schedule, per update


class CifarCNN(OneCycle):
    """Three stages of convolution, normalisation and pooling."""

    name = "cifar-cnn"
    summary = "three-stage CNN with batch normalisation on CIFAR-10"
    settings = CifarSettings
    promise = ("accuracy", 0.65)

    def data(self, folder: Path | None) -> Task:
        arrays = load_arrays("cifar10", folder)
        train, test = arrays.train, arrays.test
        assert test is not None
        return Task((train.x, train.y), (test.x, test.y), classes=arrays.classes)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        return nearest_mean(task)

    def transform(self, x: Any) -> Any:
        return (x.float() / 255 - 0.47) / 0.25       # mean and deviation over all channels

    def model(self, task: Task) -> Any:
        def stage(before: int, after: int) -> list[Any]:
            return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(),
                    nn.MaxPool2d(2)]
        return nn.Sequential(                                       # (B, 3, 32, 32)
            *stage(3, 32), *stage(32, 64), *stage(64, 128),         # (B, 128, 4, 4)
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(128 * 4 * 4, 10))
