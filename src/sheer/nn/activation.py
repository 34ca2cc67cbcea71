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
        return type(self).function(x, **{name: self.setting(name) for name in self.settings})

    def extra_repr(self) -> str:
        values = {name: getattr(self, name) for name in self.settings}
        inplace = ["inplace=True"] if values.pop("inplace", False) else []
        return ", ".join([*(f"{k}={v!r}" for k, v in values.items()), *inplace])


class ReLU(_Elementwise):
    """max(x, 0); the derivative at 0 is 0.

    Shape   x (*S) -> (*S)
    Source  torch.nn.ReLU
    """
    inplace: bool

    function, settings = staticmethod(F.relu), ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ReLU6(ReLU):
    """min(max(x, 0), 6).

    Shape   x (*S) -> (*S)
    Source  torch.nn.ReLU6
    """
    function = staticmethod(F.relu6)


class SELU(ReLU):
    """scale * elu(x, alpha), whose fixed point has mean 0 and variance 1.

    Shape   x (*S) -> (*S)
    Source  Klambauer et al. 2017, arXiv:1706.02515; torch.nn.SELU
    """
    function = staticmethod(F.selu)


class SiLU(ReLU):
    """x * sigmoid(x).

    Shape   x (*S) -> (*S)
    Source  Elfwing et al. 2017, arXiv:1702.03118; torch.nn.SiLU
    """
    function = staticmethod(F.silu)


class Mish(ReLU):
    """x * tanh(softplus(x)).

    Shape   x (*S) -> (*S)
    Source  Misra 2019, arXiv:1908.08681; torch.nn.Mish
    """
    function = staticmethod(F.mish)


class Hardswish(ReLU):
    """x * relu6(x + 3) / 6.

    Shape   x (*S) -> (*S)
    Source  Howard et al. 2019, arXiv:1905.02244; torch.nn.Hardswish
    """
    function = staticmethod(F.hardswish)


class Hardsigmoid(ReLU):
    """relu6(x + 3) / 6.

    Shape   x (*S) -> (*S)
    Source  Howard et al. 2019, arXiv:1905.02244; torch.nn.Hardsigmoid
    """
    function = staticmethod(F.hardsigmoid)


class LeakyReLU(_Elementwise):
    """x above 0, negative_slope * x below.

    Shape   x (*S) -> (*S)
    Source  Maas et al. 2013; torch.nn.LeakyReLU
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
    Source  Clevert et al. 2015, arXiv:1511.07289; torch.nn.ELU
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
    Source  Barron 2017, arXiv:1704.07483; torch.nn.CELU
    """
    function = staticmethod(F.celu)


class GELU(_Elementwise):
    """x times the normal distribution function at x.

    Shape   x (*S) -> (*S)
    Raises  E204 for an approximate other than "none" and "tanh"
    Source  Hendrycks and Gimpel 2016, arXiv:1606.08415; torch.nn.GELU
    """
    approximate: str

    function, settings = staticmethod(F.gelu), ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate


class Softplus(_Elementwise):
    """log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold.

    Shape   x (*S) -> (*S)
    Source  torch.nn.Softplus
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
    Source  torch.nn.Hardtanh
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
    Source  torch.nn.Threshold
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
    Source  torch.nn.Hardshrink
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
    Source  torch.nn.Softshrink
    """
    function = staticmethod(F.softshrink)


class Softsign(_Elementwise):
    """x / (1 + |x|). Shape: x (*S) -> (*S)."""
    function = staticmethod(F.softsign)


class Sigmoid(_Elementwise):
    """1 / (1 + exp(-x)), without overflow. Shape: x (*S) -> (*S)."""
    function = staticmethod(F.sigmoid)


class LogSigmoid(_Elementwise):
    """log(sigmoid(x)), finite wherever x is. Shape: x (*S) -> (*S)."""
    function = staticmethod(F.logsigmoid)


class Tanh(_Elementwise):
    """Hyperbolic tangent. Shape: x (*S) -> (*S)."""
    function = staticmethod(F.tanh)


class Tanhshrink(_Elementwise):
    """x - tanh(x). Shape: x (*S) -> (*S)."""
    function = staticmethod(F.tanhshrink)


class RReLU(Module):
    """x above 0, a x below: a ~ U(lower, upper) for each element in training, else their mean.

    Shape   x (*S) -> (*S)
    Raises  E204 when lower is above upper
    Source  Xu et al. 2015, arXiv:1505.00853; torch.nn.RReLU
    """
    lower: float
    upper: float
    inplace: bool

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, x: Tensor) -> Tensor:
        return F.rrelu(x, self.setting("lower"), self.setting("upper"), self.training, self.inplace)

    def extra_repr(self) -> str:
        inplace = ", inplace=True" if self.inplace else ""
        return f"lower={self.lower}, upper={self.upper}{inplace}"
