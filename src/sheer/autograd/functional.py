"""sheer.autograd.functional: derivatives of functions, in the order of arguments that torch has.

A function and its inputs flow in, one tensor or a tuple of them; nested tuples flow out as torch
nests them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.errors import ArgumentError
from ..mixins.autograd import tensors_of
from ..mixins.missing import refusing as _refusing
from ..tensor import Tensor
from ..transforms import grad as _grad
from ..transforms import jacobian as _jacobian

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
__getattr__ = _refusing("autograd.functional", __all__)

Function = Callable[..., Any]
_STRATEGIES = {"reverse-mode": _jacobian.jacrev, "forward-mode": _jacobian.jacfwd}


def jacobian(func: Function, inputs: Any, create_graph: bool = False, strict: bool = False,
             vectorize: bool = False, strategy: str = "reverse-mode") -> Any:
    """Every derivative of every result: (*result, *input).

    create_graph, strict and vectorize are accepted and change nothing: the result can always be
    differentiated again, and all rows are computed at once.

    Shape   result (*R), input (*A) -> (*R, *A); of tuples, nested tuples
    Raises  E191 for another strategy, E604 for integers
    Source  torch.autograd.functional.jacobian; `sheer.jacrev`, and `sheer.jacfwd` for the strategy
            "forward-mode"
    """
    if strategy not in _STRATEGIES:
        raise ArgumentError("E191", "jacobian", f"there is no strategy {strategy!r}",
                            need=" or ".join(_STRATEGIES))
    return _of_all("jacobian", _STRATEGIES[strategy], func, inputs)


def hessian(func: Function, inputs: Any, create_graph: bool = False, strict: bool = False,
            vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """Second derivatives of a single number: (*input, *other input).

    Shape   inputs (*A) -> (*A, *A); of a tuple, nested tuples of (*A, *B)
    Raises  E604 for integers
    Source  torch.autograd.functional.hessian; `sheer.hessian`
    """
    return _of_all("hessian", _jacobian.hessian, func, inputs)


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), v times the Jacobian). v may be left out for a single number.

    Shape   result (*R), v (*R) -> like inputs
    Raises  E603 when v is not like the result
    Source  torch.autograd.functional.vjp; `sheer.vjp`
    """
    value, pull = _grad.vjp(func, *tensors_of("vjp", "inputs", inputs))
    return value, _like(inputs, pull(_ones(value) if v is None else v))


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), the Jacobian times v). v may be left out for a single number.

    Shape   inputs (*A), v (*A) -> like the result
    Raises  E603 when v is not like the inputs
    Source  torch.autograd.functional.jvp; `sheer.jvp`
    """
    given = tensors_of("jvp", "inputs", inputs)
    return _grad.jvp(func, given, _direction("jvp", given, v))


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), the Hessian times v), without the Hessian.

    Shape   inputs (*A), v (*A) -> (*A)
    Raises  E603 when v is not like the inputs
    Source  Pearlmutter 1994, "Fast exact multiplication by the Hessian"; torch's hvp
    """
    given = tensors_of("hvp", "inputs", inputs)
    slopes = _grad.grad(func, tuple(range(len(given))))
    _, found = _grad.jvp(slopes, given, _direction("hvp", given, v))
    return func(*given), _like(inputs, found)


def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), v times the Hessian): as hvp, because a Hessian is symmetric.

    Shape   inputs (*A), v (*A) -> (*A)
    Raises  E603 when v is not like the inputs
    Source  torch.autograd.functional.vhp
    """
    return hvp(func, inputs, v)


def _of_all(op: str, derivative: Callable[..., Any], func: Function, inputs: Any) -> Any:
    """The derivative by one input, or by all of a tuple."""
    if isinstance(inputs, Tensor):
        return derivative(func)(inputs)
    given = tensors_of(op, "inputs", inputs)
    return derivative(func, tuple(range(len(given))))(*given)


def _direction(op: str, given: Sequence[Any], v: Any) -> tuple[Any, ...]:
    """v, or ones like the inputs."""
    return tuple(map(_ones, given)) if v is None else tensors_of(op, "v", v)


def _like(inputs: Any, found: Any) -> Any:
    """One result for one input, a tuple for a tuple."""
    return found[0] if isinstance(inputs, Tensor) else tuple(found)


def _ones(value: Any) -> Any:
    return value.new_ones(value.shape)
