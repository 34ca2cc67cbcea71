"""Where a value was made: the user's line and the layer it ran in. Flows into every Node."""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_RECIPES = os.path.join(_PACKAGE, "recipes")       # recipes are user code that we happen to ship
_COMMANDS = os.path.join(_PACKAGE, "cli.py")       # behind it stands no program of the user's
_COMPILER = (os.path.join(_PACKAGE, "compile"), os.path.join(_PACKAGE, "backends"))    # nor here
_USERS, _OURS, _COMMAND, _BEHIND = 0, 1, 2, 3       # whose line is it? the last two: nobody's
_whose: dict[str, int] = {}                        # file name -> one of these
_KEPT = 20_000                                     # lines remembered before we start again
_lines: dict[tuple[int, int, str], Source] = {}    # (code, place in it, layer) -> the one Source


class _State(threading.local):
    """What holds on each thread: values of the class where nothing was set, which is found sooner
    than that there is nothing.
    """

    inherited: Source | None = None
    held: Source | None = None
    path = ""


_state = _State()


class Source:
    """A line of the user's program, and the path of the module that was running.

    Made at every operation, so the line number is worked out when somebody asks for it.
    """

    __slots__ = ("_at", "_code", "_line", "file", "layer")

    def __init__(self, file: str, line: int, layer: str = "") -> None:
        self.file, self.layer, self._line = file, layer, line
        self._code: CodeType | None = None
        self._at = 0

    @classmethod
    def of(cls, code: CodeType, at: int, layer: str) -> Source:
        """The line of a running function; the same object each time it comes there."""
        key = id(code), at, layer
        found = _lines.get(key)
        if found is None:
            if len(_lines) >= _KEPT:
                _lines.clear()
            found = cls(code.co_filename, 0, layer)
            found._code, found._at = code, at           # keeps the code, and so its id, alive
            found = _lines.setdefault(key, found)
        return found

    @property
    def line(self) -> int:
        """The number of the line, from 1."""
        if not self._line and self._code is not None:
            spans = self._code.co_lines()
            self._line = next((n for a, b, n in spans if a <= self._at < b and n), 0)
        return self._line

    @property
    def code(self) -> str:
        """The text of the line, without indentation; empty when it cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Source) and self._key() == other._key())

    def __hash__(self) -> int: return hash(self._key())
    def _key(self) -> tuple[str, int, str]: return self.file, self.line, self.layer

    def __reduce__(self) -> tuple[Any, ...]:
        return Source, self._key()

    def __repr__(self) -> str:
        return f"Source({self.file!r}, {self.line}, {self.layer!r})"

    def __str__(self) -> str:
        if self.file:
            return f"{os.path.basename(self.file)}:{self.line}"
        return f"layer {self.layer}" if self.layer else "sheer"


NOWHERE = Source("", 0)            # of what no line made, such as a number that many lines contain


def _look(file: str) -> int:
    """Whose lines a file holds."""
    recipe = file.startswith(_RECIPES) and not file.endswith("recipe.py")
    ours = file.startswith(_PACKAGE) and not recipe
    behind = _COMMAND if file == _COMMANDS else _BEHIND if file.startswith(_COMPILER) else None
    _whose[file] = behind or (_OURS if ours else _USERS)
    return _whose[file]


def inherited() -> Source | None:
    """What `inherit` says, if it says anything."""
    return _state.inherited


def here() -> Source:
    """The innermost frame outside sheer, unless `inherit` says otherwise; under the command line
    and in the compiler, where no frame is the user's, the layer alone.
    """
    return inherited() or line()


def hold() -> bool:
    """Let everything made from here on have the line of the user's that runs now, until `release`:
    looked for once, however many nodes an operation makes. False when one is held already.
    """
    if _state.held is not None:
        return False
    _state.held = line()
    return True


def release() -> None:
    """Look for the line again."""
    _state.held = None


def line() -> Source:
    """As `here`, whatever is inherited."""
    if (held := _state.held) is not None:
        return held
    frame: FrameType = sys._getframe(1)
    path = layer_path()
    while True:
        file = frame.f_code.co_filename
        whose = _whose.get(file)
        if whose is None:
            whose = _look(file)
        if whose == _USERS:
            break
        if whose == _COMMAND and not path:
            return NOWHERE
        if whose >= _COMMAND:
            return Source("", 0, path)
        below = frame.f_back
        if below is None:
            break
        frame = below
    return Source.of(frame.f_code, frame.f_lasti, path)


@contextmanager
def inherit(source: Source | None) -> Iterator[None]:
    """Nodes made inside get this source: a derivative belongs to the line it differentiates."""
    before = inherited()
    _state.inherited = source
    try:
        yield
    finally:
        _state.inherited = before


class layer:
    """Within the block everything belongs to the layer `name` of the module above."""

    __slots__ = ("before", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.before = before = layer_path()
        _state.path = f"{before}.{self.name}" if before and self.name else before or self.name

    def __exit__(self, *exc: object) -> None:
        _state.path = self.before


def layer_path() -> str:
    """Dotted path of the running modules, e.g. "net.conv1"; empty outside any module."""
    return _state.path
