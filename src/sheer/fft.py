"""sheer.fft: Fourier transforms. There is no complex dtype: a result is a pair (real, imaginary)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graph.dtypes import dtype_of, float32
from .mixins.core import apply
from .ops import host, movement
from .tensor import Tensor, as_tensor, tensor

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "ifft", "ifft2", "ifftn", "ifftshift", "irfft",
           "rfft", "rfftfreq"]

Pair = tuple[Tensor, Tensor]


def _transform(op: Callable[..., Any]) -> Callable[..., Any]:
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        names = {"axis": "dim", "axes": "dim"}
        kwargs = {names.get(k, k): v for k, v in kwargs.items()}
        if isinstance(input, tuple | list):
            re, im = (as_tensor(part) for part in input)
            return apply(lambda a, b: op((a, b), *args, **kwargs), re, im)
        return apply(lambda a: op(a, *args, **kwargs), as_tensor(input))
    function.__name__ = function.__qualname__ = op.__name__
    function.__doc__, function.__module__ = op.__doc__, "sheer.fft"
    return function


fft, ifft, rfft, irfft = (_transform(f) for f in (host.fft, host.ifft, host.rfft, host.irfft))
fftn, ifftn, fft2, ifft2 = (_transform(f) for f in (host.fftn, host.ifftn, host.fft2, host.ifft2))


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of fft's results, in cycles per unit, for samples d apart."""
    return tensor(np.fft.fftfreq(n, d), dtype=dtype_of(dtype or float32), device=device)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of rfft's results, in cycles per unit, for samples d apart."""
    return tensor(np.fft.rfftfreq(n, d), dtype=dtype_of(dtype or float32), device=device)


def fftshift(input: Any, dim: int | Sequence[int] | None = None, *, axes: Any = None) -> Tensor:
    """Frequency 0 moved to the middle."""
    return _rolled(input, dim if axes is None else axes, lambda n: n // 2)


def ifftshift(input: Any, dim: int | Sequence[int] | None = None, *, axes: Any = None) -> Tensor:
    """The inverse of fftshift."""
    return _rolled(input, dim if axes is None else axes, lambda n: -(n // 2))


def _rolled(input: Any, dim: Any, by: Callable[[int], int]) -> Tensor:
    x = as_tensor(input)
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    return apply(lambda n: movement.roll(n, [by(x.shape[d]) for d in dims], [d % x.ndim for d in dims]), x)
