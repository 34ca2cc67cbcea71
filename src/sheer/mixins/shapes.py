"""Shapes of tensors: reshape, permute, squeeze, expand, flip, ... with PyTorch's names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.errors import ShapeError
from .core import Core, apply

if TYPE_CHECKING:
    from ..tensor import Tensor


def ints(args: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` both mean (2, 3)."""
    if len(args) == 1 and isinstance(args[0], list | tuple):
        args = tuple(args[0])
    return tuple(int(a) for a in args)


def axis_of(op: str, x: Any, dim: int, extra: int = 0) -> int:
    """A dim counted from the end when negative. Raises E110 when x has no such axis."""
    ndim = x.ndim + extra
    if not -ndim <= dim < max(ndim, 1):
        raise ShapeError("E110", op, f"there is no axis {dim}", got={"x": x},
                         need=f"-{ndim} <= dim < {ndim}")
    return dim % ndim if ndim else 0


class Shapes(Core):
    """The same elements under other shapes. None of these copies anything."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        return self.node.shape

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[axis_of("size", self.node, dim)]

    def dim(self) -> int: return self.node.ndim
    def numel(self) -> int: return math.prod(self.shape)
    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor of shape ()")
        return self.shape[0]

    def reshape(self, *shape: Any) -> Tensor: return apply(ops.reshape, self, shape=ints(shape))
    def view(self, *shape: Any) -> Tensor: return apply(ops.reshape, self, shape=ints(shape))
    def permute(self, *dims: Any) -> Tensor:
        return apply(ops.permute, self, axes=tuple(axis_of("permute", self.node, d) for d in ints(dims)))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        a, b = axis_of("transpose", self.node, dim0), axis_of("transpose", self.node, dim1)
        axes = list(range(self.node.ndim))
        axes[a], axes[b] = axes[b], axes[a]
        return apply(ops.permute, self, axes=tuple(axes))

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return apply(ops.permute, self, axes=tuple(reversed(range(self.node.ndim))))

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return self.transpose(-2, -1)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Axes start_dim to end_dim as one."""
        if not self.shape:
            return self.reshape(1)
        a, b = axis_of("flatten", self.node, start_dim), axis_of("flatten", self.node, end_dim)
        return self.reshape(*self.shape[:a], math.prod(self.shape[a:b + 1]), *self.shape[b + 1:])

    def squeeze(self, dim: int | None = None) -> Tensor:
        """Without axes of length 1, or without that one."""
        if dim is None:
            return self.reshape(tuple(s for s in self.shape if s != 1))
        at = axis_of("squeeze", self.node, dim)
        drop = self.shape[at] == 1 if self.shape else False
        return self.reshape(tuple(s for i, s in enumerate(self.shape) if not (drop and i == at)))

    def unsqueeze(self, dim: int) -> Tensor:
        """With a new axis of length 1 at `dim`."""
        return apply(ops.expand_dims, self, axis=axis_of("unsqueeze", self.node, dim, 1))

    def expand(self, *shape: Any) -> Tensor:
        """Axes of length 1 repeated; -1 keeps a length."""
        wanted = ints(shape)
        lead = len(wanted) - self.node.ndim
        full = tuple(self.shape[i - lead] if s == -1 else s for i, s in enumerate(wanted))
        return apply(ops.broadcast_to, self, shape=full)

    def contiguous(self) -> Tensor: return self  # type: ignore[return-value]
