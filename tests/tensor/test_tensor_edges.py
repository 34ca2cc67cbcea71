"""Edges at which torch still has a number: nothing varies, nothing is there, it never ends."""

import math
import warnings

import numpy as np
import pytest
import torch

import sheer
import sheer.nn.functional as F
from sheer.graph.errors import ArgumentError, SheerWarning


@pytest.mark.parametrize("correction", [0, 1])
def test_a_spread_of_equal_numbers_has_no_slope(correction):
    rows = [[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]
    x, peer = sheer.tensor(rows, requires_grad=True), torch.tensor(rows, requires_grad=True)
    found, wanted = x.std(1, correction=correction), peer.std(1, correction=correction)
    found.sum().backward()
    wanted.sum().backward()
    np.testing.assert_allclose(found.detach().numpy(), wanted.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), peer.grad.numpy(), rtol=1e-5)


def test_a_quantile_by_number_compiles():
    x = sheer.arange(5.0)
    assert sheer.jit(lambda x: x.quantile(0.3))(x).item() == x.quantile(0.3).item()
    with pytest.raises(ArgumentError, match="0 <= q <= 1"):
        sheer.jit(lambda x: x.quantile(1.3))(x)


def test_softmax_of_nothing_is_nothing():
    none = sheer.zeros(0, 3)
    assert F.softmax(none, 0).shape == F.log_softmax(none, 0).shape == (0, 3)
    assert none.logsumexp(0).tolist() == [-math.inf] * 3


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_between_infinite_ends_the_nearer_counts(weight):
    ends = [-math.inf, 0.0, math.inf, 1e38, 0.1], [0.0, math.inf, 1.0, -1e38, 0.7]
    a, b = (sheer.tensor(e) for e in ends)
    wanted = torch.lerp(*map(torch.tensor, ends), weight).numpy()
    np.testing.assert_array_equal(a.lerp(b, weight).numpy(), wanted)
    np.testing.assert_array_equal(a.lerp(b, sheer.full((5,), weight)).numpy(), wanted)


def test_the_largest_is_the_mean_of_endless_power():
    x = sheer.arange(16.0).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(F.lp_pool2d(x, math.inf, 2).numpy(), F.max_pool2d(x, 2).numpy())


def test_the_warning_of_float64_names_the_line_of_the_user(monkeypatch):
    monkeypatch.setattr("sheer.mixins.core._noted", set())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", SheerWarning)
        sheer.tensor(np.zeros(2))
    assert [w.filename for w in seen] == [__file__]


def test_a_gradient_is_a_tensor():
    w = sheer.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="a gradient is a tensor, or None"):
        w.grad = np.ones(2, np.float32)
