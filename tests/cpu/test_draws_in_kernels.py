"""Draws inside kernels: whole blocks where elements lie side by side, the bits of the reference."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
import sheer.nn.functional as F
from sheer import nn


def both(function, *arrays):
    """The results on the CPU backend and on the reference."""
    found = []
    for name in ("cpu", "reference"):
        with sheer.backend(name):
            sheer.manual_seed(5)
            results = sheer.jit(function)(*(sheer.from_numpy(a) for a in arrays))
            found.append([t.numpy() for t in results])
    return zip(*found, strict=True)


@pytest.mark.parametrize("shape", [(7, 37), (6, 64), (5, 18), (300,), (3, 5, 6), (40, 1)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_that_start_anywhere(shape, kind):
    x = np.random.default_rng(0).normal(size=shape).astype(kind)
    draws = lambda x: (F.dropout(x, 0.3), sheer.rand(shape, dtype=x.dtype).T + x.T)
    for ours, want in both(draws, x):
        np.testing.assert_array_equal(ours, want)


def test_a_stored_mask_is_used_by_the_stages_after_it():
    x = np.random.default_rng(0).normal(size=(33, 21)).astype(np.float32)

    def step(x):
        mask = (sheer.rand(x.shape) < 0.5).to(x.dtype)
        return mask, mask * (x - x.mean(0)), (mask * (x - x.mean(0))).sum(0)

    for ours, want in both(step, x):
        np.testing.assert_allclose(ours, want, rtol=2e-5, atol=1e-6)


def test_masks_made_beside_products_lie_within_their_memory():
    """A product that is stored as a mask and as numbers: the mask has the smaller elements, and
    labels that wait in the arena for the loss must not be written over."""
    sheer.manual_seed(0)
    layer, out = nn.TransformerEncoderLayer(64, 2, 128, 0.2, batch_first=True), nn.Linear(64, 2)
    def step(x, labels):
        layer.zero_grad()
        out.zero_grad()
        loss = F.cross_entropy(out(layer(x).mean(1)), labels)
        loss.backward()
        return loss, *(p.grad for p in (*layer.parameters(), *out.parameters()))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(46, 24, 64)).astype(np.float32)
    for ours, want in both(step, x, rng.integers(0, 2, 46)):
        np.testing.assert_allclose(ours, want, rtol=1e-3, atol=1e-5)
