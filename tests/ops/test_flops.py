"""Costs of primitives: FLOPs follow from shapes, and agree with counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheer import ops
from sheer.graph import Graph, float32
from sheer.graph.node import fresh
from sheer.ops.cost import flops, node_flops
from sheer.ops.loop import Scan
from sheer.ops.primitive import REGISTRY
from sheer.ops.structure import Input


def applied(prim, *arrays):
    given_ = [fresh(Input(i, a.shape, ops.constant(a).dtype)) for i, a in enumerate(arrays)]
    return prim(*given_)


COUNTED = sorted(n for n, c in REGISTRY.items() if not (c.leaf or c.takes_all_outputs))


@pytest.mark.parametrize("name", COUNTED)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_every_primitive_counts_its_operations(name, data):
    prim, arrays = data.draw(REGISTRY[name].samples())
    count = node_flops(applied(prim, *map(np.asarray, arrays)))
    assert isinstance(count, int)
    assert count >= 0


@pytest.mark.parametrize(("prim", "shapes"), [
    (ops.Dot(), [(2, 3, 4), (2, 4, 5)]),
    (ops.Conv((2, 1), ((0, 0), (0, 0)), (1, 2), 2), [(3, 4, 7, 9), (6, 2, 3, 2)]),
])
def test_products_are_as_many_as_ones_add_up_to(prim, shapes):
    ones = [np.ones(s, np.float32) for s in shapes]
    assert node_flops(applied(prim, *ones)) == 2 * prim.ref(*ones).sum()


def test_the_three_convolutions_of_a_layer_cost_the_same():
    conv = ops.Conv((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    x, w = (Input(i, s, float32)() for i, s in enumerate([(2, 3, 5, 5), (4, 3, 3, 3)]))
    y = conv(x, w)
    costs = {node_flops(n) for n in (y, conv.to_x(x)(y, w), conv.to_w(w)(x, y))}
    assert costs == {2 * 2 * 4 * 25 * 27}


def test_a_loop_counts_every_turn():
    x, inside = Input(0, (8,), float32)(), Input(0, (8,), float32)()
    loop = Scan(Graph([inside], [inside + 1.0]), 0, 1, 10)(x)
    assert node_flops(loop) == 80
    assert flops(Graph([x], [x * x + x])) == 16
