"""Losses as modules: each has the settings of the function of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

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
        values = {n: getattr(self, n) for n in self.settings}
        return type(self).function(*operands, **values, reduction=self.reduction)


class _Weighted(_Loss):
    """A loss with weights per class or element, kept as a buffer."""
    weight: Tensor | None

    settings: ClassVar[tuple[str, ...]] = ("weight",)

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """(x - y)^2, averaged.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction
    Source  torch.nn.MSELoss
    Example
        >>> nn.MSELoss()(sheer.tensor([1.0, 2.0]), sheer.tensor([1.0, 4.0]))
        tensor(2.)
    """
    function = staticmethod(F.mse_loss)


class L1Loss(_Loss):
    """|x - y|, averaged.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction
    Source  torch.nn.L1Loss
    Example
        >>> nn.L1Loss(reduction="none")(sheer.tensor([1.0, 2.0]), sheer.tensor([1.0, 4.0]))
        tensor([0., 2.])
    """
    function = staticmethod(F.l1_loss)


class SmoothL1Loss(_Loss):
    """(x - y)^2 / (2 beta) below beta, |x - y| - beta / 2 above.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for a negative beta or another
            reduction
    Source  Girshick 2015, arXiv:1504.08083, equation 3; torch.nn.SmoothL1Loss
    Example
        >>> nn.SmoothL1Loss(reduction="none", beta=2.0)(sheer.tensor([1.0, 5.0]), sheer.zeros(2))
        tensor([0.25, 4.  ])
    """
    beta: float

    function, settings = staticmethod(F.smooth_l1_loss), ("beta",)

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta


class HuberLoss(_Loss):
    """(x - y)^2 / 2 up to delta, delta (|x - y| - delta / 2) above.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for a delta that is not positive or
            another reduction
    Source  Huber 1964; torch.nn.HuberLoss
    Example
        >>> nn.HuberLoss(reduction="none", delta=2.0)(sheer.tensor([1.0, 5.0]), sheer.zeros(2))
        tensor([0.5, 8. ])
    """
    delta: float

    function, settings = staticmethod(F.huber_loss), ("delta",)

    def __init__(self, *, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta


class CrossEntropyLoss(_Weighted):
    """-log of the probability of the right class, for scores and labels or probabilities.

    Shape   input (N, K, *S) or (K,), target int (N, *S) or float (N, K, *S) -> () or (N, *S)
    Raises  E221, E222, E223 for labels, E225 for one class, E202 for integer scores, E203 for no
            scores, E204 for settings; warns W202, W207 for what is no score
    Source  torch.nn.CrossEntropyLoss
    Example
        >>> nn.CrossEntropyLoss()(sheer.zeros(5, 4), sheer.tensor([0, 1, 2, 3, 3]))       # log 4
        tensor(1.3863)
        >>> pixels = nn.CrossEntropyLoss(ignore_index=0, reduction="none")
        >>> pixels(sheer.zeros(1, 4, 3), sheer.tensor([[1, 0, 2]]))
        tensor([[1.3863, 0.    , 1.3863]])
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

    Shape   input (N, K, *S) or (K,), target int (N, *S) or () -> () or (N, *S)
    Raises  E221, E222, E223 for labels, E225 for one class, E202 for integer scores, E203 for no
            scores, E204 for settings; warns W203 for probabilities or scores
    Source  torch.nn.NLLLoss
    Example
        >>> logs = sheer.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
        >>> nn.NLLLoss()(logs, sheer.tensor([0, 0])).exp()        # 1 / (1/4 * 1/2)^(1/2)
        tensor(2.8284)
    """
    ignore_index: int

    function, settings = staticmethod(F.nll_loss), ("weight", "ignore_index")

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100,
                 reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index


class BCELoss(_Weighted):
    """The cross-entropy of yes-or-no probabilities.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction, E227 for a
            value known to be no probability; warns W203 for scores
    Source  torch.nn.BCELoss
    Example
        >>> nn.BCELoss()(sheer.tensor([0.5, 0.5]), sheer.tensor([1.0, 0.0]))        # log 2
        tensor(0.6931)
    """
    function = staticmethod(F.binary_cross_entropy)


class BCEWithLogitsLoss(_Weighted):
    """The cross-entropy of yes-or-no scores.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction, E227 for a
            target known to be no probability; warns W202 for probabilities in place of scores
    Source  torch.nn.BCEWithLogitsLoss
    Example
        >>> loss = nn.BCEWithLogitsLoss(reduction="none", pos_weight=sheer.tensor(3.0))
        >>> loss(sheer.zeros(2), sheer.tensor([1.0, 0.0]))        # a yes counts three times
        tensor([2.0794, 0.6931])
    """
    pos_weight: Tensor | None

    function, settings = staticmethod(F.binary_cross_entropy_with_logits), ("weight", "pos_weight")

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean",
                 pos_weight: Tensor | None = None) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", pos_weight)


class KLDivLoss(_Loss):
    """target (log(target) - input), where input are log-probabilities.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction; warns W203
            for probabilities or scores
    Source  Kullback and Leibler 1951; torch.nn.KLDivLoss
    Example
        >>> p, q = sheer.tensor([[1.0, 0.0]]), sheer.tensor([[0.5, 0.5]])
        >>> nn.KLDivLoss(reduction="batchmean")(q.log(), p)       # log 2
        tensor(0.6931)
    """
    log_target: bool

    function, settings = staticmethod(F.kl_div), ("log_target",)
    reductions = ("batchmean", "mean", "sum", "none")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target


class PoissonNLLLoss(_Loss):
    """Minus the log-likelihood of counts: rate - count log(rate), for the log of the rate.

    Shape   input (*S), target (*S) -> (), or (*S) with reduction="none"
    Raises  E223 when the shapes differ, E202 for integers, E204 for another reduction
    Source  torch.nn.PoissonNLLLoss
    Example
        >>> count = sheer.tensor([5.0])
        >>> nn.PoissonNLLLoss()(sheer.tensor([0.0]), count)       # for a rate of 1
        tensor(1.)
        >>> nn.PoissonNLLLoss(log_input=False, full=True)(sheer.tensor([5.0]), count)
        tensor(1.7237)
    """
    log_input: bool
    full: bool
    eps: float

    function, settings = staticmethod(F.poisson_nll_loss), ("log_input", "full", "eps")

    def __init__(self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8,
                 reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps


class GaussianNLLLoss(_Loss):
    """Minus the log-likelihood under a mean and a variance, (log(var) + (x - y)^2 / var) / 2.

    Shape   input (*S), target (*S), var (*S), or with 1 or nothing for its last axis -> (), or (*S)
            with reduction="none"
    Raises  E223 when shapes do not fit, E202 for integers, E204 for another reduction, E227 for a
            variance known to be negative
    Source  Nix and Weigend 1994; torch.nn.GaussianNLLLoss
    Example
        >>> mean, seen, var = sheer.tensor([1.0]), sheer.tensor([3.0]), sheer.tensor([4.0])
        >>> nn.GaussianNLLLoss()(mean, seen, var)   # (log 4 + 1) / 2
        tensor(1.1931)
    """
    full: bool
    eps: float

    function, settings = staticmethod(F.gaussian_nll_loss), ("full", "eps")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps


class FocalLoss(_Weighted):
    """Cross-entropy that counts easy examples less: -(1 - p)^gamma log(p).

    Shape   input (N, K, *S), target int (N, *S) -> () or (N, *S)
    Raises  E221, E222, E223 for labels, E225 for one class, E202 for integer scores, E203 for no
            scores, E204 for a negative gamma and other settings
    Source  Lin et al. 2017, arXiv:1708.02002, equation 4
    Example
        >>> scores, label = sheer.zeros(1, 2), sheer.tensor([1])                    # p = 1/2
        >>> nn.CrossEntropyLoss()(scores, label) / nn.FocalLoss(gamma=2.0)(scores, label)
        tensor(4.)
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

    Shape   input (N, K, *S) probabilities, target int (N, *S) or of input's shape -> ()
    Raises  E221, E222, E223 for labels, E202 for integers; warns W203 for scores
    Source  Milletari et al. 2016, arXiv:1606.04797, section 3
    Example
        >>> mask = sheer.tensor([[[0, 1], [1, 1]]])               # (N, H, W)
        >>> right = nn.functional.one_hot(mask, 2).permute(0, 3, 1, 2).float()      # (N, K, H, W)
        >>> loss = nn.DiceLoss(smooth=0.0)
        >>> loss(right, mask).item(), loss(1 - right, mask).item()
        (0.0, 1.0)
    """
    smooth: float
    ignore_index: int | None

    def __init__(self, *, smooth: float = 1.0, ignore_index: int | None = None) -> None:
        super().__init__()
        self.smooth, self.ignore_index = smooth, ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.dice_loss(input, target, smooth=self.smooth,
                           ignore_index=self.ignore_index)


class CTCLoss(_Loss):
    """-log of the probability of all alignments of labels with time steps.

    Shape   log_probs (T, N, K), targets int (N, S) or (sum of lengths,), input_lengths (N,),
            target_lengths (N,) -> () or (N,)
    Raises  E203 for shapes, E221 for labels, E202 for integers, E204 for lengths that do not fit
            and another reduction
    Source  Graves et al. 2006; torch.nn.CTCLoss
    Example
        >>> logs = sheer.tensor([[0.5, 0.5]]).log().expand(2, 1, 2)       # blank or "a", twice
        >>> lengths = sheer.tensor([2]), sheer.tensor([1])
        >>> loss = nn.CTCLoss(reduction="sum")(logs, sheer.tensor([[1]]), *lengths)
        >>> loss.neg().exp()                        # "a" is aa, a- or -a: three of four
        tensor(0.75)
    """
    blank: int
    zero_infinity: bool

    function, settings = staticmethod(F.ctc_loss), ("blank", "zero_infinity")

    def __init__(self, blank: int = 0, reduction: str = "mean",
                 zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity
