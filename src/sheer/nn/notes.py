"""What the layers say aside: named warnings once per call site, and marks that nodes carry.

A mark is what a node is to a human ("probabilities", "scores of a layer"): the losses look at the
marks of their operands, so that probabilities fed to a loss that wants logits are noticed without
running anything.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ..graph import source
from ..graph.errors import SheerError, SheerWarning, Try
from ..graph.node import Node
from ..ops.elementwise import Cast, Log, Sigmoid
from ..transforms import trace

_marks: WeakKeyDictionary[Node, str] = WeakKeyDictionary()
_said: set[tuple[str, str, int]] = set()

PROBABILITIES, LOG_PROBABILITIES, SCORES = "probabilities", "log-probabilities", "scores"


def warn(code: str, op: str, what: str, *, got: Mapping[str, Any] | None = None, need: str = "",
         tries: Sequence[Try] = ()) -> None:
    """A SheerWarning with the text of an error, once per line of the user's program."""
    where = source.here()
    place = code, where.file, where.line
    if place in _said:
        return
    text = f"{code} {SheerError(code, op, what, got=got, need=need, tries=tries)}"
    warnings.warn_explicit(text, SheerWarning, where.file, where.line)
    _said.add(place)                     # after it: a warning turned into an error stays one


def mark(node: Node, what: str) -> Node:
    """Remember what a node is; gives the node."""
    _marks[node] = what
    return node


def meaning(node: Node) -> str:
    """What a node is: its own mark, or that of the node it only renames; empty when unknown."""
    while node not in _marks:
        if isinstance(node.prim, Sigmoid):
            return PROBABILITIES
        if isinstance(node.prim, Log):
            return LOG_PROBABILITIES if meaning(node.inputs[0]) == PROBABILITIES else ""
        if not (node.prim.view or isinstance(node.prim, Cast)) or not node.inputs:
            return ""
        node = node.inputs[0]
    return _marks[node]


def guarded(ask: Callable[[], Any]) -> Any:
    """A Python value that may change between calls: a compiled function checks it again."""
    running = trace.current()
    while running is not None:
        running.guard(ask)
        running = running.parent
    return ask()
