"""Operators of tensors: + - * / // % ** @ & | ^ << >> ~ and comparisons, promoting as in torch."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..ops.lift import NUMBERS
from .core import Core, apply
from .naming import binary, reflected, unary

if TYPE_CHECKING:
    from ..tensor import Tensor


class Arithmetic(Core):
    """What Python's signs mean; operands broadcast and promote by torch's rules."""

    __slots__ = ()
    __array_priority__ = 1000                    # array + tensor is a tensor

    __add__, __radd__ = binary(ops.add), reflected(ops.add)
    __sub__, __rsub__ = binary(ops.sub), reflected(ops.sub)
    __mul__, __rmul__ = binary(ops.mul), reflected(ops.mul)
    __truediv__, __rtruediv__ = binary(ops.div), reflected(ops.div)
    __floordiv__, __rfloordiv__ = binary(ops.floor_divide), reflected(ops.floor_divide)
    __mod__, __rmod__ = binary(ops.remainder), reflected(ops.remainder)
    __pow__, __rpow__ = binary(ops.pow), reflected(ops.pow)
    __and__, __rand__ = binary(ops.bitwise_and), reflected(ops.bitwise_and)
    __or__, __ror__ = binary(ops.bitwise_or), reflected(ops.bitwise_or)
    __xor__, __rxor__ = binary(ops.bitwise_xor), reflected(ops.bitwise_xor)
    __lshift__, __rlshift__ = binary(ops.bitwise_left_shift), reflected(ops.bitwise_left_shift)
    __rshift__, __rrshift__ = binary(ops.bitwise_right_shift), reflected(ops.bitwise_right_shift)
    __neg__, __invert__, __abs__ = unary(ops.neg), unary(ops.bitwise_invert), unary(ops.abs)
    __lt__, __le__ = binary(ops.lt), binary(ops.le)
    __gt__, __ge__ = binary(ops.gt), binary(ops.ge)

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    def __matmul__(self, other: Any) -> Tensor:
        return apply(ops.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return apply(ops.matmul, other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return apply(ops.eq, self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return apply(ops.ne, self, other) if _comparable(other) else NotImplemented

    __hash__ = object.__hash__


def _comparable(other: object) -> bool:
    """x == None and x == "text" are plain False, as for every Python object."""
    return isinstance(other, (Core, np.ndarray, *NUMBERS))
