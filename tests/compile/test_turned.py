"""Maps that read across what they write: transposes of any size, padded, with other operands."""

from __future__ import annotations

import numpy as np
import pytest

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.graph import Graph, dtype_of, interpret
from sheer.ops import movement
from sheer.ops.structure import Input


def check(make, *arrays):
    nodes = [Input(i, a.shape, dtype_of(a.dtype))() for i, a in enumerate(arrays)]
    graph = Graph(nodes, [make(*nodes)])
    want, = interpret(graph, list(arrays))
    got, = CpuBackend().compile(graph)(list(arrays))
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("shape", [(16, 16), (17, 33), (8, 100), (40, 9), (129, 15), (3, 50)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_a_matrix(shape, dtype):
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    check(lambda x: movement.permute(x, (1, 0)) + movement.permute(x, (1, 0)), x)


@pytest.mark.parametrize("shape", [(2, 5, 7, 16), (3, 18, 18, 33), (1, 40, 3, 17)])
@pytest.mark.parametrize("low", [0, 2])
def test_images_padded_and_turned(shape, low):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    around = [(0, 0, 0), (0, 0, 0), (low, 1, 0), (1, low, 0)]
    check(lambda x: ops.relu(movement.pad(movement.permute(x, (0, 3, 1, 2)), around) - 0.5), x)
    back = [around[0], around[2], around[3], around[1]]
    y = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    check(lambda y: movement.pad(movement.permute(y, (0, 2, 3, 1)), back), y)


def test_with_an_operand_that_lies_straight():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(70, 90)).astype("f4"), rng.normal(size=(90, 70)).astype("f4")
    check(lambda x, y: movement.permute(x, (1, 0)) * y + y, x, y)


def test_large_enough_for_threads():
    x = np.random.default_rng(0).normal(size=(700, 901)).astype("f4")
    check(lambda x: movement.permute(x, (1, 0)), x)
    x = np.random.default_rng(0).normal(size=(32, 64, 30, 31)).astype("f4")
    check(lambda x: movement.permute(x, (0, 2, 3, 1)), x)
