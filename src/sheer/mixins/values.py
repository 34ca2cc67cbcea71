"""Values of tensors: numpy, item, tolist, print, __array__; what runs the pending program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph.errors import ShapeError
from ..transforms import execute, trace
from .core import Core, evaluate

if TYPE_CHECKING:
    from ..tensor import Tensor


class Values(Core):
    """The way from a lazy tensor to numbers."""

    __slots__ = ()

    def numpy(self) -> np.ndarray:
        """The values as a read-only NumPy array of the same shape and dtype; no copy."""
        view = evaluate([self])[0].view()
        view.flags.writeable = False             # a write would change other tensors behind our back
        return view

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number. Raises E612 for more elements."""
        if self.node.size != 1:
            raise ShapeError("E612", "item", f"{self.node.size} elements are not one number",
                             got={"tensor": self.node}, need="exactly one element",
                             tries=[("x.tolist() or x.mean().item()", lambda: None)])
        return evaluate([self])[0].item()

    def tolist(self) -> Any:
        """The values as nested Python lists; a number for shape ()."""
        return evaluate([self])[0].tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __bool__(self) -> bool: return bool(self.item())
    def __int__(self) -> int: return int(self.item())
    def __float__(self) -> float: return float(self.item())

    def __index__(self) -> int:
        value = self.item()
        if not isinstance(value, int):
            raise TypeError("only an integer tensor with one element can be an index")
        return int(value)

    def __repr__(self) -> str:
        if trace.current() is not None and not execute.is_known(self.node):
            return f"tensor(traced, {self.node.spec})"
        text = np.array2string(evaluate([self])[0], separator=", ", precision=4, prefix="tensor(")
        extra = "" if self.node.dtype.name in ("float32", "int64", "bool") else f", dtype={self.node.dtype!r}"
        return f"tensor({text}{extra}{', requires_grad=True' if self.requires_grad else ''})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.node.size == 1 else str(self)

    def cpu(self) -> Tensor:
        """This tensor: sheer computes on the CPU."""
        return self  # type: ignore[return-value]

    def __reduce__(self) -> Any:
        from ..tensor import rebuild
        return rebuild, (np.array(evaluate([self])[0]), self.requires_grad)
