"""Operations whose result has a shape that depends on values: they need the values now."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import StateError
from ..transforms import trace
from .core import Core, evaluate


def known(op: str, x: Core) -> np.ndarray:
    """The values of x. Raises StateError E606, in the name of `op`, inside a traced function."""
    try:
        return evaluate([x])[0]
    except StateError as e:
        if e.code != "E606":
            raise
        raise trace.refuse_value(op, x.node) from None


def fresh(array: Any) -> Any:
    """A tensor on a new array of its own dtype."""
    from ..tensor import tensor
    array = np.asarray(array)
    return tensor(array, dtype=array.dtype.name)
