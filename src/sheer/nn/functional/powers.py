"""Pools beside the mean and the largest: lp_pool, fractional_max_pool, and pools with places."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ArgumentError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.sliding import per_axis
from ...ops.structure import iota
from ...random import rand
from ...tensor import Tensor
from . import pooling
from .pooling import Pooled, Setting, check_images


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Setting,
              stride: Setting | None = None, ceil_mode: bool = False) -> Tensor:
    """(sum of x^p under each window)^(1/p), slope 0 where the sum is 0.

    Shape   (N, C, L) or (C, L) -> (N, C, L') or without N
    Raises  E204 for norm_type 0, E203 for ranks, E122 for a window that does not fit, E123 for
            settings
    Source  torch.nn.functional.lp_pool1d
    Example
        >>> F.lp_pool1d(sheer.tensor([[3.0, 4.0, 0.0, 5.0]]), 2, 2)
        tensor([[5., 5.]])
    """
    return _lp(1, input, norm_type, (kernel_size, stride, ceil_mode))


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Setting,
              stride: Setting | None = None, ceil_mode: bool = False) -> Tensor:
    """(sum of x^p under each window)^(1/p), slope 0 where the sum is 0.

    Shape   (N, C, H, W) or (C, H, W) -> (N, C, H', W') or without N
    Raises  E204 for norm_type 0, E203 for ranks, E122 for a window that does not fit, E123 for
            settings
    Source  torch.nn.functional.lp_pool2d
    Example
        >>> F.lp_pool2d(sheer.ones(1, 4, 4), 2, 2)
        tensor([[[2., 2.],
                 [2., 2.]]])
    """
    return _lp(2, input, norm_type, (kernel_size, stride, ceil_mode))


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Setting,
              stride: Setting | None = None, ceil_mode: bool = False) -> Tensor:
    """(sum of x^p under each window)^(1/p), slope 0 where the sum is 0.

    Shape   (N, C, D, H, W) or (C, D, H, W) -> (N, C, D', H', W') or without N
    Raises  E204 for norm_type 0, E203 for ranks, E122 for a window that does not fit, E123 for
            settings
    Source  torch.nn.functional.lp_pool3d
    Example
        >>> F.lp_pool3d(sheer.ones(1, 2, 2, 2), 2, 2)
        tensor([[[[2.8284]]]])
    """
    return _lp(3, input, norm_type, (kernel_size, stride, ceil_mode))


def fractional_max_pool2d(input: Tensor, kernel_size: Setting, output_size: Any = None,
                          output_ratio: Any = None, return_indices: bool = False,
                          _random_samples: Tensor | None = None) -> Pooled:
    """The largest under windows whose steps are drawn so that output_size of them fit.

    Shape   (N, C, H, W) or (C, H, W) -> (N, C, *output_size), with return_indices also places
    Raises  E203 for ranks, E204 unless one of output_size and output_ratio fits, E117 for a window
            of 0
    Source  Graham 2014, arXiv:1412.6071; torch.nn.functional.fractional_max_pool2d
    Example
        >>> F.fractional_max_pool2d(sheer.randn(1, 6, 6), 2, output_size=4).shape
        (1, 4, 4)
    """
    return _fractional(2, input, kernel_size, (output_size, output_ratio), return_indices,
                       _random_samples)


def fractional_max_pool3d(input: Tensor, kernel_size: Setting, output_size: Any = None,
                          output_ratio: Any = None, return_indices: bool = False,
                          _random_samples: Tensor | None = None) -> Pooled:
    """fractional_max_pool2d over three axes.

    Shape   (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size), with return_indices also places
    Raises  as fractional_max_pool2d
    Source  Graham 2014, arXiv:1412.6071; torch.nn.functional.fractional_max_pool3d
    Example
        >>> F.fractional_max_pool3d(sheer.randn(1, 6, 6, 6), 2, output_ratio=0.5).shape
        (1, 3, 3, 3)
    """
    return _fractional(3, input, kernel_size, (output_size, output_ratio), return_indices,
                       _random_samples)


def _with_indices(function: Callable[..., Any], given: str, places: str) -> Callable[..., Any]:
    """The pool of that name, with the places of what it found.

    given, places  arguments and where what they give was found, for the example in its text
    """
    @functools.wraps(function)
    def both(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{**kwargs, "return_indices": True})
    plain = function.__name__
    both.__name__ = both.__qualname__ = f"{plain}_with_indices"
    both.__doc__ = f"""What {plain} finds, and the place of each in its image, counted row by row.

    Shape   that of {plain}, twice
    Raises  as {plain}
    Source  torch.nn.functional.{plain}_with_indices
    Example
        >>> values, places = F.{plain}_with_indices({given})
        >>> places.tolist()
        {places}
    """
    return both


_LINE, _IMAGE = "sheer.tensor([[1.0, 3.0, 2.0, 5.0]])", "sheer.arange(4.0).reshape(1, 2, 2)"
_VOLUME = "sheer.arange(8.0).reshape(1, 2, 2, 2)"
max_pool1d_with_indices = _with_indices(pooling.max_pool1d, f"{_LINE}, 2", "[[1, 3]]")
max_pool2d_with_indices = _with_indices(pooling.max_pool2d, f"{_IMAGE}, 2", "[[[3]]]")
max_pool3d_with_indices = _with_indices(pooling.max_pool3d, f"{_VOLUME}, 2", "[[[[7]]]]")
adaptive_max_pool1d_with_indices = _with_indices(
    pooling.adaptive_max_pool1d, f"{_LINE}, 2", "[[1, 3]]")
adaptive_max_pool2d_with_indices = _with_indices(
    pooling.adaptive_max_pool2d, f"{_IMAGE}, 1", "[[[3]]]")
adaptive_max_pool3d_with_indices = _with_indices(
    pooling.adaptive_max_pool3d, f"{_VOLUME}, 1", "[[[[7]]]]")
fractional_max_pool2d_with_indices = _with_indices(
    fractional_max_pool2d, f"{_IMAGE}, 2, 1", "[[[3]]]")
fractional_max_pool3d_with_indices = _with_indices(
    fractional_max_pool3d, f"{_VOLUME}, 2, 1", "[[[[7]]]]")


def _lp(axes: int, x: Tensor, p: float, settings: tuple[Any, ...]) -> Tensor:
    check_images(f"lp_pool{axes}d", axes, x)
    if p == 0:
        raise ArgumentError("E204", f"lp_pool{axes}d", "norm_type = 0", need="another power")
    kernel, stride, ceil_mode = settings
    window = per_axis(f"lp_pool{axes}d", "kernel_size", kernel, axes)
    def run(n: Node) -> Node:
        if math.isinf(p):
            return ops.max_pool(n, window, stride, 0, 1, ceil_mode)[0]
        mean = ops.avg_pool(ops.pow(n, p), window, stride, 0, ceil_mode)
        # torch's rule: the mean times a whole window, also where ceil_mode cut one short
        total = mean * float(np.prod(window))
        if p == 1:
            return total
        zero = ops.eq(total, 0)                    # the root has no slope there
        return ops.where(zero, 0.0, ops.pow(ops.where(zero, 1.0, total), 1 / p))
    result: Tensor = apply(run, x)
    return result


def _fractional(axes: int, x: Tensor, kernel_size: Setting, wanted: tuple[Any, Any],
                indices: bool, samples: Tensor | None) -> Pooled:
    op = f"fractional_max_pool{axes}d"
    check_images(op, axes, x)
    window = per_axis(op, "kernel_size", kernel_size, axes)
    sizes = x.shape[x.ndim - axes:]
    out = _output(op, sizes, window, *wanted)
    lead = x.shape[:x.ndim - axes]
    if samples is None:
        samples = rand(*(lead if len(lead) == 2 else (1, *lead)), axes, dtype=x.dtype)
    def run(n: Node, u: Node) -> tuple[Node, Node]:
        place = ops.constant(0, int64)
        if len(lead) == 1 and u.ndim == 3:                  # an image without a batch: the first
            u = ops.narrow(u, 0, 0, 1)
        for a in range(axes):
            # torch draws the number for x first in two axes, and in the order of axes in three
            share = ops.narrow(u, u.ndim - 1, axes - 1 - a if axes == 2 else a, 1)
            starts = _starts(ops.reshape(share, lead), sizes[a], window[a], out[a])
            steps = ops.add(ops.expand_dims(starts, starts.ndim), iota(window[a], int64))
            line = [*lead, *(1,) * (2 * axes)]
            line[len(lead) + a], line[len(lead) + axes + a] = out[a], window[a]
            place = ops.add(ops.mul(place, sizes[a]), ops.reshape(steps, line))
        count, taps = int(np.prod(out)), int(np.prod(window))
        places = ops.reshape(ops.broadcast_to(place, (*lead, *out, *window)), (*lead, count * taps))
        flat = ops.reshape(n, (*lead, int(np.prod(sizes))))
        parts = ops.reshape(ops.take_along(flat, places, -1), (*lead, count, taps))
        best = ops.expand_dims(ops.argmax(parts, parts.ndim - 1), parts.ndim - 1)
        found = ops.take_along(ops.reshape(places, parts.shape), best, -1)
        index = ops.reshape(found, (*lead, count))
        return (ops.reshape(ops.take_along(flat, index, -1), (*lead, *out)),
                ops.reshape(index, (*lead, *out)))
    pair = apply(run, x, samples)
    return pair if indices else pair[0]


def _starts(u: Node, size: int, kernel: int, out: int) -> Node:
    """Where each of `out` windows begins, from one number in [0, 1) per image: (*lead, out)."""
    last = size - kernel
    if out == 1:
        return ops.broadcast_to(ops.constant(last, int64), (*u.shape, 1))
    alpha = last / (out - 1)
    u = ops.expand_dims(u, u.ndim)
    steps = ops.floor((u + iota(out, u.dtype)) * alpha) - ops.floor(u * alpha)
    ended = ops.eq(iota(out, int64), out - 1)
    return ops.where(ended, ops.constant(last, int64), ops.cast(steps, int64))


def _output(op: str, sizes: Sequence[int], window: Sequence[int], size: Any,
            ratio: Any) -> tuple[int, ...]:
    if (size is None) == (ratio is None):
        raise ArgumentError("E204", op, "one of output_size and output_ratio must be given",
                            need="just one")
    if size is None:
        ratios = ratio if isinstance(ratio, list | tuple) else (ratio,) * len(sizes)
        out = tuple(int(n * r) for n, r in zip(sizes, ratios, strict=True))
    else:
        out = per_axis(op, "output_size", size, len(sizes))
    if any(o < 1 or o + k - 1 > n for o, k, n in zip(out, window, sizes, strict=True)):
        raise ArgumentError("E204", op, f"{out} windows of {tuple(window)} do not fit {sizes}",
                            need="output + kernel - 1 <= input on every axis")
    return out
