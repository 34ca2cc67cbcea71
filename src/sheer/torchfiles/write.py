"""Writing what torch.load reads: tensors in dicts, lists and tuples flow in, bytes come out.

Source  torch.serialization, the zip format; torch.load(weights_only=True) reads the result
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from ..graph.errors import DataError
from ..tensor import Tensor
from ..tree_json import join, refuse
from .names import STORAGES

_KINDS = {np.dtype(letters).name: kind for kind, letters in STORAGES.items()
          if letters not in ("bf16", "f2")}
_BATCH = 1000                                  # entries between two marks: keeps stacks short


def write(value: Any) -> bytes:
    """The file of torch.save for a value: an archive with a pickle of data, and the storages.

    Raises  E511 for a value that is no tensor, number, text, None, dict, list or tuple
    """
    writer = _Writer()
    writer.value(value, "")
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        def member(name: str, data: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), data)    # the same bytes each time
        member("data.pkl", pickle.PROTO + b"\x02" + bytes(writer.out) + pickle.STOP)
        member("byteorder", b"little")
        for number, array in enumerate(writer.storages):
            member(f"data/{number}", array.astype(array.dtype.newbyteorder("<")).tobytes())
        member("version", b"3\n")
    return stream.getvalue()


class _Writer:
    """The pickle under way. Written instruction by instruction: torch need not be there.

    met  what was written before, by identity: its number in the memory, and the value, kept alive
    """

    def __init__(self) -> None:
        self.out = bytearray()
        self.storages: list[np.ndarray] = []
        self.met: dict[int, tuple[int, Any]] = {}

    def value(self, value: Any, path: str) -> None:
        if isinstance(value, np.generic):
            value = value.item()
        if id(value) in self.met:
            self.out += pickle.LONG_BINGET + struct.pack("<I", self.met[id(value)][0])
        elif isinstance(value, Tensor | np.ndarray):
            self._tensor(value)
            self._remember(value)
        elif isinstance(value, Mapping):
            self._mapping(value, path)
        elif isinstance(value, list):
            self.out += pickle.EMPTY_LIST
            self._remember(value)
            self._batches([(v, join(path, i)) for i, v in enumerate(value)], pickle.APPENDS)
        elif isinstance(value, tuple):
            self.out += pickle.MARK
            for i, v in enumerate(value):
                self.value(v, join(path, i))
            self.out += pickle.TUPLE
        else:
            self._plain(value, path)

    def _remember(self, value: Any) -> None:
        number = len(self.met)
        self.met[id(value)] = number, value
        self.out += pickle.LONG_BINPUT + struct.pack("<I", number)

    def _mapping(self, value: Mapping[Any, Any], path: str) -> None:
        self.out += pickle.EMPTY_DICT
        self._remember(value)
        pairs = [pair for k, v in value.items()
                 for pair in ((k, join(path, k)), (v, join(path, k)))]
        for key in value:
            if not isinstance(key, str | int | float | bool | None):
                raise refuse(key, path)
        self._batches(pairs, pickle.SETITEMS)

    def _batches(self, values: list[tuple[Any, str]], instruction: bytes) -> None:
        for start in range(0, len(values), _BATCH):
            self.out += pickle.MARK
            for value, path in values[start:start + _BATCH]:
                self.value(value, path)
            self.out += instruction

    def _plain(self, value: Any, path: str) -> None:
        """A number, a text or None, as Python itself writes it."""
        if not isinstance(value, str | int | float | bool | None):
            raise refuse(value, path)
        body = pickle.dumps(value, protocol=2)            # PROTO 2 ... STOP
        memo = body[:-1].endswith(pickle.BINPUT + b"\0")  # a text would take place 0 of the memory
        self.out += body[2:-3] if memo else body[2:-1]

    def _tensor(self, value: Any) -> None:
        array = np.ascontiguousarray(value.numpy() if isinstance(value, Tensor) else value)
        array = array.reshape(np.shape(value))            # of no axes: stays so
        if array.dtype.name not in _KINDS:
            raise DataError("E511", "save", f"torch has no storage of {array.dtype.name}",
                            need="one of " + ", ".join(_KINDS))
        wanted = getattr(value, "requires_grad", False)
        strides = [s // array.itemsize for s in array.strides]
        self._name("torch._utils", "_rebuild_tensor_v2")
        self.out += pickle.MARK + pickle.MARK
        self._plain("storage", "")
        self._name("torch", _KINDS[array.dtype.name])
        for part in (str(len(self.storages)), "cpu", array.size):
            self._plain(part, "")
        self.out += pickle.TUPLE + pickle.BINPERSID
        for whole in (0, array.shape, tuple(strides), bool(wanted)):
            self.value(whole, "")
        self._name("collections", "OrderedDict")
        self.out += (pickle.EMPTY_TUPLE + pickle.REDUCE   # no hooks
                     + pickle.TUPLE + pickle.REDUCE)
        self.storages.append(array)

    def _name(self, module: str, name: str) -> None:
        self.out += pickle.GLOBAL + f"{module}\n{name}\n".encode()
