"""Helpers of these tests: run functions of nodes on arrays, and compare derivatives with torch."""

from __future__ import annotations

import numpy as np
import torch

from sheer.graph import Graph, dtype_of, interpret
from sheer.ops.structure import Input, constant
from sheer.ops.walk import batch_nodes, vjp_nodes


def inputs_for(arrays):
    return [Input(i, np.shape(a), dtype_of(np.asarray(a).dtype))() for i, a in enumerate(arrays)]


def as_tuple(x):
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def run(function, *arrays):
    """The value, or the tuple of values, of a function of nodes."""
    nodes = inputs_for(arrays)
    out = function(*nodes)
    values = interpret(Graph(nodes, as_tuple(out)), [np.asarray(a) for a in arrays])
    return values[0] if not isinstance(out, tuple | list) else tuple(values)


def weights(shapes, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=s) for s in shapes]


def derivatives(function, *arrays):
    """Values, gradients of a random weighting of them, and gradients of a weighting of those."""
    nodes = inputs_for(arrays)
    outs = as_tuple(function(*nodes))
    first = vjp_nodes(outs, [constant(w) for w in weights([o.shape for o in outs], 1)], nodes)
    second = vjp_nodes(first, [constant(w) for w in weights([g.shape for g in first], 2)], nodes)
    return interpret(Graph(nodes, [*outs, *first, *second]), arrays)


def torch_derivatives(function, *arrays):
    """The same by torch."""
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    outs = as_tuple(function(*leaves))
    dotted = lambda xs, seed: sum((x * torch.tensor(w)).sum() for x, w in zip(
        xs, weights([x.shape for x in xs], seed), strict=True))
    grad = lambda y: [torch.zeros_like(x) if g is None else g for x, g in zip(
        leaves, torch.autograd.grad(y, leaves, create_graph=True, allow_unused=True), strict=True)]
    first = grad(dotted(outs, 1))
    total = dotted(first, 2)
    second = grad(total) if total.requires_grad else [torch.zeros_like(x) for x in leaves]
    return [x.detach().numpy(force=True) for x in (*outs, *first, *second)]


def assert_parity(ours, theirs, *arrays, rtol=1e-8, atol=1e-9):
    """Values, first and second derivatives agree, in float64."""
    got, want = derivatives(ours, *arrays), torch_derivatives(theirs, *arrays)
    assert len(got) == len(want)
    for x, y in zip(got, want, strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)


def over_batch(function, *arrays):
    """The function of single examples, on arrays with a leading batch axis, by the batch rules."""
    single = inputs_for([a[0] for a in arrays])
    stacked = inputs_for(arrays)
    outs = as_tuple(function(*single))
    batched = batch_nodes(outs, dict(zip(single, stacked, strict=True)), len(arrays[0]))
    return interpret(Graph(stacked, batched), arrays)
