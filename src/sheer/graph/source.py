"""Where a value was made: the user's line and the layer it ran in. Flows into every Node."""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_RECIPES = os.path.join(_PACKAGE, "recipes")       # recipes are user code that we happen to ship
_COMMANDS = os.path.join(_PACKAGE, "cli.py")       # behind it stands no program of the user's
_inside: dict[str, bool] = {}                      # file name -> is it our own machinery?
_state = threading.local()


class Source(NamedTuple):
    """A line of the user's program, and the path of the module that was running."""

    file: str
    line: int
    layer: str = ""

    @property
    def code(self) -> str:
        """The text of the line, without indentation; empty when it cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        if self.file:
            return f"{os.path.basename(self.file)}:{self.line}"
        return f"layer {self.layer}" if self.layer else "sheer"


def _is_ours(file: str) -> bool:
    ours = _inside.get(file)
    if ours is None:
        user = file.startswith(_RECIPES) and not file.endswith("recipe.py")
        ours = _inside[file] = file.startswith(_PACKAGE) and not user
    return ours


def here() -> Source:
    """The innermost frame outside sheer, unless `inherit` says otherwise; under the command line,
    where no frame is the user's, the layer alone.
    """
    kept: Source | None = getattr(_state, "inherited", None)
    if kept is not None:
        return kept
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        if frame.f_code.co_filename == _COMMANDS:
            return Source("", 0, layer_path())
        frame = frame.f_back
    return Source(frame.f_code.co_filename, frame.f_lineno, layer_path())


@contextmanager
def inherit(source: Source | None) -> Iterator[None]:
    """Nodes made inside get this source: a derivative belongs to the line it differentiates."""
    before = getattr(_state, "inherited", None)
    _state.inherited = source
    try:
        yield
    finally:
        _state.inherited = before


@contextmanager
def layer(name: str) -> Iterator[None]:
    """Everything made inside belongs to the layer `name` of the module above."""
    stack = _state.__dict__.setdefault("layers", [])
    stack.append(name)
    try:
        yield
    finally:
        stack.pop()


def layer_path() -> str:
    """Dotted path of the running modules, e.g. "net.conv1"; empty outside any module."""
    return ".".join(n for n in getattr(_state, "layers", ()) if n)
