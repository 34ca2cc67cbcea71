"""Mathematical functions of vectors: a name and values in, an internal function of the module out.

float32 uses polynomials of our own throughout. float64 uses them for what networks use most and
calls the C library lane by lane for the rest (`_LIBM_64`): slower, correctly rounded or nearly so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from sheer.graph.dtypes import float64

from . import math_exp, math_log, math_trig
from .control import Control
from .emitter import Emitter
from .math_erf import erf
from .math_libm import per_lane
from .values import Value

Generator = Callable[..., Value]

FUNCTIONS: dict[str, Generator] = {
    "exp": math_exp.exp, "exp2": math_exp.exp2, "expm1": math_exp.expm1,
    "sigmoid": math_exp.sigmoid, "tanh": math_exp.tanh, "sinh": math_exp.sinh,
    "cosh": math_exp.cosh, "erf": erf,
    "log": math_log.log, "log2": math_log.log2, "log10": math_log.log10, "log1p": math_log.log1p,
    "asinh": math_log.asinh, "acosh": math_log.acosh, "atanh": math_log.atanh,
    "pow": math_log.power,
    "sin": math_trig.sin, "cos": math_trig.cos, "tan": math_trig.tan,
    "asin": math_trig.asin, "acos": math_trig.acos, "atan": math_trig.atan,
    "atan2": math_trig.atan2,
}
# name -> number of arguments: always the C library, in float64
LIBM = {"erfc": 1, "lgamma": 1, "tgamma": 1, "cbrt": 1, "hypot": 2, "fmod": 2}
# own code for float32 only; float64 goes to the C library
_LIBM_64 = {"exp2", "expm1", "sinh", "cosh", "erf", "log2", "log10", "log1p", "asinh", "acosh",
            "atanh", "pow", "tan", "asin", "acos", "atan", "atan2"}


def call_maths(b: Control, name: str, arguments: Sequence[Value], inline: bool) -> Value:
    """The value of function `name`; TypeError for integers, KeyError with the choices otherwise."""
    if name not in FUNCTIONS and name not in LIBM:
        raise KeyError(f"no function {name}; there are {', '.join(sorted({*FUNCTIONS, *LIBM}))}")
    x = arguments[0]
    if x.dtype.kind != "float":
        raise TypeError(f"{name} is for floats, got {x.dtype}; cast first")
    lanes = max(v.lanes for v in arguments)
    values = [b.broadcast(v, lanes) for v in arguments]
    generate = _generator(name, wide=x.dtype == float64)
    if inline:
        return generate(b, *values)
    key = ("maths", name, x.dtype, lanes)
    symbol = b.helper(key, f"sheer.{name}.{values[0].suffix}",
                      lambda inner, symbol: _write(inner, symbol, generate, values))
    return _call(b, symbol, values)


def _generator(name: str, wide: bool) -> Generator:
    if name in LIBM or (wide and name in _LIBM_64):
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
