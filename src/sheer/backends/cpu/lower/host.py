"""Host kernels: a body without native code flows in, a call back into NumPy comes out."""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import Any

import numpy as np

from sheer.graph import Graph, Spec, from_text, interpret

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)


class HostCall:
    """A kernel body to be evaluated by NumPy on arrays whose addresses come in a table."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def body(self) -> Graph:
        """The graph, read from its printed form when it is needed for the first time."""
        return from_text(self._text)

    def run(self, table: int) -> None:
        """Read operands where the table says, evaluate, write the results behind them."""
        count = len(self.body.inputs)
        specs = [x.spec for x in (*self.body.inputs, *self.body.outputs)]
        addresses = (ctypes.c_void_p * len(specs)).from_address(table)
        arrays = [_view(at or 0, spec) for at, spec in zip(addresses, specs, strict=True)]
        results = interpret(self.body, arrays[:count])
        for found, place in zip(results, arrays[count:], strict=True):
            place[...] = found


def _view(at: int, spec: Spec) -> np.ndarray:
    size = spec.size * spec.dtype.size
    if not size:
        return np.empty(spec.shape, spec.dtype.numpy)
    raw: Any = (ctypes.c_char * size).from_address(at)
    flat: np.ndarray = np.frombuffer(raw, spec.dtype.numpy)
    return flat.reshape(spec.shape)
