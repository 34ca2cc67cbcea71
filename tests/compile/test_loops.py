"""Native loops: scans of every form against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import arrays_for, check, inputs

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.compile.plan import compile_graph
from sheer.compile.rewrites.lighten_loops import lighten_loops
from sheer.compile.rewrites.loop_parts import parts_of
from sheer.compile.rewrites.sink_sums import sink_sums
from sheer.graph import Graph, float32, float64, int64
from sheer.ops.host import inv
from sheer.ops.index import take
from sheer.ops.loop import Scan, scan_graph
from sheer.ops.structure import Input


def body(*shapes, make, dtype=float64):
    ins = inputs(*shapes, dtype=dtype)
    return Graph(ins, make(*ins))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_recurrence(length, reverse):
    step = body((3, 3), (3,), (3,), make=lambda w, h, x: [
        h2 := ops.tanh(ops.matmul(h, w) + x), h2 * x])
    w, h, xs = inputs((3, 3), (3,), (length, 3), dtype=float64)
    check(Graph([w, h, xs], scan_graph(step, [w], [h], [xs], length, reverse)))


def test_a_loop_in_a_loop():
    inner = body((4,), (4,), make=lambda c, x: [c * 0.5 + x, c])
    def outer_step(c, x):
        last, ys = scan_graph(inner, [], [c], [x])
        return [last, ops.sum(ys, (0,))]
    outer = body((4,), (3, 4), make=outer_step)
    c, xs = inputs((4,), (5, 3, 4), dtype=float64)
    check(Graph([c, xs], scan_graph(outer, [], [c], [xs])))


def test_carried_values_that_change_places():
    step = body((4,), (4,), (4,), make=lambda a, b, c: [b, c, a + b * 0.5])
    a, b, c = inputs((4,), (4,), (4,), dtype=float64)
    graph = Graph([a, b, c], scan_graph(step, [], [a, b, c], [], 5))
    check(graph, donate={0: 0, 1: 1, 2: 2})
    check(graph, donate={0: 1, 1: 2, 2: 0})


def test_the_old_value_is_read_after_the_new_one_is_made():
    step = body((4,), (4,), make=lambda p, x: [q := p * 0.9 + ops.sum(ops.flip(p, (0,)) * x, (0,)),
                                               ops.sum(p * q, (0,))])
    p, xs = inputs((4,), (6, 4), dtype=float64)
    check(Graph([p, xs], scan_graph(step, [], [p], [xs])), donate={0: 0})


def test_one_input_as_constant_and_as_start():
    step = body((4,), (4,), make=lambda k, c: [c * 0.5 + k])
    (x,) = inputs((4,), dtype=float64)
    check(Graph([x], scan_graph(step, [x], [x], [], 4)), donate={0: 0})


def _inverse(x):
    """1 / x by an operation of the host."""
    return ops.reshape(inv(ops.reshape(x, (5, 1, 1))), (5,))


def test_an_operation_without_kernel_inside_a_loop():
    step = body((5,), (5,), make=lambda c, x: [_inverse(ops.tanh(c) + 2.0) * 0.1 + x])
    c, xs = inputs((5,), (4, 5), dtype=float64)
    executable = check(Graph([c, xs], scan_graph(step, [], [c], [xs])))
    assert [k.kind for _, k in executable.program.walk()] == ["loop", "map", "host", "map"]


def test_an_error_inside_a_loop_surfaces_and_the_program_still_works():
    table, index = Input(0, (3, 2), float32)(), Input(1, (4, 5), int64)()
    t, i = Input(0, (3, 2), float32)(), Input(1, (5,), int64)()
    total, row = Input(1, (2,), float32)(), Input(2, (5,), int64)()
    step = Graph([t, total, row], [total + ops.sum(take(t, row), (0,))])
    zero = ops.broadcast_to(ops.constant(0.0, float32), (2,))
    graph = Graph([table, index], scan_graph(step, [table], [zero], [index]))
    arrays = [np.ones((3, 2), np.float32), np.zeros((4, 5), np.int64)]
    executable = CpuBackend().compile(graph)
    np.testing.assert_allclose(executable(arrays)[0], [20, 20])
    arrays[1][2, 3] = 3
    with pytest.raises(IndexError, match=r"index 3 at position \(3,\) is outside axis 0"):
        executable(arrays)
    arrays[1][2, 3] = -3
    np.testing.assert_allclose(executable(arrays)[0], [20, 20])
    del i


def test_batches_of_an_epoch_are_gathered_in_the_loop():
    data, order = Input(0, (20, 3), float32)(), Input(1, (5, 4), int64)()
    d, s, o = Input(0, (20, 3), float32)(), Input(1, (3,), float32)(), Input(2, (4,), int64)()
    step = Graph([d, s, o], [s + ops.mean(take(d, o), (0,))])
    zero = ops.broadcast_to(ops.constant(0.0, float32), (3,))
    graph = Graph([data, order], scan_graph(step, [data], [zero], [order]))
    rng = np.random.default_rng(0)
    check(graph, [arrays_for(graph)[0], rng.permutation(20).reshape(5, 4)])


def sums_over_steps(length=6, rows=5):
    """s + h'^T g and b + sum(g) beside a recurrence, as a backward loop has them."""
    def step(s, b, h, x):
        g = ops.tanh(ops.matmul(h, ops.constant(np.eye(4) * 0.5)) + x)
        return [s + ops.matmul(ops.permute(x, (1, 0)), g), b + ops.sum(g, (0,)), g, g]
    made = body((4, 4), (4,), (rows, 4), (rows, 4), make=step)
    s, b, h, xs = inputs((4, 4), (4,), (rows, 4), (length, rows, 4), dtype=float64)
    return Graph([s, b, h, xs], scan_graph(made, [], [s, b, h], [xs], length))


@pytest.mark.parametrize("rows", [1, 5])
def test_sums_over_steps_leave_the_loop(rows):
    graph = sums_over_steps(rows=rows)
    scans = [n.prim for n in sink_sums(graph).nodes if isinstance(n.prim, Scan)]
    assert [s.num_carry for s in scans] == [1]
    check(graph)
    check(graph, donate={0: 0, 1: 1})


def test_a_sum_that_somebody_reads_stays_in_the_loop():
    step = body((4, 4), (3, 4), make=lambda s, x: [
        s + ops.matmul(ops.permute(x, (1, 0)), x), ops.matmul(x, s)])
    s, xs = inputs((4, 4), (5, 3, 4), dtype=float64)
    graph = Graph([s, xs], scan_graph(step, [], [s], [xs]))
    assert sink_sums(graph).outputs == graph.outputs
    check(graph)


def batched_recurrence(rows, width=24, length=120, reverse=False):
    """Gates by slices, a mask without a batch axis of its own, a constant for every row."""
    def step(w, b, h, c, x, keep):
        gates = ops.matmul(h, ops.permute(w, (1, 0))) * 0.1 + x + ops.broadcast_to(b, x.shape)
        f, g = (ops.narrow(gates, 1, k * width, width) for k in (0, 1))
        new = ops.sigmoid(f) * c + ops.tanh(g)
        kept = ops.where(ops.gt(ops.broadcast_to(keep, c.shape), 0), new, c)
        return [ops.tanh(kept), kept, kept, ops.sum(gates, (1,))]
    made = body((2 * width, width), (2 * width,), (rows, width), (rows, width),
                (rows, 2 * width), (1, 1), make=step, dtype=float32)
    shapes = [(2 * width, width), (2 * width,), (rows, width), (rows, width),
              (length, rows, 2 * width), (length, 1, 1)]
    ins = inputs(*shapes, dtype=float32)
    return Graph(ins, scan_graph(made, ins[:2], ins[2:4], ins[4:], length, reverse))


@pytest.mark.parametrize("rows", [8, 12, 32])
def test_rows_that_never_meet_are_shared_out(rows):
    graph = batched_recurrence(rows, reverse=rows == 12)
    loop = next(k for k in compile_graph(graph).kernels if k.kind == "loop")
    assert loop.parts == 2
    assert loop.inner.graph.inputs[2].shape == (rows // loop.parts, 24)
    check(graph)
    check(graph, donate={0: 2, 1: 3})


def test_a_loop_in_parts_inside_a_loop():
    inner = batched_recurrence(8)
    def outer_step(c, *rest):
        last, _, ys, _ = inner(rest[0], rest[1], c, c, *rest[2:])
        return [last, ops.sum(ys, (0,))]
    shapes = [(8, 24), *(x.shape for i, x in enumerate(inner.inputs) if i not in (2, 3))]
    made = body(*shapes, make=outer_step, dtype=float32)
    made = Graph([*made.inputs[1:3], made.inputs[0], *made.inputs[3:]], made.outputs)
    w, b, c, *xs = inputs(shapes[1], shapes[2], shapes[0], *((3, *s) for s in shapes[3:]),
                          dtype=float32)
    graph = Graph([w, b, c, *xs], scan_graph(made, [w, b], [c], xs))
    check(graph)
    check(graph, donate={0: 2})


def test_rows_that_meet_stay_together():
    def step(h, x):
        return [ops.tanh(h - ops.broadcast_to(ops.sum(h, (0,)), h.shape) + x)]
    made = body((64, 64), (64, 64), make=step, dtype=float32)
    h, xs = inputs((64, 64), (400, 64, 64), dtype=float32)
    assert parts_of(Scan(made, 0, 1, 400))[0] == 1
    check(Graph([h, xs], scan_graph(made, [], [h], [xs])))


@pytest.mark.parametrize("width", [24, 64, 80])
@pytest.mark.parametrize("dtype", [float32, float64])
def test_weights_of_a_recurrence_are_laid_out_before_it(width, dtype):
    """One strip, whole strips, and a last one that is filled up; twice in a step."""
    def step(w, h, x):
        new = ops.tanh(ops.matmul(h, ops.permute(w, (1, 0))) * 0.1 + x)
        return [ops.tanh(ops.matmul(new, w)) * 0.1, new]
    made = body((width, width), (7, width), (7, width), make=step, dtype=dtype)
    w, h, xs = inputs((width, width), (7, width), (9, 7, width), dtype=dtype)
    graph = Graph([w, h, xs], scan_graph(made, [w], [h], [xs]))
    loop = next(n for n in lighten_loops(graph).nodes if isinstance(n.prim, Scan))
    small = width * width * dtype.size <= 8192
    assert loop.prim.num_consts == (1 if small else 3)
    check(graph)
