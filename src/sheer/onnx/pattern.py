"""One function traced at several batch sizes flows in; one graph with sizes in the batch comes out.

Graphs have fixed shapes. A network traced at three batch sizes gives three graphs that differ only
in numbers; those that are `plus + times * batch` in two of them, and in the third, are sizes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..graph.errors import ArgumentError
from ..graph.graph import Graph
from ..graph.node import Node
from ..ops.structure import Constant

BATCHES = (1009, 2003, 4001)       # primes, so that no other size of a network is one of them


class Size(NamedTuple):
    """plus + times * batch."""

    plus: int
    times: int


@dataclasses.dataclass
class Cell:
    """A node of all graphs: `fields` of its primitive and `shapes` hold ints and Sizes."""

    node: Node                     # that of the first graph
    fields: dict[str, Any]
    inputs: list[int]
    shapes: list[tuple[Any, ...]]

    @property
    def kind(self) -> str:
        """The primitive."""
        return type(self.node.prim).__name__

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(name) from None


@dataclasses.dataclass
class Pattern:
    """A graph whose sizes may depend on the batch: cells, and which of them go in and out."""

    cells: list[Cell]
    inputs: list[int]
    outputs: list[int]


def pattern(graphs: Sequence[Graph]) -> Pattern:
    """The graph that these are at the sizes BATCHES (one graph: as it is).

    Raises  E842 when they differ in more than sizes, naming the line
    """
    orders = [g.nodes for g in graphs]
    places = [{n: i for i, n in enumerate(order)} for order in orders]
    if len({len(order) for order in orders}) > 1:
        raise _differs(orders[0][-1], "the operations of the network")
    cells = []
    for nodes in zip(*orders, strict=True):
        first = nodes[0]
        wiring = [[place[x] for x in n.inputs] for n, place in zip(nodes, places, strict=True)]
        if len({type(n.prim) for n in nodes}) > 1 or any(w != wiring[0] for w in wiring):
            raise _differs(first, "the operations of the network")
        shapes = [_merged(list(s), first, "a shape") for s in zip(
            *([o.shape for o in n.outputs] for n in nodes), strict=True)]
        cells.append(Cell(first, _fields(nodes), wiring[0], shapes))
    return Pattern(cells, [places[0][n] for n in graphs[0].inputs],
                   [places[0][n] for n in graphs[0].outputs])


def _fields(nodes: Sequence[Node]) -> dict[str, Any]:
    """The parameters of a primitive, merged."""
    prims = [n.prim for n in nodes]
    if isinstance(prims[0], Constant) and len({p.data for p in prims}) > 1:  # type: ignore[attr-defined]
        return {"value": _number([p.ref() for p in prims], nodes[0])}
    names = [f.name for f in dataclasses.fields(prims[0]) if f.compare]  # type: ignore[arg-type]
    return {name: _merged([getattr(p, name) for p in prims], nodes[0], name) for name in names}


def _merged(values: list[Any], node: Node, what: str) -> Any:
    """One value for those of all graphs."""
    first = values[0]
    if isinstance(first, Graph):
        return pattern(values)
    if isinstance(first, tuple):
        if len({len(v) for v in values}) > 1:
            raise _differs(node, what)
        return tuple(_merged(list(v), node, what) for v in zip(*values, strict=True))
    if all(v == first for v in values):
        return first
    if not isinstance(first, int):
        raise _differs(node, what)
    return _size([int(v) for v in values], node, what)


def _size(values: list[int], node: Node, what: str) -> Size:
    times, rest = divmod(values[1] - values[0], BATCHES[1] - BATCHES[0])
    plus = values[0] - times * BATCHES[0]
    if rest or any(plus + times * b != v for b, v in zip(BATCHES, values, strict=True)):
        raise _differs(node, what)
    return Size(plus, times)


def _number(arrays: list[np.ndarray], node: Node) -> Size:
    """A number that the network computes with, when it is a whole multiple of the batch."""
    if any(a.shape != () or a != np.trunc(a) for a in arrays):
        raise _differs(node, "a constant")
    return _size([int(a) for a in arrays], node, "a constant")


def _differs(node: Node, what: str) -> ArgumentError:
    error = ArgumentError(
        "E842", "onnx.export", f"{what} depends on the batch size in a way that has no form",
        got={"result": node}, need="a network that treats every row alike, or a fixed batch",
        tries=[("dynamic_axes={}", lambda: None)])
    error.layer = node.source.layer
    return error
