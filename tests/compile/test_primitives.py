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
from sheer.graph import Graph, dtype_of
from sheer.ops.primitive import REGISTRY, results
from sheer.ops.structure import Input


@pytest.mark.parametrize("name", sorted(REGISTRY))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_compiled_equals_the_reference(name, data):
    cases = REGISTRY[name].samples()
    if cases.is_empty:
        return
    pinned = REGISTRY[name].hard()
    prim, args = data.draw(st.one_of(cases, st.sampled_from(pinned)) if pinned else cases)
    arrays = [np.array(a) for a in args]
    ins = [Input(i, a.shape, dtype_of(a.dtype))() for i, a in enumerate(arrays)]
    node = prim(*ins)
    outs = results(node) if len(node.outputs) > 1 else (node,)
    wide = any(a.dtype == np.float64 for a in arrays)
    check(Graph(ins, outs), arrays, rtol=1e-12 if wide else 2e-6, atol=1e-12 if wide else 2e-6)
