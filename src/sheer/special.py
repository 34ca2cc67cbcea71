"""sheer.special: functions of mathematics and statistics, with torch.special's names."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

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


def _function(op: Callable[..., Any], name: str = "") -> Callable[..., Tensor]:
    """An operation on nodes as a function of tensors, numbers and arrays."""
    def function(input: Any, *others: Any) -> Tensor:
        first = input if isinstance(input, Core) or others else as_tensor(input)
        if others and not any(isinstance(t, Core) for t in (input, *others)):
            first = as_tensor(input)
        return apply(op, first, *others)
    function.__name__ = function.__qualname__ = name or op.__name__
    function.__doc__, function.__module__ = op.__doc__, "sheer.special"
    return function


digamma, erf, erfc, erfcx, erfinv = map(_function, (
    ops.digamma, ops.erf, ops.erfc, ops.erfcx, ops.erfinv))
exp2, expm1, log1p, xlogy, zeta = map(_function, (
    ops.exp2, ops.expm1, ops.log1p, ops.xlogy, ops.zeta))
i0, i0e, i1, i1e = map(_function, (ops.i0, ops.i0e, ops.i1, ops.i1e))
ndtr, log_ndtr, ndtri = map(_function, (ops.ndtr, ops.log_ndtr, ops.ndtri))
expit, gammaln, psi = _function(ops.sigmoid, "expit"), _function(ops.lgamma, "gammaln"), digamma
modified_bessel_i0, modified_bessel_i1 = i0, i1


def entr(input: Any) -> Tensor:
    """-x log x: 0 at 0, -inf below."""
    def share(x: Any) -> Any:
        (x,) = ops.elementwise.family.lift_floats("entr", x)
        return ops.where(ops.lt(x, 0), float("-inf"), -ops.xlogy(x, x))
    return apply(share, as_tensor(input))


def xlog1py(input: Any, other: Any) -> Tensor:
    """x log(1 + y), and 0 where x is 0 and the logarithm infinite or missing."""
    def scaled(x: Any, y: Any) -> Any:
        x, y = ops.elementwise.family.lift_floats("xlog1py", x, y)
        none = ops.logical_and(ops.eq(x, 0), ops.logical_or(ops.le(y, -1), ops.eq(y, math.inf)))
        return ops.where(none, 0, x * ops.log1p(ops.where(none, 1, y)))
    both = any(isinstance(t, Core) for t in (input, other))
    return apply(scaled, input if both else as_tensor(input), other)


def spherical_bessel_j0(input: Any) -> Tensor:
    """sin(x) / x, and 1 at 0."""
    return (as_tensor(input) / math.pi).sinc()


def polygamma(n: int, input: Any) -> Tensor:
    """Derivative number n of digamma."""
    return as_tensor(input).polygamma(n)


def multigammaln(a: Any, p: int) -> Tensor:
    """The logarithm of the gamma function of p dimensions."""
    return as_tensor(a).mvlgamma(p)


def logit(input: Any, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)); x is first clamped to [eps, 1 - eps]."""
    return as_tensor(input).logit(eps)


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to the even one; or to so many decimals."""
    return as_tensor(input).round(decimals=decimals)


def sinc(input: Any) -> Tensor:
    """sin(pi x) / (pi x), and 1 at 0."""
    return as_tensor(input).sinc()


def softmax(input: Any, dim: int, dtype: Any = None) -> Tensor:
    """exp(x) over its sum along an axis."""
    return as_tensor(input).softmax(dim, dtype)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """The logarithm of softmax."""
    return as_tensor(input).log_softmax(dim, dtype)


def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """log of the sum of exp along axes, without overflow."""
    return as_tensor(input).logsumexp(dim, keepdim)
