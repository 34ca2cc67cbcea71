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
from .common import choice, need_float, passes_if

SMOOTH = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}   # mode -> spatial axes
MODES = ("nearest", "nearest-exact", *SMOOTH, "area")
CUBIC = -0.75         # slope at 1 of Keys' cubic, as in torch and OpenCV; a filter's is -0.5


def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None,
                recompute_scale_factor: bool | None = None, antialias: bool = False) -> Tensor:
    """An image of another size, from nearest or weighted neighbours, or means of areas.

    Shape   input (N, C, *S) -> (N, C, *size)
    Params  antialias  of bilinear and bicubic: a smaller image is made of all elements it stands
                       for, not of those around its own
            Weights are a product over each axis: an infinite element or a NaN reaches all others
            of its row and column, not its neighbours alone
    Raises  E202 for integers that would be weighted, E204 for a mode that is none or does not fit,
            and unless one of size and scale_factor is given
    Source  torch.nn.functional.interpolate; Keys 1981 for bicubic
    Example
        >>> F.interpolate(sheer.tensor([[[1.0, 3.0]]]), size=4)
        tensor([[[1., 1., 3., 3.]]])
        >>> F.interpolate(sheer.tensor([[[1.0, 3.0]]]), size=3, mode="linear", align_corners=True)
        tensor([[[1., 2., 3.]]])
    """
    choice("interpolate", "mode", mode, MODES)
    axes = input.ndim - 2
    if axes < 1 or (mode in SMOOTH and SMOOTH[mode] != axes):
        fits = next((m for m, n in SMOOTH.items() if n == axes), "nearest")
        raise ArgumentError("E204", "interpolate",
                            f"mode={mode!r} is for {SMOOTH.get(mode, 'some')} spatial axes",
                            got={"input": input.node}, need="input (N, C, *S)",
                            tries=[(f"mode={fits!r}", passes_if(axes >= 1))])
    if align_corners is not None and mode not in SMOOTH:
        raise ArgumentError("E204", "interpolate",
                            f"align_corners has no meaning for mode={mode!r}",
                            need="linear, bilinear, trilinear or bicubic")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError("E204", "interpolate", f"antialias has no meaning for mode={mode!r}",
                            need="bilinear or bicubic")
    if mode in SMOOTH or mode == "area":
        need_float("interpolate", input=input)
    sizes, scales = _target(input, size, scale_factor, axes, bool(recompute_scale_factor))
    if mode == "area":
        result: Tensor = apply(ops.adaptive_avg_pool, input, sizes=sizes)
        return result
    def run(x: Node) -> Node:
        for i, (n, scale) in enumerate(zip(sizes, scales, strict=True)):
            at = x.ndim - axes + i
            # input elements per output element
            ratio = x.shape[at] / n if scale is None else 1 / scale
            if mode in SMOOTH:
                x = _weighted(x, at, n, ratio, bool(align_corners), mode == "bicubic", antialias)
            else:
                x = _nearest(x, at, n, ratio, 0.5 if mode == "nearest-exact" else 0.0)
        return x
    result = apply(run, input)
    return result


def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Tensor:
    """The old name of interpolate.

    Shape   input (N, C, *S) -> (N, C, *size)
    Raises  as interpolate
    Source  torch.nn.functional.upsample
    Example
        >>> F.upsample(sheer.tensor([[[1.0, 3.0]]]), scale_factor=2)
        tensor([[[1., 1., 3., 3.]]])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate with mode="nearest".

    Shape   input (N, C, *S) -> (N, C, *size)
    Raises  as interpolate
    Source  torch.nn.functional.upsample_nearest
    Example
        >>> F.upsample_nearest(sheer.tensor([[[1.0, 3.0]]]), scale_factor=2)
        tensor([[[1., 1., 3., 3.]]])
    """
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate with mode="bilinear" and the corners aligned.

    Shape   input (N, C, H, W) -> (N, C, *size)
    Raises  as interpolate
    Source  torch.nn.functional.upsample_bilinear
    Example
        >>> F.upsample_bilinear(sheer.tensor([[[[1.0, 3.0]]]]), size=(1, 3))
        tensor([[[[1., 2., 3.]]]])
    """
    return interpolate(input, size, scale_factor, "bilinear", True)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels spread over a finer grid.

    Shape   (*B, C r r, H, W) -> (*B, C, H r, W r)
    Raises  E203 when the channels do not divide by r r, E204 for r below 1
    Source  Shi et al. 2016, arXiv:1609.05158; torch.nn.functional.pixel_shuffle
    Example
        >>> F.pixel_shuffle(sheer.tensor([1, 2, 3, 4]).reshape(4, 1, 1), 2).tolist()
        [[[1, 2], [3, 4]]]
    """
    r = _factor("pixel_shuffle", upscale_factor)
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
    Raises  E203 when the image does not divide by r, E204 for r below 1
    Source  torch.nn.functional.pixel_unshuffle
    Example
        >>> F.pixel_unshuffle(sheer.tensor([[[1, 2], [3, 4]]]), 2).flatten().tolist()
        [1, 2, 3, 4]
    """
    r = _factor("pixel_unshuffle", downscale_factor)
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


def _factor(op: str, factor: int) -> int:
    if factor < 1 or factor % 1:
        raise ArgumentError("E204", op, f"a factor of {factor!r}",
                            need="a whole number, at least 1")
    return factor


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
    sizes = tuple(math.floor(n * s) for n, s in zip(x.shape[2:], given, strict=True)
                  ) if size is None else tuple(int(n) for n in given)
    if min(sizes) < 1:
        raise ArgumentError("E204", "interpolate", f"an image of size {sizes}",
                            got={"input": x.node}, need="at least one element on every axis")
    return sizes, (None,) * axes if recompute or size is not None else given


def _nearest(x: Node, at: int, n: int, ratio: float, shift: float) -> Node:
    """Element floor((j + shift) ratio) for each j; a whole factor repeats instead of gathering."""
    length = x.shape[at]
    if n % length == 0 and ratio * n == length:
        return ops.repeat(x, n // length, at)
    places = [min(int((j + shift) * ratio), length - 1) for j in range(n)]
    return ops.take(x, ops.constant(places, int64), at)


def _weighted(x: Node, at: int, n: int, ratio: float, align: bool, cubic: bool,
              antialias: bool) -> Node:
    """Weighted neighbours: a product with a matrix whose column j has the weights of element j."""
    length = x.shape[at]
    if not length or not n:
        raise ArgumentError("E204", "interpolate", f"{length} elements cannot become {n}",
                            need="at least one")
    if align:
        ratio = (length - 1) / (n - 1) if n > 1 else 0.0
    if antialias:
        weights = _filter(length, n, ratio, cubic, x.dtype)                    # (length, n)
    else:
        source = _positions(n, ratio, align, x.dtype)                          # (n,)
        weights = (_cubics if cubic else _hats)(source, length)
    moved = ops.batching.move_axis(x, at, x.ndim - 1)
    return ops.batching.move_axis(ops.matmul(moved, weights), x.ndim - 1, at)


def _hats(source: Node, length: int) -> Node:
    """Linear weights of the two neighbours."""
    return ops.relu(1 - _distance(ops.clamp(source, 0.0, float(length - 1)), length))


def _cubics(source: Node, length: int) -> Node:
    """Cubic weights of the four neighbours; one beyond an end belongs to the element there."""
    w = _cubic(_distance(source, length + 4, -2.0), CUBIC)                     # (length + 4, n)
    part = lambda start, size: ops.narrow(w, 0, start, size)
    ends = lambda rows: ops.expand_dims(ops.sum(rows, (0,)), 0)
    if length == 1:
        return ends(w)
    return ops.concat([ends(part(0, 3)), part(3, length - 2), ends(part(length + 1, 3))], 0)


def _filter(length: int, n: int, ratio: float, cubic: bool, dtype: DType) -> Node:
    """Weights of all elements that one of a smaller image stands for; each column adds up to 1."""
    d = _distance(_positions(n, ratio, False, dtype), length) * (1 / max(ratio, 1.0))
    w = _cubic(d, -0.5) if cubic else ops.relu(1 - d)
    return w / ops.restore(ops.sum(w, (0,)), w.shape, (0,))


def _positions(n: int, ratio: float, align: bool, dtype: DType) -> Node:
    """Where on the input axis each element of the result lies."""
    j = iota(n, dtype)
    return j * ratio if align else (j + 0.5) * ratio - 0.5


def _distance(source: Node, length: int, first: float = 0.0) -> Node:
    """Of the elements first, first + 1, ... (rows) from each position (columns)."""
    places = iota(length, source.dtype) + first
    return ops.abs(ops.expand_dims(source, 0) - ops.expand_dims(places, 1))


def _cubic(d: Node, slope: float) -> Node:
    """The weight of an element at distance d >= 0."""
    return ops.where(ops.le(d, 1), near(d, slope), ops.where(ops.lt(d, 2), far(d, slope), 0.0))


def near(d: Node, slope: float = CUBIC) -> Node:
    """The cubic around an element, at a distance from 0 to 1."""
    return ((slope + 2) * d - (slope + 3)) * d * d + 1


def far(d: Node, slope: float = CUBIC) -> Node:
    """The same at a distance from 1 to 2."""
    return ((slope * d - 5 * slope) * d + 8 * slope) * d - 4 * slope
