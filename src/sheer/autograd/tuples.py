"""One tensor or several: whatever was given flows in, a tuple flows out."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor


def as_tuple(value: Any) -> tuple[Any, ...]:
    """A tensor as a tuple of one; any other iterable as a tuple."""
    return (value,) if isinstance(value, Tensor) else tuple(value)
