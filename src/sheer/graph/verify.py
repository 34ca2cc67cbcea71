"""The verifier: a graph flows in, nothing comes out, or an error that names the broken node."""

from __future__ import annotations

from .errors import StateError
from .graph import Graph


def verify(graph: Graph) -> Graph:
    """Check that the graph is well formed; returns it, so that it can stand between passes.

    Every leaf is an input or a constant, every node's recorded specs are what `infer` says
    today, and inputs come before their users.

    Raises StateError E901 (an error of sheer itself, not of its user).
    """
    known = set(graph.inputs)
    if len(known) != len(graph.inputs):
        raise _broken("an input is listed twice", graph.inputs)
    for node in graph.nodes:
        if node not in known and node.prim.leaf and not node.prim.constant:
            raise _broken("a leaf is neither an input nor a constant", node)
        missing = [x for x in node.inputs if x not in known]
        if missing and node not in graph.inputs:
            raise _broken("a node stands before its input", node)
        specs = node.prim.infer(*node.inputs)
        specs = specs if isinstance(specs, tuple) else (specs,)
        if specs != node.outputs:
            raise _broken(f"infer says {specs}, the node says {node.outputs}", node)
        known.add(node)
    return graph


def _broken(what: str, node: object) -> StateError:
    return StateError("E901", "verify", what, got={"node": repr(node)},
                      need="a well-formed graph; this is an error of sheer, please report it")
