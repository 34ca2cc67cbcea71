"""Weights as one vector, and back into their places."""

from __future__ import annotations

from collections.abc import Iterable

from ... import ops
from ...graph.errors import ShapeError
from ...mixins.core import apply, no_grad
from ...tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements in one line, in the order of the parameters; gradients flow through.

    Shape   tensors of any shapes -> (sum of their sizes,)
    Source  torch.nn.utils.parameters_to_vector
    """
    lines = [p.reshape(-1) for p in parameters]
    result: Tensor = apply(lambda *parts: ops.concat(list(parts), 0), *lines)
    return result


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of a line into the parameters, in their order.

    Raises  E203 when there are not as many elements
    Source  torch.nn.utils.vector_to_parameters
    """
    params = list(parameters)
    total = sum(p.numel() for p in params)
    if vec.shape != (total,):
        raise ShapeError("E203", "vector_to_parameters", f"the parameters have {total} elements",
                         got={"vec": vec.node}, need=f"({total},)")
    start = 0
    with no_grad():
        for p in params:
            p.copy_(vec[start:start + p.numel()].reshape(p.shape))
            start += p.numel()
