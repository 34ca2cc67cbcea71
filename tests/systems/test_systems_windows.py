"""Rows of windows: convolution through Fourier transforms, TensorFlow's pooling."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

import sheer
from sheer.nn import functional as F


@pytest.mark.system("FFT convolution")
@pytest.mark.parametrize(("image", "kernel", "padding"), [
    ((2, 3, 17), (4, 3, 5), 2), ((2, 3, 12, 15), (4, 3, 3, 4), (1, 0)),
    ((1, 2, 9, 9), (2, 2, 9, 9), 0), ((1, 2, 5, 6, 7), (3, 2, 2, 3, 3), 1)])
def test_convolution_through_spectra_is_the_direct_one(image, kernel, padding):
    rng = np.random.default_rng(0)
    x, w = (sheer.tensor(rng.normal(size=s), dtype="float64", requires_grad=True)
            for s in (image, kernel))
    bias = sheer.tensor(rng.normal(size=kernel[0]), dtype="float64")
    direct = (F.conv1d, F.conv2d, F.conv3d)[len(image) - 3](x, w, bias, padding=padding)
    found = F.fft_conv(x, w, bias, padding)
    np.testing.assert_allclose(found.detach().numpy(), direct.detach().numpy(), atol=1e-10)
    ct = sheer.tensor(rng.normal(size=direct.shape), dtype="float64")
    one = sheer.grad(lambda a, b: (F.fft_conv(a, b, bias, padding) * ct).sum(), (0, 1))(x, w)
    direct.backward(ct)
    for got, want in zip(one, (x.grad, w.grad), strict=True):
        np.testing.assert_allclose(got.detach().numpy(), want.numpy(), atol=1e-10)


@pytest.mark.system("FFT convolution")
def test_in_float32_it_is_within_the_rounding_and_pays_for_large_filters(figure):
    """Which filters pay is measured and told; a test cannot ask how fast a machine is."""
    rng = np.random.default_rng(0)
    x = sheer.tensor(rng.normal(size=(1, 8, 128, 128)).astype("f4"))
    first = "none up to 65"
    for k in (3, 9, 17, 33, 65):
        w = sheer.tensor((rng.normal(size=(8, 8, k, k)) / k).astype("f4"))
        ways = [sheer.jit(F.conv2d), sheer.jit(F.fft_conv)]
        direct, through = (way(x, w).numpy() for way in ways)
        assert np.abs(direct - through).max() <= 1e-5 * np.abs(direct).max()
        seconds = []
        for way in ways:
            began = time.perf_counter()
            way(x, w).numpy()
            seconds.append(time.perf_counter() - began)
        if seconds[1] < seconds[0]:
            first = f"{k} x {k}"
            break
    figure(f"faster than direct from filters of {first} (8 channels, 128 x 128)")


@pytest.mark.system("`tf.nn.max_pool` with SAME / VALID")
@pytest.mark.parametrize(("n", "k", "s"), [
    (7, 2, 2), (7, 3, 2), (5, 2, 1), (6, 3, 3), (5, 5, 4), (4, 3, 4)])
def test_pooling_follows_the_documented_rule_of_tensorflow(n, k, s):
    """SAME: ceil(n / s) windows, padding's odd element at the end; VALID: ceil((n - k + 1) / s)."""
    x = np.random.default_rng(n).normal(size=(2, 3, n, n)) - 5             # all below 0
    image = sheer.tensor(x, dtype="float64")
    out = math.ceil(n / s)
    low = max((out - 1) * s + k - n, 0) // 2
    places = [range(max(i * s - low, 0), min(i * s - low + k, n)) for i in range(out)]
    want = np.array([[x[:, :, list(r)][:, :, :, list(c)].max((2, 3)) for c in places]
                     for r in places]).transpose(2, 3, 0, 1)
    np.testing.assert_array_equal(F.same_max_pool(image, k, s).numpy(), want)
    valid = math.ceil((n - k + 1) / s)
    want = np.array([[x[:, :, i * s:i * s + k, j * s:j * s + k].max((2, 3)) for j in range(valid)]
                     for i in range(valid)]).transpose(2, 3, 0, 1)
    np.testing.assert_array_equal(F.max_pool2d(image, k, s).numpy(), want)
