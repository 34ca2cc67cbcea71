"""The `Builder`: everything a kernel generator may write, in one object."""

from __future__ import annotations

from ..math.vecmath import call_maths
from .control import Control
from .values import Value


class Builder(Control):
    """Writes LLVM IR text, one function at a time, into a module (`text()`).

    Arithmetic and conversion come from `arithmetic.py` and `integers.py`, lanes from `vectors.py`,
    loads and stores from `memory.py`, loops and functions from `control.py`.
    """

    inlining = False      # write functions where they are called: in short loops that run often

    def call(self, name: str, *arguments: Value, inline: bool = False, **fixed: int) -> Value:
        """A function of `vecmath.py` by name: exp, log, tanh, erf, pow, ...

        It is written into the module once per dtype and lane count, or right here if `inline`;
        `fixed` are parameters like the order of a derivative.
        """
        return call_maths(self, name, arguments, inline or self.inlining, fixed)
