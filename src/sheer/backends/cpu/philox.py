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

Words = tuple[Value, Value, Value, Value]


def philox_elements(b: Control, indices: Value, seed: Operand, offset: Operand) -> Value:
    """The bits (uint32) of arbitrary element indices (int64), one block per lane.

    Works for any index vector; for consecutive elements `philox_run` does a quarter of the work.
    """
    block = b.shr(indices, 2)
    words = _block(b, block, seed, offset)
    which = b.cast(b.and_(indices, 3), UINT32)
    low = b.select(b.eq(b.and_(which, 1), 0), words[0], words[1])
    high = b.select(b.eq(b.and_(which, 1), 0), words[2], words[3])
    return b.select(b.lt(which, 2), low, high)


def philox_run(b: Control, first: Value, lanes: int, seed: Operand,
               offset: Operand) -> list[Value]:
    """The bits of the 4 * `lanes` elements from `first` (a multiple of 4) on.

    Four vectors of `lanes` uint32: elements first ... first + lanes - 1, then the next, in order.
    """
    start = b.shr(first, 2)
    blocks = b.add(b.broadcast(start, lanes), b.iota(lanes))
    words = _block(b, blocks, seed, offset)
    return _interleave(b, words)


def _interleave(b: Control, words: Words) -> list[Value]:
    """Words by block (w0 of all blocks, w1 of all ...) into element order: a 4 x n transpose."""
    lanes = words[0].lanes
    if lanes == 1:
        return list(words)
    zip_two = [lane + half for lane in range(lanes) for half in (0, lanes)]
    pairs = []
    for x, y in ((words[0], words[2]), (words[1], words[3])):
        pairs.append((b.shuffle(x, y, zip_two[:lanes]), b.shuffle(x, y, zip_two[lanes:])))
    result = []
    for even, odd in zip(*pairs, strict=True):      # even holds w0 w2 by turns, odd w1 w3
        result += [b.shuffle(even, odd, zip_two[:lanes]), b.shuffle(even, odd, zip_two[lanes:])]
    return result


def _block(b: Control, block: Value, seed: Operand, offset: Operand) -> Words:
    """The four words of each block, for block numbers (int64 lanes) and 64-bit seed and offset."""
    c0, c1 = _two_words(b, block)
    c2, c3 = (b.broadcast(word, block.lanes) for word in _two_words(b, b.index(offset)))
    k0, k1 = (b.broadcast(word, block.lanes) for word in _two_words(b, b.index(seed)))
    for turn in range(_ROUNDS):
        high0, low0 = _wide_multiply(b, c0, _MULTIPLIERS[0])
        high1, low1 = _wide_multiply(b, c2, _MULTIPLIERS[1])
        key0, key1 = b.add(k0, turn * _WEYL[0]), b.add(k1, turn * _WEYL[1])
        c0, c1, c2, c3 = (b.xor(b.xor(high1, c1), key0), low1,
                          b.xor(b.xor(high0, c3), key1), low0)
    return c0, c1, c2, c3


def _two_words(b: Control, x: Value) -> tuple[Value, Value]:
    """The low and the high 32 bits of an int64."""
    return b.cast(x, UINT32), b.cast(b.shr(b.bitcast(x, UINT64), 32), UINT32)


def _wide_multiply(b: Control, x: Value, factor: int) -> tuple[Value, Value]:
    """The high and the low word of a 32 x 32 bit product, from even and odd lanes (vpmuludq)."""
    if x.lanes == 1:
        product = b.mul(b.cast(x, UINT64), factor)
        return b.cast(b.shr(product, 32), UINT32), b.cast(product, UINT32)
    wide = b.reinterpret(x, UINT64, x.lanes // 2)
    even = b.mul(b.and_(wide, 0xFFFFFFFF), factor)
    odd = b.mul(b.shr(wide, 32), factor)
    even, odd = (b.reinterpret(v, UINT32, x.lanes) for v in (even, odd))
    low = [lane - lane % 2 + (lane % 2) * x.lanes for lane in range(x.lanes)]
    return b.shuffle(even, odd, [pick + 1 for pick in low]), b.shuffle(even, odd, low)

