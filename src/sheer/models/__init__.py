"""Published systems, one file each, weight-compatible with the implementation people use."""

from .boltzmann import RestrictedBoltzmannMachine
from .ensemble import Ensemble
from .gmdh import GMDH
from .perceptron import Perceptron
from .regression import LinearRegression, LogisticRegression
from .resnet import BasicBlock, CifarResNet, resnet20

__all__ = ["GMDH", "BasicBlock", "CifarResNet", "Ensemble", "LinearRegression",
           "LogisticRegression", "Perceptron", "RestrictedBoltzmannMachine", "resnet20"]
