"""Evaluate functions of nodes, and compare them with torch to the second derivative."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sheer.graph import Graph, dtype_of, interpret  # noqa: E402
from sheer.ops.structure import Input  # noqa: E402
from sheer.ops.walk import batch_nodes, vjp_nodes  # noqa: E402

CLOSE = {"rtol": 1e-11, "atol": 1e-11}              # float64: a few hundred rounding errors


def inputs(arrays, start=0):
    """An Input node for every array."""
    return [Input(start + i, a.shape, dtype_of(a.dtype))() for i, a in enumerate(arrays)]


def many(value):
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def run(function, *arrays):
    """The arrays that a function of nodes gives; one alone when it gives one."""
    arrays = [np.asarray(a) for a in arrays]
    nodes = inputs(arrays)
    out = function(*nodes)
    found = interpret(Graph(nodes, many(out)), arrays)
    return found if isinstance(out, tuple) else found[0]


def agree(ours, theirs, *arrays, seed=0):
    """Values, gradients and second derivatives of both functions of the same arrays."""
    rng = np.random.default_rng(seed)
    nodes, tensors = inputs(arrays), [leaf(a) for a in arrays]
    outs, wanted = many(ours(*nodes)), many(theirs(*tensors))
    same(interpret(Graph(nodes, outs), arrays), wanted)
    outs = [o for o in outs if o.dtype.is_floating_point]
    wanted = [w for w in wanted if w.is_floating_point()]
    moving = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    cts = [rng.normal(size=o.shape) for o in outs]
    probes = [rng.normal(size=arrays[i].shape) for i in moving]
    ct_nodes, ct_leaves = inputs(cts, len(arrays)), [leaf(c) for c in cts]
    probe_nodes = inputs(probes, len(arrays) + len(cts))
    first = vjp_nodes(outs, ct_nodes, [nodes[i] for i in moving])
    inner = [tensors[i] for i in moving]
    slopes = torch.autograd.grad(wanted, inner, ct_leaves, create_graph=True)
    same(interpret(Graph([*nodes, *ct_nodes], first), [*arrays, *cts]), slopes)
    second = vjp_nodes(first, probe_nodes, [*(nodes[i] for i in moving), *ct_nodes])
    bent = torch.autograd.grad(slopes, [*inner, *ct_leaves], [torch.from_numpy(p) for p in probes],
                               allow_unused=True)
    bent = [torch.zeros_like(x) if g is None else g
            for x, g in zip([*inner, *ct_leaves], bent, strict=True)]
    whole = Graph([*nodes, *ct_nodes, *probe_nodes], second)
    same(interpret(whole, [*arrays, *cts, *probes]), bent)


def leaf(array):
    return torch.from_numpy(np.array(array)).requires_grad_(array.dtype.kind == "f")


def same(found, wanted):
    for got, tensor in zip(found, wanted, strict=True):
        want = tensor.detach().numpy()
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, **CLOSE)


def mapped(function, *arrays):
    """A function of one example, run on examples stacked along axis 0 by the batching rules."""
    ones = inputs([a[0] for a in arrays])
    fronts = inputs(arrays, len(arrays))
    outs = batch_nodes(many(function(*ones)), dict(zip(ones, fronts, strict=True)), len(arrays[0]))
    return interpret(Graph(fronts, outs), arrays)


def message(error, function, *arrays):
    """The whole text of the error that building the graph raises, without source lines."""
    with pytest.raises(error) as caught:
        function(*inputs([np.asarray(a) for a in arrays]))
    return plain(caught)


def plain(caught):
    """Error text with each operand's line cut off after its shape."""
    return "\n".join(line.split(" made at ")[0].rstrip() for line in str(caught.value).splitlines())
