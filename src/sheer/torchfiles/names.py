"""The names a PyTorch file may use: module and name flow in, an inert marker or a refusal out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..graph.dtypes import DTYPES
from ..graph.errors import DataError

Call = Callable[..., Any]

# torch's classes of storages: how their elements lie in the file, in NumPy's letters
STORAGES = {"FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "BFloat16Storage":
            "bf16", "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2",
            "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?"}
_DTYPES = {d.name: d for d in DTYPES}
_ONLY_NAMES = ("float16", "bfloat16")          # types of settings that we have no tensors of


class Name(NamedTuple):
    """A name found in a file. It does nothing."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


def lookup(module: str, name: str, calls: dict[str, Call]) -> Any:
    """What a name stands for: a marker for what may be called, a dtype. Raises E831 for others."""
    found = Name(module, name)
    if str(found) in calls or (module == "torch" and name in STORAGES):
        return found
    if module == "torch" and (name in _DTYPES or name in _ONLY_NAMES):
        return _DTYPES.get(name, name)
    raise refuse(str(found))


def refuse(what: str) -> DataError:
    """E831: something that is no data."""
    whole = not what.startswith(("os.", "posix.", "nt.", "builtins.", "__builtin__.", "subprocess.",
                                 "sys.", "runpy.", "the instruction", "a call"))
    hint = "torch.save(model.state_dict(), path) where the model was made"
    return DataError("E831", "load", f"the file asks for {what[:100]}, which is no data",
                     need="tensors, numbers, texts; dicts, lists, tuples and sets of them. "
                          "Nothing was executed",
                     tries=[(hint, lambda: None)] if whole else [])
