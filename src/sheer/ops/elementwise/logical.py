"""Logic on bools, and on the bits of integers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...graph.dtypes import INTS, DType, bool_
from ...graph.node import Node, operators
from ..lift import lift
from ..primitive import NotDifferentiable, NoXla
from ..sampling import case
from .family import Elementwise, binary, unary


class _Bits(Elementwise, abstract=True):
    """Bools, or integers bit by bit."""

    dtypes: ClassVar[tuple[DType, ...]] = (bool_, *INTS)
    arity = 2
    vjp = NotDifferentiable("works on bits")


class BitwiseAnd(_Bits):
    """The bits set in both.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   bool or integer -> the same
    Source  definition
    """
    xla = "bitwise_and"

    def ref(self, x, y): return np.bitwise_and(x, y)
    def emit(self, b, x, y): return b.and_(x, y)


class BitwiseOr(_Bits):
    """The bits set in either.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   bool or integer -> the same
    Source  definition
    """
    xla = "bitwise_or"

    def ref(self, x, y): return np.bitwise_or(x, y)
    def emit(self, b, x, y): return b.or_(x, y)


class BitwiseXor(_Bits):
    """The bits set in exactly one.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   bool or integer -> the same
    Source  definition
    """
    xla = "bitwise_xor"

    def ref(self, x, y): return np.bitwise_xor(x, y)
    def emit(self, b, x, y): return b.xor(x, y)


class BitwiseInvert(_Bits):
    """Every bit the other way round.

    Shape   x (*S) -> (*S)
    Dtype   bool or integer -> the same
    Source  definition
    """
    arity, xla = 1, "bitwise_not"

    def ref(self, x): return np.invert(x)
    def emit(self, b, x): return b.not_(x)


class _Shift(_Bits, abstract=True):
    dtypes = INTS

    @classmethod
    def hard(cls):
        edge, by = [-128, -5, 0, 1, 127], [-1, 0, 1, 7, 8]
        return [case(cls(), [[x] * len(by) for x in edge], [by] * len(edge), dtype="i1")]


class BitwiseLeftShift(_Shift):
    """x moved y bits to the left; 0 when y is negative or not below the width.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   integer -> the same
    Source  definition
    """
    xla = "shift_left"

    def ref(self, x, y): return np.left_shift(x, y)
    def emit(self, b, x, y): return b.shl(x, y)


class BitwiseRightShift(_Shift):
    """x moved y bits to the right, filled with its sign: x // 2^y.

    A y that is negative or not below the width moves every bit out.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   integer -> the same
    Source  definition
    """
    xla = NoXla("shift_right_arithmetic or shift_right_logical, by dtype")

    def ref(self, x, y): return np.right_shift(x, y)
    def emit(self, b, x, y): return b.shr(x, y)


bitwise_and, bitwise_or, bitwise_xor = (binary(p) for p in (BitwiseAnd, BitwiseOr, BitwiseXor))
bitwise_invert = unary(BitwiseInvert, floating=False)
bitwise_left_shift, bitwise_right_shift = binary(BitwiseLeftShift), binary(BitwiseRightShift)


def logical_and(x: Any, y: Any) -> Node:
    """Are both different from 0?

    Shape   x (*S), y (*S) -> bool (*S)
    Source  definition
    """
    return bitwise_and(_truth(x), _truth(y))


def logical_or(x: Any, y: Any) -> Node:
    """Is at least one different from 0?

    Shape   x (*S), y (*S) -> bool (*S)
    Source  definition
    """
    return bitwise_or(_truth(x), _truth(y))


def logical_xor(x: Any, y: Any) -> Node:
    """Is exactly one different from 0?

    Shape   x (*S), y (*S) -> bool (*S)
    Source  definition
    """
    return bitwise_xor(_truth(x), _truth(y))


def logical_not(x: Any) -> Node:
    """Is x 0?

    Shape   x (*S) -> bool (*S)
    Source  definition
    """
    return bitwise_invert(_truth(x))


def _truth(x):
    return lift("logical", x, dtype=bool_)[0]


operators.update({"and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor,
                  "invert": bitwise_invert, "lshift": bitwise_left_shift,
                  "rshift": bitwise_right_shift})
