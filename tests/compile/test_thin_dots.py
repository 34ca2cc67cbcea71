"""A vector times a matrix: a dot with an epilogue where the matrix is large, else a fused sum."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import check, inputs

from sheer import ops
from sheer.graph import Graph, float32, float64
from sheer.ops.contract.dot import Dot

SIZES = [(784, 256), (256, 10), (33, 32), (32, 33), (100, 67), (31, 40), (40, 7), (1031, 517)]


@pytest.mark.parametrize(("k", "n"), SIZES, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(float32, 1e-4), (float64, 1e-12)], ids=str)
def test_one_row(k, n, dtype, tolerance):
    x, w, bias = inputs((1, k), (n, k), (n,), dtype=dtype)
    plain = Dot()(x, ops.permute(w, (1, 0)))
    graph = Graph([x, w, bias], [ops.relu(plain + bias), plain])
    made = check(graph, rtol=tolerance, atol=tolerance)
    kinds = [kernel.kind for kernel in made.program.kernels]
    assert ("contract" in kinds) == (min(k, n) >= 32)


def test_a_network_for_one_row_has_a_kernel_per_layer():
    sizes = (784, 256, 128, 10)
    x, *weights = inputs((1, 784), *zip(sizes[1:], sizes[:-1], strict=True))
    value = x
    for w in weights:
        value = ops.relu(Dot()(value, ops.permute(w, (1, 0))))
    assert len(check(Graph([x, *weights], [value]), rtol=1e-3, atol=1e-3).program.kernels) == 3


def test_batches_of_vectors():
    x, w = inputs((5, 1, 64), (5, 48, 64))
    graph = Graph([x, w], [ops.tanh(Dot()(x, ops.permute(w, (0, 2, 1))))])
    check(graph, rtol=1e-4, atol=1e-4)


def test_odd_numbers_keep_their_meaning():
    x, w = inputs((1, 70), (40, 70))
    arrays = [np.random.default_rng(0).normal(size=v.shape).astype("f4") for v in (x, w)]
    arrays[1][3, 69], arrays[1][5, 0], arrays[1][7, 33] = np.nan, np.inf, -np.inf
    check(Graph([x, w], [Dot()(x, ops.permute(w, (1, 0)))]), arrays, rtol=1e-4, atol=1e-4)
