"""Fixtures of the training tests: the small problem, and how to compare what came out."""

import numpy as np
import pytest
from train_problem import Batches, Problem


@pytest.fixture
def problem():
    return Problem()


@pytest.fixture
def same():
    """Do two models have the same bits?"""
    def check(a, b):
        left, right = a.state_dict(), b.state_dict()
        assert list(left) == list(right)
        for name in left:
            np.testing.assert_array_equal(left[name].numpy(), right[name].numpy(), err_msg=name)
    return check


@pytest.fixture
def timeless():
    """History without the columns that a clock wrote."""
    return lambda run: [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]


@pytest.fixture
def batches():
    return Batches
