"""Faults while a program runs: its graph and what it was given flow in; who and where flows out.

A program knows kernels, perhaps compiled for another function of the same structure. The graph of
the function at hand knows the lines: it is run again on the reference, which stops where the
program did.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..graph.errors import SheerError
from ..graph.graph import Graph
from ..graph.interpret import interpret
from ..graph.node import Buffer, Node


class _Local(threading.local):
    """What holds on each thread."""

    plain = False


_local = _Local()


@contextmanager
def unexplained() -> Iterator[None]:
    """Within the block errors of running programs come as they are: a caller finds the place in a
    cheaper way."""
    before = _local.plain
    _local.plain = True
    try:
        yield
    finally:
        _local.plain = before


def explained(error: SheerError, graph: Graph, given: Sequence[Buffer],
              now: Sequence[Node] = ()) -> SheerError:
    """The error with the lines of this graph; what it was given must be as before the run.

    now     where its first inputs stand for arguments: those of this call, whose lines they are
    """
    if not error.located or _local.plain:                         # no operation has failed
        return error
    try:
        interpret(graph, [b.array for b in given])
    except SheerError as found:
        arguments = dict(zip(graph.inputs, now, strict=False))
        for name, value in found.got.items():
            if isinstance(value, Node):
                found.got[name] = arguments.get(value, value)
        return found
    return error                       # NumPy finds nothing wrong: a matrix at the edge of singular
