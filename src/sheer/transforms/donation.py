"""Donation: may a program write new state over the memory of the old? Only if nobody else reads it.

Everything that can still show an old value (another tensor, a detached one, a view, a pending
graph, the array of `.numpy()`) holds a reference to the node, its buffer or its array. So the
memory is free to take when there are exactly as many references as for a tensor nobody looked at.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

from ..graph.memory import LINE, copied, lies_well
from ..graph.node import Buffer, fresh
from ..ops.structure import Data, data


def own(handle: Any) -> np.ndarray:
    """The array of a handle bound to data, which nobody else reads; a copy when somebody does, or
    when it does not begin at a cache line.
    """
    if not alone(handle) or not _lies_well(handle._bound.prim.buffer):
        old = handle._bound
        buffer = Buffer(copied(old.prim.buffer.array))
        handle._rebind(fresh(Data(buffer), source=old.source, specs=old.outputs))
    array: np.ndarray = handle._bound.prim.buffer.array
    return array


def _lies_well(buffer: Buffer) -> bool:
    """As `lies_well`, sooner where the address is known."""
    return (buffer.address != 0 and buffer.address % LINE == 0) or lies_well(buffer.array)


def alone(handle: Any) -> bool:
    """Is this handle the only way to its array?"""
    counts = _references(handle)
    return counts is not None and counts == _untouched(len(counts))


def _references(handle: Any) -> tuple[int, ...] | None:
    """References to the node and all that is under it; None for memory that is not ours."""
    node = handle._bound
    buffer = node.prim.buffer
    array = buffer.array
    base = array.base
    count = sys.getrefcount
    found = count(node), count(node.prim), count(buffer), count(array)
    if not array.flags.writeable or not array.flags.c_contiguous:
        return None
    if base is None:
        return found
    if type(base) is not np.ndarray or base.base is not None:
        return None
    return (*found, count(base))          # a view of a view refers to the base, not to the first


@cache
def _untouched(length: int) -> tuple[int, ...] | None:
    """The counts for a tensor that nobody else knows; measured, as Python versions differ."""
    class Handle:
        def __init__(self, array: np.ndarray) -> None:
            self._bound = data(array)
    return _references(Handle(np.empty(4) if length == 4 else np.empty(8)[:4]))
