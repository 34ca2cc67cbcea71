"""Gradient checks: a function and inputs flow in; True, or an error that shows the worst number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.dtypes import float64
from ..graph.errors import DTypeError, NumericError
from ..mixins.autograd import as_tuple
from ..tensor import Tensor, tensor
from ..transforms.arguments import check_function
from ..transforms.grad import grad
from ..transforms.jacobian import jacrev


def gradcheck(func: Callable[..., Any], inputs: Any, eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """Do the gradients of func agree with differences of its values, (f(x + eps) - f(x - eps)) /
    (2 eps), for every number of every float64 input and every number of every result?

    Shape   inputs any, float64 where they require a gradient -> bool
    Raises  E621 for the first input whose numbers do not agree, or else gives False;
            E622 when no input is a float64 tensor that requires a gradient
    Source  torch.autograd.gradcheck
    Example
        >>> x = sheer.tensor([0.5, 2.0], dtype=sheer.float64, requires_grad=True)
        >>> sheer.autograd.gradcheck(lambda x: x.log(), x)
        True
    """
    check_function("gradcheck", func)
    given, places = _checked(inputs)
    if not places or any(given[i].dtype != float64 for i in places):
        raise DTypeError("E622", "gradcheck", "differences need float64",
                         got={f"input {i}": x.node for i, x in enumerate(given)
                              if isinstance(x, Tensor)},
                         need="float64 tensors with requires_grad=True",
                         tries=[("x.double().requires_grad_()", lambda: None)])
    fixed = [x.detach() if isinstance(x, Tensor) else x for x in given]
    for place in places:
        found, expected = _by_rule(func, fixed, place), _by_differences(func, fixed, place, eps)
        wrong = ~(np.abs(found - expected) <= atol + rtol * np.abs(expected))
        if wrong.any():
            if not raise_exception:
                return False
            raise _refused(place, found, expected, fixed[place])
    return True


def gradgradcheck(func: Callable[..., Any], inputs: Any, eps: float = 1e-6, atol: float = 1e-5,
                  rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """As gradcheck, of the gradients themselves: second derivatives.

    Shape   as gradcheck
    Raises  E621, E622 as gradcheck
    Source  torch.autograd.gradgradcheck
    """
    given, places = _checked(inputs)
    weigh = lambda out: sum((part * _weights(part)).sum() for part in as_tuple(out))
    slopes = grad(lambda *xs: weigh(func(*xs)), places)
    return gradcheck(slopes, given, eps, atol, rtol, raise_exception)


def _checked(inputs: Any) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """All inputs, and which of them are tensors that require a gradient."""
    given = as_tuple(inputs)
    return given, tuple(i for i, x in enumerate(given)
                        if isinstance(x, Tensor) and x.requires_grad)


def _weights(like: Any) -> Any:
    """Fixed numbers of a result's shape, no two alike: a sum alone would hide what cancels."""
    return tensor(np.cos(np.arange(like.numel())).reshape(like.shape), dtype=like.dtype)


def _by_rule(func: Callable[..., Any], given: Sequence[Any], place: int) -> np.ndarray:
    """All derivatives by one input: (numbers of the results, numbers of the input)."""
    rows = jacrev(lambda *xs: as_tuple(func(*xs)), place)(*given)
    return np.concatenate([r.numpy().reshape(-1, given[place].numel()) for r in rows])


def _by_differences(func: Callable[..., Any], given: Sequence[Any], place: int, eps: float,
                    ) -> np.ndarray:
    """The same from values of the function alone."""
    start = given[place].numpy()
    def values(moved: np.ndarray) -> np.ndarray:
        x = tensor(moved, dtype=float64)
        out = as_tuple(func(*given[:place], x, *given[place + 1:]))
        return np.concatenate([part.detach().numpy().ravel() for part in out])
    columns = []
    for number in range(start.size):
        step = np.zeros(start.shape)
        step.flat[number] = eps
        columns.append((values(start + step) - values(start - step)) / (2 * eps))
    return np.array(columns).T.reshape(-1, start.size)


def _refused(place: int, found: np.ndarray, expected: np.ndarray, x: Any) -> NumericError:
    gap = np.abs(found - expected)
    row, column = np.unravel_index(np.nanargmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
    return NumericError(
        "E621", "gradcheck", f"the gradient by input {place} does not agree with differences",
        got={"input": x.node, "by the rule": f"{found[row, column]:.6g}",
             "by differences": f"{expected[row, column]:.6g}"},
        need=f"equal numbers; the worst is of result {row} by number {column} of the input")
