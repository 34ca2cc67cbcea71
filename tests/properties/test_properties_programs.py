"""Random programs that reuse values: every backend agrees, and so do their gradients."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheer import ops
from sheer.compile.rewrites.merge_loops import merge_loops
from sheer.graph import Graph, float32, from_text, interpret, verify
from sheer.ops import walk
from sheer.ops.loop import Scan
from sheer.ops.structure import Input, constant
from sheer.ops.walk import batch_nodes, vjp_nodes
from sheer.transforms.execute import get_backend

sys.path.insert(0, str(Path(__file__).parent))
from properties_programs import Program, arrays_for, random_program

EPS = {"float32": np.finfo(np.float32).eps, "float64": np.finfo(np.float64).eps}


def scale_of(graph, arrays):
    """For each output a bound of the sum of |terms| that went into it: how much inputs that move
    by one eps, and roundings on the way, can move it. Measured by moving the inputs.
    """
    exact = interpret(graph, arrays)
    scale = [np.maximum(np.abs(e), 1.0) for e in exact]
    for sign in (1, -1):
        moved = [a * (1 + sign * 2.0**-20) for a in arrays]
        with np.errstate(invalid="ignore"):
            found = zip(scale, exact, interpret(graph, moved), strict=True)
            scale = [s + np.abs(m - e) * 2.0**20 for s, e, m in found]
    return exact, scale


def check_backends(seed, steps=12):
    graph, used = random_program(seed, steps)
    arrays = arrays_for(graph, seed)
    want, scale = scale_of(graph, arrays)
    got = get_backend("cpu").compile(graph, {})([a.copy() for a in arrays])
    for w, g, s in zip(want, got, scale, strict=True):
        assert (w.shape, w.dtype) == (g.shape, g.dtype)
        np.testing.assert_array_equal(np.isnan(w), np.isnan(g))
        assert np.all(np.isnan(w) | (np.abs(w - g) <= 200 * EPS["float64"] * s) | (w == g)), seed
    return graph, used


@pytest.mark.parametrize("block", range(10))
def test_native_programs_are_those_of_the_reference(block):
    kinds, loops, count = set(), 0, 0
    for seed in range(15 * block, 15 * block + 15):
        graph, used = check_backends(seed)
        kinds |= used
        loops += any(isinstance(n.prim, Scan) for n in graph.nodes)
        count += 1
    assert count == 15
    assert len(kinds) >= 9
    assert loops >= 3


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_native_programs_are_those_of_the_reference_at_length(block):
    for seed in range(1000 + 100 * block, 1100 + 100 * block):
        check_backends(seed, steps=20)


def directional(graph, arrays, rng):
    """Gradient along a random direction, by the graph and by central differences."""
    count = len(graph.inputs)
    total = len(graph.outputs) - count - 1
    step = [rng.normal(size=a.shape) for a in arrays]
    h = 1e-6
    value = lambda sign: interpret(
        graph, [a + sign * h * d for a, d in zip(arrays, step, strict=True)]
    )[total]
    grads = interpret(graph, arrays)[total + 1 :]
    exact = sum(np.sum(g * d) for g, d in zip(grads, step, strict=True))
    here, far = (value(1) - value(-1)) / (2 * h), (value(2) - value(-2)) / (4 * h)
    return exact, here, far


def test_gradients_are_central_differences():
    """A kink between the points shows as two difference quotients that disagree: not counted."""
    smooth = 0
    for seed in range(150):
        graph, _ = random_program(seed, 12)
        exact, numeric, far = directional(
            graph, arrays_for(graph, seed), np.random.default_rng(seed)
        )
        if np.isfinite(numeric) and abs(numeric - far) <= 1e-6 * (1 + abs(numeric)):
            np.testing.assert_allclose(exact, numeric, rtol=2e-5, atol=2e-6, err_msg=f"seed {seed}")
            smooth += 1
    assert smooth >= 120


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_programs_print_verify_and_merge(data):
    program = Program(lambda n: data.draw(st.integers(0, n - 1)))
    graph = verify(program.graph(data.draw(st.integers(1, 8))))
    assert from_text(repr(graph)) == graph
    merged = verify(merge_loops(graph))
    arrays = arrays_for(graph, 0)
    for a, b in zip(interpret(graph, arrays), interpret(merged, arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def check_batched(seed):
    """The program mapped over a batch equals a loop over the examples."""
    graph, _ = random_program(seed, 8)
    size = 3
    arrays = [
        np.stack([arrays_for(graph, seed + 31 * k)[i] for k in range(size)])
        for i in range(len(graph.inputs))
    ]
    batch = [Input(i, (size, *x.shape), x.dtype)() for i, x in enumerate(graph.inputs)]
    examples = Graph(
        batch, batch_nodes(graph.outputs, dict(zip(graph.inputs, batch, strict=True)), size)
    )
    got = interpret(examples, arrays)
    for k in range(size):
        want, scale = scale_of(graph, [a[k] for a in arrays])
        for w, g, s in zip(want, got, scale, strict=True):
            assert np.all(np.isnan(w) | (np.abs(w - g[k]) <= 200 * EPS["float64"] * s)), seed
            np.testing.assert_array_equal(np.isnan(w), np.isnan(g[k]))


def test_batches_are_loops_over_examples():
    for seed in range(40):
        check_batched(seed)


def test_float32_programs_are_near_the_exact_ones():
    for seed in range(20):
        graph, _ = random_program(seed, 6, float32)
        exact, _ = random_program(seed, 6)
        arrays = arrays_for(exact, seed)
        want, scale = scale_of(exact, arrays)
        got = get_backend("cpu").compile(graph, {})([a.astype("f4") for a in arrays])
        for w, g, s in zip(want[: -1 - len(arrays)], got, scale, strict=False):
            close = np.abs(w - g) <= 300 * EPS["float32"] * s
            assert np.mean(close | np.isnan(w)) > 0.9, seed  # a comparison may fall the other way


# ---- the tests can fail ------------------------------------------------------------------------


def lose_accumulation(monkeypatch):
    """A value that is read twice keeps only one of its cotangents."""
    total = walk._Reverse.total

    def one(self, node, result):
        terms = self.flowed.get((node, result))
        if terms:
            del terms[1:]
        return total(self, node, result)

    monkeypatch.setattr(walk._Reverse, "total", one)


def forget_a_branch(monkeypatch):
    """The cotangents of the second operand are dropped."""
    add = walk._Reverse.add
    monkeypatch.setattr(
        walk._Reverse,
        "add",
        lambda self, node, ct: add(self, node, None if ct is not None and node.ndim == 2 else ct),
    )


def flip_time(monkeypatch):
    """The backward loop runs in the direction of the forward loop."""
    from sheer.ops import loop

    run = loop._Backward.run

    def same_way(self):
        kept = loop.Scan.__call__

        def call(prim, *inputs):
            wrong = prim.body.inputs is not self.scan.body.inputs and len(prim.body.outputs) > 0
            if wrong and prim.body.inputs != self.scan.body.inputs:
                prim = Scan(
                    prim.body, prim.num_consts, prim.num_carry, prim.length, not prim.reverse
                )
            return kept(prim, *inputs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop.Scan, "__call__", call)
            return run(self)

    monkeypatch.setattr(loop._Backward, "run", same_way)


def forget_carries(monkeypatch):
    """Gradients do not flow from step to step: truncated to one."""
    from sheer.ops import loop

    body = loop._Backward._backward_body

    def cut(self):
        graph, const_at, carry_at = body(self)
        outs = list(graph.outputs)
        for k in range(len(carry_at)):
            place = len(const_at) + k
            outs[place] = outs[place] * 0.0
        return Graph(graph.inputs, outs), const_at, carry_at

    monkeypatch.setattr(loop._Backward, "_backward_body", cut)


def drop_the_mask(monkeypatch):
    """The rule against 0 * inf is gone."""
    monkeypatch.setattr(walk._Reverse, "masked", lambda self, node, position, ct, g: g)


GRADIENT_MUTANTS = [lose_accumulation, forget_a_branch, flip_time, forget_carries, drop_the_mask]


@pytest.mark.parametrize("plant", GRADIENT_MUTANTS)
def test_planted_faults_in_the_backward_walk_are_noticed(plant, monkeypatch):
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        test_gradients_are_central_differences()


def wrong_axis(monkeypatch):
    """A scan's inputs are stacked along the wrong axis when batched."""
    monkeypatch.setattr(Scan, "batch", _batch_with(lambda axes, carry: [0] * len(axes)))


def wrong_direction(monkeypatch):
    """A batched loop forgets that it runs backwards."""
    from sheer.ops import loop

    kept = Scan.batch

    def batch(self, args, at):
        forward = Scan(self.body, self.num_consts, self.num_carry, self.length, False)
        return kept(forward, args, at)

    monkeypatch.setattr(loop.Scan, "batch", batch)


def _batch_with(change):
    kept = Scan.batch

    def batch(self, args, at):
        nodes, axes = kept(self, args, at)
        return nodes, tuple(change(list(axes), self.num_carry))

    return batch


def unmoved(monkeypatch):
    """Sum forgets that its axes have moved by one."""
    from sheer.ops import batching
    from sheer.ops.reduce import Sum

    def batch(self, args, at):
        return self(batching.to_front(args[0], at[0], 0)), 0

    monkeypatch.setattr(Sum, "batch", batch)


@pytest.mark.parametrize("plant", [wrong_axis, wrong_direction, unmoved])
def test_planted_faults_in_batching_are_noticed(plant, monkeypatch):
    plant(monkeypatch)
    with pytest.raises((AssertionError, ValueError, TypeError)):
        test_batches_are_loops_over_examples()


def test_the_program_generator_reaches_everything():
    kinds, reused = set(), 0
    for seed in range(60):
        graph, used = random_program(seed, 12)
        kinds |= used
        readers = [len({id(u) for u in graph.nodes if n in u.inputs}) for n in graph.nodes]
        reused += max(readers) > 2
    assert kinds == {
        "unary",
        "binary",
        "view",
        "reduce",
        "dot",
        "where",
        "cast",
        "gather",
        "scan",
        "softmax",
    }
    assert reused > 50
    x = Input(0, (3,), float32)()
    assert vjp_nodes([ops.sum(x, (0,))], [constant(1.0, float32)], [x])[0].shape == (3,)
