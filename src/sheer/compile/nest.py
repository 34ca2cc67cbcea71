"""Nest: the loops that one kernel runs; a shape and the axes it reduces flow in, indices come out.

Axes of length 1 are no loops. A value belongs to the nest when it has an element per turn of all
loops (`full`), or per turn of the loops that are not reduced (`kept`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..graph import Node
from ..ops.movement import strides
from ..ops.reduce import ArgMax, ArgMin, Reduce
from .indexing.index import Index, Var
from .indexing.views import Place


@dataclass(frozen=True)
class Nest:
    """Lengths of the loops, none of them 1, and which of them are reduced."""

    shape: tuple[int, ...]
    reduced: tuple[int, ...] = ()

    @property
    def kept(self) -> tuple[int, ...]:
        return tuple(a for a in range(len(self.shape)) if a not in self.reduced)

    @property
    def kept_shape(self) -> tuple[int, ...]:
        return tuple(self.shape[a] for a in self.kept)

    @property
    def row_size(self) -> int:
        """Elements that one turn of the kept loops sees."""
        return math.prod(self.shape[a] for a in self.reduced)

    @cached_property
    def variables(self) -> tuple[Var, ...]:
        """The loop variable of every loop."""
        return tuple(Var(f"i{a}", s) for a, s in enumerate(self.shape))

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        """The loop variables as expressions."""
        return tuple(Index({v: 1}) for v in self.variables)

    def full(self, shape: Sequence[int]) -> Place | None:
        """The index of this turn in an array of `shape` that spans all loops, else None."""
        return spread(tuple(shape), self.shape, self.indices)

    def place(self, node: Node) -> Place | None:
        """The index of this turn in the node's result, when the node belongs to the nest."""
        if is_reduction(node):
            mine = nest_of(node)
            return self._kept(node.shape) if mine == self else None
        whole = self.full(node.shape)
        return self._kept(node.shape) if whole is None and self.reduced else whole

    def spans(self, node: Node) -> bool:
        """Does the node have an element for every turn of all loops?"""
        return not is_reduction(node) and self.full(node.shape) is not None

    @property
    def size(self) -> int:
        """Turns of all loops."""
        return math.prod(self.shape)

    def _kept(self, shape: Sequence[int]) -> Place | None:
        return spread(tuple(shape), self.kept_shape, tuple(self.indices[a] for a in self.kept))


@lru_cache(maxsize=1 << 13)
def spread(shape: tuple[int, ...], lengths: tuple[int, ...], indices: Place) -> Place | None:
    """One index per axis of `shape`, 0 on axes of length 1, so that elements and turns correspond
    in row-major order; None when they are not equally many.
    """
    if [s for s in shape if s != 1] != list(lengths):
        if math.prod(shape) != math.prod(lengths) or not math.prod(shape):
            return None
        number = sum((i * s for i, s in zip(indices, strides(lengths), strict=True)), Index({}))
        return tuple(number // s % n for n, s in zip(shape, strides(shape), strict=True))
    rest = iter(indices)
    return tuple(Index({}) if s == 1 else next(rest) for s in shape)


def is_reduction(node: Node) -> bool:
    """Does the node go over axes of its operand that it loses?"""
    return isinstance(node.prim, Reduce | ArgMax | ArgMin)


def reduced_axes(node: Node) -> tuple[int, ...]:
    """The axes of the operand that are gone over."""
    if isinstance(node.prim, ArgMax | ArgMin):
        return (node.prim.axis,)
    return node.prim.axes if isinstance(node.prim, Reduce) else ()


def nest_of(node: Node) -> Nest:
    """The loops a node needs by itself: those of its result, or of what it reduces."""
    reduces = is_reduction(node)
    shape = node.inputs[0].shape if reduces else node.shape
    real = [a for a, s in enumerate(shape) if s != 1]
    axes = reduced_axes(node)
    return Nest(tuple(shape[a] for a in real),
                tuple(i for i, a in enumerate(real) if a in axes))
