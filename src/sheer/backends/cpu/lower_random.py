"""Random numbers as expressions: a key and an element's number flow in, that element comes out.

No state, so a draw is fused like any other expression and made again where that is cheaper.
"""

from __future__ import annotations

from sheer.graph.dtypes import DType, float32, float64, int64
from sheer.ops.random import _TAG

from .builder import Builder
from .philox import _block, philox_elements
from .values import UINT64, Value


def uniform(b: Builder, element: Value, seed: Value, offset: Value, dtype: DType) -> Value:
    """Element number `element` (int64 lanes) of a uniform draw; the bits are those of `ref`."""
    if dtype == float32:
        bits = philox_elements(b, element, seed, offset)
        return b.mul(b.cast(b.shr(bits, 8), float32), 2.0**-24)
    first = b.mul(element, 2)
    low = b.cast(philox_elements(b, first, seed, offset), UINT64)
    high = b.cast(philox_elements(b, b.add(first, 1), seed, offset), UINT64)
    whole = b.or_(b.shl(b.shr(high, 5), 26), b.shr(low, 6))             # 53 bits
    return b.mul(b.cast(b.bitcast(whole, int64), float64), 2.0**-53)


def fold_in(b: Builder, number: Value, seed: Value, offset: Value, second: Value) -> Value:
    """The new key's seed, or where `second` holds its offset."""
    words = _block(b, number, b.xor(seed, _TAG), offset)
    low, high, low2, high2 = (b.cast(w, UINT64) for w in words)
    first = b.or_(low, b.shl(high, 32))
    other = b.or_(low2, b.shl(high2, 32))
    return b.bitcast(b.select(second, other, first), int64)
