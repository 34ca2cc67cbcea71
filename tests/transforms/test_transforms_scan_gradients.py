"""Gradients of scans: what their forward loop saves, and loops inside loops."""

import numpy as np
import pytest
import torch
from test_transforms_scan import RNG, loops, unrolled

import sheer
from sheer import grad, ops, scan
from sheer.graph import Graph, float64, interpret
from sheer.ops.structure import Input, constant
from sheer.ops.walk import vjp_nodes


def test_what_a_saved_value_makes_cheaply_is_not_saved_as_well():
    """Of a gate s, backward reads s and 1 - s: one of them is stacked, and the carry."""
    gate, h = (Input(i, (4,), float64)() for i in range(2))
    s = ops.sigmoid(gate)
    body = Graph([h, gate], [s * h + (1 - s) * ops.tanh(h)])
    xs, start = Input(0, (6, 4), float64)(), Input(1, (4,), float64)()
    (last,) = ops.loop.scan_graph(body, [], [start], [xs])
    grads = vjp_nodes([ops.sum(last, (0,))], [constant(1.0, float64)], [xs, start])
    forward, _ = loops(Graph([xs, start], grads))
    assert len(forward.outputs) == 1 + 3  # sigmoid, tanh, h; neither 1 - s nor 1 - tanh^2
    own = np.random.default_rng(0)           # whatever tests drew before: no gradient near 0
    arrays = [own.normal(size=x.shape) for x in (xs, start)]
    x, h0 = (torch.tensor(a, requires_grad=True) for a in arrays)
    cell = lambda h, x: (torch.lerp(torch.tanh(h), h, torch.sigmoid(x)), 0)
    unrolled(cell, h0, x)[0].sum().backward()
    for got, want in zip(interpret(Graph([xs, start], grads), arrays), (x, h0), strict=True):
        np.testing.assert_allclose(got, want.grad, rtol=1e-12)


@pytest.mark.parametrize("first", ["a", "b"])
def test_constants_of_nested_loops_are_not_confused(first):
    """Two weights of one shape, the first of the inner loop the second of the outer one."""
    a, b = (sheer.tensor(np.eye(3) * s + 0.1, dtype=sheer.float32) for s in (0.5, 0.25))
    xs = sheer.tensor(RNG.normal(size=(2, 2, 2, 3)), dtype=sheer.float32)

    def loss(a, b):
        one, two = (a, b) if first == "a" else (b, a)

        def outer(c, x):
            h, _ = scan(lambda h, v: ((h @ two + v).tanh(), 0), c, x @ one)
            return h @ one, 0
        return scan(outer, sheer.zeros(2, 3), xs)[0].sum()

    found = []
    for backend in ("cpu", "reference"):
        with sheer.backend(backend):
            found.append([g.numpy() for g in grad(loss, argnums=(0, 1))(a, b)])
    for got, want in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
