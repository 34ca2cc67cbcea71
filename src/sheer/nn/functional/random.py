"""Chance in activations: rrelu, gumbel_softmax, feature_alpha_dropout."""

from __future__ import annotations

from ... import ops
from ...graph.errors import ArgumentError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import stop_gradient
from ...tensor import Tensor
from ..draws import Generator, next_key
from .common import axis, mapped, need_float, shown
from .dropout import alpha_dropped


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
          inplace: bool = False, generator: Generator | None = None) -> Tensor:
    """x above 0, a x below: a ~ U(lower, upper) for each element in training, else their mean.

    Shape   (*S) -> (*S)
    Raises  E204 when lower is above upper, E202 for integers, E613 for inplace on a leaf that
            requires a gradient
    Source  Xu et al. 2015, arXiv:1505.00853; torch.nn.functional.rrelu
    Example
        >>> F.rrelu(sheer.tensor([-48.0, 2.0]))                      # times (1/8 + 1/3) / 2 below 0
        tensor([-11.,   2.])
    """
    need_float("rrelu", input=input)
    if lower > upper:
        raise ArgumentError("E204", "rrelu", f"lower {lower} is above upper {upper}",
                            need="lower <= upper")
    if not training:
        mean = (lower + upper) / 2
        return mapped(lambda x: ops.where(ops.gt(x, 0), x, x * mean), input, inplace)
    def run(x: Node, key: Node) -> Node:
        slope = ops.random.uniform(key, x.shape, lower, upper, x.dtype)
        return ops.where(ops.gt(x, 0), x, x * slope)
    y: Tensor = apply(run, input, next_key(generator))
    return shown(input, y) if inplace else y


def gumbel_softmax(logits: Tensor, tau: float = 1.0, hard: bool = False, eps: float = 1e-10,
                   dim: int = -1, generator: Generator | None = None) -> Tensor:
    """A sample of the classes: softmax of (logits + Gumbel noise) / tau.

    hard gives one-hot rows whose gradient is that of the soft ones. eps is accepted and unused,
    as in torch.

    Shape   (*S) -> (*S)
    Raises  E204 for tau <= 0, E202 for integers, E110 for an axis that does not exist
    Source  Jang et al. 2016, arXiv:1611.01144; torch.nn.functional.gumbel_softmax
    Example
        >>> sample = F.gumbel_softmax(sheer.zeros(5, 3), hard=True)
        >>> sample.sum(-1)                                           # one class in every row
        tensor([1., 1., 1., 1., 1.])
    """
    need_float("gumbel_softmax", logits=logits)
    at = axis("gumbel_softmax", logits, dim)
    if not tau > 0:
        raise ArgumentError("E204", "gumbel_softmax", f"tau = {tau}", need="a number > 0")
    def run(x: Node, key: Node) -> Node:
        waits = ops.random.exponential(key, x.shape, dtype=x.dtype)
        noise = -ops.log(ops.clamp(waits, 1e-30))             # a wait may be drawn as 0
        scores = (x + noise) / tau
        top = ops.restore(stop_gradient(ops.max(scores, (at,))), x.shape, (at,))
        grown = ops.exp(scores - top)
        soft = grown / ops.restore(ops.sum(grown, (at,)), x.shape, (at,))
        if not hard:
            return soft
        chosen = ops.batching.move_axis(
            ops.one_hot(ops.argmax(soft, at), x.shape[at], x.dtype), x.ndim - 1, at)
        return chosen + (soft - stop_gradient(soft))
    result: Tensor = apply(run, logits, next_key(generator))
    return result


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False,
                          inplace: bool = False, generator: Generator | None = None) -> Tensor:
    """alpha_dropout of whole channels.

    Shape   (N, C, *S) -> the same
    Raises  E204 for a p outside [0, 1], E202 for integers
    Source  Klambauer et al. 2017, arXiv:1706.02515; torch.nn.functional.feature_alpha_dropout
    Example
        >>> y = F.feature_alpha_dropout(sheer.ones(1, 8, 50), p=0.5, training=True)
        >>> bool((y == y[:, :, :1]).all())                           # a channel as a whole
        True
    """
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    return alpha_dropped("feature_alpha_dropout", input, p, training, inplace, generator, shape)
