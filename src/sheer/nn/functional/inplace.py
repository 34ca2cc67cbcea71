"""Activations that write their result into their operand, with torch's names."""

from __future__ import annotations

from ...tensor import Tensor
from ..draws import Generator
from . import activation
from .random import rrelu


def relu_(input: Tensor) -> Tensor:
    """relu, written into input."""
    return activation.relu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """leaky_relu, written into input."""
    return activation.leaky_relu(input, negative_slope, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """elu, written into input."""
    return activation.elu(input, alpha, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """celu, written into input."""
    return activation.celu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """selu, written into input."""
    return activation.selu(input, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """hardtanh, written into input."""
    return activation.hardtanh(input, min_val, max_val, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """threshold, written into input."""
    return activation.threshold(input, threshold, value, True)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
           generator: Generator | None = None) -> Tensor:
    """rrelu, written into input."""
    return rrelu(input, lower, upper, training, True, generator)
