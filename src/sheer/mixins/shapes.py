"""Views of tensors: reshape, permute, squeeze, expand, narrow, split, diagonal, ... no copies."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.errors import ArgumentError, DTypeError, ShapeError, SheerError
from ..ops.movement import View, strides
from ..ops.structure import check_shape
from .core import Core, apply_view
from .naming import numpy_names

if TYPE_CHECKING:
    from ..tensor import Tensor


def ints(args: Sequence[Any], op: str) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` both mean (2, 3). Raises E119 for what is no integer."""
    if len(args) == 1 and isinstance(args[0], list | tuple):
        args = args[0]
    try:
        return tuple(map(operator.index, args))
    except TypeError as e:
        raise DTypeError("E119", op, "there is something that is no whole number",
                         got={"given": repr(tuple(args))[:60]}, need="integers") from e


def lengths(args: Sequence[Any], op: str, keep: bool = False) -> tuple[int, ...]:
    """As ints, for a shape; where `keep`, -1 stands for a length to be found. Raises E119."""
    shape = ints(args, op)
    check_shape(op, tuple(0 if s == -1 else s for s in shape) if keep else shape)
    return shape


def axis_of(op: str, x: Any, dim: int, extra: int = 0) -> int:
    """A dim counted from the end when negative. Raises E110 when x has no such axis."""
    dim = dim if type(dim) is int else whole_dim(op, dim)
    ndim = max(x.ndim + extra, 1)
    if not -ndim <= dim < ndim:
        raise ShapeError("E110", op, f"there is no axis {dim}", got={"x": x},
                         need=f"-{ndim} <= dim < {ndim}")
    return dim % ndim


def whole_dim(op: str, dim: Any) -> int:
    """A dim as a Python integer. Raises E110 for what is none."""
    try:
        return operator.index(dim)
    except (TypeError, SheerError):
        listed = isinstance(dim, Core) and op in ("cat", "stack")
        raise DTypeError("E110", op, f"dim is a {type(dim).__name__}", need="a whole number",
                         tries=[(f"{op}([x, y]): the tensors in a list", lambda: None)] * listed,
                         ) from None


def axes_of(op: str, x: Any, dims: int | Sequence[int] | None) -> tuple[int, ...]:
    """Several dims, or one, or None for all. Raises E110 for one that x lacks or has twice."""
    if dims is None:
        return tuple(range(x.ndim))
    many = hasattr(dims, "__iter__") and not isinstance(dims, str | Core)
    wanted: tuple[Any, ...] = tuple(dims) if many else (dims,)  # type: ignore[arg-type]
    axes = tuple(axis_of(op, x, d) for d in wanted)
    if len(set(axes)) < len(axes):
        raise ShapeError("E110", op, f"axes {wanted} do not all exist once", got={"x": x},
                        
                         need=f"different axes from {tuple(range(x.ndim))}")
    return axes if x.ndim else ()


@numpy_names
class Shapes(Core):
    """The same elements under other shapes. A write to one of these is a write to the tensor."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        return self.node.shape

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[axis_of("size", self.node, dim)]

    def dim(self) -> int:
        """The number of axes."""
        return self.node.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    nelement = numel

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor of shape ()")
        return self.shape[0]

    def stride(self, dim: int | None = None) -> Any:
        """Elements between neighbours along every axis, or one: tensors are row-major."""
        found = tuple(strides(self.shape))
        return found if dim is None else found[axis_of("stride", self.node, dim)]

    def is_contiguous(self) -> bool:
        """Always: tensors are row-major."""
        return True

    def is_same_size(self, other: Tensor) -> bool:
        """Have both tensors the same shape?"""
        return self.shape == other.shape

    def contiguous(self) -> Tensor:
        """This tensor; of a view that torch would have to copy, one with elements of its own."""
        own: Any = self
        return self.clone() if isinstance(self.node.prim, View) else own

    # ---- one shape for another ---------------------------------------------------------------
    def reshape(self, *shape: Any) -> Tensor:
        """The same elements, in row-major order, under another shape; one length may be -1."""
        return apply_view(ops.reshape, self, shape=lengths(shape, "reshape", keep=True))

    def view(self, *shape: Any) -> Tensor:
        """As reshape."""
        if len(shape) == 1 and not isinstance(shape[0], int | list | tuple):
            raise ArgumentError("E191", "view", "elements are not reinterpreted as another dtype",
                                got={"dtype": shape[0]}, need="a shape",
                                tries=[("x.to(dtype), which converts the numbers", lambda: None)])
        return apply_view(ops.reshape, self, shape=lengths(shape, "view", keep=True))

    def view_as(self, other: Tensor) -> Tensor:
        """The elements in the shape of the other tensor."""
        return self.reshape(other.shape)

    reshape_as = view_as

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Axes start_dim to end_dim as one."""
        if not self.shape:
            return self.reshape(1)
        a, b = axis_of("flatten", self.node, start_dim), axis_of("flatten", self.node, end_dim)
        return self.reshape(*self.shape[:a], math.prod(self.shape[a:b + 1]), *self.shape[b + 1:])

    def ravel(self) -> Tensor:
        """All elements in one axis. Shape (*S) -> (N,)"""
        return self.reshape(-1)

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Tensor:
        """One axis as several; one of the sizes may be -1."""
        at = axis_of("unflatten", self.node, dim)
        sizes = list(lengths(sizes, "unflatten", keep=True))
        if sizes.count(-1) == 1:
            sizes[sizes.index(-1)] = self.shape[at] // max(-math.prod(sizes), 1)
        if math.prod(sizes) != self.shape[at]:
            raise ShapeError("E111", "unflatten",
                             f"an axis of length {self.shape[at]} is not {tuple(sizes)}",
                             got={"x": self.node}, need=f"sizes with product {self.shape[at]}")
        return self.reshape(*self.shape[:at], *sizes, *self.shape[at + 1:])

    def squeeze(self, dim: int | Sequence[int] | None = None) -> Tensor:
        """Without axes of length 1, or without those among the given ones."""
        axes = axes_of("squeeze", self.node, dim)
        return self.reshape(tuple(s for i, s in enumerate(self.shape) if s != 1 or i not in axes))

    def unsqueeze(self, dim: int) -> Tensor:
        """With a new axis of length 1 at `dim`."""
        return apply_view(ops.expand_dims, self, axis=axis_of("unsqueeze", self.node, dim, 1))

    def expand(self, *size: Any) -> Tensor:
        """Axes of length 1 repeated, new ones in front; -1 keeps a length."""
        return self._expanded("expand", size)

    def _expanded(self, op: str, size: Sequence[Any]) -> Tensor:
        wanted = lengths(size, op, keep=True)
        lead = len(wanted) - self.node.ndim
        full = tuple(self.shape[i - lead] if s == -1 and i >= lead else s for i,
                     s in enumerate(wanted))
        return apply_view(ops.broadcast_to, self, shape=full)

    def expand_as(self, other: Tensor) -> Tensor:
        """Repeated to the shape of the other tensor."""
        return self.expand(other.shape)

    def broadcast_to(self, shape: Sequence[int]) -> Tensor:
        """Repeated to that shape."""
        return self._expanded("broadcast_to", (tuple(shape),))

    # ---- axes in another order ---------------------------------------------------------------
    def permute(self, *dims: Any) -> Tensor:
        """The axes in the given order."""
        return apply_view(ops.permute, self,
                          axes=tuple(axis_of("permute", self.node, d)
                                     for d in ints(dims, "permute")))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two axes exchanged."""
        a, b = axis_of("transpose", self.node, dim0), axis_of("transpose", self.node, dim1)
        axes = list(range(self.node.ndim))
        if axes:
            axes[a], axes[b] = axes[b], axes[a]
        return apply_view(ops.permute, self, axes=tuple(axes))

    swapaxes = swapdims = transpose

    def t(self) -> Tensor:
        """A matrix transposed; a vector or number as it is. Raises E110 for more axes."""
        if self.ndim > 2:
            raise ShapeError("E110", "t", f"has no meaning for {self.ndim} axes",
                             got={"x": self.node},
                             need="at most two axes", tries=[("x.mT", lambda: None)])
        return self.permute(*reversed(range(self.ndim)))

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return self.permute(*reversed(range(self.node.ndim)))

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return self.transpose(-2, -1)

    H = mH = mT

    def adjoint(self) -> Tensor:
        """The last two axes exchanged."""
        return self.mT

    def movedim(self, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
        """Axes `source` at the places `destination`; the others in their order."""
        start = axes_of("movedim", self.node, source)
        end = axes_of("movedim", self.node, destination)
        rest = iter(a for a in range(self.ndim) if a not in start)
        moved = dict(zip(end, start, strict=True))
        return self.permute(*(moved[i] if i in moved else next(rest) for i in range(self.ndim)))

    moveaxis = movedim

    # ---- parts -------------------------------------------------------------------------------
    def narrow(self, dim: int, start: int, length: int) -> Tensor:
        """`length` elements of an axis from `start` on. Raises E115 for what is not there."""
        at = axis_of("narrow", self.node, dim)
        start = start + self.shape[at] if start < 0 else start
        return apply_view(ops.narrow, self, axis=at, start=start, length=length)

    def narrow_copy(self, dim: int, start: int, length: int) -> Tensor:
        """As narrow, with elements of its own."""
        return self.narrow(dim, start, length).clone()

    def select(self, dim: int, index: int) -> Tensor:
        """One place of an axis, which goes. Raises E130 when it does not exist."""
        return self[(slice(None),) * axis_of("select", self.node,
                                             dim) + (index,)]  # type: ignore[index]

    def split(self, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """Pieces of a size (the last may be smaller), or of the sizes given."""
        at = axis_of("split", self.node, dim)
        length = self.shape[at]
        if isinstance(split_size, int):
            if split_size < 1:
                raise ArgumentError("E191", "split", f"pieces of {split_size}",
                                    need="a size of at least 1")
            sizes = [min(split_size, length - i) for i in range(0, length, split_size)] or [0]
        else:
            sizes = list(split_size)
        if sum(sizes) != length:
            raise ShapeError("E111", "split", f"sizes {sizes} do not add up to {length}",
                             got={"x": self.node}, need=f"sizes with sum {length}")
        return tuple(self.narrow(at, sum(sizes[:i]), n) for i, n in enumerate(sizes))

    split_with_sizes = split

    unsafe_split, unsafe_split_with_sizes = split, split

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """At most so many pieces, all but the last of one size."""
        length = self.shape[axis_of("chunk", self.node, dim)]
        _need_pieces("chunk", chunks)
        return self.split(max(-(-length // chunks), 1), dim)

    unsafe_chunk = chunk

    def tensor_split(self, indices_or_sections: int | Sequence[int],
                     dim: int = 0) -> tuple[Tensor, ...]:
        """So many pieces, sizes differing by at most 1; or pieces between the given places."""
        length = self.shape[axis_of("tensor_split", self.node, dim)]
        if hasattr(indices_or_sections, "tolist"):
            indices_or_sections = indices_or_sections.tolist()
        if isinstance(indices_or_sections, int):
            _need_pieces("tensor_split", indices_or_sections)
            size, more = divmod(length, indices_or_sections)
            sizes = [size + (i < more) for i in range(indices_or_sections)]
        else:
            ends = [slice(0, e).indices(length)[1] for e in indices_or_sections]
            sizes = [max(b - a, 0) for a, b in zip([0, *ends], [*ends, length], strict=True)]
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        return tuple(self.narrow(dim, a, n) for a, n in zip(starts, sizes, strict=True))

    def hsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """tensor_split along the second axis (the first of a vector)."""
        return self.tensor_split(indices_or_sections, 1 if self.ndim > 1 else 0)

    def vsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """tensor_split along the first axis."""
        return self.tensor_split(indices_or_sections, 0)

    def dsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """tensor_split along the third axis."""
        return self.tensor_split(indices_or_sections, 2)

    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        """Every place of an axis as a tensor without it."""
        return tuple(self.select(dim, i) for i in range(self.size(dim)))

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
        """The elements with index dim2 - index dim1 = offset, as a new last axis."""
        return apply_view(lambda x: ops.host.diagonal(x, offset, dim1, dim2), self)


def _need_pieces(op: str, count: int) -> None:
    if count < 1:
        raise ArgumentError("E191", op, f"{count} pieces", need="at least one")
