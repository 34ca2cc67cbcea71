"""Mathematical functions of vectors: a name and values in, an internal function of the module out.

Polynomials of our own throughout, in float32 and float64; the C library is called lane by lane only
for sines of huge arguments and for the few functions in `LIBM`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

from ..ir.control import Control
from ..ir.emitter import Emitter
from ..ir.values import Value
from . import bessel as math_bessel
from . import erf as math_erf
from . import exp as math_exp
from . import gamma as math_gamma
from . import log as math_log
from . import pow as math_pow
from . import trig as math_trig
from .libm import per_lane

Generator = Callable[..., Value]

FUNCTIONS: dict[str, Generator] = {
    "exp": math_exp.exp, "exp2": math_exp.exp2, "expm1": math_exp.expm1,
    "sigmoid": math_exp.sigmoid, "tanh": math_exp.tanh, "sinh": math_exp.sinh,
    "cosh": math_exp.cosh, "erf": math_erf.erf, "erfc": math_erf.erfc, "erfinv": math_erf.erfinv,
    "erfcx": math_erf.erfcx, "i0e": math_bessel.i0e, "i1e": math_bessel.i1e,
    "lgamma": math_gamma.lgamma, "polygamma": math_gamma.polygamma,
    "log": math_log.log, "log2": math_log.log2, "log10": math_log.log10, "log1p": math_log.log1p,
    "asinh": math_log.asinh, "acosh": math_log.acosh, "atanh": math_log.atanh,
    "pow": math_pow.power,
    "sin": math_trig.sin, "cos": math_trig.cos, "tan": math_trig.tan,
    "asin": math_trig.asin, "acos": math_trig.acos, "atan": math_trig.atan,
    "atan2": math_trig.atan2,
}
# name -> number of arguments: always the C library, in float64
LIBM = {"tgamma": 1, "cbrt": 1, "hypot": 2, "fmod": 2}


def call_maths(b: Control, name: str, arguments: Sequence[Value], inline: bool,
               fixed: Mapping[str, int]) -> Value:
    """The value of function `name`; TypeError for integers, KeyError with the choices otherwise.

    `fixed` are parameters known while writing: the order of a derivative.
    """
    if name not in FUNCTIONS and name not in LIBM:
        raise KeyError(f"no function {name}; there are {', '.join(sorted({*FUNCTIONS, *LIBM}))}")
    x = arguments[0]
    if x.dtype.kind != "float":
        raise TypeError(f"{name} is for floats, got {x.dtype}; cast first")
    lanes = max(v.lanes for v in arguments)
    values = [b.broadcast(v, lanes) for v in arguments]
    generate = partial(_generator(name), **fixed)
    if inline:
        return generate(b, *values)
    key = ("maths", name, x.dtype, lanes, *sorted(fixed.items()))
    word = "".join(f"{name}{value}" for name, value in sorted(fixed.items()))
    symbol = b.helper(key, f"sheer.{name}{word}.{values[0].suffix}",
                      lambda inner, symbol: _write(inner, symbol, generate, values))
    return _call(b, symbol, values)


def _generator(name: str) -> Generator:
    if name in LIBM:
        return lambda b, *values: per_lane(b, name, *values)
    return FUNCTIONS[name]


def _write(inner: Emitter, symbol: str, generate: Generator, like: Sequence[Value]) -> None:
    b = cast(Control, inner)
    arguments = [(f"x{i}", v.dtype, v.lanes) for i, v in enumerate(like)]
    pair = (like[0].dtype, like[0].lanes)
    with b.function(symbol, arguments, returns=pair, internal=True) as values:
        b.ret(generate(b, *values))


def _call(b: Control, symbol: str, values: Sequence[Value]) -> Value:
    text = ", ".join(v.typed for v in values)
    x = values[0]
    return b.pure(x.dtype, x.lanes, f'call {x.type} @"{symbol}"({text})')
