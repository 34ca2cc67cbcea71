"""Windows of images as columns and back: unfold, fold; channel_shuffle."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops import sliding
from ...tensor import Tensor
from .padding import pad_node

Setting = Any     # an int, or a sequence with one per spatial axis


def unfold(input: Tensor, kernel_size: Setting, dilation: Setting = 1, padding: Setting = 0,
           stride: Setting = 1) -> Tensor:
    """The elements under each position of a window, as columns.

    Shape   input (N, C, H, W) or (C, H, W) -> (N, C * product of kernel_size, positions)
    Raises  E203 for ranks and for a window that does not fit, E123 for settings
    Source  torch.nn.functional.unfold
    Example
        >>> F.unfold(sheer.arange(9.0).reshape(1, 3, 3), 2)
        tensor([[0., 1., 3., 4.],
                [1., 2., 4., 5.],
                [3., 4., 6., 7.],
                [4., 5., 7., 8.]])
    """
    if input.ndim not in (3, 4):
        raise ShapeError("E203", "unfold", f"input has {input.ndim} axes",
                         got={"input": input.node}, need="(N, C, H, W) or (C, H, W)")
    windows = _Windows("unfold", input.shape[-2:], (kernel_size, dilation, padding, stride))
    def run(x: Node) -> Node:
        wide = pad_node(x, windows.pairs)
        flat = ops.reshape(wide, (*x.shape[:-2], math.prod(wide.shape[-2:])))
        found = ops.take(flat, ops.constant(windows.places.ravel(), int64), -1)
        return ops.reshape(found, (*x.shape[:-3], x.shape[-3] * windows.taps, windows.count))
    result: Tensor = apply(run, input)
    return result


def fold(input: Tensor, output_size: Setting, kernel_size: Setting, dilation: Setting = 1,
         padding: Setting = 0, stride: Setting = 1) -> Tensor:
    """Columns added up at the places `unfold` took them from: its transpose, not its inverse.

    Shape   input (N, C * product of kernel_size, positions) or without N -> (N, C, *output_size)
    Raises  E203 for ranks and for columns that are not those of output_size, E123 for settings
    Source  torch.nn.functional.fold
    Example
        >>> columns = F.unfold(sheer.ones(1, 3, 3), 2)
        >>> F.fold(columns, (3, 3), 2)                               # windows that see each
        tensor([[[1., 2., 1.],
                 [2., 4., 2.],
                 [1., 2., 1.]]])
    """
    size = sliding.per_axis("fold", "output_size", output_size, 2)
    windows = _Windows("fold", size, (kernel_size, dilation, padding, stride))
    if (input.ndim not in (2, 3) or input.shape[-1] != windows.count
            or input.shape[-2] % windows.taps):
        raise ShapeError("E203", "fold", f"these are no columns of an image of {size}",
                         got={"input": input.node},
                         need=f"(N, C * {windows.taps}, {windows.count}), N may be left out")
    def run(x: Node) -> Node:
        lead = (*x.shape[:-2], x.shape[-2] // windows.taps)
        columns = ops.reshape(x, (math.prod(lead), windows.places.size))
        zeros = ops.broadcast_to(ops.constant(0, x.dtype),
                                 (math.prod(lead), math.prod(windows.padded)))
        where = ops.broadcast_to(ops.constant(windows.places.ravel(), int64), columns.shape)
        wide = ops.reshape(ops.scatter_add(zeros, where, columns, 1), (*lead, *windows.padded))
        return pad_node(wide, [(-low, -high) for low, high in windows.pairs])
    result: Tensor = apply(run, input)
    return result


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels dealt out from `groups` piles in turn.

    Shape   (N, C, *S) -> (N, C, *S)
    Raises  E203 when the channels do not divide by groups
    Source  Zhang et al. 2017, arXiv:1707.01083; torch.nn.functional.channel_shuffle
    Example
        >>> F.channel_shuffle(sheer.arange(6).reshape(1, 6, 1, 1), 2).flatten().tolist()
        [0, 3, 1, 4, 2, 5]
    """
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise ShapeError("E203", "channel_shuffle", f"no channels of {groups} equal groups",
                         got={"input": input.node}, need="(N, C, *S) with C divisible by groups")
    def run(x: Node) -> Node:
        n, c, *rest = x.shape
        apart = ops.reshape(x, (n, groups, c // groups, *rest))
        return ops.reshape(ops.permute(apart, (0, 2, 1, *range(3, apart.ndim))), x.shape)
    result: Tensor = apply(run, input)
    return result


native_channel_shuffle = channel_shuffle


class _Windows:
    """Where the windows of an image lie.

    places  int64 (taps, positions): flat places in the padded image
    """

    def __init__(self, op: str, size: tuple[int, ...], settings: tuple[Setting, ...]) -> None:
        names = "kernel_size", "dilation", "padding", "stride"
        window, dilation, around, stride = (sliding.per_axis(op, name, value, 2)
                                            for name, value in zip(names, settings, strict=True))
        self.pairs = [(p, p) for p in around]
        sliding.check(op, stride, tuple(self.pairs), dilation, window)
        out = sliding.lengths(size, window, stride, self.pairs, dilation)
        if min(out) < 1:
            raise ShapeError("E203", op, f"a window of {window} does not fit {size}",
                             need="a window no larger than the padded image")
        self.padded = tuple(n + 2 * p for n, p in zip(size, around, strict=True))
        rows = [np.add.outer(np.arange(k) * d, np.arange(n) * s)
                for k, d, n, s in zip(window, dilation, out, stride, strict=True)]
        places = [np.add.outer(rows[0][i] * self.padded[1], rows[1][j]).ravel()
                  for i, j in itertools.product(*map(range, window))]
        self.places = np.stack(places)
        self.taps, self.count = self.places.shape
