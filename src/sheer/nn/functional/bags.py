"""embedding_bag: indices in bags flow in, one sum, mean or maximum of rows per bag flows out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ArgumentError, MissingError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply, as_node
from ...ops.structure import iota
from ...tensor import Tensor
from .common import choice, known, passes_if, same_dtype
from .linear import check_index, embedding

MODES = ("sum", "mean", "max")


def embedding_bag(input: Any, weight: Tensor, offsets: Any = None, max_norm: float | None = None,
                  norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean",
                  sparse: bool = False, per_sample_weights: Tensor | None = None,
                  include_last_offset: bool = False, padding_idx: int | None = None) -> Tensor:
    """One row per bag: the sum, mean or largest of the table's rows that the bag names.

    A bag is a row of input, or, with offsets, the part of a line that begins there. An empty bag
    gives zeros. The padding row counts in no bag. With include_last_offset the last offset is the
    end of the last bag.

    Shape   input int (B, N), or (L,) with offsets int (B,); weight (n, d) -> (B, d)
    Raises  E202 for dtypes, E212 for an index outside the table, E203 for shapes, E204 for a mode,
            for offsets that do not rise from 0, and for weights beside another mode than sum; E211
            for max_norm, scale_grad_by_freq and sparse
    Source  torch.nn.functional.embedding_bag
    Example
        >>> table = sheer.tensor([[1.0, 1.0], [2.0, 4.0], [6.0, 8.0]])
        >>> F.embedding_bag(sheer.tensor([0, 1, 2]), table, sheer.tensor([0, 2]), mode="sum")
        tensor([[3., 5.],
                [6., 8.]])
    """
    choice("embedding_bag", "mode", mode, MODES)
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise MissingError("E211", "embedding_bag",
                           "max_norm, scale_grad_by_freq and sparse gradients are left out",
                           need="their defaults",
                           tries=[("renormalise weight before the call", lambda: None)])
    input = input if isinstance(input, Tensor) else Tensor(as_node(input))
    check_index(input, weight)
    bags = _bags(input, offsets, include_last_offset)
    line = input.reshape(-1)
    if per_sample_weights is not None:
        _check_weights(input, weight, per_sample_weights, mode)
    rows = embedding(line, weight)                                              # (L, d)
    given = [] if per_sample_weights is None else [per_sample_weights.reshape(-1)]
    skip = None if padding_idx is None else padding_idx % weight.shape[0]
    def run(found: Node, index: Node, bag: Node, *w: Node) -> Node:
        member = ops.eq(ops.expand_dims(iota(bags[0], int64), 1), bag)          # (B, L)
        if skip is not None:
            member = ops.logical_and(member, ops.ne(index, skip))
        if mode == "max":
            return _largest(found, member)
        return _added(found, member, bag, mode == "mean", *w)
    result: Tensor = apply(run, rows, line, bags[1], *given)
    return result


def _bags(input: Tensor, offsets: Any, ended: bool) -> tuple[int, Tensor]:
    """(number of bags, the bag of every index in a line)."""
    if input.ndim == 2 and offsets is None:
        b, n = input.shape
        return b, Tensor(ops.constant(np.repeat(np.arange(b), n)))
    if input.ndim != 1 or offsets is None:
        raise ShapeError("E203", "embedding_bag",
                         "bags are rows, or parts of a line, which offsets tell",
                         got={"input": input.node}, need="input (B, N), or (L,) with offsets (B,)",
                         tries=[("input.unsqueeze(0)", passes_if(input.ndim == 1))])
    starts = offsets if isinstance(offsets, Tensor) else Tensor(as_node(offsets))
    count = starts.shape[0] - ended
    _check_starts(starts, input)
    def run(at: Node) -> Node:
        begun = ops.ge(ops.expand_dims(iota(input.shape[0], int64), 1),
                       ops.narrow(at, 0, 0, count))                             # (L, B)
        return ops.sum(ops.cast(begun, int64), (1,)) - 1
    return count, apply(run, starts)


def _check_starts(starts: Tensor, input: Tensor) -> None:
    """Raise E204 for offsets, where known, that leave the line or an index out."""
    places = known(starts)
    if places is None or not places.size:
        return
    if places[0] != 0 or (np.diff(places) < 0).any() or places[-1] > input.shape[0]:
        raise ArgumentError("E204", "embedding_bag", f"offsets {places.tolist()}",
                            got={"input": input.node},
                            need=f"0 first, then rising places up to {input.shape[0]}")


def _added(found: Node, member: Node, bag: Node, mean: bool, *w: Node) -> Node:
    """Sums of rows by bag, over their numbers for the mean."""
    counts = ops.cast(ops.any(member, (0,)), found.dtype)             # (L,): 0 for padding
    share = ops.mul(counts, w[0]) if w else counts
    zeros = ops.broadcast_to(ops.constant(0, found.dtype), (member.shape[0], found.shape[1]))
    total = ops.ScatterAdd(1)(zeros, bag, ops.mul(found, ops.expand_dims(share, 1)))
    if not mean:
        return total
    sizes = ops.sum(ops.cast(member, found.dtype), (1,))
    return total / ops.expand_dims(ops.clamp(sizes, 1.0), 1)


def _largest(found: Node, member: Node) -> Node:
    """The largest of each column by bag; 0 for an empty bag."""
    inside = ops.expand_dims(member, 2)                                         # (B, L, 1)
    wide = ops.broadcast_to(ops.expand_dims(found, 0), (*member.shape, found.shape[1]))
    held = ops.where(inside, wide, ops.lowest(found.dtype))
    best = ops.expand_dims(ops.argmax(held, 1), 1)
    top = ops.reshape(ops.take_along(held, best, 1), (member.shape[0], found.shape[1]))
    return ops.where(ops.expand_dims(ops.any(member, (1,)), 1), top, 0.0)


def _check_weights(input: Tensor, weight: Tensor, given: Tensor, mode: str) -> None:
    same_dtype("embedding_bag", given, weight)
    if mode != "sum":
        raise ArgumentError("E204", "embedding_bag", f"per_sample_weights with mode={mode!r}",
                            need="mode='sum'")
    if given.shape != input.shape:
        raise ShapeError("E203", "embedding_bag", "every index needs a weight",
                         got={"input": input.node, "per_sample_weights": given.node},
                         need="equal shapes")
