"""Host kernels: a primitive without native code flows in, a call back into its NumPy `ref` comes out."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sheer.compile.roots import home
from sheer.graph import Graph, Node, Spec
from sheer.graph.interpret import evaluate
from sheer.ops.structure import Pick

from .builder import Builder
from .lower_contract import address
from .values import POINTER, Value, constant

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p)


@dataclass(frozen=True)
class HostCall:
    """One primitive to be evaluated on arrays whose addresses come in a table."""

    node: Node
    operands: tuple[Spec, ...]

    def run(self, table: int) -> None:
        """Read operands where the table says, evaluate, write the results behind them."""
        count = len(self.operands) + len(self.node.outputs)
        addresses = (ctypes.c_void_p * count).from_address(table)
        specs = (*self.operands, *self.node.outputs)
        arrays = [_view(at or 0, spec) for at, spec in zip(addresses, specs, strict=True)]
        inputs = [(a,) for a in arrays[:len(self.operands)]]
        for found, place in zip(evaluate(self.node, inputs), arrays[len(inputs):], strict=True):
            place[...] = found


def host_call(body: Graph) -> HostCall:
    """What a host body evaluates."""
    node = next(n for n in reversed(body.nodes) if not isinstance(n.prim, Pick))
    return HostCall(node, tuple(x.spec for x in node.inputs))


def emit_host(b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
              call: HostCall, number: int, callback: Value) -> Value:
    """Call the callback; its result, 0 when all went well."""
    pointers = dict(zip(body.inputs, inputs, strict=True))
    places = [address(b, home(x), pointers) for x in call.node.inputs] + list(outputs)
    table = b.alloca(POINTER, len(places))
    for i, place in enumerate(places):
        b.store(table, i, place)
    from sheer.graph.dtypes import int32, int64
    which = constant(number, int64)
    return b.effect(int32, 1, f"call i32 {callback.name}({which.typed}, {table.typed})")


def _view(at: int, spec: Spec) -> np.ndarray:
    size = spec.size * spec.dtype.size
    if not size:
        return np.empty(spec.shape, spec.dtype.numpy)
    raw = (ctypes.c_char * size).from_address(at)
    return np.frombuffer(raw, spec.dtype.numpy).reshape(spec.shape)
