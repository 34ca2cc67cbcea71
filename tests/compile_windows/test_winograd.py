"""Winograd's tiles: 3 x 3 convolutions and their gradients, whole or ragged, finite or not."""

from __future__ import annotations

import numpy as np
import pytest
from test_windows_conv import check, inputs

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.compile.rewrites.winograd import Winograd, WinogradWeight
from sheer.graph import Graph, interpret
from sheer.ops.contract.conv import Conv

SAME = Conv((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
SHAPES = [(2, 16, 16, 8, 8), (3, 32, 16, 7, 9), (1, 16, 64, 13, 5), (2, 64, 32, 6, 6),
          (1, 16, 128, 4, 7), (1, 48, 80, 2, 2), (5, 16, 16, 1, 3)]


def three(shape, dtype=np.float32):
    """A convolution with an epilogue and both its gradients."""
    n, i, o, h, w = shape
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype(dtype) for s in ((n, i, h, w), (o, i, 3, 3), (n, o, h, w))]
    x, f, y = inputs(*arrays)
    found = [ops.relu(SAME(x, f) + 0.5), SAME.to_x(x)(y, f) * 2.0, SAME.to_w(f)(x, y)]
    return Graph([x, f, y], found), arrays


@pytest.mark.parametrize("shape", SHAPES)
def test_results_are_those_of_the_definition(shape):
    check(*three(shape), rtol=1e-3, atol=1e-3)


def test_float64():
    check(*three((2, 16, 16, 5, 6), np.float64), rtol=1e-11, atol=1e-11)


def test_errors_are_a_few_roundings_of_the_sum_of_sizes():
    graph, arrays = three((4, 64, 64, 16, 16))
    exact = interpret(graph, [a.astype(np.float64) for a in arrays])
    sizes = interpret(graph, [np.abs(a.astype(np.float64)) for a in arrays])
    for got, want, size in zip(CpuBackend().compile(graph)(arrays), exact, sizes, strict=True):
        assert (np.abs(got - want) <= 8 * np.finfo(np.float32).eps * size).all()


def test_dense_convolutions_take_this_way():
    graph, _ = three((2, 16, 32, 8, 8))
    names = [n for _, k in CpuBackend().compile(graph).program.walk() for n in k.names]
    assert names.count(Winograd.__name__) == 2
    assert names.count(WinogradWeight.__name__) == 1


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("operand", [0, 1, 2])
def test_what_is_not_finite_reaches_just_the_results_it_belongs_to(operand, value):
    graph, arrays = three((2, 16, 16, 7, 8))
    arrays[operand].flat[17] = value
    with np.errstate(all="ignore"):
        plain = CpuBackend().compile(Graph(graph.inputs, graph.outputs[:1]))(arrays)[0]
        assert np.isfinite(plain).any()
        want = _by_definition(graph, arrays)
        for got, expected in zip(CpuBackend().compile(graph)(arrays), want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)


def _by_definition(graph, arrays):
    """Every product with its padding, tap by tap, as kernels that lay zeros around compute it."""
    x, f, y = arrays
    pad = lambda t: np.pad(t, ((0, 0), (0, 0), (1, 1), (1, 1)))
    taps = [(ky, kx) for ky in range(3) for kx in range(3)]
    h, w = x.shape[2:]
    see = lambda t, ky, kx: pad(t)[:, :, ky:ky + h, kx:kx + w]
    total = lambda parts: sum(parts[1:], parts[0])
    forward = total([np.einsum("nihw,oi->nohw", see(x, *t), f[:, :, t[0], t[1]]) for t in taps])
    backward = total([np.einsum("nohw,oi->nihw", see(y, *t), f[:, :, 2 - t[0], 2 - t[1]])
                      for t in taps])
    weight = np.stack([np.einsum("nihw,nohw->oi", see(x, *t), y) for t in taps], -1)
    return np.maximum(forward + 0.5, 0), backward * 2, weight.reshape(f.shape)
