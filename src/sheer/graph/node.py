"""Node: one value of a graph. A primitive and its inputs flow in; a shared, immutable node out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from weakref import ref

from . import source as sources
from .dtypes import DType
from .memory import address
from .source import Source

if TYPE_CHECKING:
    import numpy as np

    from ..ops.primitive import Primitive


_specs: dict[tuple[tuple[int, ...], DType], Spec] = {}


class Spec:
    """Shape and dtype of a value, without the value: all that `infer` may look at.

    There is one object of each, so that comparing two costs nothing.
    """

    __slots__ = ("dtype", "ndim", "shape", "size")

    shape: tuple[int, ...]
    dtype: DType
    ndim: int
    size: int

    def __new__(cls, shape: tuple[int, ...], dtype: DType) -> Spec:
        found = _specs.get((shape, dtype))
        return _new_spec(cls, shape, dtype) if found is None else found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Spec is frozen: {name}")

    @property
    def spec(self) -> Spec:
        """Itself: a rule takes nodes and specs alike."""
        return self

    def to(self, *shape: int, dtype: DType | None = None) -> Spec:
        """This spec with another shape, and another dtype when one is given."""
        return Spec(shape, dtype or self.dtype)

    def __reduce__(self) -> tuple[object, ...]:
        return Spec, (self.shape, self.dtype)

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape!r}, dtype={self.dtype!r})"

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


def _new_spec(cls: type[Spec], shape: tuple[int, ...], dtype: DType) -> Spec:
    made = object.__new__(cls)
    lengths = tuple(map(int, shape))               # NumPy's integers print in their own way
    for name, value in (("shape", lengths), ("dtype", dtype), ("ndim", len(lengths)),
                        ("size", math.prod(lengths))):
        object.__setattr__(made, name, value)
    return _specs.setdefault((lengths, dtype), made)


class Buffer:
    """Numbers in memory. A node that holds one is a leaf; equal only to itself.

    address     of the first number, once `locate` was asked; native programs take it
    """

    __slots__ = ("__weakref__", "address", "array")

    def __init__(self, array: np.ndarray, address: int = 0) -> None:
        self.array, self.address = array, address

    def locate(self) -> int:
        """Where the numbers lie, in C order and without gaps: elsewhere from now on if need be."""
        if not self.array.flags.c_contiguous:
            self.array = self.array.copy(order="C")
        self.address = address(self.array)
        return self.address


# The ops room fills this in: a graph knows that nodes can be added, not how.
operators: dict[str, Callable[..., Node]] = {}


class Node:
    """One operation applied to nodes; structurally equal nodes are the same object.

    outputs holds one Spec per result; most primitives have one, and `Pick(i)` takes the others.
    value is filled in when the node has been evaluated; shown and leaf, weak references, belong to
    the tensor that shows the node. They are no part of its identity.
    """

    __slots__ = ("__weakref__", "inputs", "leaf", "outputs", "prim", "shown", "source", "value")

    prim: Primitive
    inputs: tuple[Node, ...]
    outputs: tuple[Spec, ...]
    source: Source
    value: tuple[Buffer, ...] | None
    shown: ref[Any] | None
    leaf: ref[Any] | None

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


class _Entry(ref[Node]):
    """A node in the table of nodes: it goes when nobody else holds it."""

    __slots__ = ("key",)

    key: tuple[Primitive, tuple[Node, ...]]


_interned: dict[tuple[Primitive, tuple[Node, ...]], _Entry] = {}

_MOST_INFERRED = 20_000          # results of `infer` remembered before we start again
_inferred: dict[tuple[Any, ...], tuple[Spec, ...]] = {}


def make(prim: Primitive, inputs: tuple[Node, ...], source: Source | None = None) -> Node:
    """The node `prim(*inputs)`; the one that exists already if there is one (hash-consing).

    The user's own lines are kept apart: what two of them make equally are two nodes, each with its
    line, until they become part of a closed graph. Derivatives and passes, which name a source or
    inherit one, get the node that exists, whatever its line.

    Raises whatever `prim.infer` raises for inputs that do not fit.
    """
    key = prim, inputs
    entry = _interned.get(key)
    found = None if entry is None else entry()
    own = False                                    # does the line of a user say where?
    if source is None:
        source = sources.inherited()
        if source is None:
            source, own = sources.line(), True
    # what no line made does not show a line that happens to make the same
    apart = (own and (source.file or source.layer)) or source is sources.NOWHERE
    if found is not None and apart and found.source != source:
        found = again(found, source)
        _interned[key] = _entry(key, found)
    if found is not None:
        return found
    node = fresh(prim, inputs, source)
    entry = _entry(key, node)
    first = _interned.setdefault(key, entry)       # another thread may have made it meanwhile
    found = node if first is entry else first()
    if found is None:                              # that one has gone again
        _interned[key], found = entry, node
    return found


def _entry(key: tuple[Primitive, tuple[Node, ...]], node: Node) -> _Entry:
    entry = _Entry(node, _forget)
    entry.key = key
    return entry


def _forget(entry: ref[Node]) -> None:
    key = entry.key  # type: ignore[attr-defined]
    found = _interned.pop(key, None)
    if found is not entry and found is not None:       # an equal node has been made since
        _interned.setdefault(key, found)


def become(node: Node, prim: Primitive) -> None:
    """Let a node that has a value be a leaf that holds it: what it was computed from can go.

    Only where nobody asks for the way there any more: no gradient passes, no trace is running.
    """
    key = node.prim, node.inputs
    entry = _interned.get(key)
    if entry is not None and entry() is node:
        del _interned[key]
    node.prim, node.inputs = prim, ()


def again(old: Node, source: Source) -> Node:
    """The same operation, from another line; it has the value that the first has by now."""
    node = Node()
    node.prim, node.inputs, node.outputs, node.value = old.prim, old.inputs, old.outputs, old.value
    node.source, node.shown, node.leaf = source, None, None
    return node


def fresh(prim: Primitive, inputs: tuple[Node, ...] = (), source: Source | None = None,
          specs: tuple[Spec, ...] | None = None) -> Node:
    """A new node, though an equal one may exist: for the inputs of a graph, each with its line.

    specs are what `prim.infer` would say, where that is known.
    """
    node = Node()
    node.outputs = _specs_of(prim, inputs) if specs is None else specs
    node.prim, node.inputs, node.value, node.shown, node.leaf = prim, inputs, None, None, None
    node.source = source or sources.here()
    return node


def _specs_of(prim: Primitive, inputs: tuple[Node, ...]) -> tuple[Spec, ...]:
    """What `prim.infer` says. It sees shapes and dtypes alone: the same ones are asked for once."""
    if not inputs:
        specs = prim.infer()
        return specs if isinstance(specs, tuple) else (specs,)
    key = (prim, *[x.outputs for x in inputs])
    found = _inferred.get(key)
    if found is None:
        specs = prim.infer(*inputs)
        if len(_inferred) >= _MOST_INFERRED:
            _inferred.clear()
        found = _inferred[key] = specs if isinstance(specs, tuple) else (specs,)
    return found


def topological(roots: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """Every node the roots depend on, inputs before users; nodes where `stop` holds are leaves."""
    order: list[Node] = []
    seen: set[Node] = set()
    done: set[Node] = set()
    for root in roots:
        stack = [root]
        while stack:
            node = stack.pop()
            if node in seen:
                if node not in done:                  # all that it depends on has had its turn
                    done.add(node)
                    order.append(node)
                continue
            seen.add(node)
            if (stop is not None and stop(node)) or not node.inputs:
                done.add(node)
                order.append(node)
            else:
                stack.append(node)
                stack.extend([x for x in reversed(node.inputs) if x not in seen])
    return order
