"""Elementwise activation layers: each has the settings of the function of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ..graph.errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from .module import Module


def refuse_tensor(layer: str, value: Any) -> None:
    """Raise E204 for a tensor among the settings of a layer: it is meant for the layer itself."""
    if isinstance(value, Tensor) and value.ndim:
        raise ArgumentError("E204", layer, "a tensor in place of a setting",
                            got={"given": value.node}, need="settings here, the tensor in the call",
                            tries=[(f"{layer}()(x)", lambda: None)])


class _Elementwise(Module):
    """A function of one tensor, and settings given to it by name."""

    function: ClassVar[Callable[..., Tensor]]
    settings: ClassVar[tuple[str, ...]] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.settings:
            refuse_tensor(type(self).__name__, value)
        super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Tensor:
        return type(self).function(x, **{name: getattr(self, name) for name in self.settings})

    def extra_repr(self) -> str:
        values = {name: getattr(self, name) for name in self.settings}
        inplace = ["inplace=True"] if values.pop("inplace", False) else []
        return ", ".join([*(f"{k}={v!r}" for k, v in values.items()), *inplace])


class ReLU(_Elementwise):
    """max(x, 0); the derivative at 0 is 0.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  torch.nn.ReLU
    Example
        >>> nn.ReLU()(sheer.tensor([-2.0, 0.0, 3.0]))
        tensor([0., 0., 3.])
    """
    inplace: bool

    function, settings = staticmethod(F.relu), ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ReLU6(ReLU):
    """min(max(x, 0), 6).

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  torch.nn.ReLU6
    Example
        >>> nn.ReLU6()(sheer.tensor([-2.0, 3.0, 8.0]))
        tensor([0., 3., 6.])
    """
    function = staticmethod(F.relu6)


class SELU(ReLU):
    """scale * elu(x, alpha), whose fixed point has mean 0 and variance 1.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Klambauer et al. 2017, arXiv:1706.02515; torch.nn.SELU
    Example
        >>> y = nn.SELU()(sheer.randn(100000))      # the mean stays 0, the variance 1
        >>> abs(y.mean().item()) < 0.05, abs(y.var().item() - 1) < 0.05
        (True, True)
    """
    function = staticmethod(F.selu)


class SiLU(ReLU):
    """x * sigmoid(x).

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Elfwing et al. 2017, arXiv:1702.03118; torch.nn.SiLU
    Example
        >>> nn.SiLU()(sheer.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.2689,  0.    ,  0.7311])
    """
    function = staticmethod(F.silu)


class Mish(ReLU):
    """x * tanh(softplus(x)).

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Misra 2019, arXiv:1908.08681; torch.nn.Mish
    Example
        >>> nn.Mish()(sheer.tensor([-1.0, 0.0, 20.0]))
        tensor([-0.3034,  0.    , 20.    ])
    """
    function = staticmethod(F.mish)


class Hardswish(ReLU):
    """x * relu6(x + 3) / 6.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Howard et al. 2019, arXiv:1905.02244; torch.nn.Hardswish
    Example
        >>> nn.Hardswish()(sheer.tensor([-3.0, 1.5, 3.0]))
        tensor([0.   , 1.125, 3.   ])
    """
    function = staticmethod(F.hardswish)


class Hardsigmoid(ReLU):
    """relu6(x + 3) / 6.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Howard et al. 2019, arXiv:1905.02244; torch.nn.Hardsigmoid
    Example
        >>> nn.Hardsigmoid()(sheer.tensor([-3.0, 1.5, 3.0]))
        tensor([0.  , 0.75, 1.  ])
    """
    function = staticmethod(F.hardsigmoid)


class LeakyReLU(_Elementwise):
    """x above 0, negative_slope * x below.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Maas et al. 2013; torch.nn.LeakyReLU
    Example
        >>> nn.LeakyReLU(0.25)(sheer.tensor([-2.0, 3.0]))
        tensor([-0.5,  3. ])
    """
    negative_slope: float
    inplace: bool

    function, settings = staticmethod(F.leaky_relu), ("negative_slope", "inplace")

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class ELU(_Elementwise):
    """x above 0, alpha (exp(x) - 1) below.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Clevert et al. 2015, arXiv:1511.07289; torch.nn.ELU
    Example
        >>> nn.ELU(alpha=2.0)(sheer.tensor([-100.0, 1.0]))
        tensor([-2.,  1.])
    """
    alpha: float
    inplace: bool

    function, settings = staticmethod(F.elu), ("alpha", "inplace")

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class CELU(ELU):
    """x above 0, alpha (exp(x / alpha) - 1) below.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Barron 2017, arXiv:1704.07483; torch.nn.CELU
    Example
        >>> x = sheer.tensor([0.0], requires_grad=True)
        >>> nn.CELU(alpha=2.0)(x).backward()
        >>> x.grad.item()                        # smooth at 0 for every alpha; with ELU it is not
        1.0
    """
    function = staticmethod(F.celu)


class GELU(_Elementwise):
    """x times the normal distribution function at x.

    Shape   x (*S) -> (*S)
    Raises  E204 for an approximate other than "none" and "tanh"
    Source  Hendrycks and Gimpel 2016, arXiv:1606.08415; torch.nn.GELU
    Example
        >>> nn.GELU()(sheer.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.1587,  0.    ,  0.8413])
    """
    approximate: str

    function, settings = staticmethod(F.gelu), ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate


class Softplus(_Elementwise):
    """log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  Dugas et al. 2001; torch.nn.Softplus
    Example
        >>> nn.Softplus()(sheer.tensor([0.0, 100.0]))      # log 2; x itself
        tensor([  0.6931, 100.    ])
    """
    beta: float
    threshold: float

    function, settings = staticmethod(F.softplus), ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold


class Hardtanh(_Elementwise):
    """x kept within [min_val, max_val].

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting, and when min_val is above max_val
    Source  torch.nn.Hardtanh
    Example
        >>> nn.Hardtanh(0.0, 2.0)(sheer.tensor([-1.0, 1.0, 3.0]))
        tensor([0., 1., 2.])
    """
    min_val: float
    max_val: float
    inplace: bool

    function, settings = staticmethod(F.hardtanh), ("min_val", "max_val", "inplace")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class Threshold(_Elementwise):
    """x where it is above the threshold, else value.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  torch.nn.Threshold
    Example
        >>> nn.Threshold(1.0, value=-5.0)(sheer.tensor([0.5, 1.0, 1.5]))
        tensor([-5. , -5. ,  1.5])
    """
    threshold: float
    value: float
    inplace: bool

    function, settings = staticmethod(F.threshold), ("threshold", "value", "inplace")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace


class Hardshrink(_Elementwise):
    """x where |x| > lambd, else 0.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  torch.nn.Hardshrink
    Example
        >>> nn.Hardshrink(1.0)(sheer.tensor([-3.0, 0.5, 2.0]))
        tensor([-3.,  0.,  2.])
    """
    lambd: float

    function, settings = staticmethod(F.hardshrink), ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Hardshrink):
    """x moved towards 0 by lambd, and no further than 0.

    Shape   x (*S) -> (*S)
    Raises  E204 for a tensor in place of a setting
    Source  torch.nn.Softshrink
    Example
        >>> nn.Softshrink(1.0)(sheer.tensor([-3.0, 0.5, 2.0]))
        tensor([-2.,  0.,  1.])
    """
    function = staticmethod(F.softshrink)


class Softsign(_Elementwise):
    """x / (1 + |x|).

    Shape   x (*S) -> (*S)
    Source  torch.nn.Softsign
    Example
        >>> nn.Softsign()(sheer.tensor([-1.0, 0.0, 3.0]))
        tensor([-0.5 ,  0.  ,  0.75])
    """
    function = staticmethod(F.softsign)


class Sigmoid(_Elementwise):
    """1 / (1 + exp(-x)), without overflow.

    Shape   x (*S) -> (*S)
    Source  torch.nn.Sigmoid
    Example
        >>> nn.Sigmoid()(sheer.tensor([-1000.0, 0.0, 1.0]))
        tensor([0.    , 0.5   , 0.7311])
    """
    function = staticmethod(F.sigmoid)


class LogSigmoid(_Elementwise):
    """log(sigmoid(x)), finite wherever x is.

    Shape   x (*S) -> (*S)
    Source  torch.nn.LogSigmoid
    Example
        >>> nn.LogSigmoid()(sheer.tensor([-100.0, 0.0]))
        tensor([-100.    ,   -0.6931])
    """
    function = staticmethod(F.logsigmoid)


class Tanh(_Elementwise):
    """Hyperbolic tangent.

    Shape   x (*S) -> (*S)
    Source  DLMF 4.28; torch.nn.Tanh
    Example
        >>> nn.Tanh()(sheer.tensor([-1.0, 0.0, 20.0]))
        tensor([-0.7616,  0.    ,  1.    ])
    """
    function = staticmethod(F.tanh)


class Tanhshrink(_Elementwise):
    """x - tanh(x).

    Shape   x (*S) -> (*S)
    Source  torch.nn.Tanhshrink
    Example
        >>> nn.Tanhshrink()(sheer.tensor([-1.0, 0.0, 20.0]))
        tensor([-0.2384,  0.    , 19.    ])
    """
    function = staticmethod(F.tanhshrink)


class RReLU(Module):
    """x above 0, a x below: a ~ U(lower, upper) for each element in training, else their mean.

    Shape   x (*S) -> (*S)
    Raises  E204 when lower is above upper, E202 for integers
    Source  Xu et al. 2015, arXiv:1505.00853; torch.nn.RReLU
    Example
        >>> nn.RReLU(0.1, 0.4).eval()(sheer.tensor([-8.0, 8.0]))      # a slope of 0.25
        tensor([-2.,  8.])
    """
    lower: float
    upper: float
    inplace: bool

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, x: Tensor) -> Tensor:
        return F.rrelu(x, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        inplace = ", inplace=True" if self.inplace else ""
        return f"lower={self.lower}, upper={self.upper}{inplace}"
