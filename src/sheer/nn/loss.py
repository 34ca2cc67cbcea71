"""Losses as modules: each has the settings of the function of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ..mixins.core import Core
from ..tensor import Tensor
from . import functional as F
from .functional.common import choice
from .module import Module


class _Loss(Module):
    """A function of predictions and targets, and settings given to it by name."""
    reduction: str

    function: ClassVar[Callable[..., Tensor]]
    settings: ClassVar[tuple[str, ...]] = ()
    reductions: ClassVar[tuple[str, ...]] = ("mean", "sum", "none")

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        choice(type(self).__name__, "reduction", reduction, self.reductions)
        self.reduction = reduction

    def forward(self, *operands: Any) -> Tensor:
        values = {n: self._value(n) for n in self.settings}
        return type(self).function(*operands, **values, reduction=self.reduction)

    def _value(self, name: str) -> Any:
        value = getattr(self, name)
        return value if value is None or isinstance(value, Core) else self.setting(name)


class _Weighted(_Loss):
    """A loss with weights per class or element, kept as a buffer."""
    weight: Tensor | None

    settings: ClassVar[tuple[str, ...]] = ("weight",)

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """(x - y)^2, averaged. Raises E223 when the shapes differ. Source: torch.nn.MSELoss."""
    function = staticmethod(F.mse_loss)


class L1Loss(_Loss):
    """|x - y|, averaged. Raises E223 when the shapes differ. Source: torch.nn.L1Loss."""
    function = staticmethod(F.l1_loss)


class SmoothL1Loss(_Loss):
    """Quadratic below beta, linear above. Raises E223, E204. Source: torch.nn.SmoothL1Loss."""
    beta: float

    function, settings = staticmethod(F.smooth_l1_loss), ("beta",)

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta


class HuberLoss(_Loss):
    """Quadratic up to delta, linear above. Raises E223, E204. Source: torch.nn.HuberLoss."""
    delta: float

    function, settings = staticmethod(F.huber_loss), ("delta",)

    def __init__(self, *, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta


class CrossEntropyLoss(_Weighted):
    """-log of the probability of the right class, for scores and labels or probabilities.

    Shape   input (N, K, *S) or (K,), target int (N, *S) or float (N, K, *S) -> () or (N, *S)
    Raises  E221, E222, E223 for labels, E225 for one class, W202, W207 for what is no score
    Source  torch.nn.CrossEntropyLoss
    """
    ignore_index: int
    label_smoothing: float

    function, settings = staticmethod(F.cross_entropy), ("weight", "ignore_index",
                                                         "label_smoothing")

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100,
                 reduction: str = "mean",
                 label_smoothing: float = 0.0) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing


class NLLLoss(_Weighted):
    """Minus the log-probability of the right class.

    Raises as nll_loss. Source: torch.nn.NLLLoss.
    """
    ignore_index: int

    function, settings = staticmethod(F.nll_loss), ("weight", "ignore_index")

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100,
                 reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index


class BCELoss(_Weighted):
    """The cross-entropy of yes-or-no probabilities.

    Raises E223, E227, W203. Source: torch.nn.BCELoss.
    """
    function = staticmethod(F.binary_cross_entropy)


class BCEWithLogitsLoss(_Weighted):
    """The cross-entropy of yes-or-no scores.

    Raises E223, E227, W202. Source: torch.nn.BCEWithLogitsLoss.
    """
    pos_weight: Tensor | None

    function, settings = staticmethod(F.binary_cross_entropy_with_logits), ("weight", "pos_weight")

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean",
                 pos_weight: Tensor | None = None) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", pos_weight)


class KLDivLoss(_Loss):
    """target (log(target) - input). Raises E223, W203. Source: torch.nn.KLDivLoss."""
    log_target: bool

    function, settings = staticmethod(F.kl_div), ("log_target",)
    reductions = ("batchmean", "mean", "sum", "none")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target


class PoissonNLLLoss(_Loss):
    """Minus the log-likelihood of counts. Raises E223. Source: torch.nn.PoissonNLLLoss."""
    log_input: bool
    full: bool
    eps: float

    function, settings = staticmethod(F.poisson_nll_loss), ("log_input", "full", "eps")

    def __init__(self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8,
                 reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps


class GaussianNLLLoss(_Loss):
    """Minus the log-likelihood under a mean and a variance.

    Raises E223, E227. Source: torch.nn.GaussianNLLLoss.
    """
    full: bool
    eps: float

    function, settings = staticmethod(F.gaussian_nll_loss), ("full", "eps")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps


class FocalLoss(_Weighted):
    """Cross-entropy that counts easy examples less.

    Raises as focal_loss. Source: Lin et al. 2017, arXiv:1708.02002.
    """
    gamma: float
    ignore_index: int

    function, settings = staticmethod(F.focal_loss), ("gamma", "weight", "ignore_index")

    def __init__(self, gamma: float = 2.0, weight: Tensor | None = None, *,
                 ignore_index: int = -100,
                 reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.gamma, self.ignore_index = gamma, ignore_index


class DiceLoss(Module):
    """1 minus the overlap of predicted and true areas.

    Raises as dice_loss. Source: arXiv:1606.04797.
    """
    smooth: float
    ignore_index: int | None

    def __init__(self, *, smooth: float = 1.0, ignore_index: int | None = None) -> None:
        super().__init__()
        self.smooth, self.ignore_index = smooth, ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.dice_loss(input, target, smooth=self.setting("smooth"),
                           ignore_index=self.setting("ignore_index"))


class CTCLoss(_Loss):
    """-log of the probability of all alignments of labels with time steps.

    Raises E203, E204. Source: Graves et al. 2006; torch.nn.CTCLoss.
    """
    blank: int
    zero_infinity: bool

    function, settings = staticmethod(F.ctc_loss), ("blank", "zero_infinity")

    def __init__(self, blank: int = 0, reduction: str = "mean",
                 zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity
