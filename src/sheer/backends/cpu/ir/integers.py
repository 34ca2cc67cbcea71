"""Division, remainder and shifts, which have traps and undefined corners that we define away."""

from __future__ import annotations

from .arithmetic import Arithmetic
from .values import Operand, Value, constant


class Integers(Arithmetic):
    """Python's floor semantics for `//` and `%`; shifts past the width give what NumPy gives."""

    def floordiv(self, x: Operand, y: Operand) -> Value:
        """x // y rounded towards minus infinity; x // 0 is 0, and lowest // -1 wraps to lowest."""
        a, b = self.match(x, y)
        if a.dtype.kind == "float":
            return self._float_floordiv(a, b)
        if (bits := _power_of_two(b)) is not None:
            return self.shr(a, bits)      # an arithmetic shift rounds down, as the floor does
        quotient, rest = self._divide(a, b)
        if a.dtype.kind == "int":
            quotient = self.sub(quotient, self.cast(self._crossed(rest, b), a.dtype))
        return self._unless_zero(b, quotient)

    def rem(self, x: Operand, y: Operand) -> Value:
        """x % y with the sign of y; x % 0 is 0 for integers and NaN for floats."""
        a, b = self.match(x, y)
        if a.dtype.kind == "float":
            return self._float_rem(a, b)
        if _power_of_two(b) is not None:
            return self.and_(a, self.like(int(b.known or 0) - 1, a))
        _, rest = self._divide(a, b)
        if a.dtype.kind == "int":
            rest = self.select(self._crossed(rest, b), self.add(rest, b), rest)
        return self._unless_zero(b, rest)

    def _divide(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Quotient cut towards zero, and remainder; the divisor is made safe (idiv traps)."""
        signed = a.dtype.kind == "int"
        word = "sdiv" if signed else "udiv"
        if isinstance(b.known, int) and b.known not in (0, -1):
            quotient = self.pure(a.dtype, a.lanes, f"{word} {a.typed}, {b.name}")
            return quotient, self.sub(a, self.mul(quotient, b))
        flip = self.eq(b, -1) if signed else constant(False, self.eq(b, 0).dtype, b.lanes)
        safe = self.select(self.or_(self.eq(b, 0), flip), 1, b)
        quotient = self.pure(a.dtype, a.lanes, f"{word} {a.typed}, {safe.name}")
        quotient = self.select(flip, self.sub(0, a), quotient)
        return quotient, self.sub(a, self.mul(quotient, b))

    def _crossed(self, rest: Value, b: Value) -> Value:
        """Where the cut quotient lies above the floor: a remainder against the divisor's sign."""
        return self.and_(self.ne(rest, 0), self.lt(self.xor(rest, b), 0))

    def _unless_zero(self, b: Value, result: Value) -> Value:
        if b.known is not None:
            return result if b.known != 0 else self.like(0, result)
        return self.select(self.eq(b, 0), 0, result)

    def _float_rem(self, a: Value, b: Value) -> Value:
        rest = self.pure(a.dtype, a.lanes, f"frem {a.typed}, {b.name}")
        wrong = self.and_(self.ne(rest, 0.0), self.ne(self.lt(rest, 0.0), self.lt(b, 0.0)))
        rest = self.select(wrong, self.add(rest, b), rest)
        return self.select(self.eq(rest, 0.0), self.copysign(0.0, b), rest)

    def _float_floordiv(self, a: Value, b: Value) -> Value:
        """As NumPy: the whole number nearest (a - fmod) / b, less 1 where the signs differ."""
        rest = self.pure(a.dtype, a.lanes, f"frem {a.typed}, {b.name}")
        quotient = self.div(self.sub(a, rest), b)
        below = self.and_(self.ne(rest, 0.0), self.ne(self.lt(rest, 0.0), self.lt(b, 0.0)))
        quotient = self.select(below, self.sub(quotient, 1.0), quotient)
        low = self.floor(quotient)
        low = self.select(self.gt(self.sub(quotient, low), 0.5), self.add(low, 1.0), low)
        exact = self.div(a, b)
        low = self.select(self.eq(quotient, 0.0), self.copysign(0.0, exact), low)
        return self.select(self.eq(b, 0.0), exact, low)

    def shl(self, x: Operand, y: Operand) -> Value:
        """x << y; 0 when y is not below the width."""
        a, b = self.match(x, y)
        if b.known == 0:
            return a
        if isinstance(a.known, int) and isinstance(b.known, int) and b.known < 64:
            return constant(a.known << b.known, a.dtype, a.lanes)
        inside, amount = self._amount(a, b)
        shifted = self.pure(a.dtype, a.lanes, f"shl {a.typed}, {amount.name}")
        return shifted if inside is None else self.select(inside, shifted, 0)

    def shr(self, x: Operand, y: Operand) -> Value:
        """x >> y, filling with the sign of a signed x."""
        a, b = self.match(x, y)
        if b.known == 0:
            return a
        if isinstance(a.known, int) and isinstance(b.known, int) and b.known < 64:
            return constant(a.known >> b.known, a.dtype, a.lanes)
        inside, amount = self._amount(a, b)
        word = "ashr" if a.dtype.kind == "int" else "lshr"
        shifted = self.pure(a.dtype, a.lanes, f"{word} {a.typed}, {amount.name}")
        if inside is None:
            return shifted
        last = self.like(8 * a.dtype.size - 1, a)
        gone = self.pure(a.dtype, a.lanes, f"{word} {a.typed}, {last.name}")
        return self.select(inside, shifted, gone if word == "ashr" else 0)

    def _amount(self, a: Value, b: Value) -> tuple[Value | None, Value]:
        """Where the amount is below the width (None: everywhere), and a harmless amount."""
        bits = 8 * a.dtype.size
        if isinstance(b.known, int) and 0 <= b.known < bits:
            return None, b
        inside = self.pure(self.eq(b, 0).dtype, b.lanes,
                           f"icmp ult {b.typed}, {self.like(bits, b).name}")
        return inside, self.and_(b, bits - 1)


def _power_of_two(divisor: Value) -> int | None:
    """k when the divisor is known to be 2^k, else None."""
    known = divisor.known
    if not isinstance(known, int) or known <= 0 or known & (known - 1):
        return None
    return known.bit_length() - 1
