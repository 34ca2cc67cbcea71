"""Convolutions agree with torch over random settings, to the second derivative."""

import numpy as np
import pytest
from shapes_helpers import agree, mapped, run, torch

from sheer.ops.contract import Conv, ConvInput, ConvWeight, conv, conv_transpose
from sheer.ops.structure import constant

F = torch.nn.functional
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def settings(seed):
    """(axes, stride, dilation, groups, kernel, channels) of a random convolution."""
    rng = np.random.default_rng(seed)
    axes = 1 + seed % 3
    draw = lambda low, high: tuple(rng.integers(low, high, axes).tolist())
    return rng, axes, draw(1, 4), draw(1, 3), int(rng.integers(1, 4)), draw(1, 4), draw


def padded(x, padding):
    return F.pad(x, [p for pair in reversed(padding) for p in pair])


@pytest.mark.parametrize("seed", range(45))
def test_conv(seed):
    rng, axes, stride, dilation, groups, kernel, draw = settings(seed)
    padding = tuple(zip(draw(0, 3), draw(0, 4), strict=True))
    size = tuple(d * (k - 1) + 1 + extra
                 for d, k, extra in zip(dilation, kernel, draw(0, 4), strict=True))
    x = rng.normal(size=(2, 2 * groups, *size))
    w = rng.normal(size=(3 * groups, 2, *kernel))
    agree(lambda a, b: conv(a, b, stride, padding, dilation, groups),
          lambda a, b: CONV[axes](padded(a, padding), b, None, stride, 0, dilation, groups), x, w)


@pytest.mark.parametrize("seed", range(45))
def test_conv_transpose(seed):
    rng, axes, stride, dilation, groups, kernel, draw = settings(seed)
    size = draw(2, 5)
    room = [(n - 1) * s + d * (k - 1) for n, s, d, k in
            zip(size, stride, dilation, kernel, strict=True)]
    padding = tuple(int(rng.integers(0, min(3, r // 2 + 1))) for r in room)
    extra = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True))
    x = rng.normal(size=(2, 2 * groups, *size))
    w = rng.normal(size=(2 * groups, 2, *kernel))
    agree(lambda a, b: conv_transpose(a, b, stride, padding, extra, groups, dilation),
          lambda a, b: TRANSPOSE[axes](a, b, None, stride, padding, extra, groups, dilation), x, w)


@pytest.mark.filterwarnings("ignore:Using padding=.same.")     # torch copies uneven padding
@pytest.mark.parametrize("kernel", [(1, 2), (2, 3), (4, 5)])
@pytest.mark.parametrize("padding", ["same", "valid", 1, (0, 2)])
@pytest.mark.parametrize("dilation", [1, (1, 2)])
def test_every_way_to_say_padding(kernel, padding, dilation):
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(2, 3, 9, 10)), rng.normal(size=(4, 3, *kernel))
    agree(lambda a, b: conv(a, b, padding=padding, dilation=dilation),
          lambda a, b: F.conv2d(a, b, padding=padding, dilation=dilation), x, w)


def test_an_image_without_batch_axis():
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(3, 7, 8)), rng.normal(size=(3, 3, 3, 3))
    agree(conv, F.conv2d, x, w)
    agree(lambda a, b: conv_transpose(a, b, 2),
          lambda a, b: F.conv_transpose2d(a, b, stride=2), x, w)


def test_an_empty_batch():
    x, w = np.zeros((0, 2, 5)), np.ones((3, 2, 2))
    agree(conv, F.conv1d, x, w)


def test_integers_are_exact():
    rng = np.random.default_rng(3)
    x, w = rng.integers(-9, 9, (2, 4, 6, 5)), rng.integers(-9, 9, (6, 2, 3, 2))
    got = run(lambda a, b: conv(a, b, 2, 1, 1, 2), x, w)
    want = F.conv2d(torch.from_numpy(x).double(), torch.from_numpy(w).double(), None, 2, 1, 1, 2)
    np.testing.assert_array_equal(got, want.numpy())
    assert got.dtype == np.int64


def test_float32_stays_float32():
    rng = np.random.default_rng(4)
    x, w = (rng.normal(size=s).astype("f4") for s in [(4, 16, 12, 12), (8, 16, 3, 3)])
    got = run(lambda a, b: conv(a, b, 1, 1), x, w)
    want = run(lambda a, b: conv(a, b, 1, 1), x.astype("f8"), w.astype("f8"))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)    # 144 terms of size 1


@pytest.mark.parametrize("groups", [1, 2])
def test_three_faces_of_one_trilinear_form(groups):
    rng = np.random.default_rng(5)
    prim = Conv((2, 1), ((1, 0), (2, 1)), (1, 2), groups)
    x, w = rng.normal(size=(3, 2 * groups, 7, 8)), rng.normal(size=(3 * groups, 2, 3, 2))
    y = rng.normal(size=prim.ref(x, w).shape)
    forms = [np.sum(y * prim.ref(x, w)),
             np.sum(x * ConvInput(*prim.settings, (7, 8)).ref(y, w)),
             np.sum(w * ConvWeight(*prim.settings, (3, 2)).ref(x, y))]
    np.testing.assert_allclose(forms, forms[0], rtol=1e-12)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("which", ["x", "w", "both"])
def test_vmap_folds_into_batch_channels_or_groups(groups, which):
    rng = np.random.default_rng(6)
    x, w = rng.normal(size=(4, 2, 2 * groups, 6, 5)), rng.normal(size=(4, 3 * groups, 2, 2, 3))
    fixed = {"x": lambda a: conv(a, constant(w[0]), 2, 1, 1, groups),
             "w": lambda b: conv(constant(x[0]), b, 2, 1, 1, groups),
             "both": lambda a, b: conv(a, b, 2, 1, 1, groups)}[which]
    args = {"x": [x], "w": [w], "both": [x, w]}[which]
    (got,) = mapped(fixed, *args)
    want = np.stack([run(fixed, *(a[i] for a in args)) for i in range(4)])
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
