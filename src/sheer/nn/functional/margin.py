"""Losses with a margin: nothing is paid by what is right by more than that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ArgumentError, BoundsError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import iota
from ...tensor import Tensor
from .common import known, need_float, pairwise, passes_if, reduced, same_shape, tensor_like
from .distance import pairwise_distance
from .labels import check_labels, class_axis, hits


def hinge_loss(input: Tensor, target: Any, *, margin: float = 1.0,
               reduction: str = "mean") -> Tensor:
    """max(0, margin - y x) for scores x and labels y of -1 or 1.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  E223 when the shapes differ, E227 for a label known to be neither -1 nor 1, E202 for
            integer scores, E204 for a reduction
    Source  Cortes and Vapnik 1995
    Example
        >>> F.hinge_loss(sheer.tensor([3.0, 0.2, -1.0]), sheer.ones(3), reduction="none")
        tensor([0. , 0.8, 2. ])
    """
    target = tensor_like("hinge_loss", target, input)
    _check_signs("hinge_loss", target)
    run = lambda x, y: ops.relu(margin - ops.mul(x, y))
    return pairwise("hinge_loss", input, target, run, None, reduction)


def hinge_embedding_loss(input: Tensor, target: Any, *, margin: float = 1.0,
                         reduction: str = "mean") -> Tensor:
    """x where the label is 1, max(0, margin - x) where it is -1: for distances x.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  as hinge_loss
    Source  torch.nn.functional.hinge_embedding_loss
    Example
        >>> distances, labels = sheer.tensor([0.2, 0.2]), sheer.tensor([1.0, -1.0])
        >>> F.hinge_embedding_loss(distances, labels, reduction="none")
        tensor([0.2, 0.8])
    """
    target = tensor_like("hinge_embedding_loss", target, input)
    _check_signs("hinge_embedding_loss", target)
    run = lambda x, y: ops.where(ops.eq(y, 1), x, ops.clamp(margin - x, 0.0))
    return pairwise("hinge_embedding_loss", input, target, run, None, reduction)


def soft_margin_loss(input: Tensor, target: Any, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-y x)) for labels y of -1 or 1, without overflow.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  as hinge_loss
    Source  torch.nn.functional.soft_margin_loss
    Example
        >>> scores, labels = sheer.tensor([0.0, 100.0]), sheer.tensor([1.0, -1.0])
        >>> F.soft_margin_loss(scores, labels, reduction="none")     # log 2, and no overflow
        tensor([  0.6931, 100.    ])
    """
    target = tensor_like("soft_margin_loss", target, input)
    _check_signs("soft_margin_loss", target)
    return pairwise("soft_margin_loss", input, target, lambda x, y: ops.softplus(-ops.mul(x, y)),
                    None, reduction)


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Any, margin: float = 0.0, *,
                        reduction: str = "mean") -> Tensor:
    """max(0, margin - y (x1 - x2)): x1 should be the larger one where the label is 1.

    Shape   input1 (*S), input2 (*S), target (*S) or () -> () or (*S)
    Raises  E223 when the shapes differ, E227 for a label known to be neither -1 nor 1, E204 for a
            reduction
    Source  torch.nn.functional.margin_ranking_loss
    Example
        >>> F.margin_ranking_loss(sheer.tensor([3.0, 1.0]), sheer.tensor([1.0, 3.0]), sheer.ones(2),
        ...                       reduction="none")
        tensor([0., 2.])
    """
    target = tensor_like("margin_ranking_loss", target, input1)
    _check_signs("margin_ranking_loss", target)
    same_shape("margin_ranking_loss", input1, input2)
    if target.ndim:
        same_shape("margin_ranking_loss", input1, target)
    run = lambda a, b, y: ops.clamp(margin - ops.mul(y, ops.sub(a, b)), 0.0)
    return reduced("margin_ranking_loss", apply(run, input1, input2, target), reduction)


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0,
                        p: float = 2.0,
                        eps: float = 1e-6, swap: bool = False, *,
                        reduction: str = "mean") -> Tensor:
    """max(0, margin + |anchor - positive| - |anchor - negative|).

    swap takes the distance of positive and negative where that is the smaller one.

    Shape   three (N, d) or (d,) -> () or (N,)
    Raises  E223 when the shapes differ, E204 for a reduction
    Source  Balntas et al. 2016; torch.nn.functional.triplet_margin_loss
    Example
        >>> anchor, near, far = sheer.tensor([[0.0, 0.0], [3.0, 4.0], [0.3, 0.4]]).split(1)
        >>> F.triplet_margin_loss(anchor, near, far)                 # 1 + 5 - 0.5
        tensor(5.5)
    """
    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)
    for other in (positive, negative):
        same_shape("triplet_margin_loss", anchor, other)
    return triplet_margin_with_distance_loss(anchor, positive, negative,
                                             distance_function=distance, margin=margin, swap=swap,
                                             reduction=reduction)


def triplet_margin_with_distance_loss(
        anchor: Tensor, positive: Tensor, negative: Tensor, *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
        swap: bool = False, reduction: str = "mean") -> Tensor:
    """triplet_margin_loss with a distance of one's own; pairwise_distance when there is none.

    Shape   three operands that distance_function takes -> () or (N,)
    Raises  E204 for a reduction
    Source  torch.nn.functional.triplet_margin_with_distance_loss
    Example
        >>> anchor, near, far = sheer.tensor([[0.0], [1.0], [1.5]]).split(1)
        >>> city = lambda a, b: (a - b).abs().sum(-1)
        >>> F.triplet_margin_with_distance_loss(anchor, near, far, distance_function=city)
        tensor(0.5)
    """
    measure = distance_function or pairwise_distance
    near, far = measure(anchor, positive), measure(anchor, negative)
    if swap:
        far = apply(ops.minimum, far, measure(positive, negative))
    loss = apply(lambda a, b: ops.clamp(margin + a - b, 0.0), near, far)
    return reduced("triplet_margin_loss", loss, reduction)


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Any, margin: float = 0.0, *,
                          reduction: str = "mean") -> Tensor:
    """1 - cos where the label is 1, max(0, cos - margin) where it is -1.

    Shape   input1, input2 (N, d) and target (N,), or (d,) and () -> () or (N,)
    Raises  E223 when the shapes differ, E227 for a label known to be neither -1 nor 1
    Source  torch.nn.functional.cosine_embedding_loss
    Example
        >>> x = sheer.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> y = sheer.tensor([[0.0, 2.0], [3.0, 0.0]])
        >>> F.cosine_embedding_loss(x, y, sheer.tensor([1, -1]), reduction="none")
        tensor([1., 1.])
    """
    op = "cosine_embedding_loss"
    target = tensor_like(op, target, input1)
    _check_signs(op, target)
    same_shape(op, input1, input2)
    if target.shape != input1.shape[:-1]:
        raise ShapeError("E223", op,
                         f"labels have shape {target.shape}, the pairs {input1.shape[:-1]}",
                         got={"input1": input1.node, "target": target.node},
                         need="one label per pair")
    def run(a: Node, b: Node, y: Node) -> Node:
        dot = lambda s, t: ops.sum(s * t, (s.ndim - 1,))
        tiny = 1e-12                                                # as torch: inside the root
        cos = dot(a, b) / ops.sqrt((dot(a, a) + tiny) * (dot(b, b) + tiny))
        return ops.where(ops.eq(y, 1), 1 - cos, ops.clamp(cos - margin, 0.0))
    return reduced(op, apply(run, input1, input2, target), reduction)


def multi_margin_loss(input: Tensor, target: Any, p: int = 1, margin: float = 1.0,
                      weight: Tensor | None = None, *,
                      reduction: str = "mean") -> Tensor:
    """The mean over the other classes of max(0, margin - x[label] + x[class])^p.

    Shape   input (N, K) or (K,), target int (N,) or (), weight (K,) -> () or (N,)
    Raises  E204 for a p other than 1 and 2, E221, E222, E223 for labels, E225 for one class
    Source  Crammer and Singer 2001; torch.nn.functional.multi_margin_loss
    Example
        >>> F.multi_margin_loss(sheer.tensor([[2.0, 1.5, 0.0]]), sheer.tensor([0]))      # 0.5 / 3
        tensor(0.1667)
    """
    op = "multi_margin_loss"
    if p not in (1, 2):
        raise ArgumentError("E204", op, f"p = {p}", need="1 or 2")
    target = tensor_like(op, target, input)
    need_float(op, input=input)
    if input.ndim < 2 and target.shape == (1,):
        target = target.reshape(())
    input = input.reshape(1) if input.ndim == 0 else input
    at = class_axis(op, input)
    check_labels(op, input, target, at, None)
    def run(x: Node, y: Node, *w: Node) -> Node:
        hit = ops.broadcast_to(hits(op, y, x.shape[at], at), x.shape)
        mine = ops.sum(ops.where(hit, x, 0.0), (at,))
        gap = ops.clamp(margin - ops.restore(mine, x.shape, (at,)) + x, 0.0)
        each = gap if p == 1 else gap * gap
        if w:
            own = ops.where(hit, ops.broadcast_to(w[0], x.shape), 0.0)
            each = ops.mul(each, ops.restore(ops.sum(own, (at,)), x.shape, (at,)))
        return ops.sum(ops.where(hit, 0.0, each), (at,)) / x.shape[at]
    return reduced(op, apply(run, input, target, *([] if weight is None else [weight])), reduction)


def multilabel_margin_loss(input: Tensor, target: Any, *, reduction: str = "mean") -> Tensor:
    """The sum over pairs (label, other class) of max(0, 1 - x[label] + x[other]) / K.

    A row of target lists the labels of an example, up to the first -1; a label listed twice counts
    twice.

    Shape   input (N, K) or (K,), target int of the same shape -> () or (N,)
    Raises  E223 when the shapes differ, E221 for a label known to be no class
    Source  torch.nn.functional.multilabel_margin_loss
    Example
        >>> F.multilabel_margin_loss(sheer.tensor([[2.0, 1.5, 0.0]]), sheer.tensor([[0, -1, -1]]))
        tensor(0.1667)
    """
    target = tensor_like("multilabel_margin_loss", target, input)
    same_shape("multilabel_margin_loss", input, target)
    labels, classes = known(target), input.shape[-1] if input.ndim else 1
    if labels is not None and labels.size and not -1 <= labels.min() <= labels.max() < classes:
        raise BoundsError("E221", "multilabel_margin_loss", "there is a label that is no class",
                          got={"target": target.node}, need=f"-1 <= label < {classes}")
    if input.ndim == 0:
        input, target = input.reshape(1), target.reshape(1)
    def run(x: Node, y: Node) -> Node:
        k, last = x.shape[-1], x.ndim - 1
        ended = ops.cumsum(ops.cast(ops.lt(y, 0), int64), last)
        counts = ops.eq(ended, 0)                               # (*B, K): before the first -1
        same = ops.eq(ops.expand_dims(y, y.ndim), iota(k, int64))              # (*B, label, class)
        same = ops.logical_and(ops.expand_dims(counts, y.ndim), same)
        named = ops.sum(ops.cast(same, x.dtype), (last,))                      # (*B, class)
        gap = ops.clamp(1 - ops.sub(ops.expand_dims(x, x.ndim), ops.expand_dims(x, last)),
                        0.0)  # (*B, i, j)
        others = ops.where(ops.eq(ops.expand_dims(named, last), 0), gap, 0.0)
        return ops.sum(ops.mul(ops.expand_dims(named, x.ndim), others), (last, last + 1)) / k
    return reduced("multilabel_margin_loss", apply(run, input, target), reduction)


def multilabel_soft_margin_loss(input: Tensor, target: Any, weight: Any = None, *,
                                reduction: str = "mean",
                                ) -> Tensor:
    """The mean over classes of the yes-or-no cross-entropy of every class.

    Shape   input (*B, K), target (*B, K), weight (K,) -> () or (*B)
    Raises  E223 when the shapes differ
    Source  torch.nn.functional.multilabel_soft_margin_loss
    Example
        >>> F.multilabel_soft_margin_loss(sheer.zeros(1, 3), sheer.tensor([[1.0, 0.0, 1.0]]))
        tensor(0.6931)
    """
    op = "multilabel_soft_margin_loss"
    run = lambda x, y: ops.mul(1 - y, x) + ops.softplus(-x)
    each = pairwise(op, input, target, run, weight, "none")
    return reduced(op, each.mean(-1), reduction)


def _check_signs(op: str, target: Tensor) -> None:
    """Raise ArgumentError E227 for a label known to be neither -1 nor 1."""
    values = known(target)
    if values is None or values.size == 0 or ((values == 1) | (values == -1)).all():
        return
    wrong = values[(values != 1) & (values != -1)].flat[0]
    only_bits = bool(((values == 0) | (values == 1)).all())
    raise ArgumentError("E227", op, f"label {wrong} is neither -1 nor 1",
                        got={"target": target.node},
                        need="labels of -1 and 1",
                        tries=[("2 * target - 1", passes_if(only_bits))])
