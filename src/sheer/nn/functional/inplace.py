"""Activations that write their result into their operand, with torch's names."""

from __future__ import annotations

from ...tensor import Tensor
from ..draws import Generator
from . import activation
from .random import rrelu


def relu_(input: Tensor) -> Tensor:
    """relu, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient
    Source  torch.nn.functional.relu_
    Example
        >>> x = sheer.tensor([-1.0, 2.0])
        >>> F.relu_(x) is x, x
        (True, tensor([0., 2.]))
    """
    return activation.relu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """leaky_relu, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient
    Source  torch.nn.functional.leaky_relu_
    Example
        >>> x = sheer.tensor([-1.0, 2.0])
        >>> F.leaky_relu_(x, 0.1) is x, x
        (True, tensor([-0.1,  2. ]))
    """
    return activation.leaky_relu(input, negative_slope, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """elu, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient
    Source  torch.nn.functional.elu_
    Example
        >>> x = sheer.tensor([-1.0, 2.0])
        >>> F.elu_(x) is x, x
        (True, tensor([-0.6321,  2.    ]))
    """
    return activation.elu(input, alpha, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """celu, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient
    Source  torch.nn.functional.celu_
    Example
        >>> x = sheer.tensor([-100.0, 2.0])
        >>> F.celu_(x, alpha=0.5) is x, x
        (True, tensor([-0.5,  2. ]))
    """
    return activation.celu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """selu, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient
    Source  torch.nn.functional.selu_
    Example
        >>> x = sheer.tensor([-1.0, 1.0])
        >>> F.selu_(x) is x, x
        (True, tensor([-1.1113,  1.0507]))
    """
    return activation.selu(input, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """hardtanh, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient, E204 when min_val is above max_val
    Source  torch.nn.functional.hardtanh_
    Example
        >>> x = sheer.tensor([-3.0, 0.5, 3.0])
        >>> F.hardtanh_(x) is x, x
        (True, tensor([-1. ,  0.5,  1. ]))
    """
    return activation.hardtanh(input, min_val, max_val, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """threshold, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient
    Source  torch.nn.functional.threshold_
    Example
        >>> x = sheer.tensor([0.5, 1.0, 2.0])
        >>> F.threshold_(x, 1.0, 20.0) is x, x
        (True, tensor([20., 20.,  2.]))
    """
    return activation.threshold(input, threshold, value, True)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
           generator: Generator | None = None) -> Tensor:
    """rrelu, written into input.

    Shape   (*S) -> (*S)
    Raises  E613 for a leaf that requires a gradient, E204 when lower is above upper, E202 for
            integers
    Source  torch.nn.functional.rrelu_
    Example
        >>> x = sheer.tensor([-48.0, 2.0])
        >>> F.rrelu_(x) is x, x                                      # times (1/8 + 1/3) / 2 below 0
        (True, tensor([-11.,   2.]))
    """
    return rrelu(input, lower, upper, training, True, generator)
