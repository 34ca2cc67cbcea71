"""Random graphs that reuse values, compiled against the reference."""

from __future__ import annotations

import numpy as np
from helpers import Grower, arrays_for, check, inputs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheer.graph import Graph, float64, int32

SHAPES = [(3, 4), (5, 17), (2, 3, 8), (), (33,), (4, 1, 6), (2, 0, 3), (1, 40)]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_graphs_equal_the_reference(data):
    shapes = data.draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    start = inputs(*shapes, dtype=data.draw(st.sampled_from([float64, float64, float64])))
    grower = Grower(data.draw, st, start)
    for _ in range(data.draw(st.integers(1, 12))):
        grower.grow()
    outs = [grower.made[-1], grower.pick(), grower.pick()]
    graph = Graph(start, outs)
    with np.errstate(all="ignore"):
        check(graph, arrays_for(graph), rtol=1e-10, atol=1e-10)


def test_integers_wrap_and_divide_like_python():
    from sheer import ops
    x, y = inputs((7, 5), (7, 5), dtype=int32)
    out = ops.floor_divide(x * 1000003, y - 2) + ops.remainder(x, y - 3)
    check(Graph([x, y], [out, ops.sum(out, (0,)), ops.max(out, (1,))]))
