"""Storages, sizes and strides flow in, tensors come out; each memory access is checked first."""

from __future__ import annotations

import math
import warnings
from reprlib import repr as short
from typing import Any, NamedTuple

import numpy as np

from ..graph.errors import DataError, SheerError, SheerWarning
from ..tensor import Tensor, tensor
from .names import STORAGES

_MOST_AXES = 64                               # what NumPy and torch have at most
_FREE = 64 * 2**20                            # bytes that tensors may take whatever the file's size
_TIMES = 16                                   # beyond that: how many times the size of the file


class Storage(NamedTuple):
    """The elements that tensors share: `array` is one-dimensional."""

    key: str
    kind: str
    array: np.ndarray

    @staticmethod
    def width(kind: str) -> int:
        """Bytes of one element."""
        letters = STORAGES[kind]
        return 2 if letters == "bf16" else np.dtype(letters).itemsize


class Tensors:
    """Makes the tensors of one file. A view that occurs twice is one tensor."""

    def __init__(self, size: int, order: str) -> None:
        self.order, self.left = order, _FREE + _TIMES * size
        self._storages: dict[str, Storage] = {}
        self._made: dict[Any, Tensor] = {}
        self._noted: set[str] = set()

    def storage(self, key: str, kind: str, count: int, data: memoryview) -> Storage:
        """The storage `key`: `count` elements of a type. Raises E833 unless data has that many."""
        if key not in self._storages:
            if count < 0 or count * Storage.width(kind) != len(data):
                raise _misfit(f"storage {key} has {len(data):,} bytes",
                              f"{count:,} elements of {kind}")
            self._storages[key] = Storage(key, kind, self._decoded(data, STORAGES[kind]))
        found = self._storages[key]
        if found.kind != kind:
            raise _misfit(f"storage {key} is a {found.kind}", f"a {kind}")
        return found

    def rebuild(self, storage: Any, offset: Any, size: Any, stride: Any,
                requires_grad: Any = False, hooks: Any = None, metadata: Any = None) -> Tensor:
        """The tensor that `torch._utils._rebuild_tensor_v2` makes."""
        place = (offset, tuple(size), tuple(stride))
        if not isinstance(storage, Storage):
            raise _misfit("a tensor without a storage", "a storage")
        self._check_numbers(*place)
        name = (storage.key, *place, requires_grad is True)
        if name not in self._made:
            self._check_reach(storage, *place)
            array = np.lib.stride_tricks.as_strided(
                storage.array[offset:], place[1], [s * storage.array.itemsize for s in place[2]])
            self._made[name] = tensor(np.array(array), dtype=array.dtype.name,
                                      requires_grad=requires_grad is True)
        return self._made[name]

    def parameter(self, data: Any, requires_grad: Any, hooks: Any = None) -> Any:
        """A parameter: a tensor that is trained."""
        if not isinstance(data, Tensor):
            raise _misfit("a parameter without a tensor", "a tensor")
        return data.detach().requires_grad_() if requires_grad else data

    def _check_numbers(self, offset: Any, size: tuple[Any, ...], stride: tuple[Any, ...]) -> None:
        numbers = (offset, *size, *stride)
        if len(size) != len(stride) or len(size) > _MOST_AXES or not all(
                type(n) is int and 0 <= n < 2**62 for n in numbers):
            raise _misfit(f"a tensor of size {short(size)}, strides {short(stride)} and offset "
                          f"{short(offset)}", "whole numbers from 0, as many strides as sizes")

    def _check_reach(self, storage: Storage, offset: int, size: tuple[int, ...],
                     stride: tuple[int, ...]) -> None:
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        if offset > len(storage.array) or (0 not in size and last >= len(storage.array)):
            raise _misfit(f"a tensor of size {short(size)} reaches element {last:,} of storage "
                          f"{storage.key}", f"at most element {len(storage.array) - 1:,}")
        self.left -= math.prod(size) * storage.array.itemsize
        if self.left < 0:
            raise _misfit(f"a tensor of size {short(size)} repeats what lies in the file too "
                          "often", f"tensors of at most {_TIMES} times the size of the file")

    def _decoded(self, data: memoryview, letters: str) -> np.ndarray:
        """The elements in an order and a type that we compute with."""
        order = self.order
        if letters == "bf16":
            self._note("bfloat16")
            high = np.frombuffer(data, f"{order}u2").astype(np.uint32)
            high <<= 16                               # the upper half of a float32's bits
            return high.view(np.float32)
        if letters == "f2":
            self._note("float16")
            return np.frombuffer(data, f"{order}f2").astype(np.float32)
        if letters == "?":                            # a byte other than 0 and 1 is no NumPy bool
            return np.frombuffer(data, np.uint8).astype(np.bool_)
        array = np.frombuffer(data, order + letters)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _note(self, kind: str) -> None:
        """W830, once a file."""
        if kind in self._noted:
            return
        self._noted.add(kind)
        said = SheerError("W830", "load", f"the file's {kind} numbers become float32",
                          need="float32 or float64: sheer has no 16-bit floats")
        warnings.warn(f"W830 {said}", SheerWarning, stacklevel=2)


def _misfit(what: str, need: str) -> DataError:
    return DataError("E833", "load", f"the file is damaged or made to harm: {what}", need=need)
