"""The printer: a graph flows in, Python text comes out that rebuilds the identical graph."""

from __future__ import annotations

import dataclasses
from typing import Any

from .dtypes import DType
from .graph import Graph


def to_text(graph: Graph) -> str:
    """One line per node: `v3 = Tanh()(v1)   # f32[3, 4]  train.py:31  h = tanh(x)`.

    The text runs with `from sheer.ops import *` and `from sheer.graph import *` and ends with
    `graph = Graph((...), (...))`; `from_text` runs it.
    """
    return "\n".join(_lines(graph, "graph", []))


def from_text(text: str) -> Graph:
    """The graph that `to_text` printed."""
    from .. import graph as graph_room
    from .. import ops
    scope: dict[str, Any] = {**vars(graph_room), **vars(ops)}
    exec(compile(text, "<graph>", "exec"), scope)   # our own text, never a file's
    built = scope["graph"]
    assert isinstance(built, Graph)
    return built


def _lines(graph: Graph, name: str, bodies: list[Graph]) -> list[str]:
    prefix = "v" if name == "graph" else f"{name}_v"
    names = {node: f"{prefix}{i}" for i, node in enumerate(graph.nodes)}
    out: list[str] = []
    for node in graph.nodes:
        for body in _bodies(node.prim):
            if body not in bodies:
                bodies.append(body)
                out += _lines(body, f"body{bodies.index(body)}", bodies)
        call = f"{names[node]} = {_value(node.prim, bodies)}({', '.join(names[x] for x in node.inputs)})"
        specs = ", ".join(map(str, node.outputs))
        out.append(f"{call:<60} # {specs:<16} {node.source}  {node.source.code}".rstrip())
    listing = lambda nodes: "(" + "".join(f"{names[n]}, " for n in nodes).strip() + ")"
    return [*out, f"{name} = Graph({listing(graph.inputs)}, {listing(graph.outputs)})"]


def _bodies(prim: Any) -> list[Graph]:
    values = [getattr(prim, f.name) for f in dataclasses.fields(prim)]
    return [v for v in values if isinstance(v, Graph)]


def _value(value: Any, bodies: list[Graph]) -> str:
    """The Python expression of a primitive or of one of its parameters."""
    if isinstance(value, Graph):
        return f"body{bodies.index(value)}"
    if isinstance(value, DType):
        return {"bool": "bool_"}.get(value.name, value.name)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = [f"{f.name}={_value(getattr(value, f.name), bodies)}"
                 for f in dataclasses.fields(value)]
        return f"{type(value).__name__}({', '.join(pairs)})"
    return repr(value)
