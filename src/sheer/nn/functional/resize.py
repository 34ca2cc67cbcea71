"""Images of other sizes: interpolate, pixel_shuffle and its inverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import ops
from ...graph.dtypes import DType, int64
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import iota
from ...tensor import Tensor
from .common import choice, passes_if

LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}       # mode -> number of spatial axes
MODES = ("nearest", "nearest-exact", *LINEAR, "area")


def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None,
                recompute_scale_factor: bool | None = None) -> Tensor:
    """An image of another size, from nearest or linearly weighted neighbours, or means of areas.

    Shape   input (N, C, *S) -> (N, C, *size)
    Raises  E204 for a mode that is none or does not fit, and unless one of size and scale_factor
            is given
    Source  torch.nn.functional.interpolate; bicubic is left out
    """
    choice("interpolate", "mode", mode, MODES)
    axes = input.ndim - 2
    if axes < 1 or (mode in LINEAR and LINEAR[mode] != axes):
        fits = next((m for m, n in LINEAR.items() if n == axes), "nearest")
        raise ArgumentError("E204", "interpolate",
                            f"mode={mode!r} is for {LINEAR.get(mode, 'some')} spatial axes",
                            got={"input": input.node}, need="input (N, C, *S)",
                            tries=[(f"mode={fits!r}", passes_if(axes >= 1))])
    if align_corners is not None and mode not in LINEAR:
        raise ArgumentError("E204", "interpolate",
                            f"align_corners has no meaning for mode={mode!r}",
                            need="linear, bilinear or trilinear")
    sizes, scales = _target(input, size, scale_factor, axes, bool(recompute_scale_factor))
    if mode == "area":
        result: Tensor = apply(ops.adaptive_avg_pool, input, sizes=sizes)
        return result
    def run(x: Node) -> Node:
        for i, (n, scale) in enumerate(zip(sizes, scales, strict=True)):
            at = x.ndim - axes + i
            # input elements per output element
            ratio = x.shape[at] / n if scale is None else 1 / scale
            if mode in LINEAR:
                x = _linear(x, at, n, ratio, bool(align_corners))
            else:
                x = _nearest(x, at, n, ratio, 0.5 if mode == "nearest-exact" else 0.0)
        return x
    result = apply(run, input)
    return result


def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Tensor:
    """The old name of interpolate."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate with mode="nearest"."""
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate with mode="bilinear" and the corners aligned."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels spread over a finer grid. Shi et al. 2016, arXiv:1609.05158.

    Shape   (*B, C r r, H, W) -> (*B, C, H r, W r)
    Raises  E203 when the channels do not divide by r r
    """
    r = upscale_factor
    *lead, c, h, w = _images("pixel_shuffle", input)
    if c % (r * r):
        raise ShapeError("E203", "pixel_shuffle", f"{c} channels do not divide by {r} * {r}",
                         got={"input": input.node}, need="(*B, C r r, H, W)")
    def run(x: Node) -> Node:
        n = math.prod(lead)
        x = ops.permute(ops.reshape(x, (n, c // (r * r), r, r, h, w)), (0, 1, 4, 2, 5, 3))
        return ops.reshape(x, (*lead, c // (r * r), h * r, w * r))
    result: Tensor = apply(run, input)
    return result


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of pixel_shuffle.

    Shape   (*B, C, H r, W r) -> (*B, C r r, H, W)
    Raises  E203 when the image does not divide by r
    """
    r = downscale_factor
    *lead, c, h, w = _images("pixel_unshuffle", input)
    if h % r or w % r:
        raise ShapeError("E203", "pixel_unshuffle",
                         f"an image of {h} by {w} does not divide by {r}",
                         got={"input": input.node}, need="(*B, C, H r, W r)")
    def run(x: Node) -> Node:
        n = math.prod(lead)
        x = ops.permute(ops.reshape(x, (n, c, h // r, r, w // r, r)), (0, 1, 3, 5, 2, 4))
        return ops.reshape(x, (*lead, c * r * r, h // r, w // r))
    result: Tensor = apply(run, input)
    return result


def _images(op: str, x: Tensor) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ShapeError("E203", op, f"input has {x.ndim} axes", got={"input": x.node},
                         need="(*B, C, H, W)")
    return x.shape


def _target(x: Tensor, size: Any, scale: Any, axes: int, recompute: bool,
            ) -> tuple[tuple[int, ...], Sequence[float | None]]:
    """Lengths of the result, and per axis the scale where it decides which is nearest."""
    if (size is None) == (scale is None):
        raise ArgumentError("E204", "interpolate", "one of size and scale_factor must be given",
                            need="just one")
    spread = lambda v: tuple(v) if isinstance(v, list | tuple) else (v,) * axes
    given = spread(scale if size is None else size)
    if len(given) != axes:
        raise ArgumentError("E204", "interpolate", f"{given} is for {len(given)} axes",
                            got={"input": x.node},
                            need=f"one number, or {axes}")
    if size is not None:
        return tuple(int(n) for n in given), (None,) * axes
    sizes = tuple(math.floor(n * s) for n, s in zip(x.shape[2:], given, strict=True))
    return sizes, (None,) * axes if recompute else given


def _nearest(x: Node, at: int, n: int, ratio: float, shift: float) -> Node:
    """Element floor((j + shift) ratio) for each j; a whole factor repeats instead of gathering."""
    length = x.shape[at]
    if n % length == 0 and ratio * n == length:
        return ops.repeat(x, n // length, at)
    places = [min(int((j + shift) * ratio), length - 1) for j in range(n)]
    return ops.take(x, ops.constant(places, int64), at)


def _linear(x: Node, at: int, n: int, ratio: float, align: bool) -> Node:
    """Weighted neighbours: a product with the matrix whose column j is a hat around source[j]."""
    length = x.shape[at]
    source = _positions(n, length, ratio, align, x.dtype)                      # (n,)
    hats = ops.expand_dims(source, 0) - ops.expand_dims(iota(length, x.dtype),
                                                        1) if length and n else None
    if hats is None:
        raise ArgumentError("E204", "interpolate", f"{length} elements cannot become {n}",
                            need="at least one")
    weights = ops.relu(1 - ops.abs(hats))                                      # (length, n)
    moved = ops.batching.move_axis(x, at, x.ndim - 1)
    return ops.batching.move_axis(ops.matmul(moved, weights), x.ndim - 1, at)


def _positions(n: int, length: int, ratio: float, align: bool, dtype: DType) -> Node:
    """Where on the input axis each element of the result lies."""
    j = iota(n, dtype)
    if align:
        return j * ((length - 1) / (n - 1) if n > 1 else 0.0)
    return ops.clamp((j + 0.5) * ratio - 0.5, 0.0, float(length - 1))
