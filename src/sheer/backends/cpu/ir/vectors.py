"""Moves between lanes: pick, join, count and reduce them in one fixed order."""

from __future__ import annotations

from collections.abc import Sequence

from sheer.graph.dtypes import DType, bool_, int32, int64

from .integers import Integers
from .target import Target
from .values import POINTER, Value, constant, llvm_type, vector_constant


class Vectors(Integers):
    """Everything that looks across the lanes of a vector."""

    def iota(self, lanes: int, dtype: DType = int64) -> Value:
        """0, 1, 2, ... in the lanes."""
        return constant(0, dtype) if lanes == 1 else vector_constant(list(range(lanes)), dtype)

    def extract(self, x: Value, lane: int) -> Value:
        """The scalar in one lane."""
        if x.lanes == 1:
            return x
        return self.pure(x.dtype, 1, f"extractelement {x.typed}, i64 {lane}")

    def insert(self, x: Value, lane: int, scalar: Value) -> Value:
        """x with one lane replaced."""
        return self.pure(x.dtype, x.lanes, f"insertelement {x.typed}, {scalar.typed}, i64 {lane}")

    def shuffle(self, x: Value, y: Value | None, picks: Sequence[int]) -> Value:
        """The lanes `picks` of x followed by y, as a vector (a scalar when only one)."""
        if len(picks) == 1:
            lane = picks[0]
            return self.extract(x if lane < x.lanes or y is None else y, lane % x.lanes)
        if list(picks) == list(range(x.lanes)):
            return x
        other = y.name if y is not None else "poison"
        mask = ", ".join(f"i32 {p}" for p in picks)
        return self.pure(x.dtype, len(picks), f"shufflevector {x.typed}, {x.type} {other}, "
                                              f"<{len(picks)} x i32> <{mask}>")

    def pick(self, x: Value, y: Value, lanes: Value) -> Value:
        """Like `shuffle`, with int32 lane numbers known only at run time; where `can_pick`."""
        bits = "ps" if x.dtype.size == 4 else "pd"
        if self.target.name == "avx512":
            index = self.cast(lanes, int32 if x.dtype.size == 4 else int64)
            symbol = f"llvm.x86.avx512.vpermi2var.{bits}.512"
            self.declare(symbol, x.type, f"{x.type}, {index.type}, {x.type}")
            text = f"call {x.type} @{symbol}({x.typed}, {index.typed}, {y.typed})"
            return self.pure(x.dtype, x.lanes, text)
        symbol = "llvm.x86.avx2.permps"              # looks at the lowest three bits only
        self.declare(symbol, x.type, f"{x.type}, {lanes.type}")
        texts = (f"call {x.type} @{symbol}({v.typed}, {lanes.typed})" for v in (x, y))
        low, high = (self.pure(x.dtype, x.lanes, text) for text in texts)
        return self.select(self.lt(lanes, x.lanes), low, high)

    def concat(self, x: Value, y: Value) -> Value:
        """The lanes of x, then those of y (equally many)."""
        if x.lanes == 1:
            wide = Value("poison", x.dtype, 2)
            return self.insert(self.insert(wide, 0, x), 1, y)
        return self.shuffle(x, y, list(range(2 * x.lanes)))

    def halves(self, x: Value) -> tuple[Value, Value]:
        """The lower and the upper lanes."""
        half = x.lanes // 2
        return (self.shuffle(x, None, list(range(half))),
                self.shuffle(x, None, list(range(half, x.lanes))))

    def reduce(self, op: str, x: Value) -> Value:
        """One scalar from all lanes by `op` (a method name: add, mul, min, max, and_, or_, xor).

        The order is fixed: lower half with upper half, again and again.
        """
        combine = getattr(self, op)
        while x.lanes > 1:
            low, high = self.halves(x)
            x = combine(low, high)
        return x

    def reinterpret(self, x: Value, dtype: DType, lanes: int) -> Value:
        """The bits of the whole register read as `lanes` of another size."""
        return self.pure(dtype, lanes, f"bitcast {x.typed} to {llvm_type(dtype, lanes)}")

    def any(self, mask: Value) -> Value:
        """Whether some lane of a bool vector holds."""
        return self._mask_bits(mask, "ne", 0)

    def all(self, mask: Value) -> Value:
        """Whether every lane of a bool vector holds."""
        return self._mask_bits(mask, "eq", -1)

    def _mask_bits(self, mask: Value, word: str, against: int) -> Value:
        if mask.lanes == 1:
            return mask
        bits = f"i{mask.lanes}"
        number = self.fresh()
        self.line(f"{number} = bitcast {mask.typed} to {bits}")
        return self.pure(bool_, 1, f"icmp {word} {bits} {number}, {against}")

    def tail_mask(self, remaining: Value | int, lanes: int) -> Value:
        """True in the first `remaining` lanes; all of them when there are more."""
        if not isinstance(remaining, Value):
            remaining = constant(remaining, int64)
        if isinstance(remaining.known, int):
            return vector_constant([int(lane < remaining.known) for lane in range(lanes)], bool_)
        count = self.cast(self.min(remaining, lanes), int32)
        return self.lt(self.iota(lanes, int32), self.broadcast(count, lanes))

    def table(self, values: Sequence[int] | Sequence[float], dtype: DType) -> Value:
        """The address of a constant array of numbers, kept in the module once."""
        items = ", ".join(f"{llvm_type(dtype)} {constant(v, dtype).name}" for v in values)
        kept = self.module.globals
        name = f"@table.{len(kept)}"
        text = f"internal constant [{len(values)} x {llvm_type(dtype)}] [{items}], align 64"
        name = next((k for k, v in kept.items() if v.endswith(text)), name)
        kept[name] = f"{name} = {text}"
        return Value(name, POINTER)


def can_pick(target: Target, dtype: DType) -> bool:
    """Is `Vectors.pick` possible?"""
    return target.name == "avx512" or (target.name == "avx2" and dtype.size == 4)
