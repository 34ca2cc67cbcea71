"""Reading what torch.save wrote: bytes flow in, tensors in dicts, lists and tuples come out.

Source  torch.serialization (the zip format of torch 1.6 and later, and the one before it);
        tensors are rebuilt from storages as torch._utils does it
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from io import BytesIO
from reprlib import repr as short  # of nested values: a text of bounded length
from typing import Any

from ..graph.errors import DataError
from . import archive, machine
from .names import STORAGES, Call, Name
from .tensors import Storage, Tensors

ZIP = b"PK\x03\x04"
PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in (2, 3, 4, 5))
_MAGIC = 0x1950A86A20F9469CFC6C              # the first number in a file of torch before 1.6


def is_torch_file(body: bytes) -> bool:
    """Does a file begin as those of torch.save do? The length of a safetensors header may begin so
    too; behind it there is a dict.
    """
    length = 8 + int.from_bytes(body[:8], "little")
    return body.startswith((ZIP, *PICKLES)) and not (body[8:9] == b"{" and length <= len(body))


def read(body: bytes) -> Any:
    """The value in a file of torch.save.

    Dtype   float16 and bfloat16 become float32 (W830)
    Raises  E830 for a file that is broken or not torch's, E831 for anything in it that is no data,
            E832 for an archive made to harm, E833 for tensors that do not fit their memory
    """
    return _zipped(body) if body.startswith(ZIP) else _legacy(body)


# ---- torch 1.6 and later: a zip archive ---------------------------------------------------------

def _zipped(body: bytes) -> Any:
    parts = archive.members(body)
    order = ">" if bytes(parts.get("byteorder", b"little")) == b"big" else "<"
    tensors = Tensors(len(body), order)

    def storage(description: Any) -> Storage:
        key, kind, count = _described(description)
        if f"data/{key}" not in parts:
            raise DataError("E830", "load", f"the archive has no member data/{key}",
                            need="a whole file of torch.save")
        return tensors.storage(key, kind, count, parts[f"data/{key}"])

    return machine.run(BytesIO(parts["data.pkl"]), _calls(tensors), storage)


# ---- before: five pickles, then the storages one behind the other -------------------------------

def _legacy(body: bytes) -> Any:
    stream = BytesIO(body)
    nothing: dict[str, Call] = {}
    if machine.run(stream, nothing, _refuse_outside) != _MAGIC:
        raise DataError("E831", "load", "this is a pickle that torch.save did not write",
                        need="a file of torch.save, or a safetensors file. Nothing was executed")
    protocol, about = (machine.run(stream, nothing, _refuse_outside) for _ in range(2))
    if protocol != 1001:                      # the only one there has been
        raise DataError("E830", "load", f"unknown protocol {short(protocol)}", need="1001")
    order = "<" if not isinstance(about, dict) or about.get("little_endian", True) else ">"
    start = stream.tell()
    machine.skip(stream)                      # which storages there are is written behind the value
    keys = machine.run(stream, nothing, _refuse_outside)
    places = _places(body, start, stream.tell(), keys, order)
    tensors = Tensors(len(body), order)

    def storage(description: Any) -> Storage:
        key, kind, count = _described(description)
        return tensors.storage(key, kind, count, places[key])

    return machine.run(BytesIO(body[start:]), _calls(tensors), storage)


def _places(body: bytes, start: int, data: int, keys: Any, order: str) -> dict[str, memoryview]:
    """Where in the file each storage lies: a first reading of the value says of which type."""
    kinds: dict[str, str] = {}

    def note(description: Any) -> None:
        key, kind, _ = _described(description)
        kinds[key] = kind

    blind: dict[str, Call] = dict.fromkeys(_calls(Tensors(0, order)), lambda *_: OrderedDict())
    machine.run(BytesIO(body[start:]), blind, note)
    found = {}
    for key in map(machine.key, keys if isinstance(keys, list) else ()):
        try:
            (count,) = struct.unpack_from(f"{order}q", body, data)
            size = count * Storage.width(kinds[key])
        except (struct.error, KeyError, TypeError) as e:
            raise DataError("E830", "load", "the file ends before its storages do",
                            need="a whole file of torch.save") from e
        found[key] = memoryview(body)[data + 8:data + 8 + max(size, 0)]
        data += 8 + max(size, 0)
    return found


def _refuse_outside(description: Any) -> Any:
    raise DataError("E831", "load", "a reference to something outside of the pickle",
                    need="a file of torch.save")


# ---- what both have -----------------------------------------------------------------------------

def _described(description: Any) -> tuple[str, str, int]:
    """(key, type, number of elements) of a storage."""
    match description:
        case ("storage", Name("torch", name), str(key), str(), int(count), *view) \
                if name in STORAGES and view in ([], [None]):
            return key, name, count
    raise DataError("E831", "load", f"the file asks for the storage {short(description)}",
                    need="a storage of " + ", ".join(STORAGES))


def _calls(tensors: Tensors) -> dict[str, Call]:
    """What the names that may be called do."""
    return {
        "collections.OrderedDict": _ordered,
        "torch._utils._rebuild_tensor": tensors.rebuild,
        "torch._utils._rebuild_tensor_v2": tensors.rebuild,
        "torch._utils._rebuild_parameter": tensors.parameter,
        "torch.Size": tuple,
        "torch.device": lambda kind, index=None: "cpu",       # where everything is, here
        "__builtin__.set": _set, "builtins.set": _set,
        "_codecs.encode": _bytes,
    }


def _ordered(items: Any = ()) -> OrderedDict[Any, Any]:
    if isinstance(items, Mapping):
        return OrderedDict(items)
    return OrderedDict((machine.key(k), v) for k, v in items)


def _set(items: Iterable[Any] = ()) -> set[Any]:
    return set(map(machine.key, items))


def _bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """How bytes were written before protocol 3."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise TypeError("bytes that are no text")
    return text.encode("latin1")
