"""Messages of errors and warnings, without the place where operands were made."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import sheer
from sheer.graph.errors import SheerError, SheerWarning
from sheer.nn import notes


def floats(*shape: int) -> sheer.Tensor:
    return sheer.tensor(np.random.default_rng(0).normal(size=shape), dtype="float32")


def text(call) -> str:
    """The message, with the place where operands were made cut off."""
    with pytest.raises(SheerError) as caught:
        call()
    return cut(str(caught.value))


def cut(message: str) -> str:
    return "\n".join(line.split("  made at")[0].rstrip() for line in message.split("\n"))


def warned(call, up: int = 1) -> str:
    notes._said.clear()
    with pytest.warns(SheerWarning) as caught:
        call()
    assert len(caught) == 1, [str(c.message) for c in caught]
    assert caught[0].filename == sys._getframe(up).f_code.co_filename
    return cut(str(caught[0].message))


def says(part: str, call) -> None:
    assert part in text(call)


def hints(part: str, call) -> None:
    assert part in warned(call, 2)
