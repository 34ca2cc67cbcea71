"""The simplest baseline of pictures, against distances written out."""

from __future__ import annotations

import numpy as np

from sheer.recipes.classical import nearest_mean
from sheer.recipes.recipe import Task


def test_the_nearest_mean_is_that_of_the_smallest_distance():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    x = rng.integers(0, 200, (60, 1, 4, 4)).astype(np.uint8) + (y * 20).astype(np.uint8)[
        :, None, None, None]
    task = Task((x[:40], y[:40]), (x[40:], y[40:]))
    means = [x[:40][y[:40] == k].mean(0) for k in range(3)]
    guess = [np.argmin([np.sum((picture - m) ** 2) for m in means]) for picture in x[40:]]
    found = nearest_mean(task)
    assert found["nearest mean picture"]["accuracy"] == np.mean(np.array(guess) == y[40:])
    common = np.bincount(y[:40]).argmax()
    assert found["commonest class"]["accuracy"] == np.mean(y[40:] == common)
