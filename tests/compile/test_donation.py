"""Donated inputs: results written over them, right in every order."""

from __future__ import annotations

import numpy as np
from helpers import check, inputs

from sheer import ops
from sheer.graph import Graph, float64, int64
from sheer.ops.structure import Input


def test_an_update_in_place_needs_no_copy():
    p, m, g = inputs((40, 7), (40, 7), (40, 7), dtype=float64)
    m2 = m * 0.9 + g
    executable = check(Graph([p, m, g], [p - m2 * 0.1, m2]), donate={0: 0, 1: 1})
    assert [k.kind for k in executable.program.kernels] == ["map"]
    assert executable.program.peak_bytes == 0


def test_readers_of_the_old_value_come_first():
    p, x = inputs((6, 6), (5, 6), dtype=float64)
    before = ops.matmul(x, p)
    new = p - ops.matmul(ops.transpose(x), x) * 0.1
    executable = check(Graph([p, x], [new, before]), donate={0: 0})
    assert executable.program.kernels[-1].writes[0].where == "input"


def test_a_new_value_the_readers_depend_on_is_copied_at_the_end():
    p, x = inputs((6,), (6,), dtype=float64)
    new = ops.sum(p * x, (0,)) + p
    late = ops.matmul(ops.reshape(ops.exp(new), (2, 3)), ops.reshape(p, (3, 2)))
    check(Graph([p, x], [new, late]), donate={0: 0})


def test_a_flipped_read_of_what_is_overwritten():
    (p,) = inputs((50,), dtype=float64)
    check(Graph([p], [p + ops.flip(p, (0,)) * 0.5]), donate={0: 0})


def test_inputs_that_change_places():
    a, b = inputs((4,), (4,), dtype=float64)
    check(Graph([a, b], [b, a]), donate={0: 0, 1: 1})
    check(Graph([a, b], [a, b]), donate={0: 0, 1: 1})
    check(Graph([a, b], [a, b, a + b]), donate={0: 1, 1: 0})


def test_a_row_kernel_over_its_own_input():
    b, x = inputs((1, 8), (5, 8), dtype=float64)
    g = ops.sum(x * ops.broadcast_to(b, (5, 8)), (0,))
    check(Graph([b, x], [b - ops.reshape(g, (1, 8)) * 0.1]), donate={0: 0})
    (y,) = inputs((5, 8), dtype=float64)
    check(Graph([y], [y - ops.restore(ops.logsumexp(y, (1,)), (5, 8), (1,))]), donate={0: 0})


def test_the_same_result_twice():
    (x,) = inputs((3, 4), dtype=float64)
    executable = check(Graph([x], [x * 2.0, x * 2.0, ops.reshape(x * 2.0, (12,)), x]))
    first, second = executable([np.ones((3, 4))])[:2]
    assert not np.shares_memory(first, second)


def test_places_that_a_kernel_reads_after_it_wrote_them():
    x = Input(0, (6, 4), float64)()
    i = Input(1, (6,), int64)()
    a, back = np.arange(24.0).reshape(6, 4), np.arange(6)[::-1].copy()
    wide = ops.broadcast_to(ops.reshape(i, (6, 1)), (6, 4))
    for y in (ops.take(x, i, 0), ops.cumsum(ops.flip(x, (0,)), 0), ops.index.sort(x, 0)[0],
              ops.scatter_add(x, wide, ops.flip(x, (0,)), 0), ops.cumsum(x, 0)):
        check(Graph([x, i], [y]), [a, back], donate={0: 0})


def test_a_scatter_updates_what_is_donated_in_place():
    x, u = (Input(n, (6, 4), float64)() for n in (0, 1))
    i = Input(2, (6, 4), int64)()
    arrays = [np.ones((6, 4)), np.ones((6, 4)), np.full((6, 4), 3)]
    made = check(Graph([x, u, i], [ops.scatter_add(x, i, u, 0)]), arrays, donate={0: 0})
    assert len(made.program.kernels) == 1
