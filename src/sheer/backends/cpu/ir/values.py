"""What generated code computes with: typed SSA values, and how their types and constants read."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from sheer.graph.dtypes import DType, bool_, float32, float64, int8, int16, int32, int64, uint8

POINTER = DType("pointer", "pointer", 8, "ptr")   # an address; not an element type of tensors
UINT32 = DType("uint32", "uint", 4, "u32")        # random bits; not an element type of tensors
UINT64 = DType("uint64", "uint", 8, "u64")

_LLVM = {
    bool_: "i1", uint8: "i8", int8: "i8", int16: "i16", int32: "i32", int64: "i64",
    float32: "float", float64: "double", POINTER: "ptr", UINT32: "i32", UINT64: "i64",
}
_SUFFIX = {"float": "f32", "double": "f64", "ptr": "p0"}   # how intrinsics spell a type


@dataclass(frozen=True, slots=True)
class Value:
    """One SSA value: `name` is its LLVM text, `lanes` is 1 for a scalar.

    `known` is the number it stands for when that is known while writing the code.
    """

    name: str
    dtype: DType
    lanes: int = 1
    known: int | float | None = None

    @property
    def type(self) -> str:
        """The LLVM type, e.g. `<16 x float>`."""
        return llvm_type(self.dtype, self.lanes)

    @property
    def typed(self) -> str:
        """Type and name, as an instruction's operand is written."""
        return f"{self.type} {self.name}"

    @property
    def suffix(self) -> str:
        """How an intrinsic spells this type, e.g. `v16f32`."""
        return suffix(self.dtype, self.lanes)


Operand = Value | int | float | bool


def llvm_type(dtype: DType, lanes: int = 1) -> str:
    """The LLVM type of `lanes` elements held in registers (a bool is one bit there)."""
    return _LLVM[dtype] if lanes == 1 else f"<{lanes} x {_LLVM[dtype]}>"


def suffix(dtype: DType, lanes: int = 1) -> str:
    """The type as it is written in the name of an intrinsic, e.g. `v16f32`."""
    one = _SUFFIX.get(_LLVM[dtype], _LLVM[dtype])
    return one if lanes == 1 else f"v{lanes}{one}"


def constant(value: int | float | bool, dtype: DType, lanes: int = 1) -> Value:
    """The same number in every lane; integers wrap into their type, floats round to it."""
    text, known = _literal(value, dtype)
    if lanes > 1:
        text = "zeroinitializer" if text in ("0", "false") else f"splat ({_LLVM[dtype]} {text})"
    return Value(text, dtype, lanes, known)


def vector_constant(values: list[int] | list[float], dtype: DType) -> Value:
    """One number per lane."""
    parts = ", ".join(f"{_LLVM[dtype]} {_literal(v, dtype)[0]}" for v in values)
    return Value(f"<{parts}>", dtype, len(values))


def _literal(value: int | float | bool, dtype: DType) -> tuple[str, int | float]:
    """LLVM's text for a number, and the number it really is."""
    if dtype.kind == "float":
        number = float(np.float32(value)) if dtype is float32 else float(value)
        # LLVM writes a float32 constant as the double of the same value
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}", number
    if dtype.kind == "bool":
        return ("true" if value else "false"), int(bool(value))
    if dtype.kind == "pointer":
        return "null", 0
    bits = 8 * dtype.size
    wrapped = int(value) % (1 << bits)
    signed = wrapped - (1 << bits) if wrapped >= 1 << (bits - 1) else wrapped
    return str(signed), (signed if dtype.kind == "int" else wrapped)
