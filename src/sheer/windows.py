"""Windows that fade a stretch of a signal in and out: a length flows in, weights flow out."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from .graph.dtypes import dtype_of, float32, float64
from .graph.errors import ArgumentError
from .namespace_creation import arange, ones
from .tensor import Tensor

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
           "general_hamming", "hamming", "hann", "kaiser", "nuttall"]


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, dtype: Any = None,
                   device: Any = None, requires_grad: bool = False, layout: Any = None) -> Tensor:
    """a0 - a1 cos(u) + a2 cos(2u) - ... for u from 0 to 2 pi.

    sym: both ends are in the window; else it is one period of a longer signal
    Shape   -> (M,)
    Source  torch.signal.windows.general_cosine
    """
    weights = list(a)
    if not weights:
        raise ArgumentError("E191", "general_cosine", "no weights", need="at least one")
    def wave(x: Tensor, last: int) -> Tensor:
        turn: Any = x * (2 * math.pi / last)
        return sum(((turn * k).cos() * (w * (-1) ** k) for k, w in enumerate(weights)), turn * 0)
    return _window(M, sym, dtype, requires_grad, wave)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """alpha - (1 - alpha) cos(u)."""
    return general_cosine(M, a=[alpha, 1 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.54 - 0.46 cos(u)."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.5 - 0.5 cos(u)."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.42 - 0.5 cos(u) + 0.08 cos(2u)."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Four cosines with the least side lobes (Nuttall 1981)."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, **options)


def bartlett(M: int, *, sym: bool = True, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, layout: Any = None) -> Tensor:
    """A triangle that is 0 at both ends."""
    return _window(M, sym, dtype, requires_grad, lambda x, last: 1 - (x * (2 / last) - 1).abs())


def cosine(M: int, *, sym: bool = True, dtype: Any = None, device: Any = None,
           requires_grad: bool = False, layout: Any = None) -> Tensor:
    """Half a wave of the sine."""
    return _window(M, sym, dtype, requires_grad,
                   lambda x, last: ((x + 0.5) * (math.pi / (last + 1))).sin())


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True,
                dtype: Any = None, device: Any = None, requires_grad: bool = False,
                layout: Any = None) -> Tensor:
    """e^(-|x - center| / tau)."""
    if tau <= 0 or (sym and center is not None):
        raise ArgumentError("E191", "exponential", f"tau={tau}, center={center}, sym={sym}",
                            need="tau > 0, and no center for a symmetric window")
    middle = lambda last: last / 2 if center is None else center
    return _window(M, sym, dtype, requires_grad,
                   lambda x, last: (-(x - middle(last)).abs() / tau).exp())


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, layout: Any = None) -> Tensor:
    """e^(-(x - middle)^2 / (2 std^2))."""
    if std <= 0:
        raise ArgumentError("E191", "gaussian", f"std={std}", need="std > 0")
    return _window(M, sym, dtype, requires_grad,
                   lambda x, last: (((x - last / 2) / std).square() * -0.5).exp())


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, dtype: Any = None, device: Any = None,
           requires_grad: bool = False, layout: Any = None) -> Tensor:
    """I_0(beta sqrt(1 - t^2)) / I_0(beta) for t from -1 to 1."""
    if beta < 0:
        raise ArgumentError("E191", "kaiser", f"beta={beta}", need="beta >= 0")
    def bell(x: Tensor, last: int) -> Tensor:
        t: Any = x * (2 / last) - 1
        height: Any = ((1 - t * t).clamp_min(0).sqrt() * beta).i0()
        return height / (t * 0 + beta).i0()
    return _window(M, sym, dtype, requires_grad, bell)


def _window(m: int, sym: bool, dtype: Any, requires_grad: bool, wave: Any) -> Tensor:
    """wave(0 ... m - 1, last place), in float64 until the end; a single sample is 1."""
    kind = dtype_of(dtype or float32)
    if m < 0 or not kind.is_floating_point:
        raise ArgumentError("E191", "window", f"{m} samples as {kind.name}",
                            need="a length >= 0, float32 or float64")
    made = ones(m, dtype=kind) if m <= 1 else wave(
        arange(m, dtype=float64), m - 1 if sym else m).to(kind)
    return made.requires_grad_() if requires_grad else made


# ---- torch's older names -------------------------------------------------------------------------

def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """0.5 - 0.5 cos(u): hann, by default one period (torch.hann_window)."""
    return hann(window_length, sym=not periodic, **options)


def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54,
                   beta: float = 0.46, **options: Any) -> Tensor:
    """alpha - beta cos(u), by default one period (torch.hamming_window)."""
    return general_cosine(window_length, a=[alpha, beta], sym=not periodic, **options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """blackman, by default one period (torch.blackman_window)."""
    return blackman(window_length, sym=not periodic, **options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """bartlett, by default one period (torch.bartlett_window)."""
    return bartlett(window_length, sym=not periodic, **options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0,
                  **options: Any) -> Tensor:
    """kaiser, by default one period (torch.kaiser_window)."""
    return kaiser(window_length, beta=beta, sym=not periodic, **options)
