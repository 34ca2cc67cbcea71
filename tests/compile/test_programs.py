"""Whole programs: how many kernels, what they print, how much memory, the same bits always."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import arrays_for, check, inputs

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.compile.memory import Lifetimes
from sheer.compile.passes import passes, simplify
from sheer.compile.plan import compile_graph
from sheer.graph import Graph, float32, interpret, verify
from sheer.ops.walk import vjp_nodes

GOLDEN = Path(__file__).parent / "golden"


def softmax():
    (x,) = inputs((32, 100))
    e = ops.exp(x - ops.restore(ops.max(x, (1,)), x.shape, (1,)))
    return Graph([x], [e / ops.restore(ops.sum(e, (1,)), x.shape, (1,))])


def layer_norm():
    x, g, b = inputs((64, 96), (96,), (96,))
    mean = ops.restore(ops.mean(x, (1,)), x.shape, (1,))
    spread = ops.restore(ops.var(x, (1,), correction=0), x.shape, (1,))
    return Graph([x, g, b], [(x - mean) / ops.sqrt(spread + 1e-5) * g + b])


def step():
    """A training step of a two-layer network with momentum."""
    x, y, w1, b1, w2, m1 = inputs((16, 10), (16, 4), (8, 10), (8,), (4, 8), (8, 10))
    h = ops.relu(ops.matmul(x, ops.transpose(w1)) + b1)
    out = ops.matmul(h, ops.transpose(w2))
    loss = ops.mean((out - y) * (out - y))
    g1, gb, g2 = vjp_nodes([loss], [ops.constant(1.0, float32)], [w1, b1, w2])
    m2 = m1 * 0.9 + g1
    return Graph([x, y, w1, b1, w2, m1], [w1 - m2 * 0.1, b1 - gb * 0.1, w2 - g2 * 0.1, m2, loss])


PROGRAMS = {"softmax": softmax, "layer_norm": layer_norm, "step": step}
DONATE = {"step": {0: 2, 1: 3, 2: 4, 3: 5}}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_right_and_print_as_committed(name, request):
    graph = PROGRAMS[name]()
    executable = check(graph, donate=DONATE.get(name))
    text = "\n".join(line.rstrip() for line in str(executable.program).splitlines()) + "\n"
    file = GOLDEN / f"{name}.txt"
    if not file.exists():
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize(("name", "kernels"), [("softmax", 1), ("layer_norm", 1), ("step", 7)])
def test_kernel_counts(name, kernels):
    assert len(compile_graph(PROGRAMS[name](), DONATE.get(name)).kernels) == kernels


def test_every_pass_keeps_the_meaning_and_says_why_it_stands_there():
    graph = step()
    arrays = arrays_for(graph)
    want = interpret(graph, arrays)
    assert len(passes()) <= 12
    for one in passes():
        assert one.contract
        assert one.position
    for name in ("softmax", "layer_norm"):
        simplify(PROGRAMS[name](), lambda _, g: verify(g) and None)
    def same(_, after):
        verify(after)
        for w, g in zip(want, interpret(after, arrays), strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-5, atol=1e-6)
    simplify(graph, same)


def test_equal_kernels_share_their_code():
    x, *ws = inputs((32, 32), (32, 32), (32, 32), (32, 32))
    out = x
    for w in ws:
        out = ops.tanh(ops.matmul(out, w))
    executable = check(Graph([x, *ws], [out]))
    assert len(executable.program.kernels) == 3
    assert executable.program.llvm().count("define i1 @\"contract_") == 1


def test_the_arena_is_shared_by_values_that_do_not_live_together():
    (x,) = inputs((64, 64))
    out = x
    for _ in range(6):
        out = ops.matmul(out, x)
    program = compile_graph(Graph([x], [out]))
    assert program.peak_bytes == 2 * (64 * 64 * 4 + 9 * 64)      # staggered: see memory.py


def test_lifetimes_never_overlap_in_memory():
    rng = np.random.default_rng(0)
    lives = Lifetimes()
    spans = {}
    for key in range(60):
        first = int(rng.integers(0, 30))
        spans[key] = (int(rng.integers(1, 5000)), first, first + int(rng.integers(0, 9)))
        lives.add(key, *spans[key])
    offsets, peak = lives.place()
    for a, (size_a, first_a, last_a) in spans.items():
        assert offsets[a] % 64 == 0
        assert offsets[a] + size_a <= peak
        for b, (size_b, first_b, last_b) in spans.items():
            if a < b and first_a <= last_b and first_b <= last_a:
                low, high = sorted([(offsets[a], size_a), (offsets[b], size_b)])
                assert low[0] + low[1] <= high[0]


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    x, w = inputs((300, 200), (500, 200))
    h = ops.matmul(x, ops.transpose(w))
    big = ops.tanh(ops.broadcast_to(ops.sum(h, (1,)), (900, 300)))
    graph = Graph([x, w], [h, big, ops.sum(h * h, (0,)), ops.sum(h, (0, 1))])
    arrays = arrays_for(graph)
    found = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("SHEER_THREADS", threads)
        found.append(CpuBackend().compile(graph)(arrays))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_measuring_fills_in_times_and_changes_nothing():
    graph = step()
    executable = CpuBackend().compile(graph, DONATE["step"])
    arrays = arrays_for(graph)
    before = [a.copy() for a in arrays]
    program = executable.measure(arrays)
    assert all(k.seconds is not None and k.seconds > 0 for k in program.kernels)
    assert "GFLOP/s" in str(program)
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert "ret" in program.asm()


def test_wrong_arguments_are_refused():
    executable = CpuBackend().compile(softmax())
    with pytest.raises(TypeError, match="takes 1 arrays, got 2"):
        executable([np.zeros((32, 100), np.float32)] * 2)
    with pytest.raises(TypeError, match=r"input 0 is float64\[32, 100\]"):
        executable([np.zeros((32, 100))])
    with pytest.raises(TypeError, match="not C-contiguous"):
        executable([np.zeros((100, 32), np.float32).T])
