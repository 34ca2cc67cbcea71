"""Staging: rows of A whose elements lie far apart in memory in, a small block side by side out.

Where the columns of A lie 4096 bytes apart, all elements of a row fall into the same few places of
every cache: what one tile has read is gone before the next tile reads its neighbours. A group of
rows that fills whole cache lines is copied once, and all its tiles read the copy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheer.graph.dtypes import DType, int64

from ..ir.control import Control
from ..ir.values import Value, constant

if TYPE_CHECKING:
    from .plan import Gemm

_PERIOD = 4096       # bytes: what lies so far apart shares its places in the first cache
_LONG = 256          # elements of a row, below which the caches' few places are enough


def staged_rows(spec: Gemm, rows: int, lanes: int) -> int:
    """Rows of A in a group, whole tiles and whole vectors; 0 where A is better read as it lies."""
    far = isinstance(spec.a_col, int) and spec.a_col * spec.dtype.size % _PERIOD == 0
    group = math.lcm(rows, lanes)
    return group if spec.a_row == 1 and far and spec.k >= _LONG and spec.m >= group else 0


@dataclass(frozen=True)
class Stage:
    """Copies `count` rows of A, `group` at most, for k in [first, end), to `target`: (k, group)."""

    b: Control
    source: Value         # A[0, 0]
    far: int              # elements from one k to the next
    target: Value
    group: int
    dtype: DType

    def copy(self, row: Value, count: Value, first: Value, end: Value) -> Value:
        """Copy; the address that element (row 0, k 0) of A would have in the copy."""
        b, lanes = self.b, self.b.target.lanes(self.dtype)
        masks = [b.tail_mask(b.sub(count, at), lanes) for at in range(0, self.group, lanes)]
        start = b.offset(self.source, row, self.dtype)
        with b.loop(first, end) as k:
            line = b.offset(start, b.mul(k, self.far), self.dtype)
            place = b.mul(b.sub(k, first), self.group)
            for v, mask in enumerate(masks):
                part = b.load_masked(line, v * lanes, mask, self.dtype)
                b.store(self.target, b.add(place, v * lanes), part)
        back = b.add(row, b.mul(first, self.group))
        return b.offset(self.target, b.sub(constant(0, int64), back), self.dtype)
