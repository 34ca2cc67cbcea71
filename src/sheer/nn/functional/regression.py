"""Losses of numbers: predictions and targets of one shape flow in, how far they are apart out."""

from __future__ import annotations

import math
from typing import Any

from ... import ops
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import stop_gradient
from ...tensor import Tensor
from ..notes import PROBABILITIES, SCORES, meaning, warn
from .common import choice, known, need_float, pairwise, reduced, same_shape, tensor_like


def mse_loss(input: Tensor, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """(x - y)^2, averaged. The best constant prediction is the mean.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  E223 when the shapes differ, E202 for integers, E204 for a reduction
    Source  torch.nn.functional.mse_loss
    Example
        >>> F.mse_loss(sheer.tensor([1.0, 5.0]), sheer.tensor([1.0, 1.0]))
        tensor(8.)
    """
    return pairwise("mse_loss", input, target, _squared, weight, reduction)


def l1_loss(input: Tensor, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """|x - y|, averaged. The best constant prediction is the median.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  as mse_loss
    Source  torch.nn.functional.l1_loss
    Example
        >>> F.l1_loss(sheer.tensor([1.0, 5.0]), sheer.tensor([1.0, 1.0]))
        tensor(2.)
    """
    return pairwise("l1_loss", input, target, lambda x, y: ops.abs(ops.sub(x, y)), weight,
                    reduction)


def smooth_l1_loss(input: Tensor, target: Any, *, reduction: str = "mean",
                   beta: float = 1.0) -> Tensor:
    """(x - y)^2 / (2 beta) where |x - y| < beta, else |x - y| - beta / 2.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  as mse_loss, E204 for a negative beta
    Source  Girshick 2015, arXiv:1504.08083, equation 3
    Example
        >>> F.smooth_l1_loss(sheer.tensor([0.5, 5.0]), sheer.zeros(2), reduction="none")
        tensor([0.125, 4.5  ])
    """
    if beta < 0:
        raise ArgumentError("E204", "smooth_l1_loss", f"beta = {beta} is negative",
                            need="beta >= 0")
    def run(x: Node, y: Node) -> Node:
        size = ops.abs(ops.sub(x, y))
        return size if beta == 0 else ops.where(ops.lt(size, beta), 0.5 * size * size / beta,
                                                size - 0.5 * beta)
    return pairwise("smooth_l1_loss", input, target, run, None, reduction)


def huber_loss(input: Tensor, target: Any, *, reduction: str = "mean", delta: float = 1.0,
               weight: Any = None) -> Tensor:
    """(x - y)^2 / 2 where |x - y| <= delta, else delta (|x - y| - delta / 2).

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  as mse_loss, E204 for a delta that is not positive
    Source  Huber 1964; torch.nn.functional.huber_loss
    Example
        >>> F.huber_loss(sheer.tensor([0.5, 5.0]), sheer.zeros(2), reduction="none", delta=2.0)
        tensor([0.125, 8.   ])
    """
    if delta <= 0:
        raise ArgumentError("E204", "huber_loss", f"delta = {delta} is not positive",
                            need="delta > 0")
    def run(x: Node, y: Node) -> Node:
        size = ops.abs(ops.sub(x, y))
        return ops.where(ops.le(size, delta), 0.5 * size * size, delta * (size - 0.5 * delta))
    return pairwise("huber_loss", input, target, run, weight, reduction)


def poisson_nll_loss(input: Tensor, target: Any, log_input: bool = True, full: bool = False, *,
                     eps: float = 1e-8, reduction: str = "mean") -> Tensor:
    """Minus the log-likelihood of counts under Poisson rates exp(input), or input itself.

    full adds Stirling's approximation of log(y!), which the rates do not change.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  as mse_loss
    Source  torch.nn.functional.poisson_nll_loss
    Example
        >>> rate, count = sheer.tensor([2.0]), sheer.tensor([3.0])
        >>> F.poisson_nll_loss(rate, count, log_input=False)         # 2 - 3 log 2
        tensor(-0.0794)
    """
    def run(x: Node, y: Node) -> Node:
        loss = ops.sub(ops.exp(x),
                       ops.mul(y, x)) if log_input else ops.sub(x, ops.mul(y, ops.log(x + eps)))
        if not full:
            return loss
        large = ops.gt(y, 1)
        safe = ops.where(large, y, 1.0)
        return loss + ops.where(large,
                                safe * ops.log(safe) - safe + 0.5 * ops.log(2 * math.pi * safe),
                                0.0)
    return pairwise("poisson_nll_loss", input, target, run, None, reduction)


def gaussian_nll_loss(input: Tensor, target: Any, var: Any, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Tensor:
    """Minus the log-likelihood of targets under N(input, var).

    var has the shape of input, or lacks its last axis, or has 1 there; below eps it counts as eps.

    Shape   input (*S), target (*S), var (*S), S without its last axis, or with 1 there -> () or
            (*S)
    Raises  E223 when shapes do not fit, E227 for a variance known to be negative, E204 for a
            reduction
    Source  Nix and Weigend 1994; torch.nn.functional.gaussian_nll_loss
    Example
        >>> F.gaussian_nll_loss(sheer.zeros(1), sheer.tensor([2.0]), sheer.tensor([1.0]))
        tensor(2.)
    """
    op = "gaussian_nll_loss"
    target, var = tensor_like(op, target, input), tensor_like(op, var, input)
    need_float(op, input=input)
    same_shape(op, input, target)
    if var.shape not in ((), input.shape, input.shape[:-1], (*input.shape[:-1], 1)):
        raise ShapeError("E223", op, f"var has shape {var.shape}, input {input.shape}",
                         got={"input": input.node, "var": var.node},
                         need="one variance per element, or per row")
    values = known(var)
    if values is not None and (values < 0).any():
        raise ArgumentError("E227", op, f"variance {values[values < 0][0]} is negative",
                            got={"var": var.node},
                            need="var >= 0", tries=[("log_var.exp()", lambda: None)])
    def run(x: Node, y: Node, v: Node) -> Node:
        if v.shape == x.shape[:-1] and v.shape != x.shape and x.ndim:
            v = ops.expand_dims(v, v.ndim)
        v = ops.where(ops.lt(v, eps), eps + (v - stop_gradient(v)),
                      v)      # clamped; torch's slope is 1
        gap = ops.sub(x, y)
        loss = 0.5 * (ops.add(ops.log(v), ops.div(gap * gap, v)))
        return loss + 0.5 * math.log(2 * math.pi) if full else loss
    return reduced(op, apply(run, input, target, var), reduction)


def kl_div(input: Tensor, target: Any, *, reduction: str = "mean",
           log_target: bool = False) -> Tensor:
    """target (log(target) - input), for log-probabilities `input`.

    The reduction "batchmean" is the divergence itself.

    Shape   input (*S), target (*S) -> () or (*S)
    Raises  as mse_loss, W203 when the input comes straight from softmax or a layer
    Source  Kullback and Leibler 1951; torch.nn.functional.kl_div
    Example
        >>> guess, target = sheer.tensor([[0.5, 0.5]]), sheer.tensor([[1.0, 0.0]])
        >>> F.kl_div(guess.log(), target, reduction="batchmean")     # one bit: log 2
        tensor(0.6931)
    """
    found = meaning(input.node)
    if found in (PROBABILITIES, SCORES):
        warn("W203", "kl_div", f"the input is {found}, not log-probabilities",
             got={"input": input.node},
             need="log_softmax(scores, dim)", tries=[("log_softmax(scores, dim=-1)", lambda: None)])
    def run(x: Node, t: Node) -> Node:
        return ops.mul(ops.exp(t),
                       ops.sub(t, x)) if log_target else ops.sub(ops.xlogy(t, t), ops.mul(t, x))
    choice("kl_div", "reduction", reduction, ("batchmean", "mean", "sum", "none"))
    if reduction != "batchmean":
        return pairwise("kl_div", input, target, run, None, reduction)
    return pairwise("kl_div", input, target, run, None, "sum") / (input.shape or (1,))[0]


def gaussian_kl(mean: Tensor, log_var: Tensor, *, reduction: str = "mean") -> Tensor:
    """The divergence of N(mean, exp(log_var)) from N(0, 1), summed over the last axis.

    Shape   (*B, d), (*B, d) -> (*B), then reduced
    Raises  E204 for a reduction
    Source  Kingma and Welling 2013, arXiv:1312.6114, appendix B
    Example
        >>> F.gaussian_kl(sheer.tensor([[2.0, 0.0]]), sheer.zeros(1, 2))                 # 2^2 / 2
        tensor(2.)
    """
    same_shape("gaussian_kl", mean, log_var)
    def run(m: Node, v: Node) -> Node:
        return 0.5 * ops.sum(m * m + ops.expm1(v) - v, (m.ndim - 1,))
    return reduced("gaussian_kl", apply(run, mean, log_var), reduction)


def gan_loss(real: Tensor | None, fake: Tensor, kind: str = "non-saturating") -> Tensor:
    """Of a discriminator, from its scores of real and fake examples; of the generator without real.

    kind is "non-saturating" or "minimax" (they differ for the generator only); minus the minimax
    value is the discriminator's loss.

    Shape   real (*S), fake (*T), or None, fake (*T) -> ()
    Raises  E204 for another kind
    Source  Goodfellow et al. 2014, arXiv:1406.2661, equation 1 and section 3
    Example
        >>> F.gan_loss(sheer.zeros(3), sheer.zeros(3))               # cannot tell: 2 log 2
        tensor(1.3863)
    """
    choice("gan_loss", "kind", kind, ("non-saturating", "minimax"))
    if real is not None:
        return _softplus_mean(-real) + _softplus_mean(fake)
    return -_softplus_mean(fake) if kind == "minimax" else _softplus_mean(-fake)


def _softplus_mean(scores: Tensor) -> Tensor:
    """-log sigmoid(-scores) on average."""
    each: Tensor = apply(ops.softplus, scores)
    return each.mean()


def _squared(x: Node, y: Node) -> Node:
    gap = ops.sub(x, y)
    return gap * gap
