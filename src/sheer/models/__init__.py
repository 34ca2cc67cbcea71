"""Published systems, one file each, weight-compatible with the implementation people use."""

from .resnet import BasicBlock, CifarResNet, resnet20

__all__ = ["BasicBlock", "CifarResNet", "resnet20"]
