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
from .ops.host.fft import axes_of, check_lengths
from .tensor import Tensor, as_tensor, tensor

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
           "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft",
           "rfft2", "rfftfreq", "rfftn"]
__getattr__ = _refusing("fft", __all__)

Pair = tuple[Tensor, Tensor]


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
    """rfft along the last of several axes, fft along the others.

    Shape   (*S) -> re (*S), im (*S), with length n // 2 + 1 along the last axis
    Raises  E110 for a wrong axis, E165 for a length below 1, E166 for an unknown norm
    Source  torch.fft.rfftn
    Example
        >>> re, im = sheer.fft.rfftn(sheer.ones(2, 4))
        >>> re
        tensor([[8., 0., 0.],
                [0., 0., 0.]])
    """
    x = as_tensor(input)
    lengths, dims = _plan("rfftn", x, s, dim if axes is None else axes)
    last = rfft(x, lengths[-1], dims[-1], norm)
    return fftn(last, lengths[:-1], dims[:-1], norm) if len(dims) > 1 else last


def irfftn(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
           norm: str | None = None, *, axes: Any = None) -> Tensor:
    """The inverse of rfftn; its last length is 2 (m - 1) unless s says otherwise.

    Shape   re (*S), im (*S) -> (*S), with length s[-1] along the last axis
    Raises  as fftn
    Source  torch.fft.irfftn
    Example
        >>> sheer.fft.irfftn(sheer.fft.rfftn(sheer.tensor([[1.0, 2.0], [4.0, 8.0]])))
        tensor([[1., 2.],
                [4., 8.]])
    """
    re = as_tensor(input[0] if isinstance(input, tuple | list) else input)
    lengths, dims = _plan("irfftn", re, s, dim if axes is None else axes)
    n = lengths[-1] if s is not None else 2 * (re.shape[dims[-1]] - 1)
    rest = ifftn(input, lengths[:-1], dims[:-1], norm) if len(dims) > 1 else input
    return irfft(rest, n, dims[-1], norm)


def hfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *,
         axis: int | None = None) -> Tensor:
    """The real spectrum of a signal whose second half mirrors the first, conjugated.

    Shape   re (*S), im (*S) -> (*S) with length n (2 (m - 1) by default) along dim
    Raises  as fft
    Source  torch.fft.hfft
    Example
        >>> sheer.fft.hfft(sheer.tensor([0.0, 0.5, 0.0]))        # of a cosine
        tensor([ 1.,  0., -1.,  0.])
    """
    re, im = input if isinstance(input, tuple | list) else (as_tensor(input), as_tensor(input) * 0)
    return irfft((re, -im), n, dim if axis is None else axis, _other(norm))


def ihfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *,
          axis: int | None = None) -> Pair:
    """The inverse of hfft: the first half of the signal with a real spectrum.

    Shape   (*S) -> re (*S), im (*S), with length n // 2 + 1 along dim
    Raises  as fft
    Source  torch.fft.ihfft
    Example
        >>> sheer.fft.ihfft(sheer.tensor([1.0, 0.0, -1.0, 0.0]))[0]
        tensor([0. , 0.5, 0. ])
    """
    re, im = rfft(input, n, dim if axis is None else axis, _other(norm))
    return re, -im


def hfftn(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
          norm: str | None = None) -> Tensor:
    """hfft along the last of several axes, after fft along the others.

    Shape   re (*S), im (*S) -> (*S), with length s[-1] along the last axis
    Raises  as fftn
    Source  torch.fft.hfftn
    Example
        >>> sheer.fft.hfftn(sheer.fft.ihfftn(sheer.tensor([[1.0, 2.0], [4.0, 8.0]])))
        tensor([[1., 2.],
                [4., 8.]])
    """
    re, im = input if isinstance(input, tuple | list) else (as_tensor(input), as_tensor(input) * 0)
    return irfftn((re, -im), s, dim, _other(norm))


def ihfftn(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
           norm: str | None = None) -> Pair:
    """The inverse of hfftn.

    Shape   (*S) -> re (*S), im (*S), with length n // 2 + 1 along the last axis
    Raises  as rfftn
    Source  torch.fft.ihfftn
    Example
        >>> sheer.fft.ihfftn(sheer.ones(2, 4))[0]
        tensor([[1., 0., 0.],
                [0., 0., 0.]])
    """
    re, im = rfftn(input, s, dim, _other(norm))
    return re, -im


def rfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
          norm: str | None = None) -> Pair:
    """rfftn of two axes.

    Shape   (*S, H, W) -> re (*S, H, W // 2 + 1), im (*S, H, W // 2 + 1)
    Raises  as rfftn
    Source  torch.fft.rfft2
    Example
        >>> sheer.fft.rfft2(sheer.tensor([[1.0, -1.0], [1.0, -1.0]]))[0]
        tensor([[0., 4.],
                [0., 0.]])
    """
    return rfftn(input, s, dim, norm)


def irfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
           norm: str | None = None) -> Tensor:
    """irfftn of two axes.

    Shape   re (*S, H, m), im (*S, H, m) -> (*S, H, 2 (m - 1)) unless s says otherwise
    Raises  as fftn
    Source  torch.fft.irfft2
    Example
        >>> sheer.fft.irfft2(sheer.fft.rfft2(sheer.tensor([[1.0, 2.0], [4.0, 8.0]])))
        tensor([[1., 2.],
                [4., 8.]])
    """
    return irfftn(input, s, dim, norm)


def hfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
          norm: str | None = None) -> Tensor:
    """hfftn of two axes.

    Shape   re (*S, H, m), im (*S, H, m) -> (*S, H, 2 (m - 1)) unless s says otherwise
    Raises  as fftn
    Source  torch.fft.hfft2
    Example
        >>> sheer.fft.hfft2(sheer.fft.ihfft2(sheer.tensor([[1.0, 2.0], [4.0, 8.0]])))
        tensor([[1., 2.],
                [4., 8.]])
    """
    return hfftn(input, s, dim, norm)


def ihfft2(input: Any, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
           norm: str | None = None) -> Pair:
    """ihfftn of two axes.

    Shape   (*S, H, W) -> re (*S, H, W // 2 + 1), im (*S, H, W // 2 + 1)
    Raises  as rfftn
    Source  torch.fft.ihfft2
    Example
        >>> sheer.fft.ihfft2(sheer.tensor([[1.0, -1.0], [1.0, -1.0]]))[0]
        tensor([[0., 1.],
                [0., 0.]])
    """
    return ihfftn(input, s, dim, norm)


def _other(norm: str | None) -> str | None:
    """The norm of the inverse, whose factor a spectrum that is real takes; others are refused."""
    return {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)


def _plan(op: str, x: Tensor, s: Any, dim: Any) -> tuple[list[int], list[int]]:
    """Lengths and axes, as many of the one as of the other. Raises E110, E165."""
    s = [s] if isinstance(s, int) else s
    if dim is None:
        dim = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    dims = list(axes_of(op, x.node, [dim] if isinstance(dim, int) else dim))
    lengths = [x.shape[d] for d in dims] if s is None else list(s)
    check_lengths(op, x.node, lengths)
    return lengths, dims


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of fft's results, in cycles per unit, for samples d apart.

    Shape   () -> (n,)
    Source  torch.fft.fftfreq
    Example
        >>> sheer.fft.fftfreq(4, d=0.5)                                   # seconds in, hertz out
        tensor([ 0. ,  0.5, -1. , -0.5])
    """
    return tensor(np.fft.fftfreq(n, d), dtype=dtype_of(dtype or float32), device=device)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of rfft's results, in cycles per unit, for samples d apart.

    Shape   () -> (n // 2 + 1,)
    Source  torch.fft.rfftfreq
    Example
        >>> sheer.fft.rfftfreq(4, d=0.5)
        tensor([0. , 0.5, 1. ])
    """
    return tensor(np.fft.rfftfreq(n, d), dtype=dtype_of(dtype or float32), device=device)


def fftshift(input: Any, dim: int | Sequence[int] | None = None, *, axes: Any = None) -> Tensor:
    """Frequency 0 moved to the middle.

    Shape   (*S) -> (*S)
    Raises  E110 for a wrong axis
    Source  torch.fft.fftshift
    Example
        >>> sheer.fft.fftshift(sheer.fft.fftfreq(4))
        tensor([-0.5 , -0.25,  0.  ,  0.25])
    """
    return _rolled(input, dim if axes is None else axes, lambda n: n // 2)


def ifftshift(input: Any, dim: int | Sequence[int] | None = None, *, axes: Any = None) -> Tensor:
    """The inverse of fftshift.

    Shape   (*S) -> (*S)
    Raises  E110 for a wrong axis
    Source  torch.fft.ifftshift
    Example
        >>> sheer.fft.ifftshift(sheer.fft.fftshift(sheer.tensor([0, 1, 2, 3])))
        tensor([0, 1, 2, 3])
    """
    return _rolled(input, dim if axes is None else axes, lambda n: -(n // 2))


def _rolled(input: Any, dim: Any, by: Callable[[int], int]) -> Tensor:
    x = as_tensor(input)
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [axes_of("fftshift", x.node, (d,))[0] for d in dims]
    return apply(lambda n: movement.roll(n, [by(x.shape[d]) for d in dims], dims), x)
