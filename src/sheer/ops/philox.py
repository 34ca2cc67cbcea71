"""Random bits from a counter: (seed, offset, element index) in, the same 32 bits everywhere out.

Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox4x32-10).
"""

from __future__ import annotations

import numpy as np

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)        # what each round adds to the key: golden ratio, sqrt(3) - 1
ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox_blocks(counter: tuple[np.ndarray | np.uint64, ...], key: tuple[int, int]) -> np.ndarray:
    """Philox4x32-10 of four counter words (each (n,) or a number) under a key of two words.

    Returns uint32 of shape (n, 4): the four output words of each block.
    """
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = ((p1 >> _HALF) ^ c1 ^ np.uint64(k0), p1 & _LOW,
                          (p0 >> _HALF) ^ c3 ^ np.uint64(k1), p0 & _LOW)
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), -1).astype(np.uint32)      # (n, 4)


def philox_bits(n: int, seed: int, offset: int) -> np.ndarray:
    """32 random bits for each of the elements 0 ... n - 1, as uint32 (n,).

    Element i is word i % 4 of the block whose counter is (i // 4, offset) under the key `seed`;
    each of the three is 64 bits wide, low word first.
    """
    block = np.arange((n + 3) // 4, dtype=np.uint64)
    counter = (block & _LOW, block >> _HALF, np.uint64(offset & 0xFFFFFFFF),
               np.uint64(offset >> 32 & 0xFFFFFFFF))
    key = (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF)
    return philox_blocks(counter, key).reshape(-1)[:n]
