"""Random numbers as expressions: a key and an element's number flow in, that element comes out.

No state, so a draw is fused like any other expression and made again where that is cheaper.
"""

from __future__ import annotations

from sheer.compile.indexing.index import Index
from sheer.graph.dtypes import DType, float32, float64, int64
from sheer.ops.random import _TAG

from ..ir.builder import Builder
from ..ir.philox import philox_block, philox_elements, philox_run
from ..ir.values import UINT64, Value
from .index import Turn

_RUN = 8        # words side by side from which on whole blocks are worth their shuffles


def uniform(b: Builder, element: Value, seed: Value, offset: Value, dtype: DType) -> Value:
    """Element number `element` (int64 lanes) of a uniform draw; the bits are those of `ref`."""
    if dtype == float32:
        return _float32(b, philox_elements(b, element, seed, offset))
    first = b.mul(element, 2)
    low = b.cast(philox_elements(b, first, seed, offset), UINT64)
    high = b.cast(philox_elements(b, b.add(first, 1), seed, offset), UINT64)
    return _float64(b, low, high)


def uniform_run(b: Builder, turn: Turn, at: Index, seed: Value, offset: Value, dtype: DType,
                ) -> Value | None:
    """The same for the elements from `at` on, one more in each lane; None where lanes are few."""
    words = dtype.size // 4                                       # of the stream, per element
    if turn.stride(at) != 1 or turn.lanes * words < _RUN:
        return None
    steps = [c for atom, c in at.terms.items() if atom != turn.lane]   # lanes start at multiples
    aligned = all(step * words % 4 == 0 for step in [*steps, at.const, turn.lanes])
    bits = philox_run(b, b.mul(turn.first(at), words), turn.lanes * words, seed, offset, aligned)
    if dtype == float32:
        return _float32(b, bits)
    pairs = b.reinterpret(bits, UINT64, turn.lanes)
    return _float64(b, b.and_(pairs, 0xFFFFFFFF), b.shr(pairs, 32))


def _float32(b: Builder, bits: Value) -> Value:
    return b.mul(b.cast(b.shr(bits, 8), float32), 2.0**-24)


def _float64(b: Builder, low: Value, high: Value) -> Value:
    whole = b.or_(b.shl(b.shr(high, 5), 26), b.shr(low, 6))             # 53 bits
    return b.mul(b.cast(b.bitcast(whole, int64), float64), 2.0**-53)


def fold_in(b: Builder, number: Value, seed: Value, offset: Value, second: Value) -> Value:
    """The new key's seed, or where `second` holds its offset."""
    words = philox_block(b, number, b.xor(seed, _TAG), offset)
    low, high, low2, high2 = (b.cast(w, UINT64) for w in words)
    first = b.or_(low, b.shl(high, 32))
    other = b.or_(low2, b.shl(high2, 32))
    return b.bitcast(b.select(second, other, first), int64)
