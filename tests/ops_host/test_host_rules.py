"""Every rule of the primitives of this room, on their own samples: shapes, derivatives, batches."""

import hypothesis.strategies as st
import numpy as np
import pytest
from evaluating import as_tuple, inputs_for, over_batch
from hypothesis import given, settings

from sheer.graph import Graph, dtype_of, interpret, verify
from sheer.ops import FoldIn, Permutation, Uniform, host
from sheer.ops.primitive import Absent, Primitive, results
from sheer.ops.structure import constant
from sheer.ops.walk import vjp_nodes

HOST = [p for p in vars(host).values() if isinstance(p, type) and issubclass(p, Primitive)]
RANDOM = [Uniform, Permutation, FoldIn]


def cases(cls):
    pinned = cls.hard()
    return st.one_of(cls.samples(), st.sampled_from(pinned)) if pinned else cls.samples()


def evaluate(prim, args):
    nodes = inputs_for(args)
    node = prim(*nodes)
    outs = results(node) if len(node.outputs) > 1 else (node,)
    return interpret(verify(Graph(nodes, outs)), args)          # infer predicts ref, or E902


@pytest.mark.parametrize("cls", HOST + RANDOM)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_infer_predicts_ref_in_both_float_types(cls, data):
    prim, args = data.draw(cases(cls))
    for dtype in (np.float64, np.float32):
        typed = [a.astype(dtype) if np.asarray(a).dtype.kind == "f" else a for a in args]
        raw = as_tuple(prim.ref(*typed))
        for value, spec in zip(raw, as_tuple(prim.infer(*inputs_for(typed))), strict=True):
            assert value.shape == spec.shape
            assert dtype_of(value.dtype) == spec.dtype
        evaluate(prim, typed)


@pytest.mark.parametrize("cls", [c for c in HOST if not isinstance(c.vjp, Absent)])
@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_vjp_matches_a_central_difference(cls, data):
    prim, args = data.draw(cases(cls))
    rng = np.random.default_rng(0)
    cts = [rng.normal(size=v.shape) for v in as_tuple(prim.ref(*args))]
    step = [rng.normal(size=a.shape) for a in args]
    nudged = lambda h: as_tuple(prim.ref(*(a + h * d for a, d in zip(args, step, strict=True))))
    numeric = sum(np.sum(ct * (up - down)) / 2e-6
                  for ct, up, down in zip(cts, nudged(1e-6), nudged(-1e-6), strict=True))
    nodes = inputs_for(args)
    node = prim(*nodes)
    outs = results(node) if len(node.outputs) > 1 else (node,)
    grads = vjp_nodes(outs, [constant(ct) for ct in cts], nodes)
    values = interpret(verify(Graph(nodes, grads)), args)
    exact = sum(np.sum(g * d) for g, d in zip(values, step, strict=True))
    np.testing.assert_allclose(exact, numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cls", HOST + RANDOM)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_batch_equals_a_loop(cls, data):
    prim, args = data.draw(cases(cls))
    args = [np.asarray(a) for a in args]
    stacked = [np.stack([a, a ^ 5 if a.dtype.kind == "i" else a * 1.5]) for a in args]
    def apply(*nodes):
        node = prim(*nodes)
        return results(node) if len(node.outputs) > 1 else (node,)
    got = over_batch(apply, *stacked)
    want = [np.stack(rows) for rows in zip(
        *(evaluate(prim, [s[i] for s in stacked]) for i in range(2)), strict=True)]
    for x, y in zip(got, want, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)


def test_one_batched_operand_meets_one_that_is_not():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=(4, 3, 2))
    (got,) = over_batch(lambda y: host.solve(constant(a), y), b)
    np.testing.assert_allclose(got, np.linalg.solve(a, b), rtol=1e-12)


def test_printed_graphs_rebuild_themselves():
    from sheer.graph import from_text, to_text
    nodes = inputs_for([np.eye(2), np.ones(2)])
    graph = Graph(nodes, [host.solve(nodes[0], nodes[1]), *host.svd(nodes[0]), *host.fft(nodes[1])])
    assert from_text(to_text(graph)) == graph
