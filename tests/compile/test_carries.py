"""Matrices that a loop carries transposed: which ones, and that nothing else changes."""

from __future__ import annotations

import pytest
from helpers import check, inputs

from sheer import ops
from sheer.compile.rewrites.carries import turn_carries
from sheer.graph import Graph, float32
from sheer.ops.loop import scan_graph
from sheer.ops.structure import Pick

ROWS, STEPS = 8, 40


def trained(out: int, width: int, steps: int = STEPS, momentum: bool = True) -> Graph:
    """A loop that moves w (out, width) along x.T @ x @ w.T, with momentum m."""
    w, m, x = inputs((out, width), (out, width), (ROWS, width))
    made = ops.matmul(x, ops.permute(w, (1, 0)))                                   # (ROWS, out)
    step = ops.matmul(ops.permute(made, (1, 0)), x) * 0.001                       # (out, width)
    after = m * 0.9 + step if momentum else m * 0.9
    body = Graph([w, m, x], [w - after, after, ops.sum(made, (0, 1))])
    w0, m0, xs = inputs((out, width), (out, width), (steps, ROWS, width))
    return Graph([w0, m0, xs], scan_graph(body, [], [w0, m0], [xs]))


def carried(graph: Graph) -> list[tuple[int, ...]]:
    """Shapes of what the loop of the rewritten graph carries."""
    picks = [n for n in turn_carries(graph).nodes if isinstance(n.prim, Pick)]
    return [spec.shape for spec in picks[0].inputs[0].outputs[:2]]


def test_a_matrix_whose_columns_fill_registers_is_carried_transposed_with_its_state():
    assert carried(trained(64, 20)) == [(20, 64), (20, 64)]


@pytest.mark.parametrize("graph", [
    trained(20, 64), trained(64, 64), trained(64, 20, steps=31), trained(1024, 20)],
    ids=["rows fill registers", "both do", "too few steps", "too large"])
def test_others_stay(graph):
    assert turn_carries(graph).outputs == graph.outputs


def test_what_no_product_updates_stays():
    assert carried(trained(64, 20, momentum=False)) == [(64, 20), (64, 20)]


@pytest.mark.parametrize(("out", "width"), [(64, 20), (16, 2), (46, 10), (33, 17)])
def test_results_are_those_of_the_reference(out, width):
    check(trained(out, width), donate={0: 0, 1: 1}, rtol=1e-4, atol=1e-4)


def test_products_of_single_rows_are_left_to_reductions():
    assert trained(1, 20).outputs[0].dtype == float32
    assert turn_carries(trained(1, 20)).outputs == trained(1, 20).outputs
