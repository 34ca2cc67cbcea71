"""Settings: Python values that modules hold. A compiled function notices when one has changed.

The values are part of its program. Looking at them before every call would cost more than a small
network takes, so assignments are counted: the values are looked at when there was another one.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ..transforms import trace

if TYPE_CHECKING:
    from .module import Module

_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, FunctionType,
          BuiltinFunctionType, type)
# asked for by themselves (the mode has a guard of its own), or no setting
OURS = {"training", "_training", "_looked", "_temporary"}
_assignments = [0]


class _Held:
    """The settings of the modules that a trace called, as it left them; have they stayed so?"""

    def __init__(self, running: trace.Trace) -> None:
        self.seen = _assignments[0]
        self.modules: dict[int, ref[Module]] = {}
        self.values: dict[int, dict[str, Any]] = {}
        running.ends.append(self.look)         # what the function itself assigns is no change

    def add(self, module: Module) -> None:
        """Watch a module without keeping it: that it is gone is a change, too."""
        self.modules[id(module)] = ref(module, lambda _: assigned())

    def look(self) -> None:
        """Take the values of now."""
        self.values = {i: _settings(m()) for i, m in self.modules.items() if m() is not None}
        self.seen = _assignments[0]

    def __call__(self) -> bool:
        now = _assignments[0]
        if now != self.seen:
            for i, values in self.values.items():
                module = self.modules[i]()
                if module is None or _settings(module) != values:
                    return False
            self.seen = now
        return True


def assigned() -> None:
    """Say that a setting of some module may have changed."""
    _assignments[0] += 1


def depend_on(module: Module) -> None:
    """In a trace: what is compiled depends on the settings of this module."""
    running = trace.current()
    if running is not None and not module.__dict__["_temporary"]:
        root = running.root
        root.guard_once("settings", lambda: _Held(root)).add(module)


def _settings(module: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items()
            if name not in OURS and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(map(_is_plain, value)))
