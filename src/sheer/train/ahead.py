"""Looking ahead: validation data not yet scored flow in; an error comes out where they do not fit.

Labels and tokens out of range depend on the data alone: they can be known before any weight has
moved, and without the arithmetic of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..graph.errors import SheerError
from ..graph.graph import Graph
from ..graph.interpret import interpret
from ..graph.node import Node
from ..ops.index import Gather
from ..ops.loop import Scan
from ..transforms import execute, tree
from .plan import Part
from .prediction import in_memory
from .session import Session
from .source import Source


def look_ahead(session: Session, scored: Source) -> None:
    """Trace the scoring of rows in memory and look through their labels and tokens, so that shapes
    and numbers that do not fit are told before the first update. It is the program that scores
    them later; a loader is left alone, for making its batches takes time and may draw numbers.
    """
    for group in in_memory(scored) or ():
        for part in group.slices(0, group.steps):
            given = execute.evaluate(tree.flatten((part.memory, part.parts))[0])
            look = lambda scoring, *args, given=given: first_misfit(
                scoring.prepared(*args).graph, given)
            batch = session.forecast(part, None, look, False)
            if batch is not None:
                _stop_at(session, part.cut(batch, batch + 1))


def _stop_at(session: Session, part: Part) -> None:
    """Score a batch that stops; the error says which it was."""
    try:
        session.score(part.memory, part.parts)
    except SheerError as error:
        error.got = {"validation": f"batch {part.first + 1}", **error.got}
        raise


def first_misfit(graph: Graph, given: Sequence[np.ndarray]) -> int | None:
    """The first batch with an index out of range, in a program that loops over batches; None when
    there is none. Only indices made of `given`, its first inputs, are looked at.
    """
    known = dict(zip(graph.inputs, given, strict=False))
    for loop in graph.nodes:
        if isinstance(loop.prim, Scan):
            return next(_misfits(loop, known), None)
    return None


def _misfits(loop: Node, known: dict[Node, np.ndarray]) -> Iterator[int]:
    """The batches of the loop that would stop."""
    scan: Any = loop.prim
    _, _, slices = scan.split(range(len(loop.inputs)))
    at = [i for i, outer in enumerate(loop.inputs) if outer in known]
    inputs = [scan.body.inputs[i] for i in at]
    lookups = _lookups(scan.body, inputs)
    small = Graph(inputs, [index for node in lookups for index in node.inputs[1:]])
    for batch in range(scan.length if lookups else 0):
        arrays = [known[loop.inputs[i]] for i in at]
        found = iter(interpret(small, [a[batch] if i in slices else a
                                       for i, a in zip(at, arrays, strict=True)]))
        if not all(_fits(node, found) for node in lookups):
            yield batch


def _lookups(body: Graph, inputs: Sequence[Node]) -> list[Node]:
    """The lookups whose indices are made of these inputs and of constants."""
    made = set(inputs)
    for node in body.nodes[len(body.inputs):]:
        if made.issuperset(node.inputs):
            made.add(node)
    return [n for n in body.nodes if isinstance(n.prim, Gather) and made.issuperset(n.inputs[1:])]


def _fits(lookup: Node, indices: Iterator[np.ndarray]) -> bool:
    """Are the next indices, one array for each axis that is looked up, within it?"""
    prim: Any = lookup.prim
    within = [not i.size or bool((-n if prim.wrap else 0) <= i.min() and i.max() < n)
              for n, i in zip(lookup.inputs[0].shape[:prim.k], indices, strict=False)]
    return all(within)
