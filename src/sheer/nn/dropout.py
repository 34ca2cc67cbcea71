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
    Raises  E204 for a p outside [0, 1], E202 for integers
    Source  Srivastava et al. 2014; torch.nn.Dropout
    Example
        >>> layer = nn.Dropout(0.75)
        >>> sorted(set(layer(sheer.ones(100)).tolist()))
        [0.0, 4.0]
        >>> layer.eval()(sheer.ones(3)).tolist()
        [1.0, 1.0, 1.0]
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
        return type(self).function(x, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Dropout of whole channels.

    Shape   x (N, C, L) or (C, L) -> the same
    Raises  E204 for a p outside [0, 1], E202 for integers, E203 for ranks
    Source  torch.nn.Dropout1d
    Example
        >>> y = nn.Dropout1d()(sheer.ones(2, 8, 5))
        >>> bool((y == y[..., :1]).all())            # a channel is kept as a whole, or not at all
        True
    """
    function = staticmethod(F.dropout1d)


class Dropout2d(Dropout):
    """Dropout of whole channels.

    Shape   x (N, C, H, W) or (C, H, W) -> the same
    Raises  E204 for a p outside [0, 1], E202 for integers, E203 for ranks
    Source  Tompson et al. 2015, arXiv:1411.4280; torch.nn.Dropout2d
    Example
        >>> y = nn.Dropout2d()(sheer.ones(32, 3, 3))
        >>> sorted(set(y.sum((1, 2)).tolist()))     # 9 elements, doubled or 0
        [0.0, 18.0]
    """
    function = staticmethod(F.dropout2d)


class Dropout3d(Dropout):
    """Dropout of whole channels.

    Shape   x (N, C, D, H, W) or (C, D, H, W) -> the same
    Raises  E204 for a p outside [0, 1], E202 for integers, E203 for ranks
    Source  torch.nn.Dropout3d
    Example
        >>> y = nn.Dropout3d(0.2)(sheer.ones(1, 64, 2, 2, 2))
        >>> y.amax((2, 3, 4)).unique().tolist()
        [0.0, 1.25]
    """
    function = staticmethod(F.dropout3d)


class AlphaDropout(Dropout):
    """Each element at the lower limit of selu with probability p, scaled to keep mean and variance.

    Shape   x (*S) -> (*S)
    Raises  E204 for a p outside [0, 1], E202 for integers
    Source  Klambauer et al. 2017, arXiv:1706.02515; torch.nn.AlphaDropout
    Example
        >>> y = nn.AlphaDropout(0.3)(sheer.randn(100000))
        >>> abs(y.mean().item()) < 0.05, abs(y.var().item() - 1) < 0.05
        (True, True)
    """
    function = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(Dropout):
    """AlphaDropout of whole channels.

    Shape   x (N, C, *S) -> (N, C, *S)
    Raises  E204 for a p outside [0, 1], E202 for integers
    Source  Klambauer et al. 2017, arXiv:1706.02515; torch.nn.FeatureAlphaDropout
    Example
        >>> y = nn.FeatureAlphaDropout()(sheer.ones(4, 16, 5))
        >>> bool((y == y[..., :1]).all()), len(y.unique())
        (True, 2)
    """
    function = staticmethod(F.feature_alpha_dropout)
