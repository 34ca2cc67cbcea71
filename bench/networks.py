"""Networks in ordinary code that runs in sheer and in PyTorch: their `nn` and `F` flow in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def lenet(nn: Any, F: Any) -> Any:
    """LeNet-5 with ReLU and max-pooling: (B, 1, 28, 28) -> (B, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),     # (B, 6, 14, 14)
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),               # (B, 16, 5, 5)
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 10))


def resnet20(nn: Any, F: Any) -> Any:
    """ResNet-20 for CIFAR as its best-known implementation names it: (B, 3, 32, 32) -> (B, 10)."""
    class Shortcut(nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            more = x.shape[1] // 2
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, more, more))

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, before: int, planes: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(before, planes, 3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.shortcut = nn.Sequential() if stride == 1 else Shortcut()

        def forward(self, x: Any) -> Any:
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    class ResNet(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            sizes = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
            for number, (before, planes, stride) in enumerate(sizes, 1):
                first = Block(before, planes, stride)
                rest = (Block(planes, planes, 1) for _ in range(2))
                setattr(self, f"layer{number}", nn.Sequential(first, *rest))
            self.linear = nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            out = F.relu(self.bn1(self.conv1(x)))
            return self.linear(self.layer3(self.layer2(self.layer1(out))).mean((2, 3)))
    return ResNet()


def weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The same start for everybody: normal weights with variance 2 / fan-in, biases 0, scales 1."""
    rng = np.random.default_rng(1)
    made = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            fan_in = int(np.prod(shape[1:]))
            made[name] = rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)
        elif "weight" in name or "bias" in name:         # bias_ih_l0 too; not running_mean
            made[name] = np.full(shape, float("weight" in name), np.float32)
    return made
