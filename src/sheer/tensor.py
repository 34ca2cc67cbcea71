"""Tensor: the user's handle. PyTorch's names and semantics over lazily evaluated nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .devices import on_cpu
from .graph.dtypes import dtype_of
from .mixins.autograd import Autograd
from .mixins.casts import Casts
from .mixins.core import as_node, register
from .mixins.creation import Creation
from .mixins.display import Display
from .mixins.elementwise import Elementwise
from .mixins.indexing import Indexing
from .mixins.inplace import InPlace
from .mixins.linear_algebra import LinearAlgebra
from .mixins.missing import Missing
from .mixins.placing import Placing
from .mixins.ranking import Ranking
from .mixins.rearrange import Rearrange
from .mixins.reductions import Reductions
from .mixins.searching import Searching
from .mixins.shapes import Shapes
from .mixins.special import Special
from .mixins.statistics import Statistics
from .mixins.values import Values


class Tensor(Elementwise, Special, Shapes, Rearrange, Reductions, Statistics, Ranking, Indexing,
             Placing, Searching, LinearAlgebra, Creation, Casts, InPlace, Autograd, Values,
             Display, Missing):
    """An array of one dtype, computed when somebody looks at it.

    Every operation appends to a graph; `.numpy()`, `.item()`, `print`, and `sheer.eval` run what
    is pending as one program. Broadcasting, promotion, defaults: as in PyTorch. Views follow the
    tensor they are views of, and writes to them reach it.
    """

    __slots__ = ()


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, *,
           device: Any = None) -> Tensor:
    """A new tensor from a number, nested lists, a NumPy array or a tensor; always a copy.

    Python floats become float32, integers int64; float64 arrays become float32 unless dtype says
    otherwise (noted once, W101).
    """
    on_cpu(device or "cpu")
    node = as_node(data, None if dtype is None else dtype_of(dtype))
    made = Tensor(node)
    return made.requires_grad_() if requires_grad else made


def as_tensor(data: Any, dtype: Any = None, *, device: Any = None) -> Tensor:
    """The tensor itself when it is one of that dtype; otherwise as `tensor`."""
    on_cpu(device or "cpu")
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return tensor(data, dtype)


def rebuild(array: np.ndarray, requires_grad: bool) -> Tensor:
    """What pickle and copy call."""
    return tensor(array, dtype=array.dtype.name, requires_grad=requires_grad)


register(Tensor)
