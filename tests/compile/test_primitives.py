"""Every primitive, compiled, against its own `ref`."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sheer.ops.host
import sheer.ops.index
import sheer.ops.random
import sheer.ops.window  # noqa: F401
from sheer.backends.cpu.ir.target import host_target
from sheer.graph import Graph, dtype_of
from sheer.ops.primitive import REGISTRY, results
from sheer.ops.structure import Input


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_compiled_equals_the_reference(name):
    check_cases(name, 6)


@pytest.mark.parametrize("cpu", ["avx2", "sse"])
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_narrower_vectors_equal_the_reference(name, cpu, monkeypatch):
    monkeypatch.setenv("SHEER_CPU", cpu)
    try:
        host_target()
    except ValueError as error:
        pytest.skip(str(error))
    check_cases(name, 2)


def check_cases(name, count):
    """Drawn and pinned cases of a primitive."""
    cases, pinned = REGISTRY[name].samples(), REGISTRY[name].hard()
    if cases.is_empty:
        return

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(cases, st.sampled_from(pinned)) if pinned else cases)
    def drawn(case):
        check_case(*case)
    drawn()


def check_case(prim, args):
    arrays = [np.array(a) for a in args]
    ins = [Input(i, a.shape, dtype_of(a.dtype))() for i, a in enumerate(arrays)]
    node = prim(*ins)
    outs = results(node) if len(node.outputs) > 1 else (node,)
    wide = any(a.dtype == np.float64 for a in arrays)
    check(Graph(ins, outs), arrays, rtol=1e-12 if wide else 2e-6, atol=1e-12 if wide else 2e-6)
