"""Digests: a graph flows in, a short text that any process gives to equal graphs flows out."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Hashable
from functools import lru_cache
from typing import Any

from .dtypes import DType
from .graph import Graph


def digest(graph: Graph) -> str:
    """A hash of the structure: the same in every process for equal graphs, names and lines aside.

    A parameter whose text would be another one next time (a function, say) makes it unique.
    """
    place = {node: i for i, node in enumerate(graph.nodes)}
    lines = [f"{_value(n.prim)}({','.join(str(place[x]) for x in n.inputs)})" for n in graph.nodes]
    ends = f"{len(graph.inputs)}:{[place[n] for n in graph.outputs]}"
    return hashlib.sha256("\n".join([*lines, ends]).encode()).hexdigest()


@lru_cache(maxsize=20_000)
def _primitive(prim: Hashable) -> str:
    fields = (_value(getattr(prim, f.name)) for f in dataclasses.fields(prim))  # type: ignore[arg-type]
    return f"{type(prim).__name__}({','.join(fields)})"


def _value(value: Any) -> str:
    """A parameter, or a primitive, as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, Graph):
        return digest(value)
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, tuple):
        return f"({','.join(map(_value, value))})"
    if isinstance(value, DType):
        return value.name
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _primitive(value)  # type: ignore[arg-type]
    return f"?{uuid.uuid4()}"
