"""Images read at places of one's own: affine_grid makes the places, grid_sample reads there."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import check_shape
from ...tensor import Tensor
from .common import choice, same_dtype
from .resize import far, near

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Places in [-1, 1] of every element of an image, moved by a matrix; (x, y) or (x, y, z).

    Shape   theta (N, 2, 3), size (N, C, H, W) -> (N, H, W, 2); with (N, 3, 4) and (N, C, D, H, W)
            (N, D, H, W, 3)
    Raises  E203 for shapes that do not belong together
    Source  Jaderberg et al. 2015, arXiv:1506.02025; torch.nn.functional.affine_grid
    Example
        >>> still = sheer.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        >>> F.affine_grid(still, (1, 1, 1, 2))
        tensor([[[[-0.5,  0. ],
                  [ 0.5,  0. ]]]])
    """
    axes = len(size) - 2
    if axes not in (2, 3) or theta.shape != (size[0], axes, axes + 1):
        raise ShapeError("E203", "affine_grid", f"theta is for no image of {tuple(size)}",
                         got={"theta": theta.node},
                         need="theta (N, 2, 3) and (N, C, H, W), or (N, 3, 4) and (N, C, D, H, W)")
    lengths = [int(n) for n in size[2:]]
    check_shape("affine_grid", tuple(lengths))
    lines = [_places(n, bool(align_corners)) for n in lengths]
    mesh = np.meshgrid(*lines, indexing="ij")[::-1]                      # x first
    base = np.stack([*mesh, np.ones(lengths)], -1).reshape(-1, axes + 1)
    def run(t: Node) -> Node:
        rows = ops.matmul(ops.constant(base, t.dtype), ops.permute(t, (0, 2, 1)))
        return ops.reshape(rows, (t.shape[0], *lengths, axes))
    result: Tensor = apply(run, theta)
    return result


def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Tensor:
    """What an image shows at each place of a grid: -1 is its first edge, 1 its last.

    Shape   input (N, C, H, W), grid (N, P, Q, 2) -> (N, C, P, Q); input (N, C, D, H, W), grid
            (N, O, P, Q, 3) -> (N, C, O, P, Q)
    Raises  E203 for shapes that do not belong together, E204 for modes and for bicubic in three
            axes, E202 for two dtypes
    Source  Jaderberg et al. 2015, arXiv:1506.02025; Keys 1981 for bicubic, with slope -0.75;
            torch.nn.functional.grid_sample, also for NaN among the places: NaN beside zeros, else
            the first element
    Example
        >>> image, middle = sheer.tensor([[[[1.0, 3.0], [5.0, 7.0]]]]), sheer.zeros(1, 1, 1, 2)
        >>> F.grid_sample(image, middle)
        tensor([[[[4.]]]])
    """
    choice("grid_sample", "mode", mode, MODES)
    choice("grid_sample", "padding_mode", padding_mode, PADDINGS)
    same_dtype("grid_sample", grid, input)
    axes = input.ndim - 2
    if axes not in (2, 3) or grid.ndim != axes + 2 or grid.shape[-1] != axes or \
            grid.shape[0] != input.shape[0]:
        raise ShapeError("E203", "grid_sample", "input and grid do not belong together",
                         got={"input": input.node, "grid": grid.node},
                         need="(N, C, H, W) and (N, P, Q, 2), or with one axis more and 3")
    if mode == "bicubic" and axes == 3:
        raise ArgumentError("E204", "grid_sample", "bicubic is for images of two axes",
                            got={"input": input.node}, need="bilinear or nearest")
    reader = _Reader(mode, padding_mode, bool(align_corners), axes)
    result: Tensor = apply(reader.run, input, grid)
    return result


def _places(n: int, align: bool) -> np.ndarray:
    """Coordinates of n elements: of their middles, or, aligned, with the ends at -1 and 1."""
    if align:
        return np.linspace(-1, 1, n) if n > 1 else np.zeros(n)
    return (2 * np.arange(n) + 1) / n - 1


class _Reader:
    """grid_sample on nodes: coordinates, then weights of neighbours, then what they hold."""

    def __init__(self, mode: str, padding: str, align: bool, axes: int) -> None:
        self.mode, self.padding, self.align, self.axes = mode, padding, align, axes

    def run(self, x: Node, grid: Node) -> Node:
        n, c = x.shape[:2]
        sizes, out = x.shape[2:], grid.shape[1:-1]
        flat = ops.reshape(x, (n, c, int(np.prod(sizes))))
        lines = []                                     # per axis: (index, weight) of neighbours
        for a, length in enumerate(sizes):             # the last coordinate is the first axis
            at = self._unscaled(ops.reshape(ops.narrow(grid, grid.ndim - 1, self.axes - 1 - a, 1),
                                            (n, int(np.prod(out)))), length)
            lines.append(self._neighbours(at, length))
        total = None
        for corner in itertools.product(*lines):
            part = self._corner(flat, sizes, corner)
            total = part if total is None else total + part
        assert total is not None
        return ops.reshape(total, (n, c, *out))

    def _corner(self, flat: Node, sizes: tuple[int, ...],
                corner: Sequence[tuple[Node, Node | None]]) -> Node:
        """One neighbour of every place, times its weight; 0 where it lies outside."""
        place, weight = ops.constant(0, int64), None
        for (index, given), length in zip(corner, sizes, strict=True):
            w = given
            if self.padding == "zeros":
                inside = ops.logical_and(ops.ge(index, 0), ops.le(index, length - 1))
                share = ops.cast(inside, index.dtype)       # 0 times the weight of a NaN is NaN
                w = share if w is None else ops.mul(w, share)
            held = ops.clamp(_numbers(index), 0.0, float(length - 1))
            place = ops.add(ops.mul(place, length), ops.cast(held, int64))        # (N, P)
            if w is not None:
                weight = w if weight is None else ops.mul(weight, w)
        n, c, _ = flat.shape
        wide = ops.broadcast_to(ops.expand_dims(place, 1), (n, c, place.shape[-1]))
        found = ops.take_along(flat, wide, -1)                                    # (N, C, P)
        return found if weight is None else ops.mul(found, ops.expand_dims(weight, 1))

    def _unscaled(self, x: Node, length: int) -> Node:
        """From [-1, 1] to elements, kept in the image unless that means zeros."""
        at = (x + 1) * ((length - 1) / 2) if self.align else ((x + 1) * length - 1) * 0.5
        return at if self.mode == "bicubic" else self._kept(at, length)

    def _kept(self, at: Node, length: int) -> Node:
        if self.padding == "zeros":
            return at
        if self.padding == "reflection":
            at = _reflected(at, *((0.0, length - 1.0) if self.align else (-0.5, length - 0.5)))
        return ops.clamp(_numbers(at), 0.0, float(length - 1))

    def _neighbours(self, at: Node, length: int) -> list[tuple[Node, Node | None]]:
        """(index, weight) of the elements that count, along one axis; indices are whole floats."""
        if self.mode == "nearest":
            return [(ops.stop_gradient(ops.round(at)), None)]
        low = ops.stop_gradient(ops.floor(at))
        t = at - low
        if self.mode == "bilinear":
            return [(low, 1 - t), (low + 1, t)]
        weights = far(t + 1), near(t), near(1 - t), far(2 - t)
        return [(ops.stop_gradient(self._kept(low + k, length)), w)
                for k, w in zip((-1, 0, 1, 2), weights, strict=True)]


def _numbers(at: Node) -> Node:
    """0 for NaN, which is no place: as torch, so that no other place is read."""
    return ops.where(ops.isnan(at), 0.0, at)


def _reflected(at: Node, low: float, high: float) -> Node:
    """Coordinates thrown back at both ends until they lie between them."""
    span = high - low
    if span <= 0:
        return ops.zeros_like(at)
    away = ops.abs(at - low)
    extra = ops.remainder(away, span)
    turned = ops.eq(ops.remainder(ops.stop_gradient(ops.floor(away / span)), 2), 0)
    return ops.where(turned, extra + low, span - extra + low)
