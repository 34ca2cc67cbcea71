"""Functions out of methods: `sheer.exp(x)` is `Tensor.exp`, with the same text and arguments.

The one place where that happens. What is not a method of one tensor is in the files beside it:
namespace_creation.py, namespace_joining.py, namespace_standard.py, random.py.
"""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .mixins.core import Core
from .tensor import Tensor, as_tensor

# Methods whose first operand may be a number: sheer.pow(2, x).
_NUMBER_FIRST = frozenset("""
add sub subtract mul multiply div divide true_divide floor_divide remainder fmod pow atan2 arctan2
maximum minimum hypot logaddexp xlogy copysign nextafter eq ne not_equal lt less le less_equal gt
greater ge greater_equal bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift
logical_and logical_or logical_xor float_power
""".split())  # noqa: SIM905

_NAMES = """
abs absolute neg negative positive sign sgn signbit square sqrt rsqrt reciprocal relu sigmoid exp
exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh asin arcsin acos arccos atan arctan
asinh arcsinh acosh arccosh atanh arctanh floor ceil trunc fix round frac erf erfc erfinv lgamma
digamma isnan isinf isfinite isposinf isneginf isreal bitwise_not bitwise_invert logical_not
rad2deg deg2rad sinc logit logaddexp2 ldexp heaviside fmax fmin nan_to_num isclose lerp addcmul
addcdiv clamp clamp_min clamp_max clip
flatten ravel unflatten squeeze unsqueeze permute transpose swapaxes swapdims t movedim moveaxis
narrow select split split_with_sizes chunk tensor_split hsplit vsplit unbind diagonal view_as
flip fliplr flipud rot90 roll tile repeat_interleave diff tril triu diag diagflat diag_embed
sum prod mean nansum nanmean any all count_nonzero amax amin aminmax max min argmax argmin cumsum
cumprod logcumsumexp var std var_mean std_mean norm dist logsumexp softmax log_softmax median
kthvalue quantile cov corrcoef
gather take_along_dim index_select take scatter scatter_add index_add index_copy index_fill
index_put select_scatter slice_scatter masked_fill masked_select masked_scatter
sort msort argsort topk nonzero argwhere unique unique_consecutive bincount histc searchsorted
bucketize isin
matmul mm bmm mv dot vdot inner outer ger kron tensordot addmm addmv addr baddbmm addbmm trace det
logdet slogdet inverse pinverse matrix_power cholesky qr svd cross
clone detach allclose equal is_nonzero numel is_floating_point is_complex is_conj is_signed
is_same_size adjoint dsplit diagonal_scatter
i0 gcd lcm mvlgamma frexp hardshrink angle conj conj_physical resolve_conj resolve_neg
cummax cummin mode nanmedian nanquantile scatter_reduce index_reduce put renorm histogram
matrix_exp lu_solve cholesky_inverse cholesky_solve triangular_solve fill argwhere
narrow_copy unsafe_chunk unsafe_split unsafe_split_with_sizes
""".split()  # noqa: SIM905


def function(name: str) -> Callable[..., Any]:
    """The method as a function whose first argument, `input`, is a tensor or becomes one."""
    method = getattr(Tensor, name)
    number_first = name in _NUMBER_FIRST

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not args and "input" in kwargs:
            args = (kwargs.pop("input"),)
        if args and not isinstance(args[0], Core) and not (
                number_first and any(isinstance(a, Core) for a in args[1:])):
            args = (as_tensor(args[0]), *args[1:])
        return method(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__module__ = "sheer"
    call.__signature__ = _signature(method)  # type: ignore[attr-defined]
    return call


def _signature(method: Callable[..., Any]) -> inspect.Signature:
    """That of the method, with `input` in place of `self`."""
    found = inspect.signature(method)
    _, *rest = found.parameters.values()
    first = inspect.Parameter("input", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="Tensor")
    return found.replace(parameters=[first, *rest])


_IN_PLACE = """
abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_
atanh_ ceil_ clamp_ clamp_max_ clamp_min_ clip_ cos_ cosh_ deg2rad_ erf_ erfc_ exp2_ exp_ expm1_
fill_ fix_ floor_ frac_ gcd_ i0_ index_put_ lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_
neg_ negative_ rad2deg_ reciprocal_ relu_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_
tanh_ trunc_ xlogy_ zero_
""".split()  # noqa: SIM905

functions = {name: function(name) for name in sorted({*_NAMES, *_NUMBER_FIRST, *_IN_PLACE})}
