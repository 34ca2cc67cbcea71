"""Lanes near each other: an index with uneven but repeating steps in, loads and a shuffle out.

A gather would take a load per lane; here one or two loads and a shuffle serve them all.
"""

from __future__ import annotations

from functools import lru_cache

from sheer.compile.indexing.index import Atom, Index, Quotient, Remainder, Var
from sheer.graph.dtypes import DType, bool_

from ..ir.builder import Builder
from ..ir.values import Value, constant

_SHARED = 3      # lanes that one element may go to under a mask


@lru_cache(maxsize=4096)
def offsets(place: Index, lane: Var, lanes: int) -> tuple[int, ...] | None:
    """How far each lane lies from the first, if that is the same in every vector along `lane` and
    below 2 * lanes; vectors start at multiples of `lanes`.
    """
    total = [0] * lanes
    for atom, c in place.terms.items():
        if atom == lane:
            steps: list[int] | None = list(range(lanes))
        elif not isinstance(atom, Var) and lane in atom.of.variables:
            steps = _steps(atom, lane, lanes)
        else:
            continue
        if steps is None:
            return None
        total = [t + c * s for t, s in zip(total, steps, strict=True)]
    return tuple(total) if min(total) == 0 and max(total) < 2 * lanes else None


def _steps(atom: Atom, lane: Var, lanes: int) -> list[int] | None:
    """The same for one quotient or remainder of the lane's variable alone."""
    assert isinstance(atom, Quotient | Remainder)
    if set(atom.of.terms) != {lane}:
        return None
    c, const = atom.of.terms[lane], atom.of.const
    value = lambda v: (c * v + const) // atom.by if isinstance(atom, Quotient) else (
        c * v + const) % atom.by
    found = {tuple(value(first + i) - value(first) for i in range(lanes))
             for first in range(0, lane.extent, lanes)}
    return list(found.pop()) if len(found) == 1 else None


def load_near(b: Builder, pointer: Value, first: Value, steps: tuple[int, ...], dtype: DType,
              mask: Value | None) -> Value | None:
    """The elements at first + steps; touches nothing outside the lanes where `mask` holds.

    None where a gather is better: under a mask, elements that many lanes share.
    """
    lanes, last = len(steps), max(steps)
    if mask is not None and max(map(steps.count, steps)) > _SHARED:
        return None
    if last < lanes:
        if mask is None:
            count = next(n for n in (2, 4, 8, 16, 32, 64) if n > last)
            if count == last + 1:
                return b.shuffle(b.load(pointer, first, dtype, count), None, steps)
        return b.shuffle(_part(b, pointer, first, steps, 0, lanes, dtype, mask), None, steps)
    if mask is not None:
        low = _part(b, pointer, first, steps, 0, lanes, dtype, mask)
        high = _part(b, pointer, first, steps, lanes, lanes, dtype, mask)
        return b.shuffle(low, high, steps)
    start = last + 1 - lanes                             # the second load ends at the last lane
    low = b.load(pointer, first, dtype, lanes)
    high = b.load(pointer, b.add(first, start), dtype, lanes)
    return b.shuffle(low, high, [s if s < lanes else s - start + lanes for s in steps])


def _part(b: Builder, pointer: Value, first: Value, steps: tuple[int, ...], start: int, lanes: int,
          dtype: DType, mask: Value | None) -> Value:
    """`lanes` elements from `start` on, those that a lane wants."""
    full = mask if mask is not None else constant(True, bool_, lanes)
    nobody = constant(False, bool_, lanes)
    lists = [[i for i, s in enumerate(steps) if s == start + j] for j in range(lanes)]
    holds = nobody
    for number in range(max(map(len, lists))):           # the lanes that share an element
        wanted = [found[number] if number < len(found) else lanes for found in lists]
        some = b.shuffle(full, nobody, wanted)
        holds = some if number == 0 else b.or_(holds, some)
    return b.load_masked(pointer, b.add(first, start), holds, dtype)
