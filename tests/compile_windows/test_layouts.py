"""Layouts: chains of convolutions, pools and normalisation give the same in any order of memory."""

from __future__ import annotations

import numpy as np
import pytest
from test_windows_conv import check, inputs

from sheer import ops
from sheer.graph import Graph
from sheer.ops import movement
from sheer.ops.contract.conv import Conv
from sheer.ops.primitive import results
from sheer.ops.window import MaxPool, SumPool


def conv(x, w, stride=1, low=1, high=1, dilation=1, groups=1):
    axes = w.ndim - 2
    return Conv((stride,) * axes, ((low, high),) * axes, (dilation,) * axes, groups)(x, w)


CHAINS = {
    "stride 2, odd sizes": ((2, 3, 13, 11), (24, 3, 3, 3), (17, 24, 3, 3), 2, 1),
    "5 x 5 same": ((1, 2, 9, 7), (16, 2, 5, 5), (9, 16, 5, 5), 1, 2),
    "1 x 1": ((3, 16, 5, 7), (32, 16, 1, 1), (16, 32, 1, 1), 1, 0),
    "1 x 1, stride 2": ((3, 16, 5, 7), (32, 16, 1, 1), (16, 32, 1, 1), 2, 0),
    "7 x 7, stride 2": ((1, 3, 23, 19), (64, 3, 7, 7), (10, 64, 7, 7), 2, 3),
    "one axis": ((4, 8, 33), (16, 8, 3), (31, 16, 3), 1, 1),
    "three axes": ((1, 2, 5, 4, 6), (16, 2, 3, 3, 3), (16, 16, 3, 3, 3), 1, 1),
    "few, then many channels": ((2, 1, 12, 12), (6, 1, 5, 5), (16, 6, 5, 5), 1, 0),
}


@pytest.mark.parametrize("name", CHAINS)
def test_two_convolutions_and_their_gradients(name):
    xs, ws, vs, stride, around = CHAINS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype(np.float32) / 8 for s in (xs, ws, vs)]
    x, w, v = inputs(*arrays)
    first = Conv((stride,) * (len(xs) - 2), ((around, around),) * (len(xs) - 2),
                 (1,) * (len(xs) - 2), 1)
    hidden = first(x, w)
    middle = ops.relu(hidden + 0.1)
    second = Conv((1,) * (len(xs) - 2), ((around, around),) * (len(xs) - 2),
                  (1,) * (len(xs) - 2), 1)
    y = second(middle, v)
    to_middle = second.to_x(middle)(y, v)
    masked = to_middle * ops.cast(ops.gt(middle, movement.broadcast_to(ops.constant(
        0.0, middle.dtype), middle.shape)), middle.dtype)
    found = [y, second.to_w(v)(middle, y), first.to_w(w)(x, masked), first.to_x(x)(masked, w)]
    check(Graph([x, w, v], found), arrays, rtol=1e-3, atol=1e-3)


def test_a_residual_block_with_normalisation_and_pools():
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=s).astype(np.float32) for s in
              [(2, 16, 9, 9), (16, 16, 3, 3), (16, 16, 3, 3)]]
    x, w, v = inputs(*arrays)
    y = conv(x, w)
    mean = ops.mean(y, (0, 2, 3))
    centred = y - ops.restore(mean, y.shape, (0, 2, 3))
    y = ops.relu(centred * ops.restore(ops.rsqrt(ops.mean(centred * centred, (0, 2, 3)) + 1e-5),
                                       y.shape, (0, 2, 3)))
    y = conv(y, v) + x
    pool = MaxPool((3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1))
    largest = results(pool(y))[0]
    total = ops.mean(SumPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))(y), (2, 3))
    check(Graph([x, w, v], [largest, total, ops.max(y, (1,)), ops.argmax(y, 1)]), arrays,
          rtol=1e-3, atol=1e-3)


def test_between_two_convolutions_nothing_is_turned():
    arrays = [np.ones(s, np.float32) for s in [(2, 16, 8, 8), (24, 16, 3, 3), (16, 24, 3, 3)]]
    x, w, v = inputs(*arrays)
    y = conv(ops.relu(conv(x, w)) * 2.0, v)
    program = check(Graph([x, w, v], [y]), arrays, rtol=1e-5, atol=1e-5).program
    kinds = [k.kind for _, k in program.walk()]      # enters, padded; made; padded; made; leaves
    assert kinds == ["map", "contract", "map", "contract", "map"]


@pytest.mark.parametrize(("channels", "times", "stride", "kernel"), [
    (16, 1, 1, 3), (7, 1, 2, 3), (5, 3, 1, 3), (3, 1, 3, 5), (2, 1, 1, 6)])
def test_filters_of_their_own(channels, times, stride, kernel):
    """Depthwise, with multipliers and strides, with as many taps as are written out and more."""
    rng = np.random.default_rng(0)
    prim = Conv((stride,) * 2, ((1, 2), (2, 1)), (1, 1), channels)
    shapes = [(3, channels, 14, 11), (channels * times, 1, kernel, kernel)]
    arrays = [rng.normal(size=s).astype(np.float32) for s in shapes]
    x, w = inputs(*arrays)
    y = prim(x, w)
    check(Graph([x, w], [y, prim.to_x(x)(y, w), prim.to_w(w)(x, y)]), arrays, 1e-4, 1e-3)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_few_channels_get_their_gradient(channels, stride):
    rng = np.random.default_rng(0)
    prim = Conv((stride,) * 2, ((1, 2), (0, 1)), (1, 2), 1)
    arrays = [rng.normal(size=s).astype(np.float32) for s in
              [(3, channels, 14, 13), (20, channels, 3, 3)]]
    x, w = inputs(*arrays)
    y = prim(x, w)
    check(Graph([x, w], [prim.to_x(x)(y, w), prim.to_w(w)(x, y)]), arrays, 1e-4, 1e-3)
