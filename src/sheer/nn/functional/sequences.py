"""Loss of sequences: scores and labels of every step in, the mean surprise of real steps out."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...tensor import Tensor
from .classification import check_scores, picked, valid_places
from .common import choice, passes_if, tensor_like
from .labels import check_labels
from .softmax import log_softmax_node


def sequence_cross_entropy(input: Tensor, target: Any, *, ignore_index: int = -100,
                           reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """cross_entropy at every step of padded sequences; steps labelled ignore_index are padding.

    The mean is over the steps that are none. The terms of a sequence are added up in order, so
    neither value nor gradient depends on how much padding there is: not even in the last bit.

    Shape   input (B, T, K), target int (B, T) -> (), or (B, T) for reduction="none"
    Raises  E203 for other axes, E221, E222, E223 for labels, E204 for settings, E202 for integer
            scores, W202 for probabilities
    Source  definition; sums per sequence first
    Example
        >>> scores = sheer.zeros(2, 3, 4)
        >>> labels = sheer.tensor([[1, 2, -100], [3, -100, -100]])
        >>> round(nn.functional.sequence_cross_entropy(scores, labels).item(), 4)
        1.3863
    """
    op = "sequence_cross_entropy"
    target = tensor_like(op, target, input)
    if input.ndim != 3 or target.shape != input.shape[:2]:
        turned = input.ndim == 3 and target.shape == (input.shape[0], input.shape[2])
        raise ShapeError("E203", op, "scores and labels do not belong together",
                         got={"input": input.node, "target": target.node},
                         need="input (B, T, K), target (B, T)",
                         tries=[("input.transpose(1, 2)", passes_if(turned))])
    check_scores(op, input)
    choice(op, "reduction", reduction, ("mean", "sum", "none"))
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError("E204", op, f"label_smoothing = {label_smoothing}",
                            need="0 <= label_smoothing <= 1")
    check_labels(op, input.transpose(1, 2), target, 1, ignore_index)
    def run(x: Node, y: Node) -> Node:
        b, t, k = x.shape
        flat = ops.reshape(x, (b * t, k))
        loss = picked(op, log_softmax_node(flat, 1), ops.reshape(y, (b * t,)), (), 1, ignore_index,
                      "none", label_smoothing)
        loss = ops.reshape(loss, (b, t))
        if reduction == "none":
            return loss
        ends = ops.narrow(ops.cumsum(loss, 1), 1, t - 1, 1)   # one by one: zeros change nothing
        total = ops.sum(ends)
        if reduction == "sum":
            return total
        return total / ops.sum(ops.cast(valid_places(y, ignore_index)[0], x.dtype))
    result: Tensor = apply(run, input, target)
    return result
