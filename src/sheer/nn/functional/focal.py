"""Losses for unbalanced classes: focal losses count easy places less, dice compares areas."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...graph.errors import ArgumentError
from ...graph.node import Node
from ...mixins.core import apply
from ...tensor import Tensor
from ..notes import LOG_PROBABILITIES, SCORES, meaning, warn
from .classification import check_scores, check_weight, picked, valid_places
from .common import choice, need_float, pairwise, tensor_like
from .labels import check_labels, class_axis, hits
from .softmax import log_softmax_node


def focal_loss(input: Tensor, target: Any, gamma: float = 2.0, weight: Tensor | None = None, *,
               ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    """cross_entropy times (1 - p)^gamma, p the probability of the right class.

    Shape   as cross_entropy with labels
    Raises  as cross_entropy, E204 for a negative gamma
    Source  Lin et al. 2017, arXiv:1708.02002, equation 4
    Example
        >>> scores, label = sheer.zeros(1, 2), sheer.tensor([0])     # p = 1/2
        >>> F.focal_loss(scores, label) / F.cross_entropy(scores, label)
        tensor(0.25)
    """
    op = "focal_loss"
    target = tensor_like(op, target, input)
    check_scores(op, input)
    if gamma < 0:
        raise ArgumentError("E204", op, f"gamma = {gamma} is negative", need="gamma >= 0")
    at = class_axis(op, input)
    choice(op, "reduction", reduction, ("mean", "sum", "none"))
    check_weight(op, input, weight, at)
    check_labels(op, input, target, at, ignore_index)
    def run(x: Node, y: Node, *w: Node) -> Node:
        logp = log_softmax_node(x, at)
        focus = logp if gamma == 0 else logp * _power(-ops.expm1(logp), gamma)
        return picked(op, focus, y, w, at, ignore_index, reduction, 0.0)
    result: Tensor = apply(run, input, target, *([] if weight is None else [weight]))
    return result


def sigmoid_focal_loss(input: Tensor, target: Any, alpha: float = 0.25, gamma: float = 2.0, *,
                       reduction: str = "none") -> Tensor:
    """The focal loss of yes-or-no scores; alpha weighs the positive class (below 0: no weights).

    Shape   input (*S), target (*S) -> (*S) or ()
    Raises  E223 when the shapes differ, W202 for probabilities
    Source  arXiv:1708.02002; torchvision.ops.sigmoid_focal_loss
    Example
        >>> F.sigmoid_focal_loss(sheer.zeros(1), sheer.ones(1), alpha=-1)      # log(2) / 4
        tensor([0.1733])
    """
    op = "sigmoid_focal_loss"
    check_scores(op, input, "the scores in front of sigmoid")
    def run(x: Node, y: Node) -> Node:
        p = ops.sigmoid(x)
        loss = ops.mul(1 - y, x) + ops.softplus(-x)
        miss = ops.add(ops.mul(p, 1 - y), ops.mul(1 - p, y))
        loss = loss * _power(miss, gamma)
        return ops.mul(ops.add(alpha * y, (1 - alpha) * (1 - y)), loss) if alpha >= 0 else loss
    return pairwise(op, input, target, run, None, reduction)


def dice_loss(input: Tensor, target: Any, *, smooth: float = 1.0,
              ignore_index: int | None = None) -> Tensor:
    """1 - 2 |A and B| / (|A| + |B|), the mean over classes, for probabilities and labels.

    smooth is added to both, so that an absent class that is not predicted costs nothing.

    Shape   input (N, K, *S), target int (N, *S) -> ()
    Raises  E221, E222, E223 for labels, W203 for scores in place of probabilities
    Source  Milletari et al. 2016, arXiv:1606.04797
    Example
        >>> F.dice_loss(sheer.tensor([[1.0, 0.0], [0.0, 1.0]]), sheer.tensor([0, 1]))
        tensor(0.)
    """
    op = "dice_loss"
    target = tensor_like(op, target, input)
    need_float(op, input=input)
    if meaning(input.node) in (SCORES, LOG_PROBABILITIES):
        warn("W203", op, f"the input is {meaning(input.node)}, not probabilities",
             got={"input": input.node},
             need="softmax(scores, 1)", tries=[("softmax(scores, dim=1)", lambda: None)])
    check_labels(op, input, target, 1, ignore_index)
    def run(p: Node, y: Node) -> Node:
        valid, safe = valid_places(y, ignore_index)
        hit = ops.where(ops.expand_dims(valid, 1), hits(op, safe, p.shape[1], 1), False)
        there = ops.cast(hit, p.dtype)
        seen = ops.where(ops.broadcast_to(ops.expand_dims(valid, 1), p.shape), p, 0.0)
        axes = (0, *range(2, p.ndim))
        both, total = ops.sum(seen * there, axes), ops.sum(seen, axes) + ops.sum(there, axes)
        return 1 - ops.mean((2 * both + smooth) / (total + smooth))
    result: Tensor = apply(run, input, target)
    return result


def _power(x: Node, p: float) -> Node:
    """x^p for x in [0, 1], with a finite slope at 0 for the usual whole powers."""
    return x if p == 1 else x * x if p == 2 else ops.pow(x, p)
