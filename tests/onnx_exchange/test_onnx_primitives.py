"""Each primitive that has an ONNX form: onnxruntime and our own reader agree with its meaning."""

from __future__ import annotations

import io

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sheer
import sheer.onnx
from sheer.graph.dtypes import dtype_of
from sheer.graph.errors import MissingError
from sheer.mixins.core import apply
from sheer.nn import Module
from sheer.onnx.rules import NEVER, RULES
from sheer.ops.movement import Pad
from sheer.ops.primitive import REGISTRY

onnxruntime.set_default_logger_severity(4)
SINGLE = np.float32


class Calls(Module):
    """A network that is one primitive."""

    def __init__(self, prim):
        super().__init__()
        self.prim = prim

    def forward(self, *xs):
        out = apply(lambda *nodes: _first(self.prim(*nodes)), *xs)
        return out


def _first(node):
    from sheer.ops.structure import Pick
    return Pick(0)(node) if len(node.outputs) > 1 else node


def singles(array):
    array = np.asarray(array)
    return array.astype(SINGLE) if array.dtype == np.float64 else array


def run(body, arrays):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: a for i, a in zip(session.get_inputs(), arrays, strict=True)})


# instead of the primitive's own samples, which ONNX has no form for
CASES = {"Pad": st.just((Pad(((1, 2, 0), (-1, 1, 0), (0, -1, 0))),
                         (np.arange(24.0).reshape(2, 3, 4), np.array(7.0))))}
DIVIDING = ("FloorDivide", "Fmod", "Remainder")
KINDS = sorted(k for k in RULES if k in REGISTRY and not REGISTRY[k].leaf)


def close(got, want):
    np.testing.assert_allclose(np.asarray(got, np.float64), np.asarray(want, np.float64),
                               rtol=2e-5, atol=2e-6)
    assert got.dtype == want.dtype


def test_every_rule_is_of_a_primitive():
    assert set(RULES) <= set(REGISTRY)
    assert set(NEVER) <= set(RULES)


@pytest.mark.parametrize("opset", [17, 21])
@pytest.mark.parametrize("kind", KINDS)
def test_the_form_means_the_same(kind, opset):
    ran = []

    @settings(max_examples=5)
    @given(data=st.data())
    def check(data):
        prim, arrays = data.draw(CASES.get(kind, REGISTRY[kind].samples()))
        arrays = [singles(a) for a in arrays]
        if kind != "Concat" and any(0 in a.shape for a in arrays):
            return                                  # there onnxruntime has rules of its own
        if kind in DIVIDING and arrays[0].dtype.kind in "iu" and 0 in arrays[1]:
            return                                  # an error in onnxruntime
        with np.errstate(all="ignore"):
            want = prim.ref(*arrays)
        want = singles(want[0] if isinstance(want, tuple) else want)
        model, stream = Calls(prim), io.BytesIO()
        tensors = tuple(sheer.tensor(a, dtype=dtype_of(a.dtype)) for a in arrays)
        try:
            sheer.onnx.export(model, tensors, stream, opset_version=opset, dynamic_axes={})
        except MissingError:
            return                                  # no form for these settings
        close(sheer.onnx.load(io.BytesIO(stream.getvalue()))(*tensors).numpy(), want)
        try:
            got = run(stream.getvalue(), arrays)[0]
        except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
            return                                  # of this dtype, in this runtime
        close(got, want)
        ran.append(1)

    check()
    if not (kind.startswith("Bitwise") and opset < 18):
        assert ran


