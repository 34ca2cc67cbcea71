"""Does it fit? A program and the free memory flow in; an error naming the largest values comes out.

Its memory is planned, so this is known before anything is allocated.
"""

from __future__ import annotations

from ..graph import Node
from ..graph.errors import MemoryLimitError
from .program import Program

_NAMED = 4          # values that the error shows


def refuse(program: Program, needed: int, free: int) -> MemoryLimitError:
    """The error for a program that needs more bytes than are free."""
    rows = [(f"{i}. {readable(node.size * node.dtype.size)}", node)
            for i, node in enumerate(largest(program)[:_NAMED], 1)]
    return MemoryLimitError(
        "E630", "program", f"it needs {readable(needed)} of memory besides its inputs",
        got=dict(rows), need=f"no more than the {readable(free)} that are free",
        tries=[("fewer rows at a time, or utils.checkpoint around layers whose values wait for the "
                "backward pass", lambda: None)])


def largest(program: Program) -> list[Node]:
    """Values that the program makes, largest first, one for each line and shape."""
    made = [node for _, kernel in program.walk() for node in kernel.made]
    made.sort(key=lambda n: -n.size * n.dtype.size)
    return list({(n.source, n.spec): n for n in reversed(made)}.values())[::-1]


def readable(size: float) -> str:
    """Bytes as people write them: 70.4 TB."""
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000 or unit == "PB":
            return f"{size:.3g} {unit}"
        size /= 1000
    raise AssertionError
