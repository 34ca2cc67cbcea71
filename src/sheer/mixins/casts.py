"""Element types and devices of tensors: casts, and questions about how elements are stored."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from ..devices import KNOWN, device, on_cpu
from ..graph.dtypes import (
    DType,
    bool_,
    dtype_of,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from ..ops.lift import cast
from .core import Core, apply

if TYPE_CHECKING:
    from ..tensor import Tensor

_KINDS = {"Float": float32, "Double": float64, "Char": int8, "Short": int16, "Int": int32,
          "Long": int64, "Byte": uint8, "Bool": bool_}


def is_device(value: Any) -> builtins.bool:
    """Does a value name a device, whether it is here or not?"""
    return isinstance(value,
                      device) or (isinstance(value, str) and value.partition(":")[0] in KNOWN)


class Casts(Core):
    """The same numbers as another type."""

    __slots__ = ()

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """With another dtype, or that of another tensor; on a device ("cpu" is the only one).

        The tensor itself when it has that dtype already, unless copy=True.
        Raises  E615 for another device
        """
        wanted = kwargs.get("dtype")
        on_cpu(kwargs.get("device") or "cpu")
        for a in args:
            if is_device(a):
                on_cpu(a)
            elif not isinstance(a, builtins.bool | None):
                wanted = a.dtype if isinstance(a, Core) else a
        out: Any = self if wanted is None else self._cast(dtype_of(wanted))
        return out.clone() if kwargs.get("copy") and out is self else out

    def _cast(self, dtype: DType) -> Any:
        return self if dtype == self.node.dtype else apply(cast, self, dtype=dtype)

    def float(self, memory_format: Any = None) -> Tensor:
        """As float32."""
        return self._cast(float32)

    def double(self, memory_format: Any = None) -> Tensor:
        """As float64."""
        return self._cast(float64)

    def char(self, memory_format: Any = None) -> Tensor:
        """As int8."""
        return self._cast(int8)

    def short(self, memory_format: Any = None) -> Tensor:
        """As int16."""
        return self._cast(int16)

    def int(self, memory_format: Any = None) -> Tensor:
        """As int32; fractions are cut off."""
        return self._cast(int32)

    def long(self, memory_format: Any = None) -> Tensor:
        """As int64; fractions are cut off."""
        return self._cast(int64)

    def byte(self, memory_format: Any = None) -> Tensor:
        """As uint8."""
        return self._cast(uint8)

    def bool(self, memory_format: Any = None) -> Tensor:
        """As bool: whether a number is not 0."""
        return self._cast(bool_)

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of the other tensor."""
        return self._cast(other.dtype)

    def type(self, dtype: Any = None) -> Any:
        """The tensor as another type; without one, the name torch has for its type."""
        if dtype is None:
            return f"sheer.{next(k for k, d in _KINDS.items() if d == self.node.dtype)}Tensor"
        if isinstance(dtype, str) and dtype.endswith("Tensor"):
            dtype = _KINDS[dtype.rpartition(".")[2].removesuffix("Tensor")]
        return self._cast(dtype_of(dtype))

    # ---- devices -----------------------------------------------------------------------------
    @property
    def device(self) -> Any:
        """Always device("cpu")."""
        return device("cpu")

    is_cuda = is_sparse = is_quantized = is_meta = False
    is_cpu = True

    def cpu(self) -> Tensor:
        """This tensor: sheer computes on the CPU."""
        return self  # type: ignore[return-value]

    def cuda(self, device: Any = None) -> Tensor:
        """Raises E615: there is no GPU here."""
        on_cpu("cuda")
        return self  # type: ignore[return-value]

    def pin_memory(self) -> Tensor:
        """This tensor: there is no other device to copy to."""
        return self  # type: ignore[return-value]

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """This tensor, for the only device there is (array API). Raises E615 for another one."""
        on_cpu(device)
        return self  # type: ignore[return-value]

    def get_device(self) -> builtins.int:
        """-1, as PyTorch says of a tensor on the CPU."""
        return -1

    # ---- storage -----------------------------------------------------------------------------
    def element_size(self) -> builtins.int:
        """Bytes per element."""
        return self.node.dtype.size

    @property
    def itemsize(self) -> builtins.int:
        """Bytes per element."""
        return self.node.dtype.size

    @property
    def nbytes(self) -> builtins.int:
        """Bytes of all elements."""
        return self.node.dtype.size * self.node.size

    def is_floating_point(self) -> builtins.bool:
        """Is its dtype a float?"""
        return self.node.dtype.is_floating_point

    def is_signed(self) -> builtins.bool:
        """Can its dtype hold negative numbers?"""
        return self.node.dtype.is_signed

    def is_complex(self) -> builtins.bool:
        """Never: there are no complex dtypes."""
        return False

    def is_conj(self) -> builtins.bool:
        """Never: there are no complex dtypes."""
        return False

    def is_neg(self) -> builtins.bool:
        """Never: nothing is negated late."""
        return False
