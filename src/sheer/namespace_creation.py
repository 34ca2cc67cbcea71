"""New tensors: numbers, shapes and ranges in, tensors out. Constants stay lazy: they fuse away."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import ops
from .devices import on_cpu
from .graph.dtypes import DType, dtype_of, float32, float64, int64
from .graph.errors import ArgumentError
from .graph.memory import frozen
from .graph.node import Node
from .mixins.core import Core, apply, as_node, wrap
from .mixins.naming import sized
from .mixins.shapes import lengths
from .ops.structure import constant, iota
from .tensor import Tensor, as_tensor, tensor

__all__ = ["arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "from_numpy", "full",
           "full_like", "linspace", "logspace", "ones", "ones_like", "scalar_tensor",
           "tril_indices",
           "triu_indices", "zeros", "zeros_like"]


def full(size: Any = None, fill_value: Any = None, *, dtype: Any = None, device: Any = None,
         requires_grad: bool = False, shape: Any = None) -> Tensor:
    """One number everywhere.

    Shape   -> size
    Dtype   that of the number: bool, int64 or float32
    Source  torch.full
    """
    return _filled("full", (size if shape is None else shape,), fill_value, dtype, device,
                   requires_grad)


@sized
def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
          shape: Any = None) -> Tensor:
    """Zeros.

    Shape   -> size
    Dtype   float32 unless given
    Source  torch.zeros
    """
    return _filled("zeros", size if shape is None else (shape,), 0, dtype or float32, device,
                   requires_grad)


@sized
def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
         shape: Any = None) -> Tensor:
    """Ones.

    Shape   -> size
    Dtype   float32 unless given
    Source  torch.ones
    """
    return _filled("ones", size if shape is None else (shape,), 1, dtype or float32, device,
                   requires_grad)


@sized
def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
          shape: Any = None) -> Tensor:
    """As zeros: sheer has no uninitialised memory."""
    return _filled("empty", size if shape is None else (shape,), 0, dtype or float32, device,
                   requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None,
              requires_grad: bool = False) -> Tensor:
    """One number, of the shape and dtype of input."""
    x = as_tensor(input)
    return full(x.shape, fill_value, dtype=dtype or x.dtype, device=device,
                requires_grad=requires_grad)


def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros of the shape and dtype of input; options dtype, device, requires_grad."""
    return full_like(input, 0, **options)


def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones of the shape and dtype of input; options dtype, device, requires_grad."""
    return full_like(input, 1, **options)


def empty_like(input: Tensor, **options: Any) -> Tensor:
    """As zeros_like: sheer has no uninitialised memory."""
    return full_like(input, 0, **options)


def scalar_tensor(value: Any, *, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Tensor:
    """A number as a tensor of shape ()."""
    return full((), value, dtype=dtype or float32, device=device, requires_grad=requires_grad)


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None,
           requires_grad: bool = False, stop: Any = None) -> Tensor:
    """start, start + step, ... up to, not including, end; from 0 when only end is given.

    Shape   -> (ceil((end - start) / step),)
    Dtype   int64 for integers, else float32, unless given
    Raises  E191 for a step of 0, and for numbers without end
    Source  torch.arange
    """
    on_cpu(device or "cpu")
    end = stop if end is None else end
    start, end = (0, start) if end is None else (start, end)
    start, end, step = map(_number, (start, end, step))
    if not all(isinstance(v, int | float | np.number) and math.isfinite(v)
               for v in (start, end, step)):
        raise ArgumentError("E191", "arange", f"from {start} to {end} in steps of {step}",
                            need="finite numbers")
    if step == 0:
        raise ArgumentError("E191", "arange", "a step of 0", need="a step that moves")
    if dtype is not None and dtype_of(dtype) == int64:    # as torch: numbers are cut off first
        start, end, step = int(start), int(end), int(step)
    whole = all(isinstance(v, int | np.integer) for v in (start, end, step))
    length = max(-((start - end) // step) if whole else math.ceil((end - start) / step), 0)
    kind = dtype_of(dtype) if dtype is not None else int64 if whole else float32
    between = iota(length, int64 if whole else float64)
    return _finished(ops.cast(between * step + start, kind), requires_grad)


def linspace(start: Any, end: Any = None, steps: Any = None, *, dtype: Any = None,
             device: Any = None,
             requires_grad: bool = False, endpoint: bool = True, stop: Any = None,
             num: Any = None) -> Tensor:
    """steps numbers at equal distances, from start to end, both included.

    Shape   -> (steps,)
    Dtype   float32 unless given
    Raises  E191 for a negative number of steps
    Source  torch.linspace, which counts from the nearer end
    """
    on_cpu(device or "cpu")
    end, steps = (stop if end is None else end), (num if steps is None else steps)
    start, end = map(_number, (start, end))
    return _finished(_between(float(start), float(end), int(steps), dtype_of(dtype or float32),
                              endpoint),
                     requires_grad)


def _between(start: float, end: float, steps: int, kind: DType, endpoint: bool) -> Node:
    if not kind.is_floating_point:
        start, end = float(int(start)), float(int(end))       # as torch: numbers are cut off first
    if steps < 0:
        raise ArgumentError("E191", "linspace", f"{steps} steps", need="steps >= 0")
    parts = steps - 1 if endpoint else steps
    i = iota(steps, float64)
    width = (end - start) / parts if parts else 0.0
    last = end if endpoint else end - width
    near = ops.lt(i, steps / 2)
    line = ops.where(near, i * width + start,
                     last - (steps - 1 - i) * width) if steps > 1 else i * 0 + start
    return ops.cast(line if kind.is_floating_point else ops.trunc(line), kind)


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None,
             device: Any = None, requires_grad: bool = False) -> Tensor:
    """base to the powers that linspace gives."""
    kind = dtype_of(dtype or float32)
    start, end = _number(start), _number(end)
    if not kind.is_floating_point:
        start, end = int(start), int(end)                     # as torch: numbers are cut off first
    powers = linspace(start, end, steps, dtype=float64, device=device)
    made: Tensor = apply(lambda n: ops.pow(float(base), n), powers).to(kind)
    return made.requires_grad_() if requires_grad else made


def eye(n: int, m: int | None = None, *, k: int = 0, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, n_cols: int | None = None) -> Tensor:
    """Ones on a diagonal, k places to the right of the main one, and zeros elsewhere.

    Shape   -> (n, m), m = n unless given
    Dtype   float32 unless given
    Source  torch.eye
    """
    on_cpu(device or "cpu")
    n, m = lengths((n, (n if n_cols is None else n_cols) if m is None else m), "eye")
    on = ops.eq(_column(n) + k, _row(m))
    return _finished(ops.cast(on, dtype_of(dtype or float32)), requires_grad)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None,
                 device: Any = None) -> Tensor:
    """Places of the lower triangle of a (row, col) matrix, as (2, count)."""
    row, col = lengths((row, col), "tril_indices")
    return _triangle(np.tril_indices(row, offset, col), dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None,
                 device: Any = None) -> Tensor:
    """Places of the upper triangle of a (row, col) matrix, as (2, count)."""
    row, col = lengths((row, col), "triu_indices")
    return _triangle(np.triu_indices(row, offset, col), dtype, device)


# ---- from other libraries ----------------------------------------------------------------------

def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool = False) -> Tensor:
    """A tensor from anything: numbers, lists, arrays, other libraries' tensors.

    float64 arrays stay float64 only when asked for (noted once, W101). An array that nobody can
    write to is not copied.
    Raises  E191 for copy=False of what can be written to: such memory is not shared
    """
    if isinstance(obj, Tensor):
        made = as_tensor(obj, dtype, device=device)
        return made.clone() if copy and made is obj else made
    if copy is False:
        _check_shared("asarray", obj, dtype)
    if hasattr(obj, "__dlpack__") and not isinstance(obj, np.ndarray | np.generic):
        return from_dlpack(obj) if dtype is None else from_dlpack(obj).to(dtype)
    return tensor(obj, dtype, requires_grad, device=device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor of an array, of its own dtype: float64 stays float64.

    An array that nobody can write to (a memory map of mode "r", `flags.writeable = False`) is not
    copied; any other one is, since tensors are computed when somebody looks at them.
    """
    return tensor(ndarray, dtype=ndarray.dtype.name)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor with a copy of another library's CPU array.

    Raises  E191 for copy=False: memory is not shared
    """
    on_cpu(device or "cpu")
    if copy is False:
        raise ArgumentError("E191", "from_dlpack", "memory is not shared", need="copy=None or True")
    return x.clone() if isinstance(x, Tensor) else from_numpy(np.from_dlpack(x))


def _check_shared(op: str, value: Any, dtype: Any = None) -> None:
    """E191 unless the tensor of a value can lie where the value lies."""
    kind = None if dtype is None else dtype_of(dtype).numpy
    if not (isinstance(value, np.ndarray) and frozen(value) and kind in (None, value.dtype)
            and (kind is not None or value.dtype != np.float64)):
        raise ArgumentError("E191", op, "memory that can be written to is not shared",
                            need="copy=None or True, or a read-only array of the same dtype")


def _finished(node: Node, requires_grad: bool) -> Tensor:
    made: Tensor = wrap(node)
    return made.requires_grad_() if requires_grad else made


def _filled(op: str, size: tuple[Any, ...], fill_value: Any, dtype: Any, device: Any,
            requires_grad: bool) -> Tensor:
    on_cpu(device or "cpu")
    value = as_node(fill_value)
    kind = value.dtype if dtype is None else dtype_of(dtype)
    number = ops.cast(value, kind) if isinstance(fill_value, Core) else constant(
        fill_value, kind, op)
    return _finished(ops.broadcast_to(number, lengths(size, op)), requires_grad)


def _number(value: Any) -> Any:
    """A one-element tensor as a Python number."""
    return value.item() if isinstance(value, Tensor) else value


def _column(n: int) -> Node:
    return ops.reshape(iota(n, int64), (n, 1))


def _row(n: int) -> Node:
    return ops.reshape(iota(n, int64), (1, n))


def _triangle(places: tuple[np.ndarray, ...], dtype: Any, device: Any) -> Tensor:
    return tensor(np.stack(places).astype(np.int64), dtype or int64, device=device)


