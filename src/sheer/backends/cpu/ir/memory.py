"""Loads and stores: a pointer and an index in elements, through to registers and back."""

from __future__ import annotations

from sheer.graph.dtypes import DType, bool_, int64, uint8

from .values import POINTER, Operand, Value, constant, llvm_type
from .vectors import Vectors


class Memory(Vectors):
    """Memory holds a bool as one byte, 0 or 1; registers hold it as one bit."""

    def offset(self, pointer: Value, index: Operand, dtype: DType) -> Value:
        """The address of element `index` of an array of `dtype`."""
        at = index if isinstance(index, Value) else constant(index, int64)
        if at.known == 0 and at.lanes == 1:
            return pointer
        text = f"getelementptr {_stored(dtype)}, {pointer.typed}, {at.typed}"
        return self.pure(POINTER, at.lanes, text)

    def load(self, pointer: Value, index: Operand, dtype: DType, lanes: int = 1) -> Value:
        """`lanes` consecutive elements."""
        at = self.offset(pointer, index, dtype)
        kind = _in_memory(dtype)
        text = f"load {llvm_type(kind, lanes)}, {at.typed}, align {dtype.size}"
        return self._from_memory(self.effect(kind, lanes, text), dtype)

    def store(self, pointer: Value, index: Operand, value: Value) -> None:
        """Write every lane of `value` to consecutive elements."""
        at = self.offset(pointer, index, value.dtype)
        stored = self._to_memory(value)
        self.line(f"store {stored.typed}, {at.typed}, align {value.dtype.size}")

    def load_masked(self, pointer: Value, index: Operand, mask: Value, dtype: DType,
                    fill: int | float = 0) -> Value:
        """Consecutive elements where `mask` holds, `fill` elsewhere; touches no other memory."""
        if mask.lanes == 1:
            raise TypeError("load_masked wants a mask of several lanes")
        at = self.offset(pointer, index, dtype)
        kind = _in_memory(dtype)
        other = constant(fill, kind, mask.lanes)
        symbol = f"llvm.masked.load.{other.suffix}.p0"
        self.declare(symbol, other.type, f"ptr, {mask.type}, {other.type}")
        text = (f"call {other.type} @{symbol}(ptr align {dtype.size} {at.name}, {mask.typed}, "
                f"{other.typed})")
        return self._from_memory(self.effect(kind, mask.lanes, text), dtype)

    def store_masked(self, pointer: Value, index: Operand, value: Value, mask: Value) -> None:
        """Write the lanes where `mask` holds; touches no other memory."""
        at = self.offset(pointer, index, value.dtype)
        stored = self._to_memory(value)
        symbol = f"llvm.masked.store.{stored.suffix}.p0"
        self.declare(symbol, "void", f"{stored.type}, ptr, {mask.type}")
        self.line(f"call void @{symbol}({stored.typed}, ptr align {value.dtype.size} {at.name}, "
                  f"{mask.typed})")

    def gather(self, pointer: Value, indices: Value, dtype: DType, mask: Value | None = None,
               fill: int | float = 0) -> Value:
        """The elements at `indices`, one per lane (`fill` where `mask` does not hold)."""
        lanes = indices.lanes
        if lanes == 1:
            return self.load(pointer, indices, dtype)
        at = self.offset(pointer, indices, dtype)
        kind = _in_memory(dtype)
        other = constant(fill, kind, lanes)
        mask = mask or constant(True, bool_, lanes)
        symbol = f"llvm.masked.gather.{other.suffix}.v{lanes}p0"
        self.declare(symbol, other.type, f"{at.type}, {mask.type}, {other.type}")
        text = (f"call {other.type} @{symbol}({at.type} align {dtype.size} {at.name}, "
                f"{mask.typed}, {other.typed})")
        return self._from_memory(self.effect(kind, lanes, text), dtype)

    def scatter(self, pointer: Value, indices: Value, value: Value,
                mask: Value | None = None) -> None:
        """Write lane after lane to `indices`; of equal indices the last lane stays."""
        lanes = indices.lanes
        if lanes == 1:
            self.store(pointer, indices, value)
            return
        at = self.offset(pointer, indices, value.dtype)
        stored = self._to_memory(value)
        mask = mask or constant(True, bool_, lanes)
        symbol = f"llvm.masked.scatter.{stored.suffix}.v{lanes}p0"
        self.declare(symbol, "void", f"{stored.type}, {at.type}, {mask.type}")
        self.line(f"call void @{symbol}({stored.typed}, {at.type} align {value.dtype.size} "
                  f"{at.name}, {mask.typed})")

    def alloca(self, dtype: DType, count: int) -> Value:
        """The address of `count` elements on this function's stack, aligned to a cache line."""
        name = self.fresh()
        self._entry.append(f"  {name} = alloca [{count} x {_stored(dtype)}], align 64")
        return Value(name, POINTER)

    def _from_memory(self, value: Value, dtype: DType) -> Value:
        return self.ne(value, 0) if dtype == bool_ else value

    def _to_memory(self, value: Value) -> Value:
        return self.cast(value, uint8) if value.dtype == bool_ else value


def _in_memory(dtype: DType) -> DType:
    return uint8 if dtype == bool_ else dtype


def _stored(dtype: DType) -> str:
    return llvm_type(_in_memory(dtype))
