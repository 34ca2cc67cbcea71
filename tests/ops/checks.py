"""The generic checks: a primitive and arrays flow in; a wrong rule comes out as AssertionError.

Each check gives True when it had something to compare, so that none can pass by skipping.
"""

import itertools
import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis.errors import HypothesisWarning

from sheer.graph import Graph, dtype_of, interpret
from sheer.ops.primitive import Absent, results
from sheer.ops.structure import Input
from sheer.transforms.grad import vjp_nodes

STEP = 1e-6         # of a central difference in float64: rounding and curvature both near 1e-10


# ---- running one primitive -----------------------------------------------------------------------

def every_case(cls, check, max_examples=None, pinned=True):
    """Run the check on the pinned cases, then on random ones; how many had something to compare."""
    seen = [check(prim, arrays(args)) for prim, args in cls.hard() if pinned]
    drawn = cls.samples()
    if not drawn.is_empty:
        @settings(max_examples=max_examples or settings.default.max_examples)
        @given(drawn)
        def random_ones(case):
            seen.append(check(case[0], arrays(case[1])))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)     # a failing case has a long repr
            random_ones()
    return sum(map(bool, seen))


def arrays(args):
    return tuple(np.asarray(a) for a in args)


def inputs(args, start=0):
    """An Input node for every array."""
    return [Input(start + i, a.shape, dtype_of(a.dtype))() for i, a in enumerate(args)]


def apply(prim, nodes):
    """The result nodes of a primitive."""
    node = prim(*nodes)
    return list(results(node)) if prim.many or len(node.outputs) > 1 else [node]


def reference(prim, args):
    """The arrays that `ref` gives, as a tuple."""
    with np.errstate(all="ignore"):
        out = prim.ref(*args)
    return tuple(map(np.asarray, out)) if isinstance(out, tuple) else (np.asarray(out),)


def floats(values):
    """Positions of the float values."""
    return [i for i, v in enumerate(values) if np.dtype(str(v.dtype)
            if isinstance(v, np.ndarray) else v.dtype.numpy).kind == "f"]


def finite(values):
    return all(np.isfinite(v).all() for v in values if v.dtype.kind == "f")


# ---- the checks ----------------------------------------------------------------------------------

def check_infer(prim, args):
    """`infer` predicts shape and dtype of `ref`."""
    specs = [(s.shape, s.dtype.name) for s in prim(*inputs(args)).outputs]
    found = [(v.shape, v.dtype.name) for v in reference(prim, args)]
    assert specs == found, f"{prim}: infer says {specs}, ref gives {found}"
    return True


def check_vjp(prim, args):
    """`vjp` agrees with a central difference in a random direction."""
    if isinstance(prim.vjp, Absent) or not smooth(prim, args):
        return False
    nodes, outs = inputs(args), apply(prim, inputs(args))
    of, to = floats(outs), floats(args)
    rng = np.random.default_rng(0)
    cts = [rng.normal(size=outs[i].shape) for i in of]
    ct_nodes = inputs(cts, len(args))
    grads = vjp_nodes([outs[i] for i in of], ct_nodes, [nodes[i] for i in to])
    value = lambda moved: pair(cts, [reference(prim, moved)[i] for i in of])
    graph = Graph([*nodes, *ct_nodes], grads)
    return difference_agrees(prim, value, args, to, interpret(graph, [*args, *cts]))


def check_second_vjp(prim, args):
    """The derivative of the derivative agrees with a central difference of the derivative."""
    if isinstance(prim.vjp, Absent) or not smooth(prim, args):
        return False
    nodes, outs = inputs(args), apply(prim, inputs(args))
    of, to = floats(outs), floats(args)
    rng = np.random.default_rng(1)
    cts = [rng.normal(size=outs[i].shape) for i in of]
    probes = [rng.normal(size=args[i].shape) for i in to]
    ct_nodes, probe_nodes = inputs(cts, len(args)), inputs(probes, len(args) + len(cts))
    first = vjp_nodes([outs[i] for i in of], ct_nodes, [nodes[i] for i in to])
    wanted = [*(nodes[i] for i in to), *ct_nodes]
    second = vjp_nodes(first, probe_nodes, wanted)
    gradient = Graph([*nodes, *ct_nodes], first)
    value = lambda moved: pair(probes, interpret(gradient, moved))
    graph = Graph([*nodes, *ct_nodes, *probe_nodes], second)
    found = interpret(graph, [*args, *cts, *probes])
    moving = [*to, *range(len(args), len(args) + len(cts))]
    return difference_agrees(prim, value, [*args, *cts], moving, found)


def smooth(prim, args):
    """Are all numbers finite float64 values, in and out?"""
    outs = reference(prim, args)
    kinds = {v.dtype.name for v in (*args, *outs) if v.dtype.kind == "f"}
    return (kinds == {"float64"} and len(floats(args)) > 0 and len(floats(outs)) > 0
            and finite(args) and finite(outs))


def pair(cts, values):
    """The inner product that a cotangent stands for."""
    return sum(np.sum(c * v) for c, v in zip(cts, values, strict=True))


def difference_agrees(prim, value, args, moving, grads):
    """Compare the gradient with the slope of `value`; False at a kink or a jump."""
    rng = np.random.default_rng(2)
    steps = {i: rng.normal(size=args[i].shape) for i in moving}
    nudged = lambda h: value([a + h * steps[i] if i in steps else a for i, a in enumerate(args)])
    with np.errstate(all="ignore"):
        low, mid, high = nudged(-STEP), nudged(0), nudged(STEP)
        inner = (nudged(STEP / 2) - nudged(-STEP / 2)) / STEP
    left, right = (mid - low) / STEP, (high - mid) / STEP
    if abs(mid) > 1e6 or not np.allclose([left, inner], right, rtol=1e-3, atol=1e-3):
        return False                      # too coarse to see a step of 1e-6, or no derivative here
    exact = sum(np.sum(g * steps[i]) for i, g in zip(moving, grads, strict=True))
    np.testing.assert_allclose(exact, (high - low) / (2 * STEP), rtol=1e-5, atol=1e-7,
                               err_msg=f"derivative of {prim}")
    return True


def check_batch(prim, args):
    """`batch` equals a loop over the examples, whichever operands have a batch axis."""
    if isinstance(prim.batch, Absent) or not args:
        return False
    for batched in combinations(len(args)):
        for last in (False, True):
            _batch_agrees(prim, args, batched, last)
    return True


def combinations(count):
    """Which operands are batched: every way for up to three, else all of them and one at a time."""
    if count <= 3:
        return [c for c in itertools.product((False, True), repeat=count) if any(c)]
    return [(True,) * count, *(tuple(i == j for j in range(count)) for i in range(count))]


def _batch_agrees(prim, args, batched, last, size=3):
    """One combination; with `last` the batch axis is the last one, else the first."""
    turned = lambda a, k: (a * (1 - k / 4) if a.dtype.kind == "f"    # other values of the same kind
                           else np.roll(a.ravel(), k).reshape(a.shape))
    examples = [[turned(a, k) if b else a for a, b in zip(args, batched, strict=True)]
                for k in range(size)]
    at = [(a.ndim if last else 0) if b else None for a, b in zip(args, batched, strict=True)]
    full = [a if p is None else np.stack([e[i] for e in examples], axis=p)
            for i, (a, p) in enumerate(zip(args, at, strict=True))]
    nodes = inputs(full)
    outs, axes = prim.batch(nodes, at)
    if not isinstance(outs, tuple):
        outs, axes = (outs,), (axes,)
    found = interpret(Graph(nodes, outs), full)
    wanted = zip(*(reference(prim, e) for e in examples), strict=True)
    for got, axis, want in zip(found, axes, wanted, strict=True):
        stacked = np.stack(want, axis=axis) if axis is not None else want[0]
        np.testing.assert_allclose(got, stacked, rtol=1e-11, atol=1e-11,
                                   err_msg=f"{prim} batched at {at}")


def check_read(prim, args):
    """The pieces of `read`, evaluated at every index, are `ref`."""
    if not hasattr(prim, "read"):
        return False
    (want,) = reference(prim, args)
    got = np.empty_like(want)
    specs = [n.spec for n in inputs(args)][:1 if prim.view else None]
    for index in np.ndindex(*want.shape):
        holds = [p for p in prim.read(index, *specs)
                 if all(low <= e < high for low, e, high in p.guards)]
        assert len(holds) <= 1, f"{prim}: two pieces at {index}"
        if holds:
            got[index] = args[holds[0].source][holds[0].index]
        else:
            fill = prim.fill(*specs)
            assert fill is not None, f"{prim}: no piece at {index}"
            got[index] = args[fill][()]
    np.testing.assert_array_equal(got, want, err_msg=f"read of {prim}")
    return want.size > 0


def gradients(prim, args, cts):
    """Cotangents of the float inputs, given those of the float results."""
    nodes, outs = inputs(args), apply(prim, inputs(args))
    ct_nodes = inputs(cts, len(args))
    grads = vjp_nodes([outs[i] for i in floats(outs)], ct_nodes, [nodes[i] for i in floats(args)])
    return interpret(Graph([*nodes, *ct_nodes], grads), [*args, *cts])


def ulp_distance(got, want, near=False):
    """How many units in the last place of got's dtype lie between got and the float64 `want`.

    With `near`, numbers below 1 are measured in units of 1.
    """
    want = np.asarray(want, np.float64)
    with np.errstate(all="ignore"):
        rounded = want.astype(got.dtype)
        same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        unit = np.spacing(np.maximum(np.abs(rounded), 1) if near else np.abs(rounded))
        off = np.abs(got.astype(np.float64) - want) / unit.astype(np.float64)
    return np.max(np.where(same, 0.0, np.where(np.isnan(off), np.inf, off)), initial=0.0)
