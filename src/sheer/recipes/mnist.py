"""mnist-mlp and mnist-cnn: 70,000 handwritten digits, 28 x 28 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import nn
from ..data.known.catalogue import load_arrays
from .classical import nearest_mean
from .recipe import OneCycle, Settings, Task

MEAN, STD = 0.1307, 0.3081       # of the training pixels scaled to [0, 1]


def load_mnist(folder: Path | None) -> Task:
    """x uint8 (N, 1, 28, 28), y int64 (N,); scaled inside the program, a quarter of the memory."""
    arrays = load_arrays("mnist", folder)
    train, test = arrays.train, arrays.test
    assert test is not None
    return Task((train.x, train.y), (test.x, test.y), classes=arrays.classes)


class _Mnist(OneCycle, abstract=True):
    """What both have in common: the files and the scaling."""

    def data(self, folder: Path | None) -> Task:
        return load_mnist(folder)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        return nearest_mean(task)

    def transform(self, x: Any) -> Any:
        return (x.float() / 255 - MEAN) / STD


@dataclass(frozen=True)
class MlpSettings(Settings):
    epochs: int = 10
    batch_size: int = 128
    lr: float = 2e-3             # highest rate of the schedule, per update


class MnistMLP(_Mnist):
    """784-256-128-10, the network of the benchmarks."""

    name = "mnist-mlp"
    summary = "784-256-128-10 network on MNIST"
    settings = MlpSettings
    promise = ("accuracy", 0.98)

    def model(self, task: Task) -> Any:
        return nn.Sequential(nn.Flatten(),                          # (B, 784)
                             nn.Linear(784, 256), nn.ReLU(),
                             nn.Linear(256, 128), nn.ReLU(),
                             nn.Linear(128, 10))                    # (B, 10)


@dataclass(frozen=True)
class CnnSettings(Settings):
    epochs: int = 3
    batch_size: int = 64
    lr: float = 4e-3             # highest rate of the schedule, per update


class MnistCNN(_Mnist):
    """Two convolutions and three dense layers, as LeNet-5, with ReLU and max pooling."""

    name = "mnist-cnn"
    summary = "LeNet-like CNN on MNIST"
    settings = CnnSettings
    promise = ("accuracy", 0.988)

    def model(self, task: Task) -> Any:
        return nn.Sequential(                                       # (B, 1, 28, 28)
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(),               # (B, 6, 28, 28)
            nn.MaxPool2d(2),                                        # (B, 6, 14, 14)
            nn.Conv2d(6, 16, 5), nn.ReLU(),                         # (B, 16, 10, 10)
            nn.MaxPool2d(2), nn.Flatten(),                          # (B, 400)
            nn.Linear(400, 120), nn.ReLU(),
            nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, 10))                                      # (B, 10)
