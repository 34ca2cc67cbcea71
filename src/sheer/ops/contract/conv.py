"""Convolution: three primitives that are one trilinear form, each the derivative of the others.

For images x, weights w and results y, with g over groups, i and o over the channels of a group,
k over taps and p over output positions, the form is

    sum of  y[n, g o, p] * x[n, g i, p * stride + k * dilation - low] * w[g o, i, k].

`Conv` gives the factor of y, `ConvInput` that of x, `ConvWeight` that of w. Elements of x
outside the array, the padding, are 0.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from ...graph.dtypes import FLOATS, INTS
from ...graph.errors import ArgumentError, ShapeError
from .. import batching, movement, sampling, sliding
from ..primitive import KernelIn, NoXla, Primitive
from .conv_errors import too_large, wrong_channels, wrong_dtypes, wrong_positions, wrong_rank


class _Convolution(Primitive, abstract=True):
    """Settings and rules that the three share."""

    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int

    op: ClassVar[str]
    roles: ClassVar[tuple[str, str, str]]  # leading axes of both operands and the result
    emit = KernelIn("backends/cpu: the micro-kernel over windows")

    @property
    def settings(self) -> tuple[Any, Any, Any, Any]:
        return self.stride, self.padding, self.dilation, self.groups
    def having(self, **changes): return dataclasses.replace(self, **changes)
    def to_y(self): return Conv(*self.settings)
    def to_x(self, like): return ConvInput(*self.settings, like.shape[2:])
    def to_w(self, like): return ConvWeight(*self.settings, like.shape[2:])

    def lengths(self, sizes, kernel):
        return sliding.lengths(sizes, kernel, self.stride, self.padding, self.dilation)

    def check(self, **got):
        """Settings, dtypes and ranks."""
        sliding.check(self.op, self.stride, self.padding, self.dilation)
        if self.groups < 1:
            raise ArgumentError("E123", self.op, f"groups {self.groups} is below 1",
                                need="groups >= 1")
        dtypes = {t.dtype for t in got.values()}
        if len(dtypes) > 1 or not dtypes <= {*INTS, *FLOATS}:
            raise wrong_dtypes(self, got)
        axes = len(self.stride) + 2
        if any(t.ndim != axes for t in got.values()):
            raise wrong_rank(self, got)

    def check_positions(self, sizes, kernel, y):
        """Do an image of `sizes` and a kernel give as many positions as y has?"""
        known = len(sizes) == len(kernel) == len(self.stride)
        out = self.lengths(sizes, kernel) if known else ()
        if out != y.shape[2:] or min(*out, *sizes, *kernel) < 1:
            raise wrong_positions(self, sizes, kernel, y, out)

    def batch(self, args, at):
        size = batching.batch_size(args, at)
        batched = [role for role, a in zip(self.roles, at, strict=False) if a is not None]
        into = "G" if len(batched) == 2 else min({*batched[0]} & {*self.roles[2]} - {"G"})
        wide = self.having(groups=self.groups * size) if into == "G" else self
        folded = [t if a is None else _fold(batching.move_axis(t, a, 0), role, into, self.groups)
                  for t, a, role in zip(args, at, self.roles, strict=False)]
        return _unfold(wide(*folded), self.roles[2], into, self.groups, size), 0


class Conv(_Convolution):
    """Cross-correlation of every image with every filter, over 1 to 3 spatial axes.

    Shape   x (N, I, *S), w (O, I / groups, *k) -> y (N, O, *P),
            P = (S + low + high - dilation (k - 1) - 1) // stride + 1
    Dtype   number -> the same; integers wrap around
    Raises  E105 for dtypes, E120 for ranks, E121 for channels, E122 when the kernel is larger
            than the padded image, E123 for settings
    Source  definition; torch.nn.functional.conv2d
    """
    op, roles = "conv", ("NGI", "GOI", "NGO")
    xla = "conv_general_dilated"

    def infer(self, x, w):
        self.check(input=x, weight=w)
        if x.shape[1] != w.shape[1] * self.groups or w.shape[0] % self.groups:
            raise wrong_channels(self, x, w)
        out = self.lengths(x.shape[2:], w.shape[2:])
        if min(out) < 1 or min(w.shape[2:]) < 1:
            raise too_large(self, x, w)
        return x.to(x.shape[0], w.shape[0], *out)
    def ref(self, x, w):
        out = self.lengths(x.shape[2:], w.shape[2:])
        y = np.matmul(_filters(w, self.groups), self.columns(x, w.shape[2:], out))  # (N, G, O, P)
        return y.reshape(len(x), len(w), *out)
    def columns(self, x, kernel, out):
        """What each output meets: x (N, G I, *S) -> (N, G, I K, P), K taps and P positions."""
        rows = x.shape[1] // self.groups
        table = np.empty((len(x), self.groups, rows, math.prod(kernel), *out), x.dtype)
        split = sliding.padded(x, self.padding)
        split = split.reshape(len(x), self.groups, rows, *split.shape[2:])
        for i, (_, where) in enumerate(sliding.taps(kernel, self.stride, self.dilation, out)):
            table[:, :, :, i] = split[where]
        return table.reshape(len(x), self.groups, rows * math.prod(kernel), math.prod(out))
    def flops(self, out, x, w): return _products(out, w)
    def vjp(self, ct, out, x, w): return self.to_x(x)(ct, w), self.to_w(w)(x, ct)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng))
    @classmethod
    def hard(cls):
        ones = np.ones
        x, w = np.arange(6).reshape(1, 2, 3), np.arange(4).reshape(1, 2, 2)
        uneven = cls((1, 2), ((0, 1), (1, 0)), (1, 1), 3)
        return [(cls((3,), ((2, 0),), (2,), 1), (ones((1, 2, 4)), ones((3, 2, 2)))),
                (uneven, (ones((0, 3, 4, 5)), ones((6, 1, 2, 3)))),
                (cls((1,), ((0, 0),), (1,), 1), (x, w))]


class ConvInput(_Convolution):
    """Each output's share handed back to the elements it came from: transposed convolution.

    Shape   y (N, O, *P), w (O, I / groups, *k) -> x (N, I, *size), where `Conv` of size gives P
    Dtype   number -> the same
    Raises  E105 for dtypes, E120 for ranks, E121 for channels, E123 for settings,
            E125 when `Conv` of an image of `size` does not give P
    Source  definition; torch.nn.functional.conv_transpose2d
    """
    size: tuple[int, ...]

    op, roles = "conv_transpose", ("NGO", "GOI", "NGI")
    xla = NoXla("conv_general_dilated with lhs_dilation and the kernel reversed")

    def infer(self, y, w):
        self.check(input=y, weight=w)
        if y.shape[1] != w.shape[0] or w.shape[0] % self.groups:
            raise wrong_channels(self, y, w)
        self.check_positions(self.size, w.shape[2:], y)
        return y.to(y.shape[0], w.shape[1] * self.groups, *self.size)
    def ref(self, y, w):
        kernel, out = w.shape[2:], y.shape[2:]
        flat = y.reshape(len(y), self.groups, y.shape[1] // self.groups, math.prod(out))
        shares = np.matmul(_filters(w, self.groups).swapaxes(-1, -2), flat)  # (N, G, I K, P)
        shares = shares.reshape(len(y), self.groups * w.shape[1], math.prod(kernel), *out)
        around = [lo + n + hi for n, (lo, hi) in zip(self.size, self.padding, strict=True)]
        x = np.zeros((*shares.shape[:2], *around), y.dtype)
        for i, (_, where) in enumerate(sliding.taps(kernel, self.stride, self.dilation, out)):
            x[where] += shares[:, :, i]
        return sliding.cropped(x, self.padding)
    def flops(self, out, y, w): return _products(y, w)
    def vjp(self, ct, out, y, w): return self.to_y()(ct, w), self.to_w(w)(ct, y)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng))


class ConvWeight(_Convolution):
    """How each tap of each filter meets the images: the sum over images and positions.

    Shape   x (N, I, *S), y (N, O, *P) -> w (O, I / groups, *size), where `Conv` with kernels
            of size gives P
    Dtype   number -> the same
    Raises  E105 for dtypes, E120 for ranks, E121 for channels, E123 for settings,
            E125 when `Conv` with kernels of `size` does not give P
    Source  definition; the weight gradient of `Conv`
    """
    size: tuple[int, ...]

    op, roles = "conv_weight", ("NGI", "NGO", "GOI")
    xla = NoXla("conv_general_dilated with batch and channels exchanged")

    def infer(self, x, y):
        self.check(input=x, result=y)
        if x.shape[0] != y.shape[0] or x.shape[1] % self.groups or y.shape[1] % self.groups:
            raise ShapeError("E121", self.op, f"images or channels do not fit {self.groups} groups",
                             got={"input": x, "result": y},
                             need="equally many images, channels divisible by groups")
        self.check_positions(x.shape[2:], self.size, y)
        return x.to(y.shape[1], x.shape[1] // self.groups, *self.size)
    def ref(self, x, y):
        out = y.shape[2:]
        table = self.to_y().columns(x, self.size, out)                     # (N, G, I K, P)
        flat = y.reshape(len(y), self.groups, y.shape[1] // self.groups, math.prod(out))
        together = lambda t: t.transpose(1, 2, 0, 3).reshape(*t.shape[1:3], -1 if t.size else 0)
        w = np.matmul(together(flat), together(table).swapaxes(-1, -2))    # (G, O, I K)
        return w.reshape(y.shape[1], x.shape[1] // self.groups, *self.size)
    def flops(self, out, x, y): return _products(y, out)
    def vjp(self, ct, out, x, y): return self.to_x(x)(y, ct), self.to_y()(x, ct)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: _example(cls, rng))


# ---- helpers ------------------------------------------------------------------------------------

def _products(y, w):
    """Multiply-adds count as two: every result meets the weights of one filter."""
    return 2 * y.size * math.prod(w.shape[1:])


def _filters(w, groups):
    """Weights (G O, I, *k) as matrices (G, O, I K)."""
    return w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))


def _split(lead, role, groups):
    """Two leading lengths as three: N, G I -> N, G, I and G O, I -> G, O, I."""
    a, b = lead
    return (groups, a // groups, b) if role[0] == "G" else (a, groups, b // groups)


def _joined(three, role):
    return (three[0] * three[1], three[2]) if role[0] == "G" else (three[0], three[1] * three[2])


def _fold(t, role, into, groups):
    """The batch axis, first in t, becomes the slow part of axis `into`: b N, b G, b I or b O."""
    size, place = t.shape[0], role.index(into)
    three = list(_split(t.shape[1:3], role, groups))
    wide = batching.move_axis(movement.reshape(t, (size, *three, *t.shape[3:])), 0, place)
    three[place] *= size
    return movement.reshape(wide, (*_joined(three, role), *t.shape[3:]))


def _unfold(t, role, into, groups, size):
    """Undo `_fold`."""
    place = role.index(into)
    three = list(_split(t.shape[:2], role, groups * size if into == "G" else groups))
    three[place] //= size
    wide = movement.reshape(t, (*three[:place], size, *three[place:], *t.shape[2:]))
    front = batching.move_axis(wide, place, 0)
    return movement.reshape(front, (size, *_joined(three, role), *t.shape[2:]))


def _example(cls, rng):
    """A primitive with random settings and small operands that fit."""
    axes, groups = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    most = 4 if axes < 3 else 3
    draw = lambda low, high: tuple(rng.integers(low, high, axes).tolist())
    kernel, stride, dilation = draw(1, most), draw(1, 3), draw(1, 3)
    padding = tuple(zip(draw(0, 2), draw(0, most - 1), strict=True))
    span = sliding.reach(kernel, dilation)
    size = tuple(n + more for n, more in zip(span, draw(0, most - 1), strict=True))
    prim = Conv(stride, padding, dilation, groups)
    x = rng.normal(size=(5 - most, 2 * groups, *size))
    w = rng.normal(size=(3 * groups, 2, *kernel))
    y = rng.normal(size=(5 - most, 3 * groups, *prim.lengths(size, kernel)))
    if cls is Conv:
        return prim, (x, w)
    return (prim.to_x(x), (y, w)) if cls is ConvInput else (prim.to_w(w), (x, y))
