"""Which primitives still run on the host: the marker says what compiled programs really do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sheer.backends.cpu.backend import CpuBackend
from sheer.graph import Graph, dtype_of
from sheer.ops.primitive import REGISTRY, HostOp, results
from sheer.ops.structure import Input

LIST = Path(__file__).with_name("host_ops.txt")
HOST = sorted(name for name, cls in REGISTRY.items() if isinstance(cls.emit, HostOp))


def test_the_list_of_host_operations_only_shrinks():
    allowed, host = set(LIST.read_text().split()), set(HOST)
    assert host <= allowed, "a new primitive needs a native kernel, or a reason on the list"
    assert allowed <= host, "has a kernel now: take it off the list"


def first_case(cls):
    """One drawn or pinned case of a primitive."""
    pinned = cls.hard()
    if pinned:
        return pinned[0]
    from hypothesis import find, settings
    return find(cls.samples(), lambda case: True, settings=settings(database=None))


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_marker_says_what_programs_do(name):
    cls = REGISTRY[name]
    if cls.leaf or name in ("Pick", "Data", "Input"):
        pytest.skip("a leaf or a selection runs nowhere")
    prim, arrays = first_case(cls)
    nodes = [Input(i, np.shape(a), dtype_of(np.asarray(a).dtype))() for i, a in enumerate(arrays)]
    node = prim(*nodes)
    outs = results(node) if len(node.outputs) > 1 or cls.many else [node]
    if not all(o.size for o in outs):
        pytest.skip("nothing is computed for an empty result")
    program = CpuBackend().compile(Graph(nodes, outs)).program
    on_host = any(k.kind == "host" for _, k in program.walk())
    assert on_host == isinstance(cls.emit, HostOp)
