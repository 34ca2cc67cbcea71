"""Simplification: what is known to be chosen is not chosen again."""

from __future__ import annotations

import pytest
from helpers import check, inputs

from sheer import ops
from sheer.compile.passes import simplify
from sheer.graph import Graph, bool_, float32
from sheer.graph.node import Node
from sheer.ops.movement import broadcast_to
from sheer.ops.structure import Input, constant


def everywhere(value: bool) -> Node:
    return broadcast_to(constant(value, bool_), (3,))


@pytest.mark.parametrize(("made", "expected"), [
    (lambda x, y, c: ops.where(everywhere(True), x, y), lambda x, y, c: x),
    (lambda x, y, c: ops.where(everywhere(False), x, y), lambda x, y, c: y),
    (lambda x, y, c: ops.where(ops.logical_and(c, everywhere(True)), x, y),
     lambda x, y, c: ops.where(c, x, y)),
    (lambda x, y, c: ops.where(ops.logical_and(everywhere(False), c), x, y), lambda x, y, c: y),
    (lambda x, y, c: ops.where(ops.logical_or(c, everywhere(True)), x, y), lambda x, y, c: x),
    (lambda x, y, c: ops.where(ops.logical_or(everywhere(False), c), x, y),
     lambda x, y, c: ops.where(c, x, y)),
], ids=["where true", "where false", "and true", "and false", "or true", "or false"])
def test_known_choices(made, expected):
    x, y = inputs((3,), (3,))
    c = Input(2, (3,), bool_)()
    graph, simple = (Graph([x, y, c], [f(x, y, c)]) for f in (made, expected))
    assert [n.prim for n in simplify(graph).nodes] == [n.prim for n in simple.nodes]
    check(graph)


def test_the_gradient_of_softplus_is_a_sigmoid():
    from sheer.ops import walk
    x, ct = Input(0, (3,), float32)(), Input(1, (3,), float32)()
    graph = Graph([x, ct], walk.vjp_nodes([ops.softplus(x)], [ct], [x]))
    assert [type(n.prim).__name__ for n in simplify(graph).nodes][-2:] == ["Sigmoid", "Mul"]
