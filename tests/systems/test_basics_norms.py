"""Normalisation layers: what comes out of them, and what the word means elsewhere."""

from __future__ import annotations

import re

import numpy as np
import pytest
from basics_helpers import f64

from sheer import nn
from systems_record import ROOT


@pytest.mark.system("Batch normalisation (1-D, 2-D; train and eval mode)")
@pytest.mark.parametrize(("make", "shape"), [(nn.BatchNorm1d, (64, 3)),
                                             (nn.BatchNorm2d, (16, 3, 8, 8))])
def test_batch_norm_gives_mean_beta_and_deviation_gamma(make, shape, figure):
    layer = make(3, eps=1e-12).double()
    gamma, beta = np.array([2.0, -0.5, 1.0]), np.array([0.5, -1.0, 3.0])
    layer.load_state_dict({"weight": gamma, "bias": beta}, strict=False)
    x = np.random.default_rng(0).normal(3, 7, shape)
    axes = tuple(i for i in range(x.ndim) if i != 1)
    y = layer(f64(x)).detach().numpy()
    np.testing.assert_allclose(y.mean(axes), beta, atol=1e-10)
    np.testing.assert_allclose(y.std(axes), np.abs(gamma), rtol=1e-10)
    n = x.size / 3
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * x.mean(axes), rtol=1e-10)
    np.testing.assert_allclose(layer.running_var.numpy(),
                               0.9 + 0.1 * x.var(axes) * n / (n - 1), rtol=1e-10)
    layer.eval()
    stretch = gamma / np.sqrt(layer.running_var.numpy() + 1e-12)
    at = (1, 3, *(1,) * (x.ndim - 2))
    wanted = (x - layer.running_mean.numpy().reshape(at)) * stretch.reshape(at) + beta.reshape(at)
    np.testing.assert_allclose(layer(f64(x)).detach().numpy(), wanted, rtol=1e-9, atol=1e-9)
    figure(f"{make.__name__}: means within {np.abs(y.mean(axes) - beta).max():.0e} of beta")


@pytest.mark.system("Database normalisation vs feature scaling (confusion in the seeds)")
def test_the_page_on_two_things_called_normalisation(figure):
    page = (ROOT / "docs/normalisation.md").read_text(encoding="utf-8")
    scope: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S):
        exec(compile(block, "normalisation.py", "exec"), scope)
    assert scope["rows"] == [("ann", "rome", 20.0), ("bob", "paris", 5000.0),
                             ("ann", "rome", 310.0)]
    scaled = scope["scaled"].numpy()
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(0), 1, rtol=1e-5)
    figure("tables: one update changes both orders; features: mean 0, deviation 1")
