"""An IDX file goes in, plain or gzip; the NumPy array it describes comes out.

Format  Y. LeCun, C. Cortes, "The MNIST database of handwritten digits": two zero bytes, one byte
        for the element type, one for the number of axes, each axis as a big-endian 32-bit
        unsigned size, then the elements, last axis fastest, big-endian.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import REPLACE, read_bytes

# The type byte of the format -> how NumPy writes the same big-endian type.
ELEMENT = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MAX_AXES = 32  # what every NumPy can hold


def read_idx(path: str | Path, ndim: int | None = None, dtype: str | None = None) -> NDArray[Any]:
    """The array in an IDX file.

    Params  ndim   how many axes it must have, if that is known
            dtype  the NumPy name of its element type, if that is known
    Shape   as the file's header says
    Dtype   as the file's header says, in this machine's byte order
    Raises  E801 to E803 when the file is missing, empty, or shorter or longer than its header
            says; E804 when it is not IDX, or another number of axes or type than asked for
    """
    path = Path(path)
    raw = read_bytes(path)
    element, shape, start = _header(path, raw)
    if len(shape) != (ndim or len(shape)) or element.name != (dtype or element.name):
        raise DataError("E804", f"{path.name} holds something else", path,
                        expected=f"{ndim or 'any number of'} axes of {dtype or 'any type'}",
                        found=f"shape {shape} of {element.name}",
                        fix="check that images and labels are not swapped")
    _check_length(path, shape, element, len(raw) - start)
    array = np.frombuffer(raw, element, offset=start).reshape(shape)
    return array.astype(element.newbyteorder("="))


def read_labels(path: Path, num_classes: int) -> NDArray[np.int64]:
    """The class indices in an IDX file of one axis.

    Shape   (N,)
    Raises  what `read_idx` raises; E806 when a label is not in 0..num_classes-1, with its row
    """
    labels = read_idx(path, ndim=1, dtype="uint8")
    bad = np.flatnonzero(labels >= num_classes)
    if len(bad):
        raise DataError("E806", f"{path.name}: a label is out of range", path, int(bad[0]) + 1,
                        expected=f"a class from 0 to {num_classes - 1}",
                        found=str(labels[bad[0]]), fix=REPLACE)
    return labels.astype(np.int64)


def _header(path: Path, raw: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Element type, shape, and the byte at which the elements start."""
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in ELEMENT or raw[3] > MAX_AXES:
        raise DataError("E804", f"{path.name} is not an IDX file", path,
                        expected="first bytes 00 00, a type byte, a number of axes",
                        found=raw[:4].hex(" "), fix=REPLACE)
    num_axes, start = raw[3], 4 + 4 * raw[3]
    if len(raw) < start:
        raise DataError("E803", f"{path.name} is cut short", path,
                        expected=f"a header of {start} bytes", found=f"{len(raw)} bytes",
                        fix=REPLACE)
    shape = np.frombuffer(raw, ">u4", count=num_axes, offset=4).tolist()
    return np.dtype(ELEMENT[raw[2]]), tuple(shape), start


def _check_length(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], found: int) -> None:
    expected = math.prod(shape) * dtype.itemsize
    if found != expected:
        what = "is cut short" if found < expected else "is longer than its header says"
        raise DataError("E803", f"{path.name} {what}", path,
                        expected=f"{expected} bytes for shape {shape}", found=f"{found} bytes",
                        fix=REPLACE)
