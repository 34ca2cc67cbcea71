"""The C library's functions, called lane by lane: for rare functions and extreme arguments."""

from __future__ import annotations

from sheer.graph.dtypes import float64

from ..ir.control import Control
from ..ir.values import Value


def per_lane(b: Control, name: str, *values: Value) -> Value:
    """The C library's float64 function on every lane; float32 is widened and rounded once."""
    x = values[0]
    result = Value("poison", x.dtype, x.lanes)
    for lane in range(x.lanes):
        scalars = [b.cast(b.extract(v, lane), float64) for v in values]
        one = b.cast(b.call_pure(name, float64, 1, *scalars), x.dtype)
        result = one if x.lanes == 1 else b.insert(result, lane, one)
    return result
