"""What a tensor does not have: an error that names the nearest thing it has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from ..graph.errors import MissingError
from .core import Core
from .left_out import LEFT_OUT
from .left_out_torch import of_torch

# What another library calls what we have.
ELSEWHERE = {"compile": "jit"}
# Whose names are those of torch itself, or of its tables; beside them Tensor and its subclasses.
_OF_TORCH = ("sheer", "linalg", "special")


def left_out(owner: str, name: str) -> MissingError | None:
    """E190 for a name that is left out on purpose: why, and what comes nearest."""
    found = LEFT_OUT.get(owner, {}).get(name)
    if owner in _OF_TORCH or owner[:1].isupper():
        found = of_torch(name)
    if found is None:
        return None
    why, nearest = found
    return MissingError("E190", owner, f"{name} is left out: {why}",
                        need="docs/left-out.md lists what is left out, and why",
                        tries=[(nearest, lambda: None)] if nearest else [])


def missing(owner: str, name: str, have: Iterable[str]) -> MissingError:
    """E190, with up to three names that are like the one asked for."""
    on_purpose = left_out(owner, name)
    if on_purpose is not None:
        return on_purpose
    known = sorted(n for n in have if not n.startswith("_"))
    other = ELSEWHERE.get(name)
    near = [other] if other in known else difflib.get_close_matches(name, known, 3, 0.6)
    return MissingError("E190", owner, f"there is no {name}",
                        need="a name that sheer has",
                        tries=[(f"{owner}.{n}", lambda: None) for n in near])


def refusing(owner: str, have: Iterable[str]) -> Callable[[str], Any]:
    """`__getattr__` of a module: E190 for a name that is not there. have: its `__all__`."""
    def __getattr__(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise missing(owner, name, have)
    return __getattr__


class Missing(Core):
    """The last place where Python looks for an attribute."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)               # protocols ask; nobody reads the answer
        raise missing(type(self).__name__, name, dir(type(self)))
