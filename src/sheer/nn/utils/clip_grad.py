"""Clipping: gradients flow in, gradients of bounded size flow out."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

from ... import ops
from ...graph.dtypes import float32, promote
from ...graph.errors import ArgumentError, NumericError
from ...graph.node import Node
from ...mixins.core import Core, evaluate, no_grad, wrap
from ...ops.lift import cast
from ...ops.structure import constant, stop_gradient


def get_total_norm(tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                   foreach: bool | None = None) -> Any:
    """The norm of all tensors seen as one vector; a tensor of shape ().

    Params  norm_type           p > 0, or math.inf for the largest absolute value
            error_if_nonfinite  look at the value now; not possible in a traced function
    Raises  E307 for NaN or infinity if asked to, E308 for another norm, E606 inside a trace
    Source  torch.nn.utils.get_total_norm
    """
    given = [tensors] if isinstance(tensors, Core) else list(tensors)
    with no_grad():
        total = wrap(_norm([stop_gradient(t.node) for t in given], float(norm_type)))
    if error_if_nonfinite and not math.isfinite(evaluate([total])[0]):
        raise NumericError(
            "E307", "clip_grad_norm_", f"the norm of the gradients is {total.item()}",
            need="finite gradients", tries=[("error_if_nonfinite=False", lambda: None)])
    return total


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0,
                    error_if_nonfinite: bool = False, foreach: bool | None = None) -> Any:
    """Scale all gradients by one factor so that their norm is at most max_norm; the norm before.

    The factor is min(1, max_norm / (norm + 1e-6)); parameters without a gradient are left out.

    Raises  E307, E308 as `get_total_norm`
    Source  torch.nn.utils.clip_grad_norm_; Pascanu et al. 2013, arXiv:1211.5063, algorithm 1
    """
    grads = _gradients(parameters)
    if not max_norm >= 0:
        raise ArgumentError("E308", "clip_grad_norm_", f"max_norm = {max_norm!r} is no bound",
                            need="a number >= 0")
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    _scale(grads, max_norm, total.node)
    return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Any,
                          foreach: bool | None = None) -> None:
    """Scale all gradients by min(1, max_norm / (total_norm + 1e-6)), for a norm known before.

    Source  torch.nn.utils.clip_grads_with_norm_
    """
    _scale(_gradients(parameters), max_norm, total_norm.node)


def _scale(grads: list[Any], max_norm: float, norm: Node) -> None:
    factor = ops.clamp(max_norm / (norm + 1e-6), None, 1.0)
    for g in grads:
        g._rebind(stop_gradient(g.node) * cast(factor, g.dtype))


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Cut every element of every gradient to [-clip_value, clip_value].

    Raises  E308 for a negative value
    Source  torch.nn.utils.clip_grad_value_
    """
    if not clip_value >= 0:
        raise ArgumentError("E308", "clip_grad_value_", f"clip_value = {clip_value!r} is no bound",
                            need="a number >= 0")
    for g in _gradients(parameters):
        g._rebind(ops.clamp(stop_gradient(g.node), -float(clip_value), float(clip_value)))


def _gradients(parameters: Any) -> list[Any]:
    given: Any = [parameters] if isinstance(parameters, Core) else parameters
    if callable(given) or not isinstance(given, Iterable):
        raise ArgumentError("E301", "clip_grad", f"{type(given).__name__} is no list of parameters",
                            need="the parameters of a model, or a tensor",
                            tries=[("model.parameters()", lambda: None)])
    return [p.grad for p in given if p.grad is not None]


def _norm(nodes: list[Node], p: float) -> Node:
    """(sum |x|^p)^(1/p) over all elements of all nodes, in their common float type."""
    if not p > 0:
        raise ArgumentError("E308", "get_total_norm", f"norm_type = {p!r} is no norm",
                            need="a number > 0, or math.inf")
    if not nodes:
        return constant(0.0, float32)
    dtype = functools.reduce(promote, (n.dtype for n in nodes))
    each = [ops.abs(n) for n in nodes if n.size]
    if math.isinf(p):
        largest = [cast(ops.max(n, tuple(range(n.ndim))), dtype) for n in each]
        return functools.reduce(ops.maximum, largest, constant(0.0, dtype))
    powers = [ops.mul(n, n) if p == 2 else ops.pow(n, p) for n in each]
    sums = [cast(ops.sum(n, tuple(range(n.ndim))), dtype) for n in powers]
    total = functools.reduce(ops.add, sums, constant(0.0, dtype))
    return ops.sqrt(total) if p == 2 else ops.pow(total, 1 / p)
