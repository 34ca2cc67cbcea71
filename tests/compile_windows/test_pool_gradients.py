"""Gradients of pools whose windows overlap or leave gaps, compiled, against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import sheer
import sheer.nn.functional as F

SETTINGS = [  # window, stride, padding, dilation
    (3, 2, 1, 1), (3, 1, 1, 1), (2, 1, 0, 1), (3, 2, 0, 1), (2, 3, 0, 1), (3, 2, 1, 2),
    ((3, 2), (2, 1), (1, 0), 1), ((1, 4), (1, 3), (0, 2), 1), (5, 2, 2, 1), ((4, 1), 2, 0, 1)]


def gradients(ours, theirs, x, seed=0):
    """Of the sum of the result times fixed numbers, in both libraries."""
    want = torch.from_numpy(x).requires_grad_()
    out = theirs(want)
    share = np.random.default_rng(seed).normal(size=out.shape).astype(np.float32)
    out.backward(torch.from_numpy(share))
    loss = lambda t: (ours(t) * sheer.from_numpy(share)).sum()
    return sheer.jit(sheer.grad(loss))(sheer.from_numpy(x)).numpy(), want.grad.numpy()


@pytest.mark.parametrize("shape", [(2, 3, 11, 18), (1, 2, 7, 33)])
@pytest.mark.parametrize(("window", "stride", "padding", "dilation"), SETTINGS)
def test_max_pool_gradient(window, stride, padding, dilation, shape):
    x = np.random.default_rng(1).integers(-3, 3, shape).astype(np.float32)       # many ties
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    got, want = gradients(lambda t: F.max_pool2d(t, window, **settings),
                          lambda t: TF.max_pool2d(t, window, **settings), x)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("count", [True, False])
@pytest.mark.parametrize(("window", "stride", "padding", "_"), SETTINGS)
def test_avg_pool_gradient(window, stride, padding, _, count):
    x = np.random.default_rng(1).normal(size=(2, 3, 11, 18)).astype(np.float32)
    settings = {"stride": stride, "padding": padding, "count_include_pad": count}
    got, want = gradients(lambda t: F.avg_pool2d(t, window, **settings),
                          lambda t: TF.avg_pool2d(t, window, **settings), x)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
