"""Residual networks for CIFAR: images (B, 3, H, W) flow in, scores of classes (B, K) come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..nn import functional as F
from ..nn.batchnorm import BatchNorm2d
from ..nn.containers import Sequential
from ..nn.conv import Conv2d
from ..nn.init import kaiming_normal_
from ..nn.linear import Linear
from ..nn.module import Module
from ..tensor import Tensor


class Shortcut(Module):
    """Every `stride`-th pixel, and zeros for the channels that are new: no weights ("option A").

    Shape   x (B, C, H, W) -> (B, C + 2 more, ceil(H / stride), ceil(W / stride))
    Source  He et al. 2015, arXiv:1512.03385, section 4.2
    """

    def __init__(self, stride: int, more: int) -> None:
        super().__init__()
        self.stride, self.more = stride, more

    def forward(self, x: Tensor) -> Tensor:
        part = x[:, :, ::self.stride, ::self.stride]
        return F.pad(part, (0, 0, 0, 0, self.more, self.more))


class BasicBlock(Module):
    """Two 3 x 3 convolutions with batch normalisation, and the input added before the last ReLU.

    Shape   x (B, in_planes, H, W) -> (B, planes, ceil(H / stride), ceil(W / stride))
    Params  those of its convolutions and normalisations
    Source  He et al. 2015, arXiv:1512.03385, figure 2
    Example
        >>> BasicBlock(8, 16, stride=2)(sheer.ones(2, 8, 6, 6)).shape
        (2, 16, 3, 3)
    """

    conv1: Conv2d
    bn1: BatchNorm2d
    conv2: Conv2d
    bn2: BatchNorm2d
    shortcut: Module

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(planes)
        self.conv2 = Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(planes)
        same = stride == 1 and in_planes == planes
        self.shortcut = Sequential() if same else Shortcut(stride, (planes - in_planes) // 2)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class CifarResNet(Module):
    """Three stages of blocks, 16, 32 and 64 channels wide, then the mean over all pixels.

    Shape   x (B, 3, H, W) -> (B, num_classes)
    Params  Kaiming normal weights of convolutions and of the last layer; names as in the
            implementation of Y. Idelbayev, akamaster/pytorch_resnet_cifar10
    Source  He et al. 2015, arXiv:1512.03385, section 4.2
    """

    def __init__(self, blocks: tuple[int, int, int], num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks[0], 1)                       # (B, 16, H, W)
        self.layer2 = _stage(16, 32, blocks[1], 2)                       # (B, 32, H/2, W/2)
        self.layer3 = _stage(32, 64, blocks[2], 2)                       # (B, 64, H/4, W/4)
        self.linear = Linear(64, num_classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        scores: Tensor = self.linear(out.mean((2, 3)))                   # (B, num_classes)
        return scores


def resnet20(num_classes: int = 10) -> CifarResNet:
    """ResNet-20 for CIFAR: 269,722 parameters; 8.75 % error in the paper."""
    return CifarResNet((3, 3, 3), num_classes)


def _stage(before: int, planes: int, count: int, stride: int) -> Sequential:
    first = BasicBlock(before, planes, stride)
    return Sequential(first, *(BasicBlock(planes, planes) for _ in range(count - 1)))


def _initialise(module: Any) -> None:
    """Kaiming normal weights, as the implementation it is compatible with."""
    make: Callable[[Any], Any] = kaiming_normal_
    if isinstance(module, Conv2d | Linear):
        make(module.weight)
