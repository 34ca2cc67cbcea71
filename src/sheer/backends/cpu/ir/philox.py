"""Philox4x32-10 as generated code: element indices in, the 32 bits of `sheer.ops.philox` out.

Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. No state: an
element's bits depend on (seed, offset, index) only, so a mask can be made again in a backward pass
and is the same for any number of threads.
"""

from __future__ import annotations

from .control import Control
from .values import UINT32, UINT64, Operand, Value

# The same constants as sheer/ops/philox.py, which this room may not import
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = 0xFFFFFFFF

Words = tuple[Value, Value, Value, Value]


def philox_elements(b: Control, indices: Value, seed: Operand, offset: Operand) -> Value:
    """The bits (uint32) of arbitrary element indices (int64), one block per lane.

    Works for any index vector; for consecutive elements `philox_run` does a quarter of the work.
    """
    words = philox_block(b, b.shr(indices, 2), seed, offset)
    which = b.cast(b.and_(indices, 3), UINT32)
    even = b.eq(b.and_(which, 1), 0)
    low = b.select(even, words[0], words[1])
    high = b.select(even, words[2], words[3])
    return b.select(b.lt(which, 2), low, high)


def philox_run(b: Control, first: Value, lanes: int, seed: Operand, offset: Operand,
               aligned: bool) -> Value:
    """The bits of `lanes` (at least 8) elements from `first` on; is that a multiple of 4?"""
    blocks = lanes // 4
    start = b.shr(first, 2)
    if aligned:
        return _in_order(b, start, blocks, seed, offset)
    wide = _in_order(b, start, 2 * blocks, seed, offset)
    within = b.and_(first, 3)
    result = b.shuffle(wide, None, list(range(lanes)))
    for skip in (1, 2, 3):
        moved = b.shuffle(wide, None, list(range(skip, skip + lanes)))
        result = b.select(b.eq(within, skip), moved, result)
    return result


def _in_order(b: Control, start: Value, blocks: int, seed: Operand, offset: Operand) -> Value:
    """The words of neighbouring blocks, those of each block side by side."""
    numbers = b.add(b.broadcast(start, blocks), b.iota(blocks))
    w0, w1, w2, w3 = _rounds(b, numbers, seed, offset)
    low = b.or_(b.and_(w0, _LOW), b.shl(w1, 32))
    high = b.or_(b.and_(w2, _LOW), b.shl(w3, 32))
    pairs = b.shuffle(low, high, [lane + part for lane in range(blocks) for part in (0, blocks)])
    return b.reinterpret(pairs, UINT32, 4 * blocks)


def philox_block(b: Control, block: Value, seed: Operand, offset: Operand) -> Words:
    """The four words (uint32) of each block, for block numbers (int64 lanes)."""
    w0, w1, w2, w3 = (b.cast(w, UINT32) for w in _rounds(b, block, seed, offset))
    return w0, w1, w2, w3


def _rounds(b: Control, block: Value, seed: Operand, offset: Operand) -> Words:
    """The four words in the low halves of uint64 lanes, where they need no moves between rounds;
    the high halves hold anything.
    """
    c0, c1 = _two_words(b, block)
    c2, c3 = (b.broadcast(word, block.lanes) for word in _two_words(b, b.index(offset)))
    k0, k1 = (b.broadcast(word, block.lanes) for word in _two_words(b, b.index(seed)))
    for turn in range(_ROUNDS):
        wide0 = b.mul(b.and_(c0, _LOW), _MULTIPLIERS[0])                    # vpmuludq
        wide1 = b.mul(b.and_(c2, _LOW), _MULTIPLIERS[1])
        key0, key1 = b.add(k0, turn * _WEYL[0]), b.add(k1, turn * _WEYL[1])
        c0, c1, c2, c3 = (b.xor(b.xor(b.shr(wide1, 32), c1), key0), wide1,
                          b.xor(b.xor(b.shr(wide0, 32), c3), key1), wide0)
    return c0, c1, c2, c3


def _two_words(b: Control, x: Value) -> tuple[Value, Value]:
    """The low and the high 32 bits of an int64, each in the low half of a uint64."""
    bits = b.bitcast(x, UINT64)
    return bits, b.shr(bits, 32)
