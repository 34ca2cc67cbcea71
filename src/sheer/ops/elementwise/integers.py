"""The greatest common divisor and the least common multiple of whole numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...graph.dtypes import INTS, DType
from ...graph.node import Node
from ..lift import lift
from ..primitive import NotDifferentiable, NoXla
from .arithmetic import abs, floor_divide
from .compare import eq
from .family import Binary, binary
from .select import where

_REMAINDERS = 12    # a byte of the numbers, and two for the start: Lame 1844 has 1.44 a bit


class Gcd(Binary):
    """The largest number that divides both; of 0 and 0 it is 0.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   integer -> the same
    Source  Euclid, Elements, book VII
    """
    dtypes: ClassVar[tuple[DType, ...]] = INTS
    domain = (-60.0, 60.0)
    vjp = NotDifferentiable("whole numbers")
    xla = NoXla("a loop of remainders")

    def ref(self, x, y): return np.gcd(x, y)
    def emit(self, b, x, y):
        steps = _REMAINDERS * x.dtype.size + 2
        with b.loop_with(0, steps, 1, b.abs(x), b.abs(y)) as loop:
            large, small = loop.values
            done = b.eq(small, 0)
            rest = b.rem(large, b.select(done, 1, small))
            loop.next(b.select(done, large, small), b.select(done, 0, rest))
        return b.abs(loop.results[0])      # the least number of all has no positive one
    @classmethod
    def hard(cls):
        return [(cls(), (np.array([0, 0, -12, 7]), np.array([0, 5, 18, 7]))),
                (cls(), (np.array([144], np.uint8), np.array([233], np.uint8)))]    # most steps


gcd = binary(Gcd)


def lcm(x: Any, y: Any) -> Node:
    """The smallest number that both divide; 0 when one of them is.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   integer -> the same
    Source  torch.lcm
    """
    x, y = lift("lcm", x, y)
    divisor = gcd(x, y)
    return abs(floor_divide(x, where(eq(divisor, 0), 1, divisor)) * y)
