"""Checked mode: a program that gives something else than the reference is caught at once."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
from sheer.graph.errors import StateError
from sheer.transforms import execute
from sheer.transforms.checked import CALLS, Checked


@pytest.fixture
def square(monkeypatch):
    """A compiled function and what it is compiled from, in checked mode."""
    monkeypatch.setenv("SHEER_CHECK", "1")
    execute._programs.clear()
    yield sheer.jit(lambda x: x * x + 1.25)
    execute._programs.clear()


def test_a_right_program_passes_and_is_compared_a_few_times_only(square):
    x = sheer.tensor(np.float32([1, 2, np.nan]))
    for _ in range(CALLS + 2):
        np.testing.assert_array_equal(square(x).numpy(), np.float32([2.25, 5.25, np.nan]))
    checks = [p for p in execute._programs._found.values() if isinstance(p, Checked)]
    assert [c.left for c in checks] == [0]


def test_a_wrong_program_is_caught(square):
    x = sheer.tensor(np.float32([1, 2]))
    graph = square.lower(x)
    wrong = Checked(lambda arrays: [arrays[0] + 1], graph)
    with pytest.raises(StateError, match="result 0 is not what the reference gives"):
        wrong([np.float32([1, 2])])
