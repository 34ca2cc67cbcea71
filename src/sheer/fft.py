"""sheer.fft: Fourier transforms. No complex dtype: a result is a pair (real, imaginary)."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graph.dtypes import dtype_of, float32
from .mixins.core import apply
from .mixins.missing import refusing as _refusing
from .ops import host, movement
from .tensor import Tensor, as_tensor, tensor

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
           "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft",
           "rfft2", "rfftfreq", "rfftn"]
__getattr__ = _refusing("fft", __all__)

Pair = tuple[Tensor, Tensor]
_OTHER = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _transform(op: Callable[..., Any]) -> Callable[..., Any]:
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        names = {"axis": "dim", "axes": "dim"}
        kwargs = {names.get(k, k): v for k, v in kwargs.items()}
        args, kwargs = _axes_in_lists(op, args, kwargs)
        if isinstance(input, tuple | list):
            re, im = (as_tensor(part) for part in input)
            return apply(lambda a, b: op((a, b), *args, **kwargs), re, im)
        return apply(lambda a: op(a, *args, **kwargs), as_tensor(input))
    function.__name__ = function.__qualname__ = op.__name__
    function.__doc__, function.__module__ = op.__doc__, "sheer.fft"
    return function


def _axes_in_lists(op: Any, args: Any, kwargs: Any) -> Any:
    """One axis, or one length, for a transform of several."""
    if op.__name__ in ("fft", "ifft", "rfft", "irfft"):
        return args, kwargs
    listed = lambda v: [v] if isinstance(v, int) else v
    return ([listed(a) for a in args],
            {k: v if k == "norm" else listed(v) for k, v in kwargs.items()})


fft, ifft, rfft, irfft = (_transform(f) for f in (host.fft, host.ifft, host.rfft, host.irfft))
fftn, ifftn, fft2, ifft2 = (_transform(f) for f in (host.fftn, host.ifftn, host.fft2, host.ifft2))


def rfftn(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
          norm: str | None = None, *, axes: Any = None) -> Pair:
    """rfft along the last of several axes, fft along the others."""
    x = as_tensor(input)
    lengths, dims = _plan(x, s, dim if axes is None else axes)
    last = rfft(x, lengths[-1], dims[-1], norm)
    return fftn(last, lengths[:-1], dims[:-1], norm) if len(dims) > 1 else last


def irfftn(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
           norm: str | None = None, *, axes: Any = None) -> Tensor:
    """The inverse of rfftn; its last length is 2 (m - 1) unless s says otherwise."""
    re = as_tensor(input[0] if isinstance(input, tuple | list) else input)
    lengths, dims = _plan(re, s, dim if axes is None else axes)
    n = lengths[-1] if s is not None else 2 * (re.shape[dims[-1]] - 1)
    rest = ifftn(input, lengths[:-1], dims[:-1], norm) if len(dims) > 1 else input
    return irfft(rest, n, dims[-1], norm)


def hfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *,
         axis: int | None = None) -> Tensor:
    """The real spectrum of a signal whose second half mirrors the first, conjugated."""
    re, im = input if isinstance(input, tuple | list) else (as_tensor(input), as_tensor(input) * 0)
    return irfft((re, -im), n, dim if axis is None else axis, _OTHER[norm])


def ihfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *,
          axis: int | None = None) -> Pair:
    """The inverse of hfft: the first half of the signal with a real spectrum."""
    re, im = rfft(input, n, dim if axis is None else axis, _OTHER[norm])
    return re, -im


def hfftn(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
          norm: str | None = None) -> Tensor:
    """hfft along the last of several axes, after fft along the others."""
    re, im = input if isinstance(input, tuple | list) else (as_tensor(input), as_tensor(input) * 0)
    return irfftn((re, -im), s, dim, _OTHER[norm])


def ihfftn(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
           norm: str | None = None) -> Pair:
    """The inverse of hfftn."""
    re, im = rfftn(input, s, dim, _OTHER[norm])
    return re, -im


def rfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
          norm: str | None = None) -> Pair:
    """rfftn of two axes."""
    return rfftn(input, s, dim, norm)


def irfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
           norm: str | None = None) -> Tensor:
    """irfftn of two axes."""
    return irfftn(input, s, dim, norm)


def hfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
          norm: str | None = None) -> Tensor:
    """hfftn of two axes."""
    return hfftn(input, s, dim, norm)


def ihfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
           norm: str | None = None) -> Pair:
    """ihfftn of two axes."""
    return ihfftn(input, s, dim, norm)


def _plan(x: Tensor, s: Any, dim: Any) -> tuple[list[int], list[int]]:
    """Lengths and axes, as many of the one as of the other."""
    s = [s] if isinstance(s, int) else s
    if dim is None:
        dim = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    dims = [d % x.ndim for d in ([dim] if isinstance(dim, int) else dim)]
    return [x.shape[d] for d in dims] if s is None else list(s), dims


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
    return apply(lambda n: movement.roll(n, [by(x.shape[d]) for d in dims],
                                         [d % x.ndim for d in dims]), x)
