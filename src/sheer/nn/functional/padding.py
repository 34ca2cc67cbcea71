"""pad: an array flows in, a larger one with more elements around it flows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ... import ops
from ...graph.errors import ArgumentError
from ...graph.node import Node
from ...mixins.core import apply
from ...tensor import Tensor
from .common import choice, passes_if

MODES = ("constant", "reflect", "replicate", "circular")


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant",
        value: float | None = None) -> Tensor:
    """Put elements around the last axes.

    pad is (low, high) of the last axis, then of the one before, and so on.

    Shape   (*S) -> S + low + high on the axes named; negative numbers cut off
    Raises  E204 for a mode that is none, for a number of widths that is odd or too large, and for
            widths that reflect or circular cannot fill from what there is; E114 when more is cut
            off than there is
    Source  torch.nn.functional.pad
    Example
        >>> F.pad(sheer.tensor([1, 2, 3]), (1, 2)).tolist()
        [0, 1, 2, 3, 0, 0]
        >>> F.pad(sheer.tensor([[1.0, 2.0, 3.0]]), (2, 0), mode="reflect")
        tensor([[3., 2., 1., 2., 3.]])
    """
    choice("pad", "mode", mode, MODES)
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise ArgumentError("E204", "pad", f"{len(pad)} widths for {input.ndim} axes",
                            got={"input": input.node},
                            need="(low, high) for each axis, the last one first")
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)][::-1]
    result: Tensor = apply(pad_node, input, pairs=pairs, mode=mode, value=value or 0)
    return result


def pad_node(x: Node, pairs: Sequence[tuple[int, int]], mode: str = "constant",
             value: float = 0) -> Node:
    """pad on nodes: (low, high) of the last len(pairs) axes, in the order of the axes."""
    first = x.ndim - len(pairs)
    if mode == "constant":
        return ops.pad(x, [(0, 0, 0)] * first + [(lo, hi, 0) for lo, hi in pairs], value)
    for i, (low, high) in enumerate(pairs):
        if (low, high) != (0, 0):
            x = _grown(x, first + i, low, high, mode)
    return x


def _grown(x: Node, at: int, low: int, high: int, mode: str) -> Node:
    """One axis, longer at both ends."""
    n = x.shape[at]
    if mode == "replicate" and n and (low < 0 or high < 0):     # a cut does not move the ends
        places = np.clip(np.arange(-low, n + high), 0, n - 1)
        return ops.take(x, places, at)
    most = {"reflect": n - 1, "circular": n, "replicate": max(low, high) if n else 0}[mode]
    if max(low, high) > most:
        raise ArgumentError("E204", "pad",
                            f"{mode} cannot put {max(low, high)} elements beside {n}",
                            got={"input": x}, need=f"at most {most}",
                            tries=[('mode="replicate"', passes_if(n > 0))])
    if low < 0 or high < 0:
        cut = ops.narrow(x, at, max(-low, 0), n + min(low, 0) + min(high, 0))
        return _grown(cut, at, max(low, 0), max(high, 0), mode)
    part: Callable[[int, int], Node] = lambda start, length: ops.narrow(x, at, start, length)
    if mode == "reflect":
        pieces = [ops.flip(part(1, low), (at,)), x, ops.flip(part(n - 1 - high, high), (at,))]
    elif mode == "circular":
        pieces = [part(n - low, low), x, part(0, high)]
    else:
        wide = lambda end, length: ops.broadcast_to(end, (*x.shape[:at], length, *x.shape[at + 1:]))
        pieces = [wide(part(0, 1), low), x, wide(part(n - 1, 1), high)]
    return ops.concat([p for p in pieces if p.shape[at]], at)
