"""Gradients where several elements are the answer, and of what does not depend on its input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sheer
from sheer.graph.errors import SheerError

NAN, INF = float("nan"), float("inf")
LEFT, RIGHT = [1.0, 2.0, NAN, 2.0, 0.0, INF], [1.0, 1.0, 1.0, NAN, 0.0, INF]


def both(function, *arrays):
    """Values and gradients of the sum, by sheer, by a compiled function of sheer and by torch."""
    results = []
    for lib in (sheer, torch):
        given = [lib.tensor(a, requires_grad=True) for a in arrays]
        out = function(lib, *given)
        out.sum().backward()
        results.append([out.tolist(), *(g.grad.tolist() for g in given)])
    total = lambda *given: function(sheer, *given).sum()
    grads = sheer.jit(sheer.grad(total, tuple(range(len(arrays)))))(*map(sheer.tensor, arrays))
    np.testing.assert_array_equal([g.tolist() for g in grads], results[0][1:])
    return results


@pytest.mark.parametrize("name", ["fmax", "fmin"])
def test_of_equal_operands_the_first_gets_the_gradient(name):
    ours, theirs = both(lambda lib, x, y: getattr(lib, name)(x, y), LEFT, RIGHT)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["median", "nanmedian"])
@pytest.mark.parametrize("x", [[[3.0, 1, 2, 2], [2, 3, 3, 0]], [[3.0, 1, 2], [NAN, 3, 2]], [5.0],
                               [INF, INF, 1.0], [-INF, -INF, 1.0], [NAN], [0.1, 0.1, 0.1]], ids=str)
def test_equal_elements_share_the_gradient_of_the_median_of_all(name, x):
    ours, theirs = both(lambda lib, x: getattr(x, name)(), x)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.array(a, "f4"), np.array(b, "f4"))


@pytest.mark.parametrize("power", [0, 0.0])
def test_the_gradient_of_a_power_of_zero_is_zero_and_not_missing(power):
    ours, theirs = both(lambda lib, x: x ** power, [1.0, 0.0, -2.0, NAN, INF])
    assert ours == theirs == [[1.0] * 5, [0.0] * 5]


@pytest.mark.parametrize("name", ["max", "min"])
def test_dims_of_an_extreme_may_be_kept_by_either_name(name):
    x = sheer.tensor([[3.0, 1.0], [2.0, 4.0]])
    for given in ({"keepdim": True}, {"keepdims": True}):
        values, places = getattr(sheer, name)(x, dim=1, **given)
        assert values.shape == places.shape == (2, 1)
    assert getattr(x, name)(other=x * 0 + 2).tolist() == getattr(
        torch, name)(torch.tensor(x.tolist()), other=torch.tensor(2.0)).tolist()


def test_more_different_places_than_have_a_weight_are_refused():
    weights = sheer.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    with pytest.raises(SheerError) as caught:
        sheer.multinomial(weights, 2)
    assert str(caught.value).startswith(
        "multinomial: 2 different places of 1 with a weight above 0\n")
    assert sheer.multinomial(weights, 2, replacement=True).shape == (2, 2)
    assert sheer.multinomial(weights, 1)[1].tolist() == [1]
