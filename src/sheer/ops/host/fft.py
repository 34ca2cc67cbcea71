"""Discrete Fourier transforms: pairs (real part, imaginary part) in, pairs out; no complex dtype.

Names and conventions are torch.fft's. A signal is a node (real) or a pair of nodes (re, im).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

import numpy as np

from ...graph.dtypes import float32
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from .. import batching, elementwise, movement, sampling
from ..lift import cast
from ..primitive import HostOp, NoXla, Primitive, results
from ..reduce import check_axes
from .parts import check_floats

Pair = tuple[Node, Node]
Signal = Node | Pair
NORMS = ("backward", "ortho", "forward")


class Fft(Primitive):
    """Discrete Fourier transform along axes, without a factor in either direction.

    y[k] = sum over j of x[j] exp(-2 pi i j k / n), or exp(+...) when inverse, per axis. The
    matrix is symmetric, so the real derivative is the conjugate transform: the other direction.

    Shape   re (*S), im (*S) -> re (*S), im (*S)
    Dtype   float -> the same float
    Raises  E102 when re and im differ in shape, E105 when they are no floats, E110 for a wrong
            axis, E165 for no axis or an axis of length 0
    Source  Cooley and Tukey 1965; sums as numpy.fft
    """
    axes: tuple[int, ...]
    inverse: bool
    xla, emit = NoXla("jax.lax.fft of complex numbers"), HostOp("pocketfft through NumPy")

    def infer(self, re, im):
        check_floats("fft", re=re, im=im)
        if re.shape != im.shape:
            raise ShapeError("E102", "fft", "real and imaginary part differ in shape",
                             got={"re": re, "im": im}, need="one shape")
        check_axes("fft", re, self.axes)
        if not self.axes or 0 in [re.shape[a] for a in self.axes]:
            raise ShapeError("E165", "fft", f"nothing to transform along axes {self.axes}",
                             got={"re": re}, need="at least one axis, each of length 1 or more")
        return re.to(*re.shape), im.to(*im.shape)
    def ref(self, re, im):
        x = np.empty(re.shape, np.result_type(re.dtype, np.complex64))
        x.real, x.imag = re, im
        y = (np.fft.ifftn(x, axes=self.axes, norm="forward") if self.inverse
             else np.fft.fftn(x, axes=self.axes))
        return np.ascontiguousarray(y.real), np.ascontiguousarray(y.imag)
    def vjp(self, ct, out, re, im): return results(Fft(self.axes, not self.inverse)(*ct))
    def batch(self, args, at):
        prim = Fft(tuple(a + 1 for a in self.axes), self.inverse)
        return results(prim(*batching.all_to_front(args, at))), (0, 0)
    @classmethod
    def samples(cls):
        axes = [(0,), (2,), (0, 1), (1, 2), (2, 0, 1)]
        return sampling.cases(lambda rng: (cls(axes[rng.integers(5)], bool(rng.integers(2))),
                                           tuple(rng.normal(size=(2, 2, 3, 5)))))
    @classmethod
    def hard(cls):
        return [(cls((0,), False), (np.ones(1), np.ones(1))),
                (cls((1,), True), (np.ones((0, 3)), np.ones((0, 3))))]


# ---- one axis ------------------------------------------------------------------------------------

def fft(x: Signal, n: int | None = None, dim: int = -1, norm: str | None = None) -> Pair:
    """The transform along one axis, cut or filled with zeros to length n.

    Shape   re (*S), im (*S) -> the same, with length n along dim
    Raises  E110 for a wrong axis, E165 for a length below 1, E166 for an unknown norm, E102 when re
            and im differ in shape
    Source  torch.fft.fft
    Example
        >>> re, im = sheer.fft.fft(sheer.tensor([0.0, 1.0, 0.0, -1.0]))     # a sine
        >>> re * re + im * im                                                 # its power
        tensor([0., 4., 0., 4.])
    """
    return fftn(x, None if n is None else (n,), (dim,), norm)


def ifft(x: Signal, n: int | None = None, dim: int = -1, norm: str | None = None) -> Pair:
    """The inverse transform along one axis.

    Shape   re (*S), im (*S) -> the same, with length n along dim
    Raises  as fft
    Source  torch.fft.ifft
    Example
        >>> sheer.fft.ifft(sheer.fft.fft(sheer.tensor([1.0, 2.0, 4.0, 8.0])))[0]
        tensor([1., 2., 4., 8.])
    """
    return ifftn(x, None if n is None else (n,), (dim,), norm)


def rfft(x: Node, n: int | None = None, dim: int = -1, norm: str | None = None) -> Pair:
    """The n // 2 + 1 first frequencies of a real signal; the rest mirror them.

    Shape   (*S) -> re (*S), im (*S), with length n // 2 + 1 along dim
    Raises  as fft
    Source  torch.fft.rfft
    Example
        >>> re, im = sheer.fft.rfft(sheer.ones(4))                          # all of it is mean
        >>> re
        tensor([4., 0., 0.])
    """
    re, im = fft(x, n, dim, norm)
    axis = dim % re.ndim
    half = re.shape[axis] // 2 + 1
    return movement.narrow(re, axis, 0, half), movement.narrow(im, axis, 0, half)


def irfft(x: Signal, n: int | None = None, dim: int = -1, norm: str | None = None) -> Node:
    """The real signal of length n (2 (m - 1) by default) with the m first frequencies x.

    The imaginary part of frequency 0, and of n / 2 for even n, has no influence.

    Shape   re (*S), im (*S) -> (*S) with length n along dim
    Raises  as fft
    Source  torch.fft.irfft
    Example
        >>> sheer.fft.irfft(sheer.fft.rfft(sheer.tensor([1.0, 2.0, 4.0, 8.0])))
        tensor([1., 2., 4., 8.])
    """
    re, im = _pair("irfft", x)
    axis = axes_of("irfft", re, (dim,))[0]
    n = 2 * (re.shape[axis] - 1) if n is None else n
    check_lengths("irfft", re, (n,))
    re, im = (_resize(part, axis, n // 2 + 1) for part in (re, im))
    mirror = lambda part: movement.flip(movement.narrow(part, axis, 1, (n - 1) // 2), (axis,))
    full = (movement.concat([re, mirror(re)], axis), movement.concat([im, -mirror(im)], axis))
    return ifft(full, None, axis, norm)[0]


# ---- several axes --------------------------------------------------------------------------------

def fftn(x: Signal, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
         norm: str | None = None) -> Pair:
    """The transform along several axes (all by default), cut or filled to lengths s.

    norm: "backward" (default) puts no factor here and 1/n on the inverse, "forward" the other way
    round, "ortho" 1/sqrt(n) on both.

    Shape   re (*S), im (*S) -> the same, with lengths s along dim
    Raises  E110 for a wrong axis, E165 for a length below 1, E166 for an unknown norm
    Source  torch.fft.fftn
    Example
        >>> re, im = sheer.fft.fftn(sheer.ones(2, 2))
        >>> re
        tensor([[4., 0.],
                [0., 0.]])
    """
    return _transform("fft", x, s, dim, norm, inverse=False)


def ifftn(x: Signal, s: Sequence[int] | None = None, dim: Sequence[int] | None = None,
          norm: str | None = None) -> Pair:
    """The inverse of fftn with the same norm.

    Shape   re (*S), im (*S) -> the same, with lengths s along dim
    Raises  as fftn
    Source  torch.fft.ifftn
    Example
        >>> sheer.fft.ifftn(sheer.fft.fftn(sheer.tensor([[1.0, 2.0], [4.0, 8.0]])))[0]
        tensor([[1., 2.],
                [4., 8.]])
    """
    return _transform("ifft", x, s, dim, norm, inverse=True)


def fft2(x: Signal, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
         norm: str | None = None) -> Pair:
    """fftn along the last two axes.

    Shape   re (*S, H, W), im (*S, H, W) -> the same, with lengths s along dim
    Raises  as fftn
    Source  torch.fft.fft2
    Example
        >>> re, im = sheer.fft.fft2(sheer.tensor([[1.0, -1.0], [1.0, -1.0]]))   # stripes
        >>> re
        tensor([[0., 4.],
                [0., 0.]])
    """
    return fftn(x, s, dim, norm)


def ifft2(x: Signal, s: Sequence[int] | None = None, dim: Sequence[int] = (-2, -1),
          norm: str | None = None) -> Pair:
    """ifftn along the last two axes.

    Shape   re (*S, H, W), im (*S, H, W) -> the same, with lengths s along dim
    Raises  as fftn
    Source  torch.fft.ifft2
    Example
        >>> sheer.fft.ifft2(sheer.fft.fft2(sheer.tensor([[1.0, 2.0], [4.0, 8.0]])))[0]
        tensor([[1., 2.],
                [4., 8.]])
    """
    return ifftn(x, s, dim, norm)


def _transform(op: str, x: Signal, s: Sequence[int] | None, dim: Sequence[int] | None,
               norm: str | None, *, inverse: bool) -> Pair:
    re, im = _pair(op, x)
    if dim is None:
        dim = range(re.ndim) if s is None else range(re.ndim - len(s), re.ndim)
    axes = axes_of(op, re, dim)
    lengths = [re.shape[a] for a in axes] if s is None else list(s)
    if len(lengths) != len(axes):
        raise ShapeError("E165", op, f"{len(lengths)} lengths for {len(axes)} axes", got={"x": re},
                         need="one length for each axis")
    check_lengths(op, re, lengths)
    for axis, length in zip(axes, lengths, strict=True):
        re, im = _resize(re, axis, length), _resize(im, axis, length)
    factor = _factor(op, norm, math.prod(lengths), inverse)
    re, im = results(Fft(axes, inverse)(re, im))
    return (re, im) if factor == 1 else (re * factor, im * factor)


def _pair(op: str, x: Signal) -> Pair:
    """Real and imaginary part, as floats."""
    re, im = (x, None) if isinstance(x, Node) else x
    re = re if re.dtype.is_floating_point else cast(re, float32)
    im = elementwise.zeros_like(re) if im is None else im
    if re.shape != im.shape:
        raise ShapeError("E102", op, "real and imaginary part differ in shape",
                         got={"re": re, "im": im}, need="one shape")
    return re, im if im.dtype.is_floating_point else cast(im, float32)


def axes_of(op: str, x: Node, dim: Sequence[int]) -> tuple[int, ...]:
    """Axes counted from the first. Raises E110 unless they exist once."""
    axes = tuple(a + x.ndim if a < 0 else a for a in dim)
    check_axes(op, x, axes)
    return axes


def check_lengths(op: str, x: Node, lengths: Sequence[int]) -> None:
    """Raise E165 unless there is something to transform."""
    if not lengths or min(lengths) < 1:
        raise ShapeError("E165", op, f"nothing to transform with lengths {tuple(lengths)}",
                         got={"x": x}, need="at least one axis, each of length 1 or more")


def _resize(x: Node, axis: int, length: int) -> Node:
    """x cut or filled with zeros at the end of an axis."""
    widths = [(0, 0, 0)] * x.ndim
    widths[axis] = (0, length - x.shape[axis], 0)
    return movement.pad(x, widths)


def _factor(op: str, norm: str | None, n: int, inverse: bool) -> float:
    """What a transform of n points is multiplied by."""
    norm = "backward" if norm is None else norm
    if norm not in NORMS:
        near = difflib.get_close_matches(norm, NORMS, 3, 0)
        raise ArgumentError("E166", op, f"there is no norm {norm!r}",
                            need="one of " + ", ".join(f'"{name}"' for name in near))
    if norm == "ortho":
        return 1 / math.sqrt(n)
    return 1 / n if (norm == "forward") != inverse else 1.0
