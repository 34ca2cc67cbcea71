"""Memory of arrays: shapes flow in, arrays that begin at a cache line come out.

NumPy begins an array wherever 16 bytes fit. A vector of 64 bytes then crosses two cache lines, and
a store to one array looks to the processor like a load from its neighbour: kernels that update
weights in place take up to twice as long.
"""

from __future__ import annotations

import ctypes
import math

import numpy as np

LINE = 64       # bytes: a cache line, and the widest vector
_begins = ctypes.c_char.from_buffer


def address(array: np.ndarray) -> int:
    """Where the numbers of an array begin. NumPy's own ways to say so take four times as long."""
    try:
        return ctypes.addressof(_begins(array))  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):      # read-only, empty, or with gaps
        return int(array.__array_interface__["data"][0])


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialised array on a line of its own."""
    raw = np.empty(math.prod(shape) * dtype.itemsize + LINE, np.uint8)
    return np.ndarray(shape, dtype, raw, -address(raw) % LINE)


def lies_well(array: np.ndarray) -> bool:
    """Does it begin at a cache line? Of arrays smaller than one nobody asks that."""
    return array.nbytes < LINE or address(array) % LINE == 0


def copied(array: np.ndarray) -> np.ndarray:
    """The same numbers in an array that begins at a cache line."""
    made = empty(array.shape, array.dtype)
    made[...] = array
    return made


def frozen(array: np.ndarray) -> bool:
    """Can nobody write to the array, and can programs read it as it lies? Read-only all the way
    down: a memory map of mode "r", bytes, an array whose flag was taken away. Never what lies in
    other hands.
    """
    if not (array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative):
        return False
    found: object = array
    while isinstance(found, np.ndarray):
        if found.flags.writeable:
            return False
        found = found.base
    if found is None:
        return True
    try:
        return memoryview(found).readonly  # type: ignore[arg-type]
    except TypeError:                              # a capsule of another library
        return False
