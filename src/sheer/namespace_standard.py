"""The Python array API, 2023.12: what it has beyond torch's names, and questions about dtypes.

Source: data-apis.org/array-api/2023.12. Where the standard and torch disagree, torch has it
(docs/array-api.md lists these places).
"""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import ops
from .devices import device as Device
from .devices import on_cpu
from .graph.dtypes import DTYPES, DType, dtype_of, float32, int64, promote
from .graph.errors import ArgumentError, DTypeError
from .mixins.core import Core, apply
from .mixins.reductions import _widened
from .mixins.shapes import axis_of
from .namespace_joining import broadcast_tensors
from .ops.lift import common_dtype
from .tensor import Tensor, as_tensor

__all__ = ["__array_api_version__", "__array_namespace_info__", "astype", "broadcast_arrays",
           "broadcast_to", "can_cast", "cumulative_prod", "cumulative_sum", "expand_dims", "finfo",
           "iinfo",
           "isdtype", "matrix_transpose", "permute_dims", "promote_types", "repeat", "reshape",
           "result_type", "unique_all", "unique_counts", "unique_inverse", "unique_values",
           "unstack",
           "vecdot"]

__array_api_version__ = "2023.12"


# ---- dtypes --------------------------------------------------------------------------------------

@dataclass(frozen=True)
class FloatInfo:
    """Limits of a float dtype: eps is the gap between 1 and the next number."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    tiny: float
    resolution: float
    dtype: DType


@dataclass(frozen=True)
class IntInfo:
    """Limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def finfo(type: Any = float32) -> FloatInfo:
    """Limits of a float dtype, or of a tensor's. Raises E105 for another dtype."""
    dtype = _dtype(type)
    if not dtype.is_floating_point:
        raise DTypeError("E105", "finfo", f"has no meaning for {dtype.name}",
                         need="float32 or float64",
                         tries=[(f"iinfo({dtype.name})", lambda: iinfo(dtype))])
    i = np.finfo(dtype.numpy)
    return FloatInfo(8 * dtype.size, float(i.eps), float(i.max), float(i.min),
                     float(i.smallest_normal),
                     float(i.tiny), float(i.resolution), dtype)


def iinfo(type: Any) -> IntInfo:
    """Limits of an integer dtype, or of a tensor's. Raises E105 for another dtype."""
    dtype = _dtype(type)
    if not dtype.is_integer:
        raise DTypeError("E105", "iinfo", f"has no meaning for {dtype.name}",
                         need="an integer dtype",
                         tries=[(f"finfo({dtype.name})", lambda: finfo(dtype))])
    i = np.iinfo(dtype.numpy)
    return IntInfo(8 * dtype.size, int(i.max), int(i.min), dtype)


def promote_types(type1: Any, type2: Any) -> DType:
    """The dtype in which two dtypes meet."""
    return promote(dtype_of(type1), dtype_of(type2))


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype in which tensors, dtypes and Python numbers meet."""
    if not arrays_and_dtypes:
        raise ArgumentError("E118", "result_type", "there are no operands", need="at least one")
    given = [a for a in arrays_and_dtypes if isinstance(a, bool | int | float)]
    found = [_dtype(a) for a in arrays_and_dtypes if not isinstance(a, bool | int | float)]
    nodes = [ops.constant(0, d) for d in found]
    return common_dtype("result_type", [*nodes, *given])


def can_cast(from_: Any, to: Any) -> bool:
    """Do the values of a dtype, or of a tensor's, fit another one by promotion?"""
    return promote(_dtype(from_), dtype_of(to)) == dtype_of(to)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Is a dtype of a kind: a dtype, "bool", "signed integer", "unsigned integer", "integral",
    "real floating", "complex floating", "numeric", or a tuple of these?

    Raises  E191 for a kind that is none
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str):
        kinds = {"bool": ("bool",), "signed integer": ("int",), "unsigned integer": ("uint",),
                 "integral": ("int", "uint"), "real floating": ("float",), "complex floating": (),
                 "numeric": ("int", "uint", "float")}
        if kind not in kinds:
            raise ArgumentError("E191", "isdtype", f"there is no kind {kind!r}",
                                need=", ".join(kinds))
        return dtype_of(dtype).kind in kinds[kind]
    return dtype_of(dtype) == dtype_of(kind)


def astype(x: Tensor, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """The same numbers as another dtype; a new tensor even for the same one, unless copy=False."""
    on_cpu(device or "cpu")
    return x.to(dtype, copy=copy)


# ---- shapes --------------------------------------------------------------------------------------

def reshape(input: Any, shape: Sequence[int], *, copy: bool | None = None) -> Tensor:
    """The same elements, in row-major order, under another shape; copy=True gives no view."""
    out = as_tensor(input).reshape(tuple(shape) if isinstance(shape, Sequence) else (shape,))
    return out.clone() if copy else out


def permute_dims(x: Tensor, /, axes: Sequence[int]) -> Tensor:
    """The axes in another order."""
    return x.permute(*axes)


def matrix_transpose(x: Tensor, /) -> Tensor:
    """The last two axes exchanged.

    Shape   x (*B, m, n) -> (*B, n, m)
    Raises  E110 for fewer than two axes
    Source  array API standard, linear algebra
    Example
        >>> sheer.linalg.matrix_transpose(sheer.ones(2, 3, 4)).shape
        (2, 4, 3)
    """
    return x.mT


def expand_dims(x: Tensor, /, *, axis: int = 0) -> Tensor:
    """With a new axis of length 1."""
    return x.unsqueeze(axis)


def broadcast_to(x: Any, /, shape: Sequence[int]) -> Tensor:
    """Repeated to a larger shape."""
    return as_tensor(x).expand(tuple(shape))


def broadcast_arrays(*arrays: Any) -> list[Tensor]:
    """Every array repeated to the shape they share."""
    return list(broadcast_tensors(*arrays))


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """Every place of an axis as a tensor without it."""
    return x.unbind(axis)


def repeat(x: Tensor, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Each element of an axis (flattened without one) so many times in a row."""
    counts = repeats.tolist() if isinstance(repeats,
                                            Core) else repeats
    return x.repeat_interleave(counts, axis)


# ---- sums and products ---------------------------------------------------------------------------

def cumulative_sum(x: Tensor, /, *, axis: int | None = None, dtype: Any = None,
                   include_initial: bool = False) -> Tensor:
    """Sums of the first 1, 2, ... elements (of the first 0 too, when include_initial)."""
    return _cumulative("cumsum", 0, x, axis, dtype, include_initial)


def cumulative_prod(x: Tensor, /, *, axis: int | None = None, dtype: Any = None,
                    include_initial: bool = False) -> Tensor:
    """Products of the first 1, 2, ... elements (of the first 0 too, when include_initial)."""
    return _cumulative("cumprod", 1, x, axis, dtype, include_initial)


def _cumulative(name: str, start: int, x: Tensor, axis: int | None, dtype: Any,
                initial: bool) -> Tensor:
    if axis is None:
        if x.ndim > 1:
            raise ArgumentError("E191", name, "which axis?", got={"x": x.node}, need="axis=...")
        axis = 0
    at = axis_of(name, x.node, axis)
    out: Any = getattr(_widened(x, dtype), name)(at)
    if not initial:
        return out
    widths = [(1 if i == at else 0, 0, 0) for i in range(x.ndim)]
    return apply(lambda n: ops.pad(n, widths, start), out)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1, dim: int | None = None) -> Tensor:
    """Sums of products along one axis; the others broadcast.

    Shape   x1 (*S), x2 (*S) -> S without the axis
    Raises  E102 when the shapes do not broadcast, E110 for a wrong axis
    Source  array API standard, linear algebra
    Example
        >>> sheer.linalg.vecdot(sheer.tensor([[1.0, 2.0], [3.0, 4.0]]), sheer.tensor([1.0, 1.0]))
        tensor([3., 7.])
    """
    axis = axis if dim is None else dim
    return (x1 * x2).sum(axis, dtype=promote(x1.dtype, x2.dtype))


# ---- sets ----------------------------------------------------------------------------------------

class UniqueAll(NamedTuple):
    """What unique_all gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What unique_counts gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What unique_inverse gives."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor, /) -> UniqueAll:
    """The different elements, where each first stood, where each went, how often each is.

    Raises  E606 inside a traced function, as the others of this family do
    """
    from .mixins.known import fresh, known
    values = known("unique_all", x)
    found, first, inverse, counts = np.unique(
        values.reshape(-1), return_index=True, return_inverse=True, return_counts=True,
        equal_nan=False)
    places = (first, inverse.reshape(values.shape), counts)
    return UniqueAll(fresh(found), *(fresh(p.astype(np.int64)) for p in places))


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """The different elements, and how often each is."""
    every = unique_all(x)
    return UniqueCounts(every.values, every.counts)


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """The different elements, and where each went."""
    every = unique_all(x)
    return UniqueInverse(every.values, every.inverse_indices)


def unique_values(x: Tensor, /) -> Tensor:
    """The different elements."""
    return unique_all(x).values


# ---- about this namespace --------------------------------------------------------------------

class NamespaceInfo:
    """What the standard asks a namespace about itself."""

    def capabilities(self) -> dict[str, bool]:
        """Boolean masks work; shapes that depend on values work outside traced functions."""
        return {"boolean indexing": True, "data-dependent shapes": True}

    def default_device(self) -> Device: return Device("cpu")
    def devices(self) -> list[Device]: return [Device("cpu")]

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """What numbers become when no dtype is given. There are no complex numbers."""
        return {"real floating": float32, "integral": int64, "indexing": int64}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """The dtypes there are, of a kind when one is given."""
        return {d.name: d for d in DTYPES if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> NamespaceInfo:
    """Answers about devices and dtypes."""
    return NamespaceInfo()


def _dtype(value: Any) -> DType:
    return value.dtype if isinstance(value, Core) else dtype_of(value)
