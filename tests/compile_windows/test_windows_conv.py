"""Convolutions and pools through the graph: the pass, the compiled program and NumPy agree."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.compile.rewrites.windows import windows
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


@pytest.mark.parametrize(("stride", "padding", "groups", "x", "w"), [
    ((1, 1), ((0, 0), (0, 0)), 1, (2, 5, 6, 7), (9, 5, 1, 1)),            # no windows at all
    ((2, 2), ((0, 0), (0, 0)), 1, (2, 5, 7, 7), (9, 5, 1, 1)),
    ((1, 1), ((1, 1), (1, 1)), 6, (2, 6, 9, 9), (6, 1, 3, 3)),            # depthwise
    ((1, 1), ((1, 1), (1, 1)), 1, (1, 3, 32, 33), (17, 3, 3, 3)),         # one image
    ((1, 1), ((1, 1), (1, 1)), 1, (0, 3, 8, 8), (4, 3, 3, 3)),            # none
    ((2, 2), ((3, 3), (3, 3)), 1, (2, 3, 40, 38), (16, 3, 7, 7)),         # a stem
    ((4, 4), ((0, 0), (0, 0)), 1, (2, 3, 16, 16), (20, 3, 4, 4)),         # patches
    ((1, 1), ((2, 2), (2, 2)), 1, (8, 1, 28, 28), (6, 1, 5, 5)),          # few filters, long k
    ((1, 1), ((1, 1), (1, 1)), 1, (3, 40, 12, 10), (70, 40, 3, 3)),       # more than one strip
])
def test_pinned_convolutions(stride, padding, groups, x, w):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=x).astype(np.float32), rng.normal(size=w).astype(np.float32)
    p, q = inputs(a, b)
    y = ops.relu(Conv(stride, padding, (1, 1), groups)(p, q) + 0.1)
    c = Input(2, y.shape, y.dtype)()
    grads = vjp_nodes([y], [c], [p, q])
    ct = rng.normal(size=y.shape).astype(np.float32)
    check(Graph([p, q, c], [y, *grads]), [a, b, ct], rtol=1e-3, atol=1e-3)


def test_a_gradient_may_be_written_over_what_its_epilogue_reads():
    """Sums between blocks of a long k must not lie where the momentum still has to be read."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype(np.float32) for s in
              [(17, 4, 40, 40), (17, 20, 38, 38), (20, 4, 3, 3)]]
    x, ct, m = inputs(*arrays)
    new = m * 0.9 + Conv((1, 1), ((0, 0), (0, 0)), (1, 1), 1).to_w(m)(x, ct)
    graph = Graph([x, ct, m], [new])
    (want,) = interpret(graph, [a.copy() for a in arrays])
    got = [a.copy() for a in arrays]
    CpuBackend().compile(graph, {0: 2})(got)
    np.testing.assert_allclose(got[2], want, rtol=1e-3, atol=2e-2)


def test_float64_is_exact_enough():
    prim, x, w = random_conv(3)
    a, b = inputs(x.astype(float), w.astype(float))
    check(Graph([a, b], [prim(a, b)]), [x.astype(float), w.astype(float)], rtol=1e-12, atol=1e-12)


def test_bias_and_relu_land_in_the_product():
    x, w = np.ones((4, 3, 8, 8), np.float32), np.ones((8, 3, 3, 3), np.float32)
    a, b = inputs(x, w)
    y = ops.relu(Conv((1, 1), ((1, 1), (1, 1)), (1, 1), 1)(a, b) + 0.5)
    kernels = [k.kind for _, k in check(Graph([a, b], [y]), [x, w]).program.walk()]
    assert kernels == ["map", "contract"]                   # padding, and all the rest


@pytest.mark.parametrize("kind", ["forward", "back to the image"])
def test_filters_of_own_channels_lie_side_by_side(kind):
    """With the channels last, each tap loads a vector of filters: nothing is gathered."""
    images = np.random.default_rng(0).normal(size=(2, 9, 9, 32)).astype(np.float32)
    filters = np.random.default_rng(1).normal(size=(32, 1, 3, 3)).astype(np.float32)
    a, b = inputs(images, filters)
    prim = Conv((1, 1), ((1, 1), (1, 1)), (1, 1), 32)
    turned = ops.permute(a, (0, 3, 1, 2))
    y = prim(turned, b)
    if kind != "forward":
        y = vjp_nodes([y], [turned], [turned])[0]
    made = check(Graph([a, b], [ops.permute(y, (0, 2, 3, 1))]), [images, filters])
    assert "gather" not in made.program.asm(len(made.program.kernels) - 1)


PROGRAM = """
import hashlib, sys, numpy as np
sys.path.insert(0, sys.argv[1])
from test_windows_conv import *
found = hashlib.sha256()
for prim, xs, ws in [(Conv((1, 1), ((2, 2), (2, 2)), (1, 1), 1), (16, 1, 28, 28), (6, 1, 5, 5)),
                     (Conv((1, 1), ((1, 1), (1, 1)), (1, 1), 1), (5, 33, 18, 17), (66, 33, 3, 3)),
                     (Conv((2, 1), ((1, 0), (1, 1)), (1, 1), 2), (1, 32, 40, 41), (64, 16, 3, 3))]:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=xs).astype('f4'), rng.normal(size=ws).astype('f4')
    a, b = inputs(x, w)
    y = prim(a, b)
    c = Input(2, y.shape, y.dtype)()
    ct = rng.normal(size=y.shape).astype('f4')
    graph = Graph([a, b, c], [y, *vjp_nodes([y], [c], [a, b])])
    for out in CpuBackend().compile(graph)([x, w, ct]):
        found.update(out.tobytes())
print(found.hexdigest())
"""


def test_any_number_of_threads_gives_the_same_bits():
    here = os.path.dirname(__file__)
    found = {subprocess.run([sys.executable, "-c", PROGRAM, here], check=True, capture_output=True,
                            env={**os.environ, "SHEER_THREADS": n}).stdout for n in "123"}
    assert len(found) == 1


# ---- pools -------------------------------------------------------------------------------------

POOLS = [((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), ((3, 2), (2, 2), ((1, 0), (0, 1)), (1, 1)),
         ((3, 3), (1, 2), ((1, 1), (1, 1)), (1, 2)), ((2, 3), (2, 3), ((0, 0), (0, 0)), (1, 1)),
         ((1, 1), (2, 2), ((0, 0), (0, 0)), (1, 1)), ((5, 5), (5, 5), ((2, 2), (2, 2)), (1, 1)),
         ((2, 2), (2, 2), ((0, 0), (0, 0)), (2, 2))]
HARD = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, 1.0, 2.0], np.float32)


@pytest.mark.parametrize("settings", POOLS)
@pytest.mark.parametrize("size", [(2, 3, 16, 16), (1, 2, 9, 35), (2, 1, 7, 6), (0, 2, 8, 8)])
def test_pools_with_ties_and_nan(settings, size):
    rng = np.random.default_rng(0)
    x = rng.choice(HARD, size)
    (a,) = inputs(x)
    best, places = (ops.structure.Pick(i)(MaxPool(*settings)(a)) for i in (0, 1))
    ct = rng.integers(-4, 5, best.shape).astype(np.float32)
    c = Input(1, ct.shape, a.dtype)()
    back = MaxPoolInput(*settings, size[2:])(c, places)
    check(Graph([a, c], [best, places, back]), [x, ct], 0, 0)
    check(Graph([a, c], [back]), [x, ct], 0, 0)             # without the places themselves


@pytest.mark.parametrize("settings", POOLS)
def test_sums_and_their_gradient(settings):
    x = np.random.default_rng(0).integers(-9, 9, (2, 3, 16, 13)).astype(np.float32)
    (a,) = inputs(x)
    y = SumPool(*settings)(a)
    check(Graph([a], [y, SumPoolInput(*settings, x.shape[2:])(y * 2)]), [x], 0, 0)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64, bool, np.uint8])
def test_maxima_of_other_dtypes(dtype):
    x = np.random.default_rng(0).integers(0, 2, (2, 9, 35)).astype(dtype)
    (a,) = inputs(x)
    made = MaxPool((3, 2), (2, 2), ((1, 0), (0, 1)), (1, 1))(a)
    check(Graph([a], [ops.structure.Pick(0)(made), ops.structure.Pick(1)(made)]), [x], 0, 0)
