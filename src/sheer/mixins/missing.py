"""What a tensor does not have: an error that names the nearest thing it has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from ..graph.errors import MissingError
from .core import Core


def missing(owner: str, name: str, have: Iterable[str]) -> MissingError:
    """E190, with up to three names that are like the one asked for."""
    near = difflib.get_close_matches(name, sorted(n for n in have if not n.startswith("_")), 3, 0.6)
    return MissingError("E190", owner, f"there is no {name}",
                        need="a name that sheer has",
                        tries=[(f"{owner}.{n}", lambda: None) for n in near])


class Missing(Core):
    """The last place where Python looks for an attribute."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)               # protocols ask; nobody reads the answer
        raise missing(type(self).__name__, name, dir(type(self)))
