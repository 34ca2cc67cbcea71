"""Where layers get their random keys from: the generator in force, one key per draw."""

from __future__ import annotations

from ..random import Generator, default_generator
from ..tensor import Tensor

__all__ = ["Generator", "next_key"]


def next_key(generator: Generator | None = None) -> Tensor:
    """A key that no draw before has used; moves the generator on, in or out of a trace."""
    return (generator or default_generator).next_key()
