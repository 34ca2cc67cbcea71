"""Node: one value of a graph. A primitive and its inputs flow in; a shared, immutable node out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from . import source as sources
from .dtypes import DType
from .source import Source

if TYPE_CHECKING:
    import numpy as np

    from ..ops.primitive import Primitive


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape and dtype of a value, without the value: all that `infer` may look at."""

    shape: tuple[int, ...]
    dtype: DType

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def to(self, *shape: int, dtype: DType | None = None) -> Spec:
        """This spec with another shape, and another dtype when one is given."""
        return Spec(shape, dtype or self.dtype)

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


class Buffer:
    """Numbers in memory. A node that holds one is a leaf; equal only to itself."""

    __slots__ = ("__weakref__", "array")

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


# The ops room fills this in: a graph knows that nodes can be added, not how.
operators: dict[str, Callable[..., Node]] = {}


class Node:
    """One operation applied to nodes; structurally equal nodes are the same object.

    outputs holds one Spec per result; most primitives have one, and `Pick(i)` takes the others.
    value is filled in when the node has been evaluated; it is no part of the node's identity.
    """

    __slots__ = ("__weakref__", "inputs", "outputs", "prim", "source", "value")

    prim: Primitive
    inputs: tuple[Node, ...]
    outputs: tuple[Spec, ...]
    source: Source
    value: tuple[Buffer, ...] | None

    # ---- what a spec has --------------------------------------------------------------------
    @property
    def spec(self) -> Spec:
        return self.outputs[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.outputs[0].shape

    @property
    def dtype(self) -> DType:
        return self.outputs[0].dtype

    @property
    def ndim(self) -> int:
        return len(self.outputs[0].shape)

    @property
    def size(self) -> int:
        return self.outputs[0].size

    def to(self, *shape: int, dtype: DType | None = None) -> Spec:
        return self.outputs[0].to(*shape, dtype=dtype)

    # ---- arithmetic, so that a derivative rule reads like its formula -------------------------
    def __add__(self, other: Any) -> Node: return operators["add"](self, other)
    def __radd__(self, other: Any) -> Node: return operators["add"](other, self)
    def __sub__(self, other: Any) -> Node: return operators["sub"](self, other)
    def __rsub__(self, other: Any) -> Node: return operators["sub"](other, self)
    def __mul__(self, other: Any) -> Node: return operators["mul"](self, other)
    def __rmul__(self, other: Any) -> Node: return operators["mul"](other, self)
    def __truediv__(self, other: Any) -> Node: return operators["div"](self, other)
    def __rtruediv__(self, other: Any) -> Node: return operators["div"](other, self)
    def __neg__(self) -> Node: return operators["neg"](self)

    def __repr__(self) -> str:
        specs = ", ".join(map(str, self.outputs))
        return f"<{type(self.prim).__name__} {specs} from {self.source}>"


_interned: WeakValueDictionary[tuple[Primitive, tuple[Node, ...]], Node] = WeakValueDictionary()
_interning = threading.RLock()           # reentrant: a finalizer may make nodes while we hold it


def make(prim: Primitive, inputs: tuple[Node, ...], source: Source | None = None) -> Node:
    """The node `prim(*inputs)`; the one that exists already if there is one (hash-consing).

    A node that two lines make equally names the first of them as its source.

    Raises whatever `prim.infer` raises for inputs that do not fit.
    """
    key = (prim, inputs)
    found = _interned.get(key)
    if found is not None:
        return found
    node = fresh(prim, inputs, source)
    with _interning:                     # two threads that make equal nodes must get one
        return _interned.setdefault(key, node)


def fresh(prim: Primitive, inputs: tuple[Node, ...] = (), source: Source | None = None) -> Node:
    """A new node, though an equal one may exist: for the inputs of a graph, each with its line."""
    specs = prim.infer(*inputs)
    node = Node()
    node.prim, node.inputs, node.value = prim, inputs, None
    node.outputs = specs if isinstance(specs, tuple) else (specs,)
    node.source = source or sources.here()
    return node


def topological(roots: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """Every node the roots depend on, inputs before users; nodes where `stop` holds are leaves."""
    order: list[Node] = []
    seen: set[Node] = set()
    for root in roots:
        stack = [(root, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                if stop is None or not stop(node):
                    stack.extend((x, False) for x in reversed(node.inputs) if x not in seen)
    return order
