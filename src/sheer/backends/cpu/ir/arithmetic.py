"""Arithmetic, comparison, selection and conversion: the words `emit` rules are made of."""

from __future__ import annotations

from sheer.graph.dtypes import DType, bool_, float32, float64, int32, int64

from .emitter import Emitter
from .values import Operand, Value, constant, llvm_type

_FLOAT = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_FOLD = {"add": int.__add__, "sub": int.__sub__, "mul": int.__mul__}
_FOLD_BITS = {"and": int.__and__, "or": int.__or__, "xor": int.__xor__}
_ORDERED = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_SIGNED = {"lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge", "eq": "eq", "ne": "ne"}
_UNSIGNED = {"lt": "ult", "le": "ule", "gt": "ugt", "ge": "uge", "eq": "eq", "ne": "ne"}


class Arithmetic(Emitter):
    """Everything that maps lanes to lanes. IEEE 754 for floats, wrapping for integers."""

    def add(self, x: Operand, y: Operand) -> Value: return self._binary("add", x, y)
    def sub(self, x: Operand, y: Operand) -> Value: return self._binary("sub", x, y)
    def mul(self, x: Operand, y: Operand) -> Value: return self._binary("mul", x, y)

    def div(self, x: Operand, y: Operand) -> Value:
        """Float division; integers have `floordiv`."""
        left, right = self.match(x, y)
        if left.dtype.kind != "float":
            raise TypeError(f"div is for floats, got {left.dtype}; use floordiv or cast")
        return self._binary("div", left, right)

    def _binary(self, name: str, x: Operand, y: Operand) -> Value:
        left, right = self.match(x, y)
        if left.dtype.kind == "float":
            text = f"{_FLOAT[name]} {left.typed}, {right.name}"
            return self.pure(left.dtype, left.lanes, text)
        if left.dtype.kind == "bool":
            raise TypeError(f"{name} is for numbers, got bool; use and_, or_, xor or cast")
        return self._fold(name, left, right) or self.pure(
            left.dtype, left.lanes, f"{name} {left.typed}, {right.name}")

    def _fold(self, name: str, x: Value, y: Value) -> Value | None:
        """The integer result when it is known while writing, else None."""
        if isinstance(x.known, int) and isinstance(y.known, int):
            return constant(_FOLD[name](x.known, y.known), x.dtype, x.lanes)
        if name == "mul":
            if 0 in (x.known, y.known):
                return constant(0, x.dtype, x.lanes)
            return y if x.known == 1 else x if y.known == 1 else None
        if name == "add" and x.known == 0:
            return y
        return x if y.known == 0 else None

    def fma(self, x: Operand, y: Operand, z: Operand) -> Value:
        """x * y + z, rounded once where the processor can (`target.fma`), else twice."""
        like = next(v for v in (x, y, z) if isinstance(v, Value) and v.lanes == max(
            u.lanes for u in (x, y, z) if isinstance(u, Value)))
        a, b, c = (self.match(v, like)[0] for v in (x, y, z))
        if a.dtype.kind != "float" or not self.target.fma:
            return self.add(self.mul(a, b), c)
        return self.intrinsic("fma", a, a, b, c)

    def neg(self, x: Value) -> Value:
        if x.dtype.kind != "float":
            return self.sub(0, x)
        return self.pure(x.dtype, x.lanes, f"fneg {x.typed}")

    def abs(self, x: Value) -> Value:
        if x.dtype.kind == "float":
            return self.intrinsic("fabs", x, x)
        return self.intrinsic("abs", x, x, constant(False, bool_)) if x.dtype.kind == "int" else x

    def sqrt(self, x: Value) -> Value: return self.intrinsic("sqrt", x, x)
    def rsqrt(self, x: Value) -> Value: return self.div(1.0, self.sqrt(x))
    def copysign(self, x: Operand, sign: Value) -> Value:
        size, sign = self.match(x, sign)
        return self.intrinsic("copysign", sign, size, sign)

    def floor(self, x: Value) -> Value: return self._to_whole("floor", x)
    def ceil(self, x: Value) -> Value: return self._to_whole("ceil", x)
    def trunc(self, x: Value) -> Value: return self._to_whole("trunc", x)
    def round(self, x: Value) -> Value:
        """The nearest whole number, halves to the even one."""
        return self._to_whole("roundeven", x)

    def _to_whole(self, name: str, x: Value) -> Value:
        return self.intrinsic(name, x, x) if x.dtype.kind == "float" else x

    def min(self, x: Operand, y: Operand) -> Value: return self._extreme("min", x, y)
    def max(self, x: Operand, y: Operand) -> Value: return self._extreme("max", x, y)

    def _extreme(self, name: str, x: Operand, y: Operand) -> Value:
        """The smaller or larger; NaN when either is NaN."""
        a, b = self.match(x, y)
        if a.dtype.kind == "bool":
            return self.and_(a, b) if name == "min" else self.or_(a, b)
        if a.dtype.kind != "float":
            return self.intrinsic(("s" if a.dtype.kind == "int" else "u") + name, a, a, b)
        a, b = (b, a) if a.known is not None else (a, b)
        if b.known is not None and b.known == b.known:
            # a number on the right: a NaN on the left survives in the false arm, one instruction
            beats = self.lt(b, a) if name == "min" else self.gt(b, a)
            return self.select(beats, b, a)
        return self.intrinsic(name + "imum", a, a, b, flags="nsz ")

    # -- comparison and logic --------------------------------------------------------------

    def lt(self, x: Operand, y: Operand) -> Value: return self._compare("lt", x, y)
    def le(self, x: Operand, y: Operand) -> Value: return self._compare("le", x, y)
    def gt(self, x: Operand, y: Operand) -> Value: return self._compare("gt", x, y)
    def ge(self, x: Operand, y: Operand) -> Value: return self._compare("ge", x, y)
    def eq(self, x: Operand, y: Operand) -> Value: return self._compare("eq", x, y)
    def ne(self, x: Operand, y: Operand) -> Value: return self._compare("ne", x, y)

    def _compare(self, name: str, x: Operand, y: Operand) -> Value:
        a, b = self.match(x, y)
        if a.dtype.kind == "float":
            return self.pure(bool_, a.lanes, f"fcmp {_ORDERED[name]} {a.typed}, {b.name}")
        words = _SIGNED if a.dtype.kind == "int" else _UNSIGNED
        return self.pure(bool_, a.lanes, f"icmp {words[name]} {a.typed}, {b.name}")

    def isnan(self, x: Value) -> Value:
        if x.dtype.kind != "float":
            return constant(False, bool_, x.lanes)
        return self.pure(bool_, x.lanes, f"fcmp uno {x.typed}, {x.name}")

    def and_(self, x: Operand, y: Operand) -> Value: return self._bits("and", x, y)
    def or_(self, x: Operand, y: Operand) -> Value: return self._bits("or", x, y)
    def xor(self, x: Operand, y: Operand) -> Value: return self._bits("xor", x, y)
    def not_(self, x: Value) -> Value:
        return self.xor(x, True if x.dtype.kind == "bool" else -1)

    def _bits(self, name: str, x: Operand, y: Operand) -> Value:
        a, b = self.match(x, y)
        if a.dtype.kind == "float":
            raise TypeError(f"{name} is for bool and integers, got {a.dtype}")
        if isinstance(a.known, int) and isinstance(b.known, int):
            return constant(_FOLD_BITS[name](a.known, b.known), a.dtype, a.lanes)
        return self.pure(a.dtype, a.lanes, f"{name} {a.typed}, {b.name}")

    def select(self, mask: Value, x: Operand, y: Operand) -> Value:
        """x where `mask` holds, else y."""
        a, b = self.match(x, y)
        if mask.lanes > a.lanes:
            a, b = self.broadcast(a, mask.lanes), self.broadcast(b, mask.lanes)
        return self.pure(a.dtype, a.lanes, f"select {mask.typed}, {a.typed}, {b.typed}")

    # -- conversion ------------------------------------------------------------------------

    def cast(self, x: Value, dtype: DType) -> Value:
        """x as `dtype`, the way C converts: floats cut towards zero, integers wrap.

        A float outside the integer's range gives what x86 gives: the lowest int32 (or int64),
        then wrapped.
        """
        if x.dtype == dtype:
            return x
        if x.known is not None and (x.dtype.kind != "float" or dtype.kind == "float"):
            return constant(x.known, dtype, x.lanes)
        if dtype.kind == "bool":
            return self.ne(x, 0)
        if x.dtype.kind == "float" and dtype.kind != "float":
            return self._float_to_integer(x, dtype)
        return self._convert(self._cast_word(x.dtype, dtype), x, dtype)

    def bitcast(self, x: Value, dtype: DType) -> Value:
        """The same bits read as another dtype of the same size."""
        return self._convert("bitcast", x, dtype)

    def _float_to_integer(self, x: Value, dtype: DType) -> Value:
        wide = int64 if dtype.size == 8 else int32
        return self.cast(self._convert("fptosi", x, wide), dtype)

    def _cast_word(self, old: DType, new: DType) -> str:
        if new.kind == "float":
            if old.kind == "float":
                return "fpext" if (old, new) == (float32, float64) else "fptrunc"
            return "sitofp" if old.kind == "int" else "uitofp"
        if old.kind == "bool" or new.size > old.size:
            return "sext" if old.kind == "int" else "zext"
        return "trunc" if new.size < old.size else "bitcast"

    def _convert(self, word: str, x: Value, dtype: DType) -> Value:
        if llvm_type(x.dtype) == llvm_type(dtype):
            return Value(x.name, dtype, x.lanes, x.known)
        return self.pure(dtype, x.lanes, f"{word} {x.typed} to {llvm_type(dtype, x.lanes)}")
