"""sheer.autograd: gradients of what was computed already; under torch's names.

Tensors that led to a result flow in, with it; their gradients flow out and `.grad` stays as it is.
Of functions, `sheer.grad`, `sheer.vjp`, `sheer.jacrev` and their kin are the shorter way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.errors import MissingError, ShapeError, StateError
from ..mixins.autograd import as_tuple, cotangent_of, tensors_of
from ..mixins.core import wrap
from ..mixins.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from ..mixins.hooks import before_accumulation, depend_on_hooks
from ..mixins.missing import refusing as _refusing
from ..ops.elementwise.family import zeros_like
from ..ops.structure import stop_gradient
from ..ops.walk import reverse
from . import functional
from .check import gradcheck, gradgradcheck

__all__ = ["backward", "enable_grad", "functional", "grad", "gradcheck", "gradgradcheck",
           "inference_mode", "no_grad", "set_grad_enabled"]
__getattr__ = _refusing("autograd", __all__)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[Any, ...]:
    """The gradient of the sum of outputs, each times its grad_output, by every input.

    create_graph       the gradients can be differentiated again
    allow_unused       an input that no output depends on has the gradient None
    materialize_grads  such an input has a gradient of zeros
    retain_graph is accepted and not needed: graphs here are data and are never used up.

    Shape   of each gradient: that of its input
    Raises  E211 for is_grads_batched and for only_inputs=False, E602 for an output of several
            numbers without a grad_output, E604 for what is no tensor, E610 for a grad_output of
            another shape or another number of them, E611 when an input requires no gradient, E618
            when no output depends on one
    Source  torch.autograd.grad
    Example
        >>> x = sheer.tensor(3.0, requires_grad=True)
        >>> slope, = sheer.autograd.grad(x ** 3, x, create_graph=True)
        >>> slope.item(), sheer.autograd.grad(slope, x)[0].item()
        (27.0, 18.0)
    """
    if is_grads_batched:
        raise MissingError("E211", "grad", "batches of grad_outputs are left out",
                           need="one grad_output per output",
                           tries=[("sheer.vmap(sheer.vjp(f, x)[1])", lambda: None)])
    if not only_inputs:
        raise MissingError("E211", "grad", "only_inputs=False is left out, as torch ignores it",
                           need="only_inputs=True", tries=[("backward()", lambda: None)])
    results = tensors_of("grad", "outputs", outputs)
    wanted = tensors_of("grad", "inputs", inputs)
    for number, x in enumerate(wanted):
        if not x.requires_grad:
            raise StateError("E611", "grad", f"input {number} requires no gradient",
                             got={"input": x.node}, need="a tensor with requires_grad=True",
                             tries=[("x.requires_grad_() before the outputs are computed",
                                     lambda: None)])
    nodes = [r.node for r in results]
    each = _one_each("grad", results, grad_outputs, "grad_outputs")
    cts = [cotangent_of("grad", node, ct, "grad_outputs", "outputs.mean()")
           for node, ct in zip(nodes, each, strict=True)]
    depend_on_hooks()
    grads = reverse(nodes, cts, [x.node for x in wanted])
    found = []
    for number, (x, g) in enumerate(zip(wanted, grads, strict=True)):
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

    Shape   tensors any, grad_tensors those of tensors
    Raises  E602, E604, E610, E611 as Tensor.backward; E610 for another number of grad_tensors
    Source  torch.autograd.backward
    """
    results = tensors_of("backward", "tensors", tensors)
    given = _one_each("backward", results, grad_tensors, "grad_tensors")
    for tensor, ct in zip(results, given, strict=True):
        tensor.backward(ct, retain_graph, create_graph, inputs)


def _one_each(op: str, results: Sequence[Any], given: Any, what: str) -> Sequence[Any]:
    """A gradient, or None, for every result."""
    each = [None] * len(results) if given is None else as_tuple(given)
    if len(each) != len(results):
        raise ShapeError("E610", op, f"{len(results)} results, {len(each)} {what}",
                         need="one per result, or None")
    return each
