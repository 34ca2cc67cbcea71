"""Helpers of batching rules: move batch axes about and give unbatched operands one."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph.node import Node
from . import movement


def move_axis(x: Node, start: int, to: int) -> Node:
    """x with axis `start` moved to position `to`, the others in order."""
    axes = [i for i in range(x.ndim) if i != start]
    axes.insert(to, start)
    return movement.permute(x, tuple(axes))


def to_front(x: Node, at: int | None, size: int) -> Node:
    """x with its batch axis first; an unbatched x gets one by repetition."""
    if at is not None:
        return move_axis(x, at, 0)
    return movement.broadcast_to(x, (size, *x.shape))


def batch_size(args: Sequence[Node], at: Sequence[int | None]) -> int:
    """Length of the batch axis."""
    return next(x.shape[a] for x, a in zip(args, at, strict=True) if a is not None)


def all_to_front(args: Sequence[Node], at: Sequence[int | None]) -> list[Node]:
    """Every operand with its batch axis first."""
    size = batch_size(args, at)
    return [to_front(x, a, size) for x, a in zip(args, at, strict=True)]
