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
    """max(0, margin - y x) for labels of -1 or 1.

    Raises E223, E227. Source: Cortes and Vapnik 1995.
    """
    function = staticmethod(F.hinge_loss)


class HingeEmbeddingLoss(_Margin):
    """x, or max(0, margin - x) for label -1.

    Raises E223, E227. Source: torch.nn.HingeEmbeddingLoss.
    """
    function = staticmethod(F.hinge_embedding_loss)


class MarginRankingLoss(_Margin):
    """max(0, margin - y (x1 - x2)). Raises E223, E227. Source: torch.nn.MarginRankingLoss."""
    function = staticmethod(F.margin_ranking_loss)

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(margin, reduction=reduction)


class CosineEmbeddingLoss(MarginRankingLoss):
    """1 - cos, or max(0, cos - margin) for label -1.

    Raises E223, E227. Source: torch.nn.CosineEmbeddingLoss.
    """
    function = staticmethod(F.cosine_embedding_loss)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-y x)). Raises E223, E227. Source: torch.nn.SoftMarginLoss."""
    function = staticmethod(F.soft_margin_loss)


class TripletMarginLoss(_Margin):
    """max(0, margin + |a - p| - |a - n|). Raises E223. Source: torch.nn.TripletMarginLoss."""
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

    Raises E204. Source: torch.nn.TripletMarginWithDistanceLoss.
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
    """The multi-class hinge. Raises E204, E221, E222, E223. Source: torch.nn.MultiMarginLoss."""
    p: int
    margin: float

    function, settings = staticmethod(F.multi_margin_loss), ("p", "margin", "weight")

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, *,
                 reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.p, self.margin = p, margin


class MultiLabelMarginLoss(_Loss):
    """The hinge over pairs of a label and another class.

    Raises E223. Source: torch.nn.MultiLabelMarginLoss.
    """
    function = staticmethod(F.multilabel_margin_loss)


class MultiLabelSoftMarginLoss(_Weighted):
    """The mean yes-or-no cross-entropy over classes.

    Raises E223. Source: torch.nn.MultiLabelSoftMarginLoss.
    """
    function = staticmethod(F.multilabel_soft_margin_loss)


class CosineSimilarity(Module):
    """x1 . x2 / (|x1| |x2|) along an axis. Source: torch.nn.CosineSimilarity."""
    dim: int
    eps: float

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps along the last axis. Source: torch.nn.PairwiseDistance."""
    norm: float
    eps: float
    keepdim: bool

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
