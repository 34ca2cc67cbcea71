"""New arrangements of elements: flip, roll, repeat, tile, triangles, diagonals. All are copies."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.dtypes import int64
from ..graph.errors import ArgumentError, ShapeError
from ..graph.node import Node
from ..ops.structure import check_shape, iota
from .core import Core, apply
from .naming import numpy_names
from .shapes import axes_of, axis_of, ints, lengths

if TYPE_CHECKING:
    from ..tensor import Tensor


@numpy_names
class Rearrange(Core):
    """Every result has elements of its own."""

    __slots__ = ()

    def flip(self, *dims: Any) -> Tensor:
        """The given axes in reverse order; all of them when none is given."""
        wanted = None if dims in ((), (None,)) else ints(dims, "flip")
        return apply(ops.flip, self, axes=axes_of("flip", self.node, wanted))

    def fliplr(self) -> Tensor:
        """Columns in reverse order: along axis 1."""
        return self.flip(1)

    def flipud(self) -> Tensor:
        """Rows in reverse order: along axis 0."""
        return self.flip(0)

    def rot90(self, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
        """Turned k times by 90 degrees, from the first of two axes towards the second."""
        a, b = axes_of("rot90", self.node, tuple(dims))
        turned: Any = self.flip(a) if k % 4 == 3 else self.flip(b) if k % 4 == 1 else self
        return self.flip(a, b) if k % 4 == 2 else turned.transpose(a, b) if k % 2 else self.clone()

    def roll(self, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
        """Moved along the axes; what leaves at one end enters at the other. No dims: flattened."""
        steps = list(ints(shifts if isinstance(shifts, list | tuple) else (shifts,), "roll"))
        if dims is None:
            flat = lambda x: ops.reshape(ops.roll(ops.reshape(x, (-1,)), steps, [0]), x.shape)
            return apply(flat, self)
        wanted = [dims] if isinstance(dims, int) else dims
        axes = [axis_of("roll", self.node, d) for d in wanted]
        steps = steps * len(axes) if len(steps) == 1 else steps
        return apply(ops.roll, self, shifts=steps, axes=axes)

    def repeat(self, *repeats: Any) -> Tensor:
        """The whole tensor so many times along every axis; further repeats add axes in front."""
        times = lengths(repeats, "repeat")
        if len(times) < self.ndim:
            raise ShapeError("E112", "repeat", f"{len(times)} repeats for {self.ndim} axes",
                             got={"x": self.node}, need="a number for every axis",
                             tries=[("x.tile(...), which takes the first axes once", lambda: None)])
        lead = (1,) * (len(times) - self.ndim)
        return apply(lambda x: ops.tile(ops.reshape(x, (*lead, *x.shape)), times), self)

    def tile(self, *dims: Any) -> Tensor:
        """As repeat, with missing repeats in front taken as 1 (numpy.tile)."""
        times = lengths(dims, "tile")
        return self.repeat(*(1,) * (self.ndim - len(times)), *times)

    def repeat_interleave(self, repeats: Any, dim: int | None = None, *,
                          output_size: int | None = None) -> Tensor:
        """Each element of an axis (flattened without one) `repeats` times in a row.

        repeats is a number, or one per element: then its values must be known (E606 in a trace).
        """
        if dim is None:
            return self.reshape(-1).repeat_interleave(repeats, 0)
        at = axis_of("repeat_interleave", self.node, dim)
        if isinstance(repeats, int):
            check_shape("repeat_interleave", (repeats,))
            return apply(ops.repeat, self, times=repeats, axis=at)
        import numpy as np
        counts = np.broadcast_to(np.asarray(repeats), (self.shape[at],))
        check_shape("repeat_interleave", (int(counts.min(initial=0)),))
        return apply(lambda x: ops.index.take(x, np.repeat(np.arange(len(counts)), counts), at),
                     self)

    def diff(self, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
        """Differences of neighbours along an axis, n times."""
        at = axis_of("diff", self.node, dim)
        if n == 0:
            return self.clone()
        minus = ops.logical_xor if self.dtype.kind == "bool" else ops.sub
        def steps(x: Node, *ends: Node) -> Node:
            ends_in = list(ends)
            before = [ends_in.pop(0)] if prepend is not None else []
            x = ops.concat([*before, x, *ends_in], at)
            for _ in range(n):
                length = max(x.shape[at] - 1, 0)
                x = minus(ops.narrow(x, at, min(1, x.shape[at]), length),
                          ops.narrow(x, at, 0, length))
            return x
        return apply(steps, self, *(e for e in (prepend, append) if e is not None))

    def unfold(self, dimension: int, size: int, step: int) -> Tensor:
        """Windows of an axis, `step` apart, as a new last axis; a copy here, a view in torch."""
        import numpy as np
        at = axis_of("unfold", self.node, dimension)
        length = self.shape[at] if self.ndim else 1
        if step < 1 or not 0 <= size <= length:
            raise ArgumentError("E191", "unfold",
                                f"size {size} and step {step} on an axis of length {length}",
                                got={"x": self.node},
                                need=f"0 <= size <= {length} and step >= 1")
        if self.ndim == 0:
            return self.reshape(1).unfold(0, size, step).reshape(size)
        count = (self.shape[at] - size) // step + 1
        places = np.arange(count)[:, None] * step + np.arange(size)            # (count, size)
        def windows(x: Node) -> Node:
            found = ops.index.take(x, places, at)                      # (*A, count, size, *Z)
            return ops.batching.move_axis(found, at + 1, found.ndim - 1)
        return apply(windows, self)

    # ---- triangles and diagonals -------------------------------------------------------------
    def tril(self, diagonal: int = 0) -> Tensor:
        """The lower triangle of matrices, zeros above the given diagonal."""
        return apply(lambda x: _band(_matrix("tril", x),
                                     lambda row, col: ops.le(col, row + diagonal)), self)

    def triu(self, diagonal: int = 0) -> Tensor:
        """The upper triangle of matrices, zeros below the given diagonal."""
        return apply(lambda x: _band(_matrix("triu", x),
                                     lambda row, col: ops.ge(col, row + diagonal)), self)

    def diag(self, diagonal: int = 0) -> Tensor:
        """A vector as the diagonal of a matrix; the diagonal of a matrix as a vector."""
        if self.ndim not in (1, 2):
            raise ShapeError("E110", "diag", f"has no meaning for {self.ndim} axes",
                             got={"x": self.node}, need="a vector or a matrix",
                             tries=[("x.diagonal()", self.diagonal),
                                    ("x.diag_embed()", self.diag_embed)])
        return self.diag_embed(diagonal) if self.ndim == 1 else self.diagonal(diagonal).clone()

    def diagflat(self, offset: int = 0) -> Tensor:
        """All elements on the diagonal of a matrix."""
        return self.reshape(-1).diag_embed(offset)

    def diag_embed(self, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
        """The last axis on the diagonal of matrices in axes dim1 and dim2."""
        def embed(x: Node) -> Node:
            n = x.shape[-1] + abs(offset)
            wide = ops.pad(x, [(0, 0, 0)] * (x.ndim - 1) + [(max(offset, 0), max(-offset, 0), 0)])
            wide = ops.broadcast_to(ops.expand_dims(wide, x.ndim - 1), (*x.shape[:-1], n, n))
            return _band(wide, lambda row, col: ops.eq(col, row + offset))
        out: Tensor = apply(embed, self)
        return out.movedim((-2, -1), (dim1, dim2))

    def sum_to_size(self, *size: Any) -> Tensor:
        """Summed over axes until it has the given shape: what undoes broadcasting."""
        shape = lengths(size, "sum_to_size")
        wide: Any = self if self.dtype.is_floating_point else self.to(int64)
        if shape == self.shape and shape:                 # nothing is added up: the dtype stays
            return self.clone()
        return apply(ops.unbroadcast, wide, shape=shape)


def _matrix(op: str, x: Node) -> Node:
    if x.ndim < 2:
        raise ShapeError("E110", op, f"has no meaning for {x.ndim} axes", got={"x": x},
                         need="matrices: at least two axes")
    return x


def _band(x: Node, keep: Any) -> Node:
    """x where keep(row, column) holds, zeros elsewhere."""
    m, n = x.shape[-2:]
    row, col = ops.reshape(iota(m, int64), (m, 1)), ops.reshape(iota(n, int64), (1, n))
    return ops.where(keep(row, col), x, ops.constant(0, x.dtype))
