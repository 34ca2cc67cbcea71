"""Pools agree with torch over random settings, to the second derivative."""

import numpy as np
import pytest
from shapes_helpers import agree, run, torch

from sheer.graph.errors import ShapeError
from sheer.ops import adaptive_avg_pool, adaptive_max_pool, avg_pool, max_pool, max_unpool
from sheer.ops.structure import constant

F = torch.nn.functional
MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
UNPOOL = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}
ADAPTIVE_AVG = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


def settings(seed):
    rng = np.random.default_rng(seed)
    axes = 1 + seed % 3
    draw = lambda low, high: tuple(rng.integers(low, high, axes).tolist())
    window, stride, ceil = draw(1, 5), draw(1, 4), bool(rng.integers(2))
    padding = tuple(int(rng.integers(k // 2 + 1)) for k in window)
    return rng, axes, draw, window, stride, padding, ceil


@pytest.mark.parametrize("seed", range(45))
def test_max_pool(seed):
    rng, axes, draw, window, stride, padding, ceil = settings(seed)
    dilation = draw(1, 3) if rng.integers(2) else (1,) * axes
    size = tuple(d * (k - 1) + 1 + extra
                 for d, k, extra in zip(dilation, window, draw(0, 6), strict=True))
    x = rng.normal(size=(2, 2, *size))
    agree(lambda a: max_pool(a, window, stride, padding, dilation, ceil),
          lambda a: MAX[axes](a, window, stride, padding, dilation, ceil, return_indices=True), x)


@pytest.mark.parametrize("seed", range(45))
def test_avg_pool(seed):
    rng, axes, draw, window, stride, padding, ceil = settings(seed)
    size = tuple(k + extra for k, extra in zip(window, draw(0, 6), strict=True))
    counted = bool(rng.integers(2))
    x = rng.normal(size=(2, 2, *size))
    agree(lambda a: avg_pool(a, window, stride, padding, ceil, counted),
          lambda a: AVG[axes](a, window, stride, padding, ceil, counted), x)


@pytest.mark.parametrize(("window", "stride", "padding"), [
    ((5, 5), (5, 5), 0), ((4, 4), (2, 2), 0), ((6, 6), (2, 2), 1), ((7, 2), (5, 1), 0),
    ((7, 7), (7, 7), 3)])
def test_ceil_mode_has_room_for_one_window_that_is_larger_than_the_input(window, stride, padding):
    x = np.random.default_rng(0).normal(size=(2, 3, 3))
    agree(lambda a: max_pool(a, window, stride, padding, 1, True),
          lambda a: F.max_pool2d(a, window, stride, padding, 1, True, return_indices=True), x)
    for counted in (True, False):
        agree(lambda a, c=counted: avg_pool(a, window, stride, padding, True, c),
              lambda a, c=counted: F.avg_pool2d(a, window, stride, padding, True, c), x)


def test_a_window_that_ends_a_stride_behind_the_input_does_not_fit():
    with pytest.raises(ShapeError, match=r"the window spans \(7,\), the padded input \(3,\)"):
        run(lambda a: max_pool(a, (7,), 4, 0, 1, True), np.zeros((1, 3)))


def test_the_stride_is_the_window_by_default_and_the_divisor_can_be_given():
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 8))
    agree(lambda a: avg_pool(a, (2, 3), divisor_override=5),
          lambda a: F.avg_pool2d(a, (2, 3), divisor_override=5), x)
    agree(lambda a: max_pool(a, (2, 3)),
          lambda a: F.max_pool2d(a, (2, 3), return_indices=True), x)


def test_ties_go_to_the_first_and_padding_never_wins():
    x = np.full((1, 3, 4), -np.inf)
    values, indices = run(lambda a: max_pool(a, (3, 3), 1, 1), x)
    assert np.isneginf(values).all()
    np.testing.assert_array_equal(indices[0], [[0, 0, 1, 2], [0, 0, 1, 2], [4, 4, 5, 6]])
    low = np.full((1, 4), np.iinfo("i8").min)
    np.testing.assert_array_equal(run(lambda a: max_pool(a, (2,), 2, 1), low)[1], [[0, 1, 3]])


def test_nan_wins_and_the_first_of_several():
    x = np.array([[1.0, np.nan, 9.0, np.nan, 2.0]])
    values, indices = run(lambda a: max_pool(a, (3,), 1), x)
    assert np.isnan(values).all()
    np.testing.assert_array_equal(indices, [[1, 1, 3]])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32"])
def test_max_pool_of_other_dtypes(dtype):
    x = (np.random.default_rng(1).normal(size=(2, 6, 6)) * 50 + 100).astype(dtype)
    values, _ = run(lambda a: max_pool(a, (2, 2), 2, 1), x)
    padded = np.pad(x.astype("f8"), [(0, 0), (1, 1), (1, 1)], constant_values=-1)
    blocks = padded.reshape(2, 4, 2, 4, 2).max((2, 4))
    assert values.dtype == dtype
    np.testing.assert_array_equal(values, blocks.astype(dtype))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_max_unpool(axes):
    x = np.random.default_rng(2).normal(size=(2, 3, *(4, 6, 4)[:axes]))
    tensor = torch.from_numpy(x)
    values, indices = MAX[axes](tensor, 2, return_indices=True)
    agree(lambda v: max_unpool(v, constant(indices.numpy()), x.shape[2:]),
          lambda v: UNPOOL[axes](v, indices, 2), values.numpy())


@pytest.mark.parametrize(("size", "parts"), [
    ((7,), (3,)), ((8,), (4,)), ((3,), (5,)), ((7, 9), (3, 4)), ((6, 8), (3, 2)), ((5, 6), (1, 1)),
    ((5, 7), (None, 3)), ((5, 4, 7), (2, 3, 4)), ((6, 4, 2), (3, 2, 1))])
def test_adaptive_pools(size, parts):
    x = np.random.default_rng(3).normal(size=(2, 3, *size))
    whole = tuple(n if p is None else p for n, p in zip(size, parts, strict=True))
    agree(lambda a: adaptive_avg_pool(a, parts), lambda a: ADAPTIVE_AVG[len(size)](a, whole), x)
    agree(lambda a: adaptive_max_pool(a, parts),
          lambda a: ADAPTIVE_MAX[len(size)](a, whole, return_indices=True), x)


def test_nan_stays_in_its_own_part():
    x = np.arange(7.0)[None]
    x[0, 0] = np.nan
    for pool in (adaptive_avg_pool, lambda a, sizes: adaptive_max_pool(a, sizes)[0]):
        assert np.isnan(run(lambda a, p=pool: p(a, (3,)), x)).tolist() == [[True, False, False]]
