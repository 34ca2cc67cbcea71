"""Convolutions and pools through the graph: the pass, the compiled program and NumPy agree."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.compile.passes import simplify
from sheer.compile.windows import windows
from sheer.graph import Graph, Node, dtype_of, interpret
from sheer.ops.contract.conv import Conv
from sheer.ops.structure import Input
from sheer.ops.walk import vjp_nodes
from sheer.ops.window import MaxPool, MaxPoolInput, SumPool, SumPoolInput


def inputs(*arrays: np.ndarray) -> list[Node]:
    return [Input(i, a.shape, dtype_of(a.dtype))() for i, a in enumerate(arrays)]


def check(graph: Graph, arrays, rtol=1e-4, atol=1e-4):
    """The pass alone keeps the meaning; so does the compiled program, which has no host kernel."""
    want = interpret(graph, [a.copy() for a in arrays])
    for w, got in zip(want, interpret(windows(graph), [a.copy() for a in arrays]), strict=True):
        np.testing.assert_allclose(got, w, rtol=rtol, atol=atol)
    program = CpuBackend().compile(graph)
    assert not [k for _, k in program.program.walk() if k.kind == "host"]
    for w, got in zip(want, program([a.copy() for a in arrays]), strict=True):
        assert got.dtype == w.dtype
        np.testing.assert_allclose(got, w, rtol=rtol, atol=atol)
    return program


def random_conv(seed: int):
    """Settings, image and weights that fit, ragged on purpose."""
    rng = np.random.default_rng(seed)
    axes = int(rng.choice([1, 2, 2, 2, 3]))
    draw = lambda low, high: tuple(rng.integers(low, high, axes).tolist())
    groups = int(rng.choice([1, 1, 2, 3]))
    most = (1, 41, 25, 9)[axes]
    kernel, stride, dilation = draw(1, 5), draw(1, 4), draw(1, 3)
    padding = tuple(zip(draw(0, 3), draw(0, 3), strict=True))
    size = tuple(max(n, d * (k - 1) + 1) for n, k, d in
                 zip(draw(3, most), kernel, dilation, strict=True))
    i, o, n = (int(v) for v in rng.choice([1, 2, 3, 7, 16, 33], 3))
    i, o, n = (i, o, min(n, 7)) if axes < 3 else (min(i, 3), min(o, 7), min(n, 3))
    x = rng.normal(size=(n, i * groups, *size)).astype(np.float32)
    w = rng.normal(size=(o * groups, i, *kernel)).astype(np.float32)
    return Conv(stride, padding, dilation, groups), x, w


@pytest.mark.parametrize("seed", range(24))
def test_a_convolution_and_its_gradients(seed):
    prim, x, w = random_conv(seed)
    a, b = inputs(x, w)
    y = prim(a, b)
    ct = np.random.default_rng(seed).normal(size=y.shape).astype(np.float32)
    c = Input(2, ct.shape, y.dtype)()
    gx, gw = vjp_nodes([y], [c], [a, b])
    check(Graph([a, b, c], [y, gx, gw]), [x, w, ct], rtol=1e-3, atol=1e-3)
