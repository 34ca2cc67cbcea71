"""Published systems, one file each, weight-compatible with the implementation people use."""

from .ntm import NeuralTuringMachine
from .resnet import BasicBlock, CifarResNet, resnet20

__all__ = ["BasicBlock", "CifarResNet", "NeuralTuringMachine", "resnet20"]
