"""Curvature: a loss of some tensors flows in, what its second derivatives say comes out.

The Hessian itself is never formed but in `stationary_point`: a product with one direction costs
about two gradients.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import linalg
from ..graph.errors import ArgumentError
from ..mixins.core import no_grad
from ..nn.utils.stateless import functional_call
from ..random import randn
from ..tensor import Tensor
from ..transforms import tree
from ..transforms.grad import grad, jvp
from ..transforms.jacobian import hessian
from ..transforms.jit import jit

Loss = Callable[[Any], Tensor]     # of a tensor, or of a list or dict of them


class Curvature(NamedTuple):
    """The largest eigenvalue of a Hessian (by absolute value), its direction, and the iterations.

    stable_rate  2 / value: gradient descent with a larger rate runs away along the direction
    rate         1 / value: the rate that takes that direction to its minimum in one step
    """

    value: float
    direction: Any
    iterations: int

    @property
    def stable_rate(self) -> float:
        return 2 / self.value if self.value > 0 else math.inf

    @property
    def rate(self) -> float:
        return self.stable_rate / 2


def hessian_product(loss: Loss, values: Any, direction: Any) -> Any:
    """The Hessian of a loss at `values` times a direction: the gradient's derivative along it.

    Shape   that of values, and so must be the direction
    Raises  E602 for a loss that is no single number, E603 when the direction does not have the
            shape of values
    Source  Pearlmutter 1994, Neural Computation 6(1)
    Example
        >>> loss = lambda x: (x ** 2 * sheer.tensor([1.0, 3.0])).sum()
        >>> hessian_product(loss, sheer.ones(2), sheer.tensor([1.0, 0.0]))
        tensor([2., 0.])
    """
    return jvp(grad(loss), [values], [direction])[1]


def largest_curvature(loss: Loss, values: Any, iterations: int = 200,
                      tolerance: float = 1e-4) -> Curvature:
    """The Hessian eigenvalue of largest size at `values`, by power iteration from a random start.

    It stops when the value changes by less than the share `tolerance` in an iteration.

    Shape   values: a tensor, or a list or dict of them -> the direction has their shapes
    Raises  E602 for a loss that is no single number
    Source  LeCun et al. 1993, NIPS 5: automatic learning rate maximization
    Example
        >>> loss = lambda x: (x ** 2 * sheer.tensor([1.0, 3.0])).sum()
        >>> found = largest_curvature(loss, sheer.ones(2))
        >>> round(found.value, 2), round(found.stable_rate, 4)      # 2 * 3, and 2 over that
        (6.0, 0.3333)
    """
    @jit
    def turn(values: Any, direction: Any) -> Any:
        product = hessian_product(loss, values, direction)
        length = _inner(product, product).sqrt().clamp(min=1e-30)
        return _inner(direction, product), _scaled(product, 1 / length)
    with no_grad():
        direction = _mapped(lambda v: randn(v.shape, dtype=v.dtype), values)
        direction = _scaled(direction, _inner(direction, direction) ** -0.5)
        value, before, number = 0.0, math.inf, 0
        for number in range(1, iterations + 1):  # noqa: B007 (told below)
            along, direction = turn(values, direction)
            value = along.item()
            if abs(value - before) <= tolerance * abs(value):
                break
            before = value
    return Curvature(value, direction, number)


def model_loss(model: Any, loss: Callable[[Any, Any], Tensor], x: Any, y: Any,
               ) -> tuple[Loss, dict[str, Tensor]]:
    """(loss as a function of the parameters by name, the parameters): what the others here take.

    Source  definition
    Example
        >>> x = sheer.tensor([[1.0], [2.0]])
        >>> loss, values = model_loss(nn.Linear(1, 1, bias=False), nn.functional.mse_loss, x, 0 * x)
        >>> hessian_product(loss, values, {"weight": sheer.ones(1, 1)})              # 2 mean(x^2)
        {'weight': tensor([[5.]])}
    """
    of_parameters = lambda values: loss(functional_call(model, values, x), y)
    return of_parameters, {name: p.detach() for name, p in model.named_parameters()}


class Stationary(NamedTuple):
    """What a point is by its second derivatives, and their eigenvalues from the least up."""

    kind: str
    eigenvalues: np.ndarray


def stationary_point(function: Callable[[Tensor], Tensor], x: Tensor, slope: float = 1e-6,
                     flat: float = 1e-8) -> Stationary:
    """Minimum, maximum, saddle or degenerate: by the signs of the Hessian's eigenvalues at x.

    flat: eigenvalues below this share of the largest count as 0; then the second derivatives do not
    decide ("degenerate"), unless there are both signs.

    Shape   x (*S), function (*S) -> ()
    Raises  E892 when the gradient is longer than `slope`: the point is not stationary
    Source  definition
    Example
        >>> stationary_point(lambda x: x[0] ** 2 - x[1] ** 2, sheer.zeros(2)).kind
        'saddle'
    """
    with no_grad():
        steep = float(linalg.vector_norm(grad(function)(x)).item())
        if not steep <= slope:
            raise ArgumentError("E892", "stationary_point", "the gradient is not 0 here",
                                got={"its length": f"{steep:.3g}"}, need=f"at most {slope:g}")
        size = x.numel()
        table = hessian(function)(x).reshape(size, size)
        values = linalg.eigvalsh(table).numpy()
    zero = flat * max(float(np.abs(values).max()), 1e-300)
    up, down = int((values > zero).sum()), int((values < -zero).sum())
    if up and down:
        return Stationary("saddle", values)
    if up + down < size:
        return Stationary("degenerate", values)
    return Stationary("minimum" if up else "maximum", values)


def _inner(a: Any, b: Any) -> Tensor:
    pairs = zip(tree.leaves(a), tree.leaves(b), strict=True)
    total: Tensor = functools.reduce(operator.add, [(x * y).sum() for x, y in pairs])
    return total


def _mapped(function: Callable[[Tensor], Tensor], values: Any) -> Any:
    _, shape = tree.flatten(values)
    return tree.unflatten(shape, [function(v).node for v in tree.leaves(values)])


def _scaled(values: Any, factor: Tensor) -> Any:
    return _mapped(lambda v: v * factor, values)
