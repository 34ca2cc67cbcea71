"""Losses with a margin, and distances, as modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ..tensor import Tensor
from . import functional as F
from .loss import _Loss, _Weighted
from .module import Module


class _Margin(_Loss):
    """A loss with a margin."""
    margin: float

    settings: ClassVar[tuple[str, ...]] = ("margin",)

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin


class HingeLoss(_Margin):
    """max(0, margin - y x) for labels y of -1 or 1.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction, E227 for
            labels known to be neither -1 nor 1
    Source  Cortes and Vapnik 1995
    Example
        >>> scores, labels = sheer.tensor([3.0, 0.5, 2.0]), sheer.tensor([1.0, 1.0, -1.0])
        >>> nn.HingeLoss(reduction="none")(scores, labels)
        tensor([0. , 0.5, 3. ])
    """
    function = staticmethod(F.hinge_loss)


class HingeEmbeddingLoss(_Margin):
    """x, or max(0, margin - x) for label -1.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction, E227 for
            labels known to be neither -1 nor 1
    Source  torch.nn.HingeEmbeddingLoss
    Example
        >>> distances, labels = sheer.tensor([0.5, 0.25]), sheer.tensor([1.0, -1.0])
        >>> nn.HingeEmbeddingLoss(reduction="none")(distances, labels)
        tensor([0.5 , 0.75])
    """
    function = staticmethod(F.hinge_embedding_loss)


class MarginRankingLoss(_Margin):
    """max(0, margin - y (x1 - x2)): y = 1 where x1 is to be above x2, -1 where below.

    Shape   x1 (*S), x2 (*S), y (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E204 for another reduction, E227 for labels known to be
            neither -1 nor 1
    Source  torch.nn.MarginRankingLoss
    Example
        >>> loss = nn.MarginRankingLoss(margin=0.5, reduction="none")
        >>> loss(sheer.tensor([3.0, 3.0]), sheer.tensor([1.0, 1.0]), sheer.tensor([1.0, -1.0]))
        tensor([0. , 2.5])
    """
    function = staticmethod(F.margin_ranking_loss)

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(margin, reduction=reduction)


class CosineEmbeddingLoss(MarginRankingLoss):
    """1 - cos, or max(0, cos - margin) for label -1.

    Shape   x1 (N, d), x2 (N, d), y (N,) -> (), or (N,) with reduction="none"; N may be missing
    Raises  E223 when the shapes differ, E204 for another reduction, E227 for labels known to be
            neither -1 nor 1
    Source  torch.nn.CosineEmbeddingLoss
    Example
        >>> a, b = sheer.tensor([[1.0, 0.0], [1.0, 0.0]]), sheer.tensor([[0.0, 1.0], [2.0, 0.0]])
        >>> nn.CosineEmbeddingLoss(reduction="none")(a, b, sheer.tensor([1.0, -1.0]))
        tensor([1., 1.])
    """
    function = staticmethod(F.cosine_embedding_loss)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-y x)) for labels y of -1 or 1.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction, E227 for
            labels known to be neither -1 nor 1
    Source  torch.nn.SoftMarginLoss
    Example
        >>> loss = nn.SoftMarginLoss(reduction="none")
        >>> loss(sheer.tensor([0.0, 100.0]), sheer.tensor([-1.0, 1.0]))             # log 2, 0
        tensor([0.6931, 0.    ])
    """
    function = staticmethod(F.soft_margin_loss)


class TripletMarginLoss(_Margin):
    """max(0, margin + |a - p| - |a - n|).

    Shape   anchor, positive, negative (N, d) or (d,) -> (), or (N,) with reduction="none"
    Raises  E223 when the shapes differ, E204 for another reduction
    Source  Balntas et al. 2016; torch.nn.TripletMarginLoss
    Example
        >>> a, near, far = sheer.zeros(1, 2), sheer.tensor([[3.0, 4.0]]), sheer.tensor([[0.0, 5.5]])
        >>> nn.TripletMarginLoss()(a, near, far)
        tensor(0.5)
    """
    p: float
    eps: float
    swap: bool

    function, settings = staticmethod(F.triplet_margin_loss), ("margin", "p", "eps", "swap")

    def __init__(self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False,
                 *,
                 reduction: str = "mean") -> None:
        super().__init__(margin, reduction=reduction)
        self.p, self.eps, self.swap = p, eps, swap


class TripletMarginWithDistanceLoss(_Margin):
    """TripletMarginLoss with a distance of one's own.

    Shape   anchor, positive, negative (N, *S) -> (), or what the distance gives with
            reduction="none"
    Raises  E204 for another reduction; what the distance raises
    Source  torch.nn.TripletMarginWithDistanceLoss
    Example
        >>> city = lambda a, b: (a - b).abs().sum(-1)
        >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=city)
        >>> loss(sheer.zeros(1, 2), sheer.tensor([[3.0, 4.0]]), sheer.tensor([[0.0, 5.5]]))
        tensor(2.5)
    """
    distance_function: Callable[[Tensor, Tensor], Tensor] | None
    swap: bool

    function = staticmethod(F.triplet_margin_with_distance_loss)
    settings = ("distance_function", "margin", "swap")

    def __init__(self, *, distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
                 margin: float = 1.0, swap: bool = False, reduction: str = "mean") -> None:
        super().__init__(margin, reduction=reduction)
        self.distance_function, self.swap = distance_function, swap


class MultiMarginLoss(_Weighted):
    """The multi-class hinge: the mean over classes of max(0, margin - (right score - score))^p.

    Shape   input (N, K) or (K,), target int (N,) or () -> (), or (N,) with reduction="none"
    Raises  E204 for a p other than 1 and 2 or another reduction, E202 for integers, E221, E222,
            E223 for labels, E225 for one class
    Source  Crammer and Singer 2001; torch.nn.MultiMarginLoss
    Example
        >>> scores = sheer.tensor([[0.5, 0.25, 3.0, 0.5]])
        >>> nn.MultiMarginLoss()(scores, sheer.tensor([2])).item()        # right by far
        0.0
        >>> nn.MultiMarginLoss()(scores, sheer.tensor([0])).item()        # (0.75 + 3.5 + 1) / 4
        1.3125
    """
    p: int
    margin: float

    function, settings = staticmethod(F.multi_margin_loss), ("p", "margin", "weight")

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, *,
                 reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.p, self.margin = p, margin


class MultiLabelMarginLoss(_Loss):
    """The hinge over pairs of a label and another class; labels end with the first -1.

    Shape   input (N, K) or (K,), target int, of the same shape -> (), or (N,) with reduction="none"
    Raises  E223 when the shapes differ, E204 for another reduction
    Source  torch.nn.MultiLabelMarginLoss
    Example
        >>> scores = sheer.tensor([0.0, 0.5, 2.0, 1.0])
        >>> nn.MultiLabelMarginLoss()(scores, sheer.tensor([2, -1, 0, 0])).item()    # class 2
        0.0
        >>> nn.MultiLabelMarginLoss()(scores, sheer.tensor([1, 2, -1, 0])).item()    # 1 and 2
        0.5
    """
    function = staticmethod(F.multilabel_margin_loss)


class MultiLabelSoftMarginLoss(_Weighted):
    """The mean yes-or-no cross-entropy over classes.

    Shape   input (N, K), target (N, K) -> (), or (N,) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction
    Source  torch.nn.MultiLabelSoftMarginLoss
    Example
        >>> loss = nn.MultiLabelSoftMarginLoss(reduction="none")
        >>> labels = sheer.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> loss(sheer.tensor([[0.0, 0.0], [100.0, -100.0]]), labels)
        tensor([0.6931, 0.    ])
    """
    function = staticmethod(F.multilabel_soft_margin_loss)


class CosineSimilarity(Module):
    """x1 . x2 / (|x1| |x2|) along an axis.

    Shape   x1 (*S), x2 (*S), broadcasting -> S without `dim`
    Raises  E102 when the shapes do not broadcast, E110 for an axis that does not exist, E202 for
            integers
    Source  torch.nn.CosineSimilarity
    Example
        >>> x = sheer.tensor([[1.0, 0.0], [1.0, 1.0]])
        >>> nn.CosineSimilarity()(x, sheer.tensor([[5.0, 0.0], [-1.0, 1.0]]))
        tensor([1., 0.])
    """
    dim: int
    eps: float

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps along the last axis.

    Shape   x1 (*B, d), x2 (*B, d), broadcasting -> (*B), or (*B, 1) with keepdim
    Raises  E102 when the shapes do not broadcast
    Source  torch.nn.PairwiseDistance
    Example
        >>> x, y = sheer.tensor([[0.0, 0.0]]), sheer.tensor([[3.0, 4.0]])
        >>> nn.PairwiseDistance()(x, y), nn.PairwiseDistance(p=1.0, keepdim=True)(x, y)
        (tensor([5.]), tensor([[7.]]))
    """
    norm: float
    eps: float
    keepdim: bool

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
