"""Losses of classes: scores or probabilities and labels flow in, the surprise flows out."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...graph.errors import ArgumentError, MissingError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import holds, stop_gradient
from ...tensor import Tensor
from ..notes import LOG_PROBABILITIES, PROBABILITIES, SCORES, meaning, warn
from .common import choice, known, need_float, pairwise, passes_if, reduced, same_shape, tensor_like
from .labels import check_labels, class_axis, hits
from .linear import linear
from .softmax import log_softmax_node


def cross_entropy(input: Tensor, target: Any, weight: Tensor | None = None, *,
                  ignore_index: int = -100,
                  reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """-log of the probability that softmax(input) gives to the right class.

    target holds labels, or probabilities of the input's shape. With labels the mean is weighted by
    the weights of the classes; places with label ignore_index count for nothing.

    Shape   input (N, K, *S) or (K,), target int (N, *S) or float (N, K, *S), weight (K,) -> () or
            (N, *S)
    Raises  E221, E222, E223 for labels, E225 for one class, E202 for integer scores, E204 for
            settings and weights, W202 for probabilities, W207 for log-probabilities in place of
            scores
    Source  torch.nn.functional.cross_entropy
    Example
        >>> F.cross_entropy(sheer.zeros(2, 4), sheer.tensor([2, 1]))         # any of four: log 4
        tensor(1.3863)
        >>> F.cross_entropy(sheer.tensor([[5.0, 0.0]]), sheer.tensor([1]))   # sure, and wrong
        tensor(5.0067)
    """
    op = "cross_entropy"
    target = tensor_like(op, target, input)
    check_scores(op, input)
    at = class_axis(op, input)
    choice(op, "reduction", reduction, ("mean", "sum", "none"))
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError("E204", op, f"label_smoothing = {label_smoothing}",
                            need="0 <= label_smoothing <= 1")
    check_weight(op, input, weight, at)
    if target.dtype.is_floating_point and target.shape == input.shape:
        return _soft(input, target, weight, at, reduction, label_smoothing)
    check_labels(op, input, target, at, ignore_index)
    def run(x: Node, y: Node, *w: Node) -> Node:
        return picked(op, log_softmax_node(x, at), y, w, at, ignore_index, reduction,
                      label_smoothing)
    result: Tensor = apply(run, input, target, *([] if weight is None else [weight]))
    return result


def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Any, *,
                         linear_bias: Tensor | None = None, weight: Tensor | None = None,
                         reduction: str = "mean", ignore_index: int | None = None,
                         label_smoothing: float = 0.0, options: None = None) -> Tensor:
    """cross_entropy of linear(input), for weights that may have further axes.

    Shape   input (N, d) or (d,), linear_weight (K, *S, d), linear_bias (K, *S), target int (N, *S)
            or float (N, K, *S) -> () or (N, *S)
    Raises  as cross_entropy and linear; E211 for options: the compiler decides what is kept
    Source  torch.nn.functional.linear_cross_entropy
    Example
        >>> x, weight = sheer.tensor([[1.0, 0.0]]), sheer.zeros(4, 2)
        >>> F.linear_cross_entropy(x, weight, sheer.tensor([2]))     # log 4
        tensor(1.3863)
    """
    without_options("linear_cross_entropy", options)
    d = linear_weight.shape[-1]
    flat = None if linear_bias is None else linear_bias.reshape(-1)
    scores = linear(input, linear_weight.reshape(-1, d), flat)
    scores = scores.reshape(*input.shape[:-1], *linear_weight.shape[:-1])
    return cross_entropy(scores, target, weight, reduction=reduction,
                         ignore_index=-100 if ignore_index is None else ignore_index,
                         label_smoothing=label_smoothing)


def without_options(op: str, options: Any) -> None:
    """E211 for the options by which PyTorch is told what to keep of the scores."""
    if options is not None:
        raise MissingError("E211", op, "options are left out", need="None",
                           tries=[("options=None", lambda: None)])


def nll_loss(input: Tensor, target: Any, weight: Tensor | None = None, *, ignore_index: int = -100,
             reduction: str = "mean") -> Tensor:
    """Minus the log-probability of the right class, for log-probabilities `input`.

    Shape   input (N, K, *S) or (K,), target int (N, *S), weight (K,) -> () or (N, *S)
    Raises  E221, E222, E223 for labels, E225 for one class, W203 for probabilities or scores
    Source  torch.nn.functional.nll_loss
    Example
        >>> F.nll_loss(sheer.tensor([[0.25, 0.75]]).log(), sheer.tensor([0]))  # log 4
        tensor(1.3863)
    """
    op = "nll_loss"
    target = tensor_like(op, target, input)
    need_float(op, input=input)
    found = meaning(input.node)
    if found in (PROBABILITIES, SCORES):
        warn("W203", op, f"the input is {found}, not log-probabilities", got={"input": input.node},
             need="log_softmax in front, or cross_entropy on the scores",
             tries=[("cross_entropy(scores, target)", lambda: None)])
    at = class_axis(op, input)
    choice(op, "reduction", reduction, ("mean", "sum", "none"))
    check_weight(op, input, weight, at)
    check_labels(op, input, target, at, ignore_index)
    def run(x: Node, y: Node, *w: Node) -> Node:
        return picked(op, x, y, w, at, ignore_index, reduction, 0.0)
    result: Tensor = apply(run, input, target, *([] if weight is None else [weight]))
    return result


def binary_cross_entropy(input: Tensor, target: Any, weight: Any = None, *,
                         reduction: str = "mean") -> Tensor:
    """-(y log(p) + (1 - y) log(1 - p)) for probabilities p; each logarithm is at least -100.

    The slope (p - y) / (p (1 - p)) is that of a line where p (1 - p) is below 1e-12: at a
    probability of 0 or 1 that is wrong it is 1e12, not infinite.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  E223 when the shapes differ, E227 for a value known to be no probability, E202 for
            integers, W203 for scores
    Source  torch.nn.functional.binary_cross_entropy
    Example
        >>> F.binary_cross_entropy(sheer.tensor([0.5]), sheer.tensor([1.0]))     # log 2
        tensor(0.6931)
        >>> F.binary_cross_entropy(sheer.tensor([0.0]), sheer.tensor([1.0]))     # not infinite
        tensor(100.)
    """
    op = "binary_cross_entropy"
    target = tensor_like(op, target, input)
    if meaning(input.node) in (SCORES, LOG_PROBABILITIES):
        warn("W203", op, f"the input is {meaning(input.node)}, not probabilities",
             got={"input": input.node},
             need="probabilities, or binary_cross_entropy_with_logits on the scores",
             tries=[("binary_cross_entropy_with_logits(scores, target)", lambda: None)])
    _check_probabilities(op, input=input, target=target)
    low = lambda log: ops.clamp(log, -100.0)
    def loss(p: Node, y: Node) -> Node:
        return -(ops.mul(y, low(ops.log(p))) + ops.mul(1 - y, low(ops.log1p(-p))))
    def run(p: Node, y: Node) -> Node:
        here = stop_gradient(p)
        edge = loss(here, y) + (p - here) * ((here - y) * 1e12)
        return ops.where(ops.gt(p * (1 - p), 1e-12), loss(p, y), edge)
    return pairwise(op, input, target, run, weight, reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Any, weight: Any = None, *,
                                     reduction: str = "mean",
                                     pos_weight: Any = None) -> Tensor:
    """binary_cross_entropy of sigmoid(input), finite for scores of any size.

    pos_weight multiplies the part of the positive class.

    Shape   input (*S), target (*S), pos_weight broadcasts to (*S) -> () or (*S)
    Raises  E223 when the shapes differ, E227 for a target known to be no probability,
            W202 for probabilities in place of scores
    Source  torch.nn.functional.binary_cross_entropy_with_logits
    Example
        >>> F.binary_cross_entropy_with_logits(sheer.tensor([0.0, 200.0]), sheer.tensor([1.0, 0.0]),
        ...                                    reduction="none")
        tensor([  0.6931, 200.    ])
    """
    op = "binary_cross_entropy_with_logits"
    check_scores(op, input, "binary_cross_entropy(input, target)")
    target = tensor_like(op, target, input)
    need_float(op, input=input)
    same_shape(op, input, target)
    _check_probabilities(op, target=target)
    def run(x: Node, y: Node, *extra: Node) -> Node:
        high = ops.softplus(-x)
        if extra:
            high = ops.mul(1 + ops.mul(extra[0] - 1, y), high)
        return ops.mul(1 - y, x) + high
    loss = apply(run, input, target,
                 *([] if pos_weight is None else [tensor_like(op, pos_weight, input)]))
    return reduced(op, loss if weight is None else loss * weight, reduction)


# ---- the sums behind them ----------------------------------------------------------------------

def picked(op: str, logp: Node, y: Node, w: tuple[Node, ...], at: int, ignore: int,
           reduction: str, smoothing: float) -> Node:
    """Minus logp of the label's class, smoothed, weighted by class and reduced."""
    classes = logp.shape[at]
    valid, safe = valid_places(y, ignore)
    hit = ops.broadcast_to(hits(op, safe, classes, at), logp.shape)
    share = ops.cast(valid, logp.dtype)                                               # (N, *S)
    loss = -ops.sum(ops.where(hit, logp, 0.0), (at,))
    line = [classes if i == at else 1 for i in range(logp.ndim)]
    if w:
        mine = ops.broadcast_to(ops.reshape(w[0], line), logp.shape)
        share = ops.where(valid, ops.sum(ops.where(hit, mine, 0.0), (at,)), 0.0)
    loss = ops.where(valid, loss, 0.0) * share
    if smoothing:
        every = ops.mul(logp, ops.reshape(w[0], line)) if w else logp
        spread = ops.where(valid, -ops.sum(every, (at,)), 0.0)
        loss = (1 - smoothing) * loss + (smoothing / classes) * spread
    if reduction == "none":
        return loss
    total = ops.sum(loss)
    return total / ops.sum(share) if reduction == "mean" else total


def _soft(input: Tensor, target: Tensor, weight: Tensor | None, at: int, reduction: str,
          smoothing: float) -> Tensor:
    """cross_entropy against probabilities; the mean counts places, not weights."""
    def run(x: Node, t: Node, *w: Node) -> Node:
        classes = x.shape[at]
        if smoothing:
            t = t * (1 - smoothing) + smoothing / classes
        each = ops.mul(t, log_softmax_node(x, at))
        if w:
            each = ops.mul(each,
                           ops.reshape(w[0], [classes if i == at else 1 for i in range(x.ndim)]))
        loss = -ops.sum(each, (at,))
        if reduction == "none":
            return loss
        return ops.sum(loss) / (x.size // classes) if reduction == "mean" else ops.sum(loss)
    result: Tensor = apply(run, input, target, *([] if weight is None else [weight]))
    return result


def valid_places(y: Node, ignore: int | None) -> tuple[Node, Node]:
    """(does this place count?, labels with 0 where it does not)."""
    if ignore is None or not holds(y.dtype, ignore):        # -100 is no uint8
        return ops.broadcast_to(ops.constant(True), y.shape), y
    valid = ops.ne(y, ignore)
    return valid, ops.where(valid, y, 0)


# ---- what a user can get wrong -------------------------------------------------------------------

def check_scores(op: str, input: Tensor, instead: str = "nll_loss(log(input), target)") -> None:
    """W202, W207: what should be scores of a layer has been through softmax or sigmoid already."""
    need_float(op, input=input)
    found = meaning(input.node)
    if found == PROBABILITIES or (found == LOG_PROBABILITIES and op != "cross_entropy"):
        warn("W202", op, f"the input is {found}; {op} applies softmax or sigmoid itself",
             got={"input": input.node}, need="the scores of the last layer, without activation",
             tries=[(instead, lambda: None)])
    elif found == LOG_PROBABILITIES:
        warn("W207", op,
             "the input is log-probabilities: the value is right, log_softmax is done twice",
             got={"input": input.node}, need="the scores of the last layer, or nll_loss",
             tries=[("nll_loss(input, target)", lambda: None)])


def check_weight(op: str, input: Tensor, weight: Tensor | None, at: int) -> None:
    if weight is not None and not isinstance(weight, Tensor):
        raise ArgumentError("E204", op, f"weight is a {type(weight).__name__}", need="a tensor",
                            tries=[("sheer.tensor(weight)", lambda: None)])
    if weight is not None and weight.shape != (input.shape[at],):
        raise ArgumentError("E204", op, f"weight has shape {weight.shape}",
                            got={"weight": weight.node},
                            need=f"one number per class: ({input.shape[at]},)")


def _check_probabilities(op: str, **operands: Tensor) -> None:
    """Raise ArgumentError E227 for the first value known to lie outside [0, 1]."""
    for name, x in operands.items():
        values = known(x)
        if values is None or values.size == 0 or not ((values < 0) | (values > 1)).any():
            continue
        wrong = values[(values < 0) | (values > 1)].flat[0]
        raise ArgumentError("E227", op, f"{name} {wrong} is no probability", got={name: x.node},
                            need="0 <= value <= 1",
                            tries=[("binary_cross_entropy_with_logits(input, target)",
                                    passes_if(name == "input")),
                                   ("(target + 1) / 2, when labels are -1 and 1",
                                    passes_if(bool((abs(values) == 1).all())))])
