"""Dropout layers: active in training mode, the identity in eval mode."""

from __future__ import annotations

from collections.abc import Callable

from ..tensor import Tensor
from . import functional as F
from .activation import refuse_tensor
from .functional.dropout import check_share
from .module import Module


class Dropout(Module):
    """Each element 0 with probability p, else x / (1 - p); nothing in eval mode.

    Shape   x (*S) -> (*S)
    Raises  E204 for a p outside [0, 1]
    Source  Srivastava et al. 2014; torch.nn.Dropout
    """
    p: float
    inplace: bool

    function: Callable[..., Tensor] = staticmethod(F.dropout)

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        refuse_tensor(type(self).__name__, p)
        check_share(type(self).__name__, p)
        self.p, self.inplace = p, inplace

    def forward(self, x: Tensor) -> Tensor:
        return type(self).function(x, self.setting("p"), self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Dropout of whole channels.

    Shape   x (N, C, L) or (C, L) -> the same
    Raises  E204 for a p outside [0, 1], E203 for ranks
    Source  torch.nn.Dropout1d
    """
    function = staticmethod(F.dropout1d)


class Dropout2d(Dropout):
    """Dropout of whole channels.

    Shape   x (N, C, H, W) or (C, H, W) -> the same
    Raises  E204 for a p outside [0, 1], E203 for ranks
    Source  Tompson et al. 2015, arXiv:1411.4280; torch.nn.Dropout2d
    """
    function = staticmethod(F.dropout2d)


class Dropout3d(Dropout):
    """Dropout of whole channels.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> the same
    Raises  E204 for a p outside [0, 1], E203 for ranks
    Source  torch.nn.Dropout3d
    """
    function = staticmethod(F.dropout3d)


class AlphaDropout(Dropout):
    """Each element at the lower limit of selu with probability p, scaled to keep mean and variance.

    Shape   x (*S) -> (*S)
    Raises  E204 for a p outside [0, 1]
    Source  Klambauer et al. 2017, arXiv:1706.02515; torch.nn.AlphaDropout
    """
    function = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(Dropout):
    """AlphaDropout of whole channels.

    Shape   x (N, C, *S) -> (N, C, *S)
    Raises  E204 for a p outside [0, 1]
    Source  Klambauer et al. 2017, arXiv:1706.02515; torch.nn.FeatureAlphaDropout
    """
    function = staticmethod(F.feature_alpha_dropout)
