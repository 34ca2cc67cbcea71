"""The verifier: a graph flows in, nothing comes out, or an error that names the broken node."""

from __future__ import annotations

import dataclasses

from .errors import SheerError, StateError
from .graph import Graph
from .node import Node, Spec


def verify(graph: Graph) -> Graph:
    """Check that the graph is well formed; returns it, so that it can stand between passes.

    Inputs are different leaves, every other leaf is a constant, inputs come before their users,
    every node's recorded specs are what `infer` says today, and so it is in the bodies of loops.

    Raises StateError E901 (an error of sheer itself, not of its user).
    """
    known = set(graph.inputs)
    if len(known) != len(graph.inputs):
        raise _broken("an input is listed twice", graph.inputs)
    for node in graph.inputs:
        if not node.prim.leaf or node.prim.constant:
            raise _broken("an input of the graph is computed", node)
    for node in graph.nodes:
        if node not in known and node.prim.leaf and not node.prim.constant:
            raise _broken("a leaf is neither an input nor a constant", node)
        if any(x not in known for x in node.inputs):
            raise _broken("a node stands before its input", node)
        _check_specs(node)
        for body in bodies(node.prim):
            verify(body)
        known.add(node)
    return graph


def bodies(prim: object) -> list[Graph]:
    """The graphs among the parameters of a primitive."""
    values = [getattr(prim, f.name) for f in dataclasses.fields(prim)]  # type: ignore[arg-type]
    return [v for v in values if isinstance(v, Graph)]


def _check_specs(node: Node) -> None:
    try:
        specs: Spec | tuple[Spec, ...] = node.prim.infer(*node.inputs)
    except (SheerError, TypeError, ValueError, IndexError) as error:
        raise _broken(f"infer refuses the inputs: {error}".partition("\n")[0], node) from error
    specs = specs if isinstance(specs, tuple) else (specs,)
    if specs != node.outputs:
        raise _broken(f"infer says {_texts(specs)}, the node says {_texts(node.outputs)}", node)


def _texts(specs: tuple[Spec, ...]) -> str:
    return ", ".join(map(str, specs))


def _broken(what: str, node: object) -> StateError:
    return StateError("E901", "verify", what, got={"node": repr(node)},
                      need="a well-formed graph; this is an error of sheer, please report it")
