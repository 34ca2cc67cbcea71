"""Rows kernels of every layout: several reduced loops, short and long, whole vectors and rests."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
import sheer.nn.functional as F
from sheer.backends.cpu.backend import CpuBackend
from sheer.graph import Graph, float32, interpret
from sheer.ops import elementwise, reduce
from sheer.ops.structure import Input

SHAPES = [(5, 3, 7), (4, 6, 8, 8), (3, 2, 4, 16), (2, 5, 1, 33), (6, 4, 70), (3, 130),
          (2, 3, 5, 2, 9), (9, 200), (17, 1), (2, 16, 3)]


def standard(x, axes):
    """Softmax over the axes times a standardised x: five stages, dear values in two of them."""
    top = reduce.restore(reduce.max(x, axes), x.shape, axes)
    share = elementwise.exp(x - top)
    total = reduce.restore(reduce.sum(share, axes), x.shape, axes)
    centred = reduce.from_mean(x, axes)
    scale = elementwise.rsqrt(reduce.var(x, axes, 0) + 1e-3)
    return share / total * centred * reduce.restore(scale, x.shape, axes)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_many_stages_over_every_choice_of_axes(shape):
    x = Input(0, shape, float32)()
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for mask in range(1, 1 << len(shape)):
        axes = tuple(a for a in range(len(shape)) if mask >> a & 1)
        graph = Graph([x], [standard(x, axes), reduce.min(x, axes)])
        want = interpret(graph, [array])
        for got, expected in zip(CpuBackend().compile(graph, {})([array]), want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-6)


def test_dropout_lets_infinity_through_where_it_is_kept():
    x = np.full(1000, np.inf, np.float32)
    sheer.manual_seed(0)
    kept = sheer.jit(lambda t: F.dropout(t, 0.5))(sheer.from_numpy(x)).numpy()
    assert np.isposinf(kept).any()
    assert np.isnan(kept).any()              # 0 * inf, as in torch
    assert not np.isfinite(kept).any()


SUMS = {"of all": (None, (3_000_017,)), "along rows": (1, (3, 1_000_003)),
        "down columns": (0, (200_003, 5))}


@pytest.mark.parametrize("how", SUMS)
def test_long_sums_of_floats_keep_their_digits(how):
    axis, shape = SUMS[how]
    x = np.full(shape, 0.1, np.float32)                # one running sum of these is off by 1e-3
    found = sheer.tensor(x).sum(axis)
    largest = sheer.tensor(x).max() if axis is None else sheer.tensor(x).argmax(axis)
    np.testing.assert_allclose(found.numpy(), x.sum(axis, dtype=np.float64), rtol=4e-6)
    np.testing.assert_array_equal(largest.numpy(), x.max() if axis is None else x.argmax(axis))
