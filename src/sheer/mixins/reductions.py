"""Reductions of tensors: sum, mean, max, argmax, ... with PyTorch's names, dim and keepdim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.node import Node
from .core import Core, apply
from .shapes import axis_of

if TYPE_CHECKING:
    from ..tensor import Tensor

Dims = int | Sequence[int] | None


def reduce_dims(op: str, x: Core, function: Callable[..., Node], dim: Dims, keepdim: bool) -> Any:
    """Apply a reduction over `dim` (None: all axes), leaving axes of length 1 if asked."""
    node = x.node
    dims = range(node.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    axes = tuple(axis_of(op, node, d) for d in dims)
    def run(n: Node) -> Node:
        out = function(n, axes)
        return ops.keep_dims(out, axes) if keepdim else out
    return apply(run, x)


class Reductions(Core):
    """Many elements in, one out."""

    __slots__ = ()

    def sum(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        return reduce_dims("sum", self, ops.sum, dim, keepdim)

    def mean(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        return reduce_dims("mean", self, ops.mean, dim, keepdim)

    def argmax(self, dim: int) -> Tensor:
        return apply(ops.argmax, self, axis=axis_of("argmax", self.node, dim))
