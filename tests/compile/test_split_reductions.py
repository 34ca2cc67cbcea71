"""Long reductions: over blocks, then over the blocks' results; as right as in one go."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import check, inputs

from sheer.graph import Graph, bool_
from sheer.ops.reduce import All_, Any_, Deviation, Max, Min, Sum

SHAPES = [((300_007,), (0,)), ((2, 70_001), (0, 1)), ((20_011, 16), (0,)),
          ((64, 3, 31, 31), (0, 2, 3)), ((5, 30_000), (1,)), ((131_101, 2), (0,)),
          ((2, 400, 400, 1), (1, 2))]


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
@pytest.mark.parametrize("prim", [Sum, Max, Min, Deviation])
def test_long_reductions_go_over_blocks(prim, shape, axes):
    (x,) = inputs(shape)
    made = check(Graph([x], [prim(axes)(x)]), rtol=1e-4, atol=1e-3)
    assert len(made.program.kernels) > 1


@pytest.mark.parametrize("prim", [Any_, All_])
def test_of_bools(prim):
    (x,) = inputs((200_003,), dtype=bool_)
    for value in (False, True):
        array = np.full(x.shape, value)
        check(Graph([x], [prim((0,))(x)]), [array])
        array[199_999] = not value
        check(Graph([x], [prim((0,))(x)]), [array])


@pytest.mark.parametrize("place", [0, 77_777, 300_006])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_special_numbers_keep_their_meaning(place, odd):
    (x,) = inputs((300_007,))
    array = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
    array[place] = odd
    check(Graph([x], [Max((0,))(x), Min((0,))(x), Sum((0,))(x)]), [array], rtol=1e-3)


def test_short_ones_stay_in_one_kernel():
    (x,) = inputs((300, 64))
    assert len(check(Graph([x], [Sum((0,))(x)])).program.kernels) == 1
    (x,) = inputs((300, 640))
    assert len(check(Graph([x], [Sum((1,))(x)])).program.kernels) == 1
