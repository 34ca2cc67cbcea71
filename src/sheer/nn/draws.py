"""Where layers get their random keys from: the state of the generator in force, one key per draw."""

from __future__ import annotations

import numpy as np

from .. import ops
from ..graph.dtypes import int64
from ..mixins.core import wrap
from ..random import Generator, default_generator
from ..tensor import Tensor

__all__ = ["Generator", "next_key"]


def next_key(generator: Generator | None = None) -> Tensor:
    """A key (seed, offset) that no draw before has used; moves the generator on, in or out of a trace."""
    state = (generator or default_generator).state
    key: Tensor = wrap(state.node)
    state._rebind(state.node + ops.constant(np.array([0, 1]), int64))
    return key
