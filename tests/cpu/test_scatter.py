"""Scatters and running sums at scale: every way to cut them over threads keeps the order."""

from __future__ import annotations

import numpy as np
import pytest

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.graph import Graph, float32, float64, int64
from sheer.ops.index.along import scatter_add
from sheer.ops.index.gather import ScatterAdd, ScatterSet
from sheer.ops.structure import Input

# rows and columns of the table, updates: cut in columns, in rows of the table, not at all
SIZES = [((500, 128), 3000), ((500, 67), 3000), ((5000, 5), 9000), ((70_000,), 50_000),
         ((4, 300), 2), ((1, 40), 6000), ((3000, 4, 3), 4000)]


def compiled(graph, arrays):
    return CpuBackend().compile(graph)(arrays)[0]


@pytest.mark.parametrize("prim", [ScatterAdd(1), ScatterSet(1)], ids=["add", "set"])
@pytest.mark.parametrize(("shape", "count"), SIZES)
def test_any_number_of_threads_gives_the_bits_of_updates_in_order(prim, shape, count, monkeypatch):
    rng = np.random.default_rng(0)
    table, updates = (rng.normal(size=s).astype("f4") for s in (shape, (count, *shape[1:])))
    index = np.minimum(rng.zipf(1.3, count) - 1, shape[0] - 1)        # mostly few rows, as words
    x, i, u = Input(0, shape, float32)(), Input(1, (count,), int64)(), Input(2, updates.shape,
                                                                             float32)()
    graph = Graph([x, i, u], [prim(x, i, u)])
    want = prim.ref(table, index, updates)
    for threads in ("1", "2"):
        monkeypatch.setenv("SHEER_THREADS", threads)
        got = compiled(graph, [table, index, updates])
        assert got.tobytes() == want.tobytes()
        index[count // 2] = shape[0]
        with pytest.raises(IndexError, match="is outside axis 0"):
            compiled(graph, [table, index, updates])
        index[count // 2] = 0
        want = prim.ref(table, index, updates)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_scattering_along_an_axis(axis, target):
    rng = np.random.default_rng(1)
    shape = (40, 30, 50)
    index = rng.integers(0, shape[axis], shape)
    updates = rng.normal(size=shape).astype("f4")
    i, u = Input(0, shape, int64)(), Input(1, shape, float32)()
    zeros = ops.broadcast_to(ops.constant(0.0, float32), shape)
    got = compiled(Graph([i, u], [scatter_add(zeros, i, u, axis)]), [index, updates])
    want = np.zeros(shape, "f4")
    places = [np.arange(n).reshape([-1 if a == b else 1 for b in range(3)])
              for a, n in enumerate(shape)]
    places[axis] = index
    np.add.at(want, tuple(places), updates)
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("shape", [(7,), (16,), (3, 40), (3, 50, 20), (700, 40), (1, 3000), (9, 1)])
def test_running_sums_along_every_axis(shape, target):
    rng = np.random.default_rng(2)
    given = rng.uniform(0.9, 1.1, shape)              # products stay of size one
    x = Input(0, shape, float64)()
    for axis in range(len(shape)):
        found = CpuBackend().compile(Graph([x], [ops.cumsum(x, axis), ops.cumprod(x, axis)]))(
            [given])
        np.testing.assert_allclose(found[0], np.cumsum(given, axis), atol=1e-11)
        np.testing.assert_allclose(found[1], np.cumprod(given, axis), rtol=1e-11)
