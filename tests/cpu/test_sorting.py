"""Sorting and shuffling kernels against NumPy: dtypes, axes, ties, NaN, short and long lines."""

from __future__ import annotations

import numpy as np
import pytest

from sheer.backends.cpu.backend import CpuBackend
from sheer.graph import Graph, dtype_of
from sheer.ops.index.sort import Sort
from sheer.ops.index.topk import TopK
from sheer.ops.primitive import results
from sheer.ops.random import Permutation
from sheer.ops.structure import Input

LINES = [((5,), 0), ((1,), 0), ((3, 7), 1), ((3, 7), 0), ((64, 33), 1), ((2, 1000, 3), 1),
         ((4, 257), 1), ((2, 5000), 1), ((3, 0), 0)]


def compiled(prim, array):
    x = Input(0, array.shape, dtype_of(array.dtype))()
    node = prim(x)
    outs = results(node) if len(node.outputs) > 1 else (node,)
    return CpuBackend().compile(Graph([x], outs))([array])


def values(rng, dtype, shape):
    """Many ties; of floats also NaN of both signs, both zeros, infinities and denormals."""
    if dtype == "?":
        return rng.random(shape) < 0.5
    whole = rng.integers(0 if dtype[0] == "u" else -20, 21, shape)
    if dtype[0] != "f":
        info = np.iinfo(dtype)
        ends = rng.choice([info.min, info.max], shape)
        return np.where(rng.random(shape) < 0.1, ends, whole).astype(dtype)
    x = (whole / 8).astype(dtype)
    for odd in (np.nan, -np.nan, -0.0, 0.0, np.inf, -np.inf, np.finfo(dtype).tiny / 8):
        x[rng.random(shape) < 0.05] = odd
    return x


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "?"])
@pytest.mark.parametrize("descending", [False, True])
def test_sort_is_the_stable_sort_of_numpy(dtype, descending, target):
    rng = np.random.default_rng(0)
    for shape, axis in LINES:
        x = values(rng, dtype, shape)
        prim = Sort(axis, descending)
        want, got = prim.ref(x), compiled(prim, x)
        np.testing.assert_array_equal(got[1], want[1], err_msg=str((shape, axis)))
        assert got[0].tobytes() == np.ascontiguousarray(want[0]).tobytes()      # signs of zeros too


def test_the_length_where_the_method_changes(target):
    rng = np.random.default_rng(1)
    for n in range(150, 260, 7):
        x = rng.integers(0, 9, (3, n)).astype("f4")
        for got, want in zip(compiled(Sort(1), x), Sort(1).ref(x), strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i8", "u1", "?"])
@pytest.mark.parametrize("descending", [False, True])
def test_topk_is_the_start_of_the_stable_sort(dtype, descending, target):
    rng = np.random.default_rng(3)
    for shape, axis, k in [((700,), 0, 5), ((3, 2000), 1, 64), ((600, 3), 0, 1), ((2, 5), 1, 5),
                           ((2, 256), 1, 3), ((2, 257), 1, 64)]:
        x = values(rng, dtype, shape)
        prim = TopK(axis, k, descending)
        for got, want in zip(compiled(prim, x), prim.ref(x), strict=True):
            assert got.tobytes() == np.ascontiguousarray(want).tobytes(), (shape, axis, k)


@pytest.mark.parametrize("line", ["rising", "falling", "equal", "late"])
def test_topk_of_lines_that_fill_its_buffer_again_and_again(line, target):
    x = {"rising": np.arange(5000.0), "falling": -np.arange(5000.0), "equal": np.zeros(5000),
         "late": np.r_[np.full(4990, np.nan), np.arange(10.0)]}[line].astype("f4")
    for descending in (False, True):
        prim = TopK(0, 20, descending)
        for got, want in zip(compiled(prim, x), prim.ref(x), strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 129, 1000, 20_000])
def test_permutations_are_those_of_the_reference(n, target):
    for key in ([5, -6], [[1, 2], [2**40, -4]]):
        prim = Permutation(n)
        (got,) = compiled(prim, np.array(key))
        np.testing.assert_array_equal(got, prim.ref(np.array(key)))


def test_any_number_of_threads_gives_the_same_order(monkeypatch):
    x = np.random.default_rng(2).integers(0, 50, (40, 3000)).astype("f4")
    found = []
    for count in ("1", "2"):
        monkeypatch.setenv("SHEER_THREADS", count)
        found.append(compiled(Sort(1), x))
    for one, two in zip(*found, strict=True):
        assert one.tobytes() == two.tobytes()
