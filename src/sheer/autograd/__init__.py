"""sheer.autograd: gradients of what was computed already; under torch's names.

Tensors that led to a result flow in, with it; their gradients flow out and `.grad` stays as it is.
Of functions, `sheer.grad`, `sheer.vjp`, `sheer.jacrev` and their kin are the shorter way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.errors import ArgumentError, ShapeError, StateError
from ..graph.node import Node
from ..mixins.core import as_node, wrap
from ..mixins.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from ..mixins.hooks import before_accumulation, depend_on_hooks
from ..mixins.missing import refusing as _refusing
from ..ops.elementwise.family import zeros_like
from ..ops.structure import constant, stop_gradient
from ..ops.walk import reverse
from ..tensor import Tensor
from . import functional
from .check import gradcheck, gradgradcheck

__all__ = ["backward", "enable_grad", "functional", "grad", "gradcheck", "gradgradcheck",
           "inference_mode", "no_grad", "set_grad_enabled"]
__getattr__ = _refusing("autograd", __all__)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[Any, ...]:
    """The gradient of the sum of outputs, each times its grad_output, by every input.

    create_graph       the gradients can be differentiated again
    allow_unused       an input that no output depends on has the gradient None
    materialize_grads  such an input has a gradient of zeros
    retain_graph is accepted and not needed: graphs here are data and are never used up.

    Shape   of each gradient: that of its input
    Raises  E602 for an output of several numbers without a grad_output, E610 for a grad_output of
            another shape, E611 when an input requires no gradient, E618 when no output depends on
            an input
    Source  torch.autograd.grad
    Example
        >>> x = sheer.tensor(3.0, requires_grad=True)
        >>> slope, = sheer.autograd.grad(x ** 3, x, create_graph=True)
        >>> slope.item(), sheer.autograd.grad(slope, x)[0].item()
        (27.0, 18.0)
    """
    if is_grads_batched:
        raise ArgumentError("E618", "grad", "grad_outputs cannot be batched",
                            need="one grad_output per output",
                            tries=[("sheer.vmap(sheer.vjp(f, x)[1])", lambda: None)])
    results, wanted = _several(outputs), _several(inputs)
    for number, x in enumerate(wanted):
        if not x.requires_grad:
            raise StateError("E611", "grad", f"input {number} requires no gradient",
                             got={"input": x.node}, need="a tensor with requires_grad=True",
                             tries=[("x.requires_grad_() before the outputs are computed",
                                     lambda: None)])
    nodes = [r.node for r in results]
    cts = _cotangents("grad", nodes, grad_outputs)
    depend_on_hooks()
    found = []
    for number, (x, g) in enumerate(zip(wanted, reverse(nodes, cts, [x.node for x in wanted]),
                                        strict=True)):
        if g is None and not (allow_unused or materialize_grads):
            raise StateError("E618", "grad", f"no output depends on input {number}",
                             got={"input": x.node}, need="allow_unused=True, which gives None, or "
                             "materialize_grads=True, which gives zeros")
        if g is None:
            found.append(wrap(zeros_like(x.node)) if materialize_grads else None)
        else:
            seen = before_accumulation(x, g)
            found.append(wrap(seen if create_graph else stop_gradient(seen), create_graph))
    return tuple(found)


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None,
             create_graph: bool = False, inputs: Any = None) -> None:
    """Add the gradients of several tensors to `.grad` of every leaf behind them.

    Raises  E602, E610, E611 as Tensor.backward
    Source  torch.autograd.backward
    """
    results = _several(tensors)
    given = [None] * len(results) if grad_tensors is None else _several(grad_tensors)
    for tensor, ct in zip(results, given, strict=True):
        tensor.backward(ct, retain_graph, create_graph, inputs)


def _several(value: Any) -> list[Any]:
    """One tensor, or a sequence of them, as a list."""
    return list(value) if isinstance(value, Sequence) else [value]


def _cotangents(op: str, outputs: Sequence[Node], given: Any) -> list[Node]:
    """What flows into every output: a one into a single number, else what was given."""
    each = [None] * len(outputs) if given is None else _several(given)
    if len(each) != len(outputs):
        raise ShapeError("E610", op, f"{len(outputs)} outputs, {len(each)} grad_outputs",
                         need="one grad_output per output, or None")
    found = []
    for out, ct in zip(outputs, each, strict=True):
        if ct is None and out.size != 1:
            raise ShapeError("E602", op, "only a single number has a gradient by itself",
                             got={"output": out}, need="shape (), or grad_outputs",
                             tries=[("outputs.sum()", lambda: None)])
        node = as_node(ct, out.dtype) if ct is not None else (
            constant(1, out.dtype) if out.shape == () else as_node(
                Tensor.new_ones(wrap(out), out.shape)))
        if node.shape != out.shape:
            raise ShapeError("E610", op, "the gradient given has another shape than the output",
                             got={"output": out, "gradient": node}, need="one shape")
        found.append(node)
    return found
