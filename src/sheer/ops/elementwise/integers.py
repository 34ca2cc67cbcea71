"""The greatest common divisor and the least common multiple of whole numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...graph.dtypes import INTS, DType
from ...graph.node import Node
from ..lift import lift
from ..primitive import HostOp, NotDifferentiable, NoXla
from .arithmetic import abs, floor_divide
from .compare import eq
from .family import Binary, binary
from .select import where


class Gcd(Binary):
    """The largest number that divides both; of 0 and 0 it is 0.

    Shape   x (*S), y (*S) -> (*S)
    Dtype   integer -> the same
    Source  Euclid, Elements, book VII
    """
    dtypes: ClassVar[tuple[DType, ...]] = INTS
    domain = (-60.0, 60.0)
    vjp = NotDifferentiable("whole numbers")
    emit, xla = HostOp("as many steps as the numbers need"), NoXla("a loop of remainders")

    def ref(self, x, y): return np.gcd(x, y)
    @classmethod
    def hard(cls):
        return [(cls(), (np.array([0, 0, -12, 7]), np.array([0, 5, 18, 7])))]


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
