"""Tensor: the user's handle. PyTorch's names and semantics over lazily evaluated nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph.dtypes import dtype_of
from .mixins.arithmetic import Arithmetic
from .mixins.autograd import Autograd
from .mixins.core import as_node, register
from .mixins.reductions import Reductions
from .mixins.shapes import Shapes
from .mixins.values import Values


class Tensor(Arithmetic, Shapes, Reductions, Autograd, Values):
    """An array of one dtype, computed when somebody looks at it.

    Every operation appends to a graph; `.numpy()`, `.item()`, `print`, and `sheer.eval` run what
    is pending as one program. Broadcasting, promotion, defaults: as in PyTorch.
    """

    __slots__ = ()


def tensor(value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor from a number, nested lists, a NumPy array or a tensor; always a copy.

    Python floats become float32, integers int64; float64 arrays become float32 unless dtype says
    otherwise (noted once, W101).
    """
    node = as_node(value, None if dtype is None else dtype_of(dtype))
    made = Tensor(node)
    return made.requires_grad_() if requires_grad else made


def as_tensor(value: Any, dtype: Any = None) -> Tensor:
    """The tensor itself when it is one of that dtype; otherwise as `tensor`."""
    if isinstance(value, Tensor):
        return value if dtype is None else value.to(dtype)
    return tensor(value, dtype)


def rebuild(array: np.ndarray, requires_grad: bool) -> Tensor:
    """What pickle and copy call."""
    return tensor(array, dtype=array.dtype.name, requires_grad=requires_grad)


register(Tensor)
