"""Losses with weights of their own: features and labels flow in, the loss flows out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import ops
from ..graph.errors import ArgumentError, ShapeError
from ..mixins.core import apply
from ..tensor import Tensor
from . import functional as F
from .containers import ModuleList, Sequential
from .functional.classification import without_options
from .functional.common import REDUCTIONS, choice
from .functional.labels import check_labels
from .functional.softmax import log_softmax_node
from .linear import Linear
from .module import Module


class ASMOutput(NamedTuple):
    """What AdaptiveLogSoftmaxWithLoss gives: the log-probability of each label, and the loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """The loss of very many classes, of which the rare ones are cut into clusters of their own.

    The head scores the frequent classes and the clusters; cluster i has a projection that is
    div_value^(i + 1) times narrower. Here every cluster is computed for every row, so that shapes
    do not depend on labels.

    Shape   x (N, in_features) and target int (N,), or (in_features,) and () -> (N,), ()
    Params  head.weight (cutoffs[0] + clusters, in_features), tail.i.0.weight and tail.i.1.weight,
            as in Linear
    Raises  E204 for cutoffs and for clusters narrower than 1, E201 for widths, E202 for integers,
            E203 for shapes, E221, E222 for labels
    Source  Grave et al. 2016, arXiv:1609.04309; torch.nn.AdaptiveLogSoftmaxWithLoss
    Example
        >>> words = nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[5, 10], div_value=2.0)
        >>> words(sheer.randn(3, 8), sheer.tensor([0, 7, 19])).output.shape
        (3,)
        >>> words.log_prob(sheer.randn(2, 8)).exp().sum(1).detach()
        tensor([1., 1.])
        >>> [tuple(cluster[0].weight.shape) for cluster in words.tail]
        [(4, 8), (2, 8)]
    """
    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    shortlist_size: int
    n_clusters: int
    head_size: int
    head: Linear
    tail: ModuleList

    def __init__(self, in_features: int, n_classes: int, cutoffs: Sequence[int],
                 div_value: float = 4.0, head_bias: bool = False, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        given = list(cutoffs)
        if (not given or given != sorted(set(given)) or given[0] <= 0 or given[-1] > n_classes - 1
                or any(int(c) != c for c in given)):
            raise ArgumentError("E204", "AdaptiveLogSoftmaxWithLoss", f"cutoffs = {cutoffs}",
                                need=f"growing whole numbers from 1 to {n_classes - 1}")
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*given, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = given[0], len(given)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (start, stop) in enumerate(itertools.pairwise(self.cutoffs)):
            width = int(in_features // div_value ** (i + 1))
            self.tail.append(Sequential(Linear(in_features, width, False, device, dtype),
                                        Linear(width, stop - start, False, device, dtype)))

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        self.head.reset_parameters()
        for projection in self.tail:
            for layer in projection.children():
                layer.reset_parameters()

    def forward(self, x: Tensor, target: Tensor) -> ASMOutput:
        single = target.ndim == 0
        rows, labels = (x.unsqueeze(0), target.unsqueeze(0)) if single else (x, target)
        if rows.ndim != 2 or labels.ndim != 1 or rows.shape[0] != labels.shape[0]:
            raise ShapeError("E203", "AdaptiveLogSoftmaxWithLoss", "every row needs a label",
                             got={"input": x.node, "target": target.node},
                             need=f"(N, {self.in_features}) and (N,)")
        logs = self.log_prob(rows)                                    # (N, n_classes)
        check_labels("AdaptiveLogSoftmaxWithLoss", logs, labels, 1, None)
        output = logs.gather(1, labels.unsqueeze(1)).squeeze(1)       # (N,)
        return ASMOutput(output.squeeze(0) if single else output, -output.mean())

    def log_prob(self, x: Tensor) -> Tensor:
        """The log-probability of every class.

        Shape   x (N, in_features) -> (N, n_classes)
        """
        head = _log_shares(self.head(x))                              # (N, head_size)
        parts = [head[:, :self.shortlist_size]]
        for i, projection in enumerate(self.tail):
            at = self.shortlist_size + i
            parts.append(_log_shares(projection(x)) + head[:, at:at + 1])
        result: Tensor = apply(lambda *p: ops.concat(list(p), 1), *parts)
        return result

    def predict(self, x: Tensor) -> Tensor:
        """The most probable class of every row.

        Shape   x (N, in_features) -> int64 (N,)
        """
        return self.log_prob(x).argmax(1)


def _log_shares(scores: Tensor) -> Tensor:
    """log_softmax of rows; a cluster of one class is no mistake here."""
    result: Tensor = apply(lambda n: log_softmax_node(n, 1), scores)
    return result


class LinearCrossEntropyLoss(Module):
    """cross_entropy of a linear layer's scores, for labels of any further axes.

    Shape   x (N, in_features) or (in_features,), target int (N, *out_features) or probabilities
            (N, num_classes, *out_features) -> ()
    Params  linear.weight (num_classes * product of out_features, in_features), and linear.bias, as
            in Linear
    Raises  E201 for widths, E202 for integers, E221, E222, E223 for labels, E225 for one class,
            E204 for settings, E211 for options: the compiler decides what is kept
    Source  torch.nn.LinearCrossEntropyLoss
    Example
        >>> loss = nn.LinearCrossEntropyLoss(4, num_classes=3)
        >>> _ = nn.init.zeros_(loss.linear.weight)
        >>> round(loss(sheer.randn(2, 4), sheer.tensor([0, 2])).item(), 4)          # log 3
        1.0986
    """
    num_classes: int
    out_features: tuple[int, ...]
    reduction: str
    weight: Tensor | None
    ignore_index: int | None
    label_smoothing: float
    linear: Linear

    def __init__(self, in_features: int, num_classes: int, *, out_features: Sequence[int] = (),
                 bias: bool = False, device: Any = None, dtype: Any = None,
                 reduction: str = "mean", weight: Tensor | None = None,
                 ignore_index: int | None = None, label_smoothing: float = 0.0,
                 options: None = None) -> None:
        super().__init__()
        without_options("LinearCrossEntropyLoss", options)
        choice("LinearCrossEntropyLoss", "reduction", reduction, REDUCTIONS)
        self.reduction = reduction
        self.register_buffer("weight", weight)
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.linear = Linear(in_features, num_classes * math.prod(self.out_features), bias, device,
                             dtype)

    def forward(self, x: Tensor, target: Any) -> Tensor:
        shape = self.num_classes, *self.out_features
        weight = self.linear.weight.reshape(*shape, self.linear.in_features)
        bias = None if self.linear.bias is None else self.linear.bias.reshape(*shape)
        return F.linear_cross_entropy(
            x, weight, target, linear_bias=bias, weight=self.weight, reduction=self.reduction,
            ignore_index=self.ignore_index, label_smoothing=self.label_smoothing)

    def extra_repr(self) -> str:
        return (f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
                f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
                f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
                f"label_smoothing={self.label_smoothing}, options=None")
