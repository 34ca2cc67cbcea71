"""take, gather, scatter, sort and their kin agree with NumPy and torch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes_helpers import agree, inputs, mapped, run, torch

from sheer.graph import FLOATS, INTS, bool_, float32
from sheer.ops import (
    argsort,
    gather_nd,
    one_hot,
    scatter,
    scatter_add,
    sort,
    take,
    take_along,
    topk,
)
from sheer.ops.structure import constant


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_take(axis, shape):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, 5))
    index = rng.integers(-x.shape[axis], x.shape[axis], shape)
    got = run(lambda a, i: take(a, i, axis), x, index)
    np.testing.assert_array_equal(got, np.take(x, index, axis))


@pytest.mark.parametrize("seed", range(12))
def test_along_an_axis(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 5, 1 + seed % 3).tolist())
    axis = int(rng.integers(len(shape)))
    where = [int(rng.integers(1, n + 1)) for n in shape]
    where[axis] = int(rng.integers(1, 6))
    x, index = rng.normal(size=shape), rng.integers(0, shape[axis], where)
    src, i = rng.normal(size=[n + 1 for n in where]), torch.from_numpy(index)
    part = tuple(map(slice, where))                  # torch differentiates no src of another shape
    agree(lambda a: take_along(a, index, axis), lambda a: torch.gather(a, axis, i), x)
    agree(lambda a, s: scatter_add(a, index, s, axis),
          lambda a, s: torch.scatter_add(a, axis, i, s[part]), x, src)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_scatter(axis):
    rng = np.random.default_rng(axis)
    x, src = rng.normal(size=(3, 4, 5)), rng.normal(size=(2, 2, 2))
    index = np.argsort(rng.random((2, 2, 2)), axis)   # no place twice: torch promises nothing there
    i = torch.from_numpy(index)
    agree(lambda a, s: scatter(a, index, s, axis),
          lambda a, s: torch.scatter(a, axis, i, s), x, src)
    np.testing.assert_array_equal(run(lambda a: scatter(a, index, 7, axis), x),
                                  torch.scatter(torch.from_numpy(x), axis, i, 7).numpy())


def test_negative_indices_where_they_are_asked_for():
    x, index = np.arange(12.0).reshape(3, 4), np.array([[-1, -3], [0, -2]])
    np.testing.assert_array_equal(run(lambda a, i: take_along(a, i, 1, wrap=True), x, index),
                                  np.take_along_axis(x[:2], index, 1))


def test_gather_nd():
    x = np.random.default_rng(1).normal(size=(3, 4, 5))
    index = np.array([[[0, 1], [2, 3]], [[-1, -1], [1, 0]]])
    got = run(gather_nd, x, index)
    np.testing.assert_array_equal(got, x[index[..., 0], index[..., 1]])


@pytest.mark.parametrize("dtype", [*INTS, *FLOATS, bool_], ids=str)
def test_one_hot(dtype):
    index = np.array([[0, 2, 1], [2, 2, 0]])
    got = run(lambda i: one_hot(i, 4, dtype), index)
    np.testing.assert_array_equal(got, np.eye(4)[index])
    assert got.dtype == dtype.numpy


def test_additions_happen_in_order():
    big = np.array([1e8, 1.0, 1.0, 1.0, -1e8, 1.0], "f4")
    in_order = np.float32(0)
    for b in big:
        in_order = np.float32(in_order + b)
    got = run(lambda u: scatter_add(constant(np.zeros(1, "f4")), np.zeros(6, "i8"), u, 0), big)
    assert got.tolist() == [in_order]


@given(st.integers(0, 500), st.booleans(), st.sampled_from(["f8", "f4", "i4", "u1", "?"]))
def test_sort_is_stable_and_puts_nan_above_all(seed, descending, dtype):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 5, 1 + seed % 3).tolist())
    x = rng.integers(0, 4, shape).astype(dtype)
    if x.dtype.kind == "f":
        x[rng.random(shape) < 0.2] = np.nan
        x[rng.random(shape) < 0.1] = -np.inf
    axis = int(rng.integers(-len(shape), len(shape)))
    values, indices = run(lambda a: sort(a, axis, descending), x)
    want = torch.sort(torch.from_numpy(x), dim=axis, descending=descending, stable=True)
    np.testing.assert_array_equal(values, want.values.numpy())
    np.testing.assert_array_equal(indices, want.indices.numpy())
    np.testing.assert_array_equal(run(lambda a: argsort(a, axis, descending), x), indices)


@pytest.mark.parametrize("descending", [False, True])
def test_derivatives_of_sort_and_topk(descending):
    x = np.random.default_rng(2).normal(size=(3, 5, 2))
    squared = lambda pair: (pair[0] * pair[0], pair[1])
    agree(lambda a: squared(sort(a, 1, descending)),
          lambda a: squared(torch.sort(a, 1, descending)), x)
    agree(lambda a: squared(topk(a, 3, 1, descending)),
          lambda a: squared(torch.topk(a, 3, 1, descending)), x)


def test_vmap_over_indices_data_and_updates():
    rng = np.random.default_rng(3)
    x, index = rng.normal(size=(4, 3, 5)), rng.integers(0, 3, (4, 2, 5))
    (got,) = mapped(lambda a, i: take_along(a, i, 0), x, index)
    np.testing.assert_array_equal(got, np.take_along_axis(x, index, 1))
    (got,) = mapped(lambda i: take(constant(x[0]), i, 0), index)
    np.testing.assert_array_equal(got, x[0][index])
    values, places = mapped(lambda a: sort(a, 0), x)
    np.testing.assert_array_equal(values, np.sort(x, 1))
    np.testing.assert_array_equal(places, np.argsort(x, 1, kind="stable"))


def test_gradients_stop_at_integers():
    x = inputs([np.arange(6).reshape(2, 3)])[0]
    assert sort(x)[0].dtype == x.dtype
    assert one_hot(x, 6, float32).dtype == float32
