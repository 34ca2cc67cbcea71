"""Regions of interest: feature maps and boxes flow in, a small map per box flows out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply, as_node, evaluate
from ...ops.sliding import per_axis
from ...ops.structure import iota
from ...tensor import Tensor
from ...tensor import tensor as new_tensor
from ...transforms import trace
from .common import known, same_dtype


def roi_align(input: Tensor, boxes: Any, output_size: Any, spatial_scale: float = 1.0,
              sampling_ratio: int = -1, aligned: bool = False) -> Tensor:
    """The mean of bilinear samples in each bin of each box.

    Params  boxes           rows (image, x1, y1, x2, y2), or a list with (n, 4) for each image
            spatial_scale   from coordinates of boxes to those of the map
            sampling_ratio  samples per bin and axis; -1: as many as a bin has elements, rounded
                            up, which needs boxes whose values are known
            aligned         pixels are centred at half a step, and no box is stretched to 1 by 1
    Shape   input (N, C, H, W), boxes (K, 5) -> (K, C, *output_size)
    Raises  E203 for shapes, E204 for sampling_ratio=-1 inside a traced function
    Source  He et al. 2017, arXiv:1703.06870, section 3; torchvision.ops.roi_align
    Example
        >>> image = sheer.arange(16.0).reshape(1, 1, 4, 4)
        >>> box = sheer.tensor([[0.0, 0.0, 0.0, 2.0, 2.0]])          # of image 0
        >>> F.roi_align(image, box, 1)
        tensor([[[[5.]]]])
    """
    rows, (ph, pw) = _rows("roi_align", input, boxes, output_size)
    x1, y1, x2, y2 = (rows[:, i] * spatial_scale - (0.5 if aligned else 0.0) for i in (1, 2, 3, 4))
    width, height = x2 - x1, y2 - y1
    if not aligned:
        width, height = width.clamp(min=1.0), height.clamp(min=1.0)
    counts = [_samples(size / bins, sampling_ratio, bins)
              for size, bins in ((height, ph), (width, pw))]
    tables = [_line(start, size, bins, many, length) for start, size, bins, many, length in
              ((y1, height, ph, counts[0], input.shape[2]),
               (x1, width, pw, counts[1], input.shape[3]))]
    def run(x: Node, image: Node, down: Node, across: Node) -> Node:
        maps = ops.take(x, image, 0)                                            # (K, C, H, W)
        wide = ops.matmul(maps, ops.permute(ops.expand_dims(across, 1), (0, 1, 3, 2)))
        return ops.matmul(ops.expand_dims(down, 1), wide)                       # (K, C, ph, pw)
    result: Tensor = apply(run, input, rows[:, 0].long(), *tables)
    return result


def roi_pool(input: Tensor, boxes: Any, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """The largest element in each bin of each box, whose edges are rounded to elements.

    An empty bin gives 0.

    Shape   input (N, C, H, W), boxes (K, 5) or a list with (n, 4) per image -> (K, C, *output_size)
    Raises  E203 for shapes
    Source  Girshick 2015, arXiv:1504.08083, section 2.1; torchvision.ops.roi_pool
    Example
        >>> image = sheer.arange(16.0).reshape(1, 1, 4, 4)
        >>> box = sheer.tensor([[0.0, 0.0, 0.0, 1.0, 1.0]])          # of image 0
        >>> F.roi_pool(image, box, 1)                                # elements 0 and 1 both ways
        tensor([[[[5.]]]])
    """
    rows, (ph, pw) = _rows("roi_pool", input, boxes, output_size)
    def run(x: Node, box: Node) -> Node:
        image = ops.cast(_column(box, 0), int64)
        ends = [_rounded(_column(box, i) * spatial_scale) for i in (1, 2, 3, 4)]
        down = _bins(ends[1], ends[3], ph, x.shape[2])                          # (K, ph, H)
        across = _bins(ends[0], ends[2], pw, x.shape[3])                        # (K, pw, W)
        maps = ops.take(x, image, 0)                                            # (K, C, H, W)
        low = ops.lowest(x.dtype)
        k, c, h, w = maps.shape
        inside = ops.reshape(across, (k, 1, 1, pw, w))
        held = ops.where(inside, ops.broadcast_to(ops.expand_dims(maps, 3), (k, c, h, pw, w)), low)
        rows_ = ops.max(held, (4,))                                             # (K, C, H, pw)
        turned = ops.expand_dims(ops.permute(rows_, (0, 1, 3, 2)), 2)           # (K, C, 1, pw, H)
        inside = ops.reshape(down, (k, 1, ph, 1, h))
        found = ops.max(ops.where(inside, ops.broadcast_to(turned, (k, c, ph, pw, h)), low), (4,))
        some = ops.logical_and(ops.reshape(ops.any(down, (2,)), (k, 1, ph, 1)),
                               ops.reshape(ops.any(across, (2,)), (k, 1, 1, pw)))
        return ops.where(some, found, 0.0)
    result: Tensor = apply(run, input, rows)
    return result


def _rows(op: str, input: Tensor, boxes: Any, output_size: Any) -> tuple[Tensor, tuple[int, int]]:
    """Boxes as (K, 5) rows with the number of their image first, and the size of the result."""
    if isinstance(boxes, list | tuple):
        parts = [b if isinstance(b, Tensor) else Tensor(as_node(b, input.dtype)) for b in boxes]
        numbers = np.concatenate([np.full((p.shape[0], 1), i) for i, p in enumerate(parts)])
        first = new_tensor(numbers, dtype=input.dtype)
        boxes = apply(lambda n, *ps: ops.concat([n, ops.concat(list(ps), 0)], 1), first, *parts)
    rows = boxes if isinstance(boxes, Tensor) else Tensor(as_node(boxes, input.dtype))
    rows = rows if rows.dtype.is_floating_point else rows.to(input.dtype)
    same_dtype(op, rows, input)
    if input.ndim != 4 or rows.ndim != 2 or rows.shape[1] != 5:
        raise ShapeError("E203", op, "input and boxes do not belong together",
                         got={"input": input.node, "boxes": rows.node},
                         need="(N, C, H, W) and (K, 5) rows of image, x1, y1, x2, y2")
    height, width = per_axis(op, "output_size", output_size, 2)
    return rows, (height, width)


def _samples(size: Tensor, ratio: int, bins: int) -> Tensor:
    """Samples per bin along one axis, for every box."""
    if ratio > 0:
        return new_tensor(np.full(size.shape, ratio, np.int64))
    if trace.current() is not None and known(size) is None:
        raise ArgumentError("E204", "roi_align", "sampling_ratio=-1 depends on values of boxes",
                            got={"boxes": size.node}, need="a number of samples, such as 2")
    return new_tensor(np.ceil(evaluate([size.detach()])[0]).astype(np.int64))


def _line(start: Tensor, size: Tensor, bins: int, counts: Tensor, length: int) -> Tensor:
    """Weights (K, bins, length) along one axis: the mean of the samples' bilinear weights."""
    numbers = known(counts)
    assert numbers is not None
    most = int(numbers.max(initial=1)) or 1
    def run(at: Node, extent: Node, many: Node) -> Node:
        n = ops.cast(ops.reshape(ops.clamp(many, 1), (-1, 1, 1)), at.dtype)
        step = ops.reshape(extent / bins, (-1, 1, 1))
        i, j = (ops.reshape(iota(k, at.dtype), shape) for k, shape in
                ((bins, (bins, 1)), (most, (1, most))))
        y = ops.reshape(at, (-1, 1, 1)) + i * step + (j + 0.5) * step / n       # (K, bins, most)
        counted = ops.lt(iota(most, int64), ops.reshape(many, (-1, 1, 1)))
        inside = ops.logical_and(ops.ge(y, -1.0), ops.le(y, float(length)))     # torchvision's rule
        y = ops.clamp(y, 0.0, float(length - 1))
        hats = ops.relu(1 - ops.abs(ops.expand_dims(y, 3) - iota(length, at.dtype)))
        keep = ops.cast(ops.logical_and(counted, inside), at.dtype)
        return ops.sum(hats * ops.expand_dims(keep, 3), (2,)) / n
    result: Tensor = apply(run, start, size, counts)
    return result


def _column(box: Node, at: int) -> Node:
    return ops.reshape(ops.narrow(box, 1, at, 1), (-1,))


def _rounded(x: Node) -> Node:
    """Half away from zero, as C's round."""
    return ops.sign(x) * ops.floor(ops.abs(x) + 0.5)


def _bins(first: Node, last: Node, bins: int, length: int) -> Node:
    """Bool (K, bins, length): which elements each bin covers."""
    size = ops.clamp(last - first + 1, 1.0)
    step = ops.reshape(size / bins, (-1, 1))
    i, start = iota(bins, size.dtype), ops.reshape(first, (-1, 1))
    low = ops.clamp(ops.floor(i * step) + start, 0.0, float(length))
    high = ops.clamp(-ops.floor(-((i + 1) * step)) + start, 0.0, float(length))
    at = iota(length, size.dtype)
    return ops.logical_and(ops.ge(at, ops.expand_dims(low, 2)),
                           ops.lt(at, ops.expand_dims(high, 2)))
