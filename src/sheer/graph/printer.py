"""The printer: a graph flows in, Python text comes out that rebuilds the identical graph."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from .dtypes import DTYPES, DType, bool_
from .graph import Graph
from .verify import bodies as nested

# The ops room fills this in: what a printed graph may call. A graph knows that there are
# primitives, not which.
vocabulary: dict[str, Any] = {}


def to_text(graph: Graph) -> str:
    """One line per node: `v3 = Tanh()(v1)   # f32[3, 4]  train.py:31  h = tanh(x)`.

    The text runs after `from sheer.ops import *`, `from sheer.graph import *` and
    `from math import inf, nan`, and ends with `graph = Graph((...), (...))`; `from_text` runs it.
    """
    return "\n".join(_lines(graph, "graph", []))


def from_text(text: str) -> Graph:
    """The graph that `to_text` printed."""
    scope = {**vocabulary, **{d.name: d for d in DTYPES}, "bool_": bool_, "Graph": Graph,
             "inf": math.inf, "nan": math.nan}
    exec(compile(text, "<graph>", "exec"), scope)   # our own text, never a file's
    built: Graph = scope["graph"]
    return built


def _lines(graph: Graph, name: str, bodies: list[Graph]) -> list[str]:
    prefix = "v" if name == "graph" else f"{name}_v"
    names = {node: f"{prefix}{i}" for i, node in enumerate(graph.nodes)}
    out: list[str] = []
    for node in graph.nodes:
        for body in nested(node.prim):
            if body not in bodies:
                bodies.append(body)
                out += _lines(body, f"body{bodies.index(body)}", bodies)
        arguments = ", ".join(names[x] for x in node.inputs)
        call = f"{names[node]} = {_value(node.prim, bodies)}({arguments})"
        specs = ", ".join(map(str, node.outputs))
        out.append(f"{call:<60} # {specs:<16} {node.source}  {node.source.code}".rstrip())
    listing = lambda nodes: "(" + "".join(f"{names[n]}, " for n in nodes).strip() + ")"
    return [*out, f"{name} = Graph({listing(graph.inputs)}, {listing(graph.outputs)})"]


def _value(value: Any, bodies: list[Graph]) -> str:
    """The Python expression of a primitive or of one of its parameters."""
    if isinstance(value, Graph):
        return f"body{bodies.index(value)}"
    if isinstance(value, DType):
        return {"bool": "bool_"}.get(value.name, value.name)
    if hasattr(value, "text"):                       # a primitive with a shorter form of its own
        return str(value.text(_value(value.dtype, bodies)))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = [f"{f.name}={_value(getattr(value, f.name), bodies)}"
                 for f in dataclasses.fields(value) if f.compare]      # the rest is for people
        return f"{type(value).__name__}({', '.join(pairs)})"
    if isinstance(value, tuple):
        inner = ", ".join(_value(v, bodies) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)
