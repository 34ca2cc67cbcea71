"""Arithmetic of tensors: operators and the elementwise methods with PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.dtypes import bool_
from ..ops.lift import cast
from .core import Core, apply

if TYPE_CHECKING:
    from ..tensor import Tensor


class Arithmetic(Core):
    """+ - * / @ and friends; operands broadcast and promote by torch's rules."""

    __slots__ = ()

    def __add__(self, other: Any) -> Tensor: return apply(ops.add, self, other)
    def __radd__(self, other: Any) -> Tensor: return apply(ops.add, other, self)
    def __sub__(self, other: Any) -> Tensor: return apply(ops.sub, self, other)
    def __rsub__(self, other: Any) -> Tensor: return apply(ops.sub, other, self)
    def __mul__(self, other: Any) -> Tensor: return apply(ops.mul, self, other)
    def __rmul__(self, other: Any) -> Tensor: return apply(ops.mul, other, self)
    def __truediv__(self, other: Any) -> Tensor: return apply(ops.div, self, other)
    def __rtruediv__(self, other: Any) -> Tensor: return apply(ops.div, other, self)
    def __floordiv__(self, other: Any) -> Tensor: return apply(ops.floor_divide, self, other)
    def __rfloordiv__(self, other: Any) -> Tensor: return apply(ops.floor_divide, other, self)
    def __mod__(self, other: Any) -> Tensor: return apply(ops.remainder, self, other)
    def __rmod__(self, other: Any) -> Tensor: return apply(ops.remainder, other, self)
    def __matmul__(self, other: Any) -> Tensor: return apply(ops.matmul, self, other)
    def __rmatmul__(self, other: Any) -> Tensor: return apply(ops.matmul, other, self)
    def __neg__(self) -> Tensor: return apply(ops.neg, self)
    def __pos__(self) -> Tensor: return self  # type: ignore[return-value]
    def __abs__(self) -> Tensor: return apply(ops.abs, self)
    def __lt__(self, other: Any) -> Tensor: return apply(ops.lt, self, other)
    def __le__(self, other: Any) -> Tensor: return apply(ops.le, self, other)
    def __gt__(self, other: Any) -> Tensor: return apply(ops.gt, self, other)
    def __ge__(self, other: Any) -> Tensor: return apply(ops.ge, self, other)
    def __eq__(self, other: object) -> Tensor: return apply(ops.eq, self, other)  # type: ignore[override]
    def __ne__(self, other: object) -> Tensor: return apply(ops.ne, self, other)  # type: ignore[override]
    __hash__ = object.__hash__

    def relu(self) -> Tensor: return apply(ops.relu, self)
    def exp(self) -> Tensor: return apply(ops.exp, self)
    def log(self) -> Tensor: return apply(ops.log, self)
    def tanh(self) -> Tensor: return apply(ops.tanh, self)
    def sigmoid(self) -> Tensor: return apply(ops.sigmoid, self)
    def sqrt(self) -> Tensor: return apply(ops.sqrt, self)
    def float(self) -> Tensor: return self.to("float32")
    def double(self) -> Tensor: return self.to("float64")
    def long(self) -> Tensor: return self.to("int64")
    def int(self) -> Tensor: return self.to("int32")
    def bool(self) -> Tensor: return apply(cast, self, dtype=bool_)

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """With another dtype, that of another tensor, or on a device ("cpu" is the only one)."""
        from ..graph.dtypes import dtype_of
        wanted = kwargs.get("dtype")
        for a in args:
            wanted = a.dtype if isinstance(a, Core) else wanted if str(a).startswith("cpu") else a
        if wanted is None or dtype_of(wanted) == self.node.dtype:
            return self  # type: ignore[return-value]
        return apply(cast, self, dtype=dtype_of(wanted))
