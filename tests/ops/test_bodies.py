"""Primitives that run a graph do what the graph does, written out."""

import numpy as np
from checks import apply, every_case, inputs

from sheer.graph import Graph, interpret
from sheer.ops import movement
from sheer.ops.primitive import REGISTRY
from sheer.transforms.grad import vjp_nodes


def same(prim, args, written_out):
    """Values and gradients of the primitive and of the nodes it stands for."""
    nodes = inputs(args)
    found = []
    for outs in (apply(prim, nodes), list(written_out(nodes))):
        grads = vjp_nodes(outs, [o * 0 + 1 for o in outs], nodes)
        found.append(interpret(Graph(nodes, [*outs, *grads]), args))
    for got, want in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    return True


def test_a_checkpoint_is_its_body():
    assert every_case(REGISTRY["Checkpoint"], lambda p, args: same(p, args, lambda x: p.body(*x)))


def test_a_scan_is_the_unrolled_loop():
    def check(prim, args):
        return same(prim, args, lambda nodes: unrolled(prim, nodes))
    assert every_case(REGISTRY["Scan"], check)


def unrolled(prim, nodes):
    """The steps of a scan, one after the other."""
    first_x = prim.num_consts + prim.num_carry
    consts, carry, xs = nodes[:prim.num_consts], nodes[prim.num_consts:first_x], nodes[first_x:]
    rows = {}
    steps = range(prim.length)
    for t in reversed(steps) if prim.reverse else steps:
        at_t = [movement.reshape(movement.narrow(x, 0, t, 1), x.shape[1:]) for x in xs]
        out = prim.body(*consts, *carry, *at_t)
        carry, rows[t] = out[:prim.num_carry], out[prim.num_carry:]
    stacks = [movement.stack([rows[t][i] for t in steps], 0) for i in range(len(rows[0]))]
    return *carry, *stacks
