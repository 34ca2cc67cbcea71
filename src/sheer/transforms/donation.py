"""Donation: may a program write new state over the memory of the old? Only if nobody else reads it.

Everything that can still show an old value (another tensor, a detached one, a view, a pending
graph, the array of `.numpy()`) holds a reference to the node, its buffer or its array. So the
memory is free to take when there are exactly as many references as for a tensor nobody looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..graph.memory import LINE, copied, lies_well
from ..graph.node import Buffer
from ..ops.structure import data, memory


def own(handle: Any) -> Buffer:
    """The memory of a handle bound to data, which nobody else reads; a copy when somebody does, or
    when it does not begin at a cache line.
    """
    if alone(handle):
        found: Buffer = handle._bound.prim.buffer
        if (found.address and found.address % LINE == 0) or lies_well(found.array):
            return found
    old = handle._bound
    made = Buffer(copied(old.prim.buffer.array))
    node = memory(made, old.outputs, old.source)
    if handle._view is None:
        handle._show(node)
    else:
        handle._rebind(node)
    return made


def alone(handle: Any) -> bool:
    """Is this handle the only way to its array?"""
    return _references(handle) in _untouched()


def _references(handle: Any, count: Callable[[object], int] = sys.getrefcount,
                ) -> tuple[int, ...] | None:
    """References to the node and all that is under it; None for memory that is not ours."""
    node = handle._bound
    prim = node.prim
    buffer = prim.buffer
    array = buffer.array
    base = array.base
    if not array.flags.carray:                        # writeable, and in C order without gaps
        return None
    if base is None:
        return count(node), count(prim), count(buffer), count(array)
    if type(base) is not np.ndarray or base.base is not None:
        return None                       # a view of a view refers to the base, not to the first
    return count(node), count(prim), count(buffer), count(array), count(base)


@cache
def _untouched() -> tuple[tuple[int, ...] | None, ...]:
    """The counts for a tensor that nobody else knows; measured, as Python versions differ. For one
    with an array of its own, and for one with part of another.
    """
    class Handle:
        def __init__(self, array: np.ndarray) -> None:
            self._bound = data(array)
    return _references(Handle(np.empty(4))), _references(Handle(np.empty(8)[:4]))
