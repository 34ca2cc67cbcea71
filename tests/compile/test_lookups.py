"""Products with rows of a small table: done once per row of it, and equal to the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import check, inputs

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.compile.rewrites.lookups import multiply_tables
from sheer.graph import Graph, float32, int64, interpret, verify
from sheer.ops.contract.dot import Dot
from sheer.ops.index.gather import Gather, ScatterAdd
from sheer.ops.structure import Input, constant
from sheer.ops.walk import vjp_nodes

V, E, N = 7, 24, 20                                     # rows of the table, their length, results
RNG = np.random.default_rng(0)

# how the looked up rows (6, 5, E) become a matrix with 30 rows, or the transpose of one
VIEWS = {
    "rows": lambda x: ops.reshape(x, (30, E)),
    "turned rows": lambda x: ops.reshape(ops.permute(x, (1, 0, 2)), (30, E)),
    "columns": lambda x: ops.reshape(ops.permute(x, (2, 1, 0)), (E, 30)),
    "between": lambda x: ops.reshape(ops.permute(ops.permute(x, (0, 2, 1)), (1, 0, 2)), (E, 30)),
}


def depths(graph):
    """How many rows the products of a graph have, and over how many numbers they add up."""
    return {(n.shape[0], n.inputs[0].shape[1]) for n in graph.nodes if isinstance(n.prim, Dot)}


def graph_of(view, turned, wrap=True):
    """Products with a looked up matrix on the left or, turned, on the right; their gradients."""
    table, places = Input(0, (V, E), float32)(), Input(1, (6, 5), int64)()
    rows = VIEWS[view](Gather(1, wrap)(table, places))
    other = Input(2, (rows.shape[1], N), float32)()
    plain = Dot()(rows, other)
    if turned:
        plain = Dot()(ops.permute(other, (1, 0)), ops.permute(rows, (1, 0)))
    loss = ops.sum(plain * plain * 0.5, (0, 1))
    grads = vjp_nodes([loss], [constant(1.0, float32)], [table, other])
    return Graph([table, places, other], [plain, *grads])


def arrays_of(graph, low=-V):
    table, _, other = (RNG.normal(size=x.shape).astype("f4") for x in graph.inputs)
    return [table, RNG.integers(low, V, (6, 5)), other]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_every_way_of_looking_up_is_one_of_the_table(view, turned):
    graph = graph_of(view, turned)
    after = verify(multiply_tables(graph))
    assert any(30 in d for d in depths(graph))
    assert not any(30 in d for d in depths(after)), after
    check(graph, arrays_of(graph), rtol=2e-4, atol=2e-4)


def test_gradients_of_a_table_and_of_what_multiplies_it_share_their_sums():
    after = multiply_tables(graph_of("turned rows", turned=False))
    wide = [n for n in after.nodes if isinstance(n.prim, ScatterAdd) and n.shape == (V, N)]
    assert len(wide) == 1


@pytest.mark.parametrize("odd", [np.inf, np.nan])
@pytest.mark.parametrize("view", VIEWS)
def test_a_row_that_nobody_looks_up_does_no_harm(view, odd):
    graph = graph_of(view, turned=False)
    table, places, other = arrays_of(graph, low=0)
    places[places == 3] = 4
    table[3] = odd
    check(graph, [table, places, other], rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("odd", [np.inf, np.nan])
def test_rows_that_meet_odd_numbers_are_odd_and_the_others_are_not(odd):
    graph = graph_of("rows", turned=False)
    table, places, other = arrays_of(graph, low=0)
    places[places == 3] = 4
    other[2, 5] = odd
    check(graph, [table, places, other], rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
def test_an_odd_row_that_is_looked_up_is_odd_in_the_same_places(odd):
    graph = graph_of("turned rows", turned=False)
    given = arrays_of(graph, low=0)
    given[0][3, 7] = odd
    made = CpuBackend().compile(graph, {})
    for got, want in zip(made(given), interpret(graph, given), strict=True):
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))


def test_updates_are_added_to_what_is_there():
    base, places, a, b = (Input(0, (V, N), float32)(), Input(1, (6, 5), int64)(),
                          *inputs((), (), (30, E), (E, N))[2:])
    rows = ops.permute(ops.reshape(Dot()(a, b), (5, 6, N)), (1, 0, 2))
    graph = Graph([base, places, a, b], [ScatterAdd(1)(base, places, rows)])
    assert depths(multiply_tables(graph)) == {(V, E)}
    given = [RNG.normal(size=x.shape).astype("f4") for x in graph.inputs]
    given[1] = RNG.integers(-V, V, (6, 5))
    check(graph, given, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(("size", "length", "count", "why"), [
    (20, E, 30, "a table with most of the rows"), (V, 3, 30, "rows as short as a copy"),
    (V, E, 10, "few rows")])
def test_what_is_not_worth_it_stays(size, length, count, why):
    table, other = inputs((size, length), (length, N))
    places = Input(2, (count,), int64)()
    graph = Graph([table, other, places], [Dot()(Gather(1)(table, places), other)])
    assert multiply_tables(graph) == graph, why


def test_what_is_no_row_stays():
    """A view that cuts rows, and a table of which elements are looked up."""
    table, other, narrow = inputs((V, E), (E // 2, N), (E, N))
    places, column = Input(3, (30,), int64)(), Input(4, (30, E), int64)()
    halves = ops.reshape(Gather(1)(table, places), (60, E // 2))
    single = Gather(2)(table, ops.broadcast_to(ops.reshape(places, (30, 1)), (30, E)), column)
    graph = Graph([table, other, narrow, places, column],
                  [Dot()(halves, other), Dot()(single, narrow)])
    assert multiply_tables(graph) == graph
