"""The element types: what a number is, and which type two of them meet in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .errors import DTypeError


@dataclass(frozen=True, eq=False)
class DType:
    """An element type, e.g. `float32`; there is one object of each.

    `kind` is "float", "int", "uint" or "bool"; `size` is bytes per element; `short` is how a
    printed graph writes it.
    """

    name: str
    kind: str
    size: int
    short: str

    def __repr__(self) -> str:
        return f"sheer.{self.name}"

    def __str__(self) -> str:
        return self.short

    def __reduce__(self) -> tuple[Any, ...]:
        return dtype_of, (self.name,)

    @cached_property
    def numpy(self) -> np.dtype:
        """The same type in NumPy."""
        return np.dtype(self.name)

    @property
    def is_floating_point(self) -> bool:
        return self.kind == "float"

    @property
    def is_signed(self) -> bool:
        return self.kind in ("float", "int")

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def itemsize(self) -> int:
        return self.size


bool_ = DType("bool", "bool", 1, "bool")
uint8 = DType("uint8", "uint", 1, "u8")
int8 = DType("int8", "int", 1, "i8")
int16 = DType("int16", "int", 2, "i16")
int32 = DType("int32", "int", 4, "i32")
int64 = DType("int64", "int", 8, "i64")
float32 = DType("float32", "float", 4, "f32")
float64 = DType("float64", "float", 8, "f64")

DTYPES = (bool_, uint8, int8, int16, int32, int64, float32, float64)
FLOATS = (float32, float64)
INTS = (uint8, int8, int16, int32, int64)

_BY_NAME = {d.name: d for d in DTYPES} | {d.short: d for d in DTYPES}
_RANK = {"bool": 0, "uint": 1, "int": 1, "float": 2}


def dtype_of(value: object) -> DType:
    """The DType meant by a DType, a name, a Python type or anything NumPy understands.

    Raises DTypeError E104 when sheer has no such type (float16, complex, object, ...).
    """
    if isinstance(value, DType):
        return value
    if value is float:
        return float32
    name = value if isinstance(value, str) and value in _BY_NAME else _numpy_name(value)
    if name not in _BY_NAME:
        near = {"u": "int64", "f": "float32"}.get(name[:1], "")
        raise DTypeError("E104", "dtype", f"there are no tensors of {name}",
                         need="one of " + ", ".join(d.name for d in DTYPES),
                         tries=[(f"sheer.{near}", lambda: None)] if near else [])
    return _BY_NAME[name]


def _numpy_name(value: object) -> str:
    """What NumPy calls a type; its own text when NumPy does not know it either."""
    try:
        kind = np.dtype(value)  # type: ignore[call-overload]
        return {"U": "texts", "S": "texts", "O": "Python objects"}.get(kind.kind, str(kind.name))
    except TypeError:
        return repr(value)


def promote(a: DType, b: DType) -> DType:
    """The type in which `a` and `b` meet, as torch.promote_types and the array API have it.

    Raises nothing: int and float meet in the float, uint8 and a signed type in a signed type
    wide enough for both.
    """
    if a == b:
        return a
    if _RANK[a.kind] != _RANK[b.kind]:
        return a if _RANK[a.kind] > _RANK[b.kind] else b
    if a.kind == b.kind:
        return a if a.size > b.size else b
    signed = a if a.kind == "int" else b
    return int16 if signed.size == 1 else signed     # uint8 needs one bit more than int8 has
