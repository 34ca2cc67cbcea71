"""sheer.special: functions of mathematics and statistics, with torch.special's names."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from . import ops
from .mixins.core import Core, apply
from .mixins.missing import refusing as _refusing
from .tensor import Tensor, as_tensor

__all__ = ["digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1",
           "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "log_softmax", "logit",
           "logsumexp", "modified_bessel_i0", "modified_bessel_i1", "multigammaln", "ndtr",
           "ndtri", "polygamma", "psi", "round", "sinc", "softmax", "spherical_bessel_j0",
           "xlog1py", "xlogy", "zeta"]
__getattr__ = _refusing("special", __all__)


def _function(op: Callable[..., Any], given: str, found: str, name: str = "",
              ) -> Callable[..., Tensor]:
    """An operation on nodes as a function of tensors, numbers and arrays.

    given, found  an argument and what comes out, for the example in its text
    """
    def function(input: Any, *others: Any) -> Tensor:
        first = input if isinstance(input, Core) or others else as_tensor(input)
        if others and not any(isinstance(t, Core) for t in (input, *others)):
            first = as_tensor(input)
        return apply(op, first, *others)
    name = name or op.__name__
    function.__name__ = function.__qualname__ = name
    function.__module__ = "sheer.special"
    function.__doc__ = (f"{inspect.getdoc(op)}\nExample\n"
                        f"    >>> sheer.special.{name}({given})\n    tensor({found})\n")
    return function


digamma = psi = _function(ops.digamma, "1.0", "-0.5772")            # minus Euler's constant
erf = _function(ops.erf, "1.0", "0.8427")
erfc = _function(ops.erfc, "1.0", "0.1573")
erfcx = _function(ops.erfcx, "10.0", "0.0561")                      # where erfc is all but 0
erfinv = _function(ops.erfinv, "0.8427", "1.")
exp2 = _function(ops.exp2, "10.0", "1024.")
expit = _function(ops.sigmoid, "0.0", "0.5", "expit")
expm1 = _function(ops.expm1, "1e-6", "1.e-06")
gammaln = _function(ops.lgamma, "5.0", "3.1781", "gammaln")         # log 4!
i0 = modified_bessel_i0 = _function(ops.i0, "1.0", "1.2661")
i0e = _function(ops.i0e, "100.0", "0.0399")                         # where i0 is infinite
i1 = modified_bessel_i1 = _function(ops.i1, "1.0", "0.5652")
i1e = _function(ops.i1e, "100.0", "0.0397")
log1p = _function(ops.log1p, "1e-6", "1.e-06")
log_ndtr = _function(ops.log_ndtr, "-20.0", "-203.9172")            # where ndtr is 0
ndtr = _function(ops.ndtr, "1.96", "0.975")
ndtri = _function(ops.ndtri, "0.975", "1.96")
xlogy = _function(ops.xlogy, "0.0, 0.0", "0.")
zeta = _function(ops.zeta, "2.0, 1.0", "1.6449")                    # pi^2 / 6


def entr(input: Any) -> Tensor:
    """-x log x: 0 at 0, -inf below.

    Shape   x (*S) -> (*S)
    Source  torch.special.entr
    Example
        >>> sheer.special.entr(0.5)                                      # log(2) / 2
        tensor(0.3466)
    """
    def share(x: Any) -> Any:
        (x,) = ops.elementwise.family.lift_floats("entr", x)
        return ops.where(ops.lt(x, 0), float("-inf"), -ops.xlogy(x, x))
    return apply(share, as_tensor(input))


def xlog1py(input: Any, other: Any) -> Tensor:
    """x log(1 + y), and 0 where x is 0 and the logarithm infinite or missing.

    Shape   x (*S), y (*S) -> (*S)
    Raises  E102 when the shapes do not broadcast
    Source  torch.special.xlog1py
    Example
        >>> sheer.special.xlog1py(0.0, -1.0), sheer.special.xlog1py(2.0, np.e - 1)
        (tensor(0.), tensor(2.))
    """
    def scaled(x: Any, y: Any) -> Any:
        x, y = ops.elementwise.family.lift_floats("xlog1py", x, y)
        none = ops.logical_and(ops.eq(x, 0), ops.logical_or(ops.le(y, -1), ops.eq(y, math.inf)))
        return ops.where(none, 0, x * ops.log1p(ops.where(none, 1, y)))
    both = any(isinstance(t, Core) for t in (input, other))
    return apply(scaled, input if both else as_tensor(input), other)


def spherical_bessel_j0(input: Any) -> Tensor:
    """sin(x) / x, and 1 at 0.

    Shape   x (*S) -> (*S)
    Source  DLMF 10.49.3
    Example
        >>> sheer.special.spherical_bessel_j0([0.0, np.pi / 2])          # 1 and 2 / pi
        tensor([1.    , 0.6366])
    """
    return (as_tensor(input) / math.pi).sinc()


def polygamma(n: int, input: Any) -> Tensor:
    """Derivative number n of digamma.

    Shape   n (), x (*S) -> (*S)
    Source  torch.special.polygamma
    Example
        >>> sheer.special.polygamma(1, 1.0)                              # pi^2 / 6
        tensor(1.6449)
    """
    return as_tensor(input).polygamma(n)


def multigammaln(a: Any, p: int) -> Tensor:
    """The logarithm of the gamma function of p dimensions.

    Shape   a (*S) -> (*S)
    Raises  E191 for p below 1
    Source  torch.special.multigammaln
    Example
        >>> sheer.special.multigammaln(3.0, p=1), sheer.special.gammaln(3.0)
        (tensor(0.6931), tensor(0.6931))
    """
    return as_tensor(a).mvlgamma(p)


def logit(input: Any, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)); x is first clamped to [eps, 1 - eps].

    Shape   x (*S) -> (*S)
    Source  torch.special.logit
    Example
        >>> sheer.special.logit([0.5, 0.75])                             # 0 and log 3
        tensor([0.    , 1.0986])
    """
    return as_tensor(input).logit(eps)


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to the even one; or to so many decimals.

    Shape   x (*S) -> (*S)
    Raises  E105 for bool
    Source  torch.special.round
    Example
        >>> sheer.special.round([0.5, 1.5, 2.5])
        tensor([0., 2., 2.])
    """
    return as_tensor(input).round(decimals=decimals)


def sinc(input: Any) -> Tensor:
    """sin(pi x) / (pi x), and 1 at 0.

    Shape   x (*S) -> (*S)
    Source  torch.special.sinc
    Example
        >>> sheer.special.sinc([0.0, 0.5])                               # 1 and 2 / pi
        tensor([1.    , 0.6366])
    """
    return as_tensor(input).sinc()


def softmax(input: Any, dim: int, dtype: Any = None) -> Tensor:
    """exp(x) over its sum along an axis.

    Shape   x (*S) -> (*S)
    Raises  E110 for a wrong axis, E105 for integers
    Source  torch.special.softmax
    Example
        >>> sheer.special.softmax([0.0, np.log(3.0)], dim=0)
        tensor([0.25, 0.75])
    """
    return as_tensor(input).softmax(dim, dtype)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """The logarithm of softmax.

    Shape   x (*S) -> (*S)
    Raises  E110 for a wrong axis, E105 for integers
    Source  torch.special.log_softmax
    Example
        >>> sheer.special.log_softmax([0.0, np.log(3.0)], dim=0)
        tensor([-1.3863, -0.2877])
    """
    return as_tensor(input).log_softmax(dim, dtype)


def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """log of the sum of exp along axes, without overflow.

    Shape   x (*S) -> S without dim
    Raises  E110 for a wrong axis
    Source  torch.special.logsumexp
    Example
        >>> sheer.special.logsumexp([1000.0, 1000.0], dim=0)             # 1000 + log 2
        tensor(1000.6932)
    """
    return as_tensor(input).logsumexp(dim, keepdim)
