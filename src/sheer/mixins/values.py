"""Values of tensors: numpy, item, tolist, print, DLPack; what runs the pending program."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, ShapeError
from ..transforms import execute, trace
from .core import Core, evaluate, tensor_class


class Values(Core):
    """The way from a lazy tensor to numbers."""

    __slots__ = ()

    def numpy(self, *, force: builtins.bool = False) -> np.ndarray:
        """The values as a read-only NumPy array of the same shape and dtype; no copy."""
        view = evaluate([self])[0].view()
        view.flags.writeable = False     # a write would change other tensors too
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

    def allclose(self, other: Any, rtol: float = 1e-5, atol: float = 1e-8,
                 equal_nan: builtins.bool = False) -> builtins.bool:
        """Is every element close to the other one? A Python bool."""
        return bool(self.isclose(other, rtol, atol, equal_nan).all())

    def equal(self, other: Any) -> builtins.bool:
        """Are shapes and all elements equal? A Python bool."""
        return self.shape == other.shape and bool((self == other).all())

    def is_nonzero(self) -> builtins.bool:
        """Is the only element different from 0?"""
        return bool(self.item())

    # ---- Python's conversions ----------------------------------------------------------------
    def __bool__(self) -> builtins.bool: return bool(self.item())
    def __int__(self) -> builtins.int: return int(self.item())
    def __float__(self) -> builtins.float: return float(self.item())
    def __complex__(self) -> complex: return complex(self.item())

    def __index__(self) -> builtins.int:
        value = self.item()
        if not isinstance(value, int):
            raise TypeError("only an integer tensor with one element can be an index")
        return int(value)

    def __repr__(self) -> str:
        if trace.current() is not None and not execute.is_known(self.node):
            return f"tensor(traced, {self.node.spec})"
        text = np.array2string(evaluate([self])[0], separator=", ", precision=4, prefix="tensor(")
        plain = self.node.dtype.name in ("float32", "int64", "bool")
        extra = "" if plain else f", dtype={self.node.dtype!r}"
        return f"tensor({text}{extra}{', requires_grad=True' if self.requires_grad else ''})"

    def __format__(self, spec: str) -> str:
        plain = self.node.ndim == 0 and type(self) is tensor_class()     # as torch: no Parameter
        if spec and self.node.size == 1:
            return format(self.item(), spec)
        traced = trace.current() is not None and not execute.is_known(self.node)
        return format(self.item()) if plain and not (spec or traced) else str(self)

    # ---- other libraries ---------------------------------------------------------------------
    def __array__(self, dtype: Any = None, copy: builtins.bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
                   copy: builtins.bool | None = None) -> Any:
        """A capsule with the values, on the CPU: a copy, so that whoever takes it may write to it;
        with copy=False the memory itself, marked as read-only.

        Raises  E191 when copy=False meets a library that does not know read-only memory
        """
        array = self.numpy() if copy is False else np.array(evaluate([self])[0])
        try:
            return array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device)
        except BufferError as e:
            raise ArgumentError("E191", "__dlpack__", "memory can be shared for reading only",
                                need="a consumer of DLPack 1.0 or later, or copy=None",
                                tries=[("from_dlpack(x)", lambda: None)]) from e

    def __dlpack_device__(self) -> tuple[builtins.int, builtins.int]:
        """(1, 0): the CPU."""
        return 1, 0

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The module with the array API's functions. Raises E191 for a version that it is not."""
        if api_version not in (None, "2021.12", "2022.12", "2023.12"):
            raise ArgumentError("E191", "__array_namespace__",
                                f"there is no version {api_version!r} here",
                                need='"2023.12" or an earlier one')
        import sheer
        return sheer

    def __reduce__(self) -> Any:
        from ..tensor import rebuild
        return rebuild, (np.array(evaluate([self])[0]), self.requires_grad)
