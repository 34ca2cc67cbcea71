"""x[key] and x[key] = value are NumPy's, for random keys; their gradients are torch's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes_helpers import agree, inputs, run, torch

from sheer.graph import Graph, interpret
from sheer.ops import getitem, setitem
from sheer.ops.walk import vjp_nodes

KINDS = ["int", "slice", "array", "list", "new", "dots", "mask", "bool"]


@st.composite
def keys(draw):
    """An array, and a key made of everything NumPy knows but fields."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    common = draw(st.sampled_from([(), (1,), (3,), (2, 1), (2, 3)]))
    items, axis, dots = [], 0, False
    while axis < len(shape) and draw(st.integers(0, 6)):
        kind = draw(st.sampled_from(KINDS))
        if kind == "dots" and not dots:
            dots = True
            items.append(...)
            axis += draw(st.integers(0, len(shape) - axis))
        elif kind == "new":
            items.append(None)
        elif kind == "bool" and draw(st.booleans()):
            items.append(draw(st.booleans()))
        elif kind in ("int", "slice", "array", "list", "mask"):
            items.append(draw(_item(kind, shape[axis], common)))
            axis += 1
    key = tuple(items)
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape), key[0] if len(key) == 1 else key


def _item(kind, n, common):
    index = st.integers(-n, n - 1)
    bound = st.none() | st.integers(-n - 2, n + 2)
    array = lambda seed: np.random.default_rng(seed).integers(-n, n, common)
    return {"int": index, "array": st.builds(array, st.integers(0, 99)),
            "list": st.lists(index, min_size=1, max_size=1),
            "slice": st.builds(slice, bound, bound, st.none() | st.sampled_from([1, 2, 3, -1, -2])),
            "mask": st.builds(lambda i: np.arange(n) == i % n, st.integers(0, 3))}[kind]


def numpy_takes(x, key):
    """What NumPy gives, or None where it refuses the key."""
    try:
        return x[key]
    except IndexError:
        return None


@settings(max_examples=400)
@given(keys())
def test_getitem_is_numpys(case):
    x, key = case
    want = numpy_takes(x, key)
    if want is None:                                   # arrays that do not broadcast, say
        with pytest.raises((IndexError, ValueError)):
            run(lambda a: getitem(a, key), x)
        return
    np.testing.assert_array_equal(run(lambda a: getitem(a, key), x), want)


@settings(max_examples=300)
@given(keys(), st.integers(0, 99))
def test_setitem_is_numpys(case, seed):
    x, key = case
    want = numpy_takes(x, key)
    if want is None:
        return
    rng = np.random.default_rng(seed)
    shape = tuple(n if rng.integers(2) else 1 for n in want.shape)
    value, changed = rng.normal(size=shape[int(rng.integers(want.ndim + 1)):]), x.copy()
    changed[key] = value
    np.testing.assert_array_equal(run(lambda a, v: setitem(a, key, v), x, value), changed)


@settings(max_examples=100)
@given(keys(), st.integers(0, 99))
def test_gradient_of_getitem_adds_up_where_elements_were_taken(case, seed):
    x, key = case
    want = numpy_takes(x, key)
    if want is None:
        return
    ct, total = np.random.default_rng(seed).normal(size=want.shape), np.zeros_like(x)
    np.add.at(total, key, ct)
    nodes = inputs([x, ct])
    grads = vjp_nodes([getitem(nodes[0], key)], [nodes[1]], [nodes[0]])
    (got,) = interpret(Graph(nodes, grads), [x, ct])
    np.testing.assert_allclose(got, total, rtol=1e-13, atol=1e-13)


@settings(max_examples=60)
@given(keys())
def test_index_arrays_may_be_nodes(case):
    x, key = case
    items = key if isinstance(key, tuple) else (key,)
    moved = [np.asarray(i, np.int64) for i in items
             if isinstance(i, np.ndarray) and i.dtype != bool]
    if numpy_takes(x, key) is None or not moved:
        return
    def indexed(a, *indices):
        left = iter(indices)
        return getitem(a, tuple(next(left) if isinstance(i, np.ndarray) and i.dtype != bool else i
                                for i in items))
    np.testing.assert_array_equal(run(indexed, x, *moved), x[key])


ROWS = np.array([2, 0, 2, -1])
TORCH_KEYS = [ROWS, (slice(1, None), ROWS), (ROWS, slice(0, 3, 2)), (1, ROWS), (ROWS, 1, ROWS % 2),
              (None, ROWS, None), (..., ROWS), (ROWS[:, None], ROWS[None] % 3),
              (slice(None, None, 2), -1), np.arange(4) % 2 == 0]


@pytest.mark.parametrize("key", TORCH_KEYS, ids=str)
def test_derivatives_are_torchs(key):
    x = np.random.default_rng(0).normal(size=(4, 4, 4))
    items = key if isinstance(key, tuple) else (key,)
    tensors = tuple(torch.from_numpy(i) if isinstance(i, np.ndarray) else i for i in items)
    agree(lambda a: getitem(a, key) * getitem(a, key), lambda a: a[tensors] ** 2, x)


@pytest.mark.parametrize("key", [
    (1,), (slice(1, 3), ..., slice(None, None, 3)), (np.array([2, 0]), 1), (..., np.array([0, 3])),
    (None, 1, slice(2)), np.arange(64).reshape(4, 4, 4) % 3 == 0], ids=str)
def test_derivatives_of_setitem_are_torchs(key):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 4, 4))
    value = rng.normal(size=x[key].shape)
    items = key if isinstance(key, tuple) else (key,)
    tensors = tuple(torch.from_numpy(i) if isinstance(i, np.ndarray) else i for i in items)
    def changed(a, v):
        out = a * 1
        out[tensors] = v
        return out ** 2
    def ours(a, v):
        out = setitem(a, key, v)
        return out * out
    agree(ours, changed, x, value)


def test_of_places_named_twice_the_last_wins_and_has_the_gradient():
    x, value, index = np.zeros(3), np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 1, -2])
    nodes = inputs([x, value])
    out = setitem(nodes[0], index, nodes[1])
    weights = getitem(out, ...)
    grads = vjp_nodes([out], [weights], nodes)
    got = interpret(Graph(nodes, [out, *grads]), [x, value])
    assert [g.tolist() for g in got] == [[0, 4, 2], [0, 0, 0], [0, 2, 0, 4]]


def test_values_of_other_dtypes_are_cast():
    x = np.arange(4)
    assert run(lambda a: setitem(a, 1, 7.9), x).tolist() == [0, 7, 2, 3]
    assert run(lambda a: setitem(a, slice(2), np.array([5.5, 6.5])), x).tolist() == [5, 6, 2, 3]


def test_a_boolean_node_is_enough_when_the_value_is_one():
    x, mask = np.arange(6.0).reshape(2, 3), np.array([[True, False, True], [False, True, True]])
    out = run(lambda a, m: setitem(a, m, -1.0), x, mask)
    np.testing.assert_array_equal(out, np.where(mask, -1.0, x))
    rows = run(setitem, x, mask[:, 0], np.array([7.0, 8.0, 9.0]))
    np.testing.assert_array_equal(rows, [[7, 8, 9], [3, 4, 5]])


def test_nan_does_not_spread_from_the_rest_of_the_array():
    x = np.array([np.nan, 1.0, np.inf])
    np.testing.assert_array_equal(run(lambda a: setitem(a, 0, 2.0), x), [2, 1, np.inf])
    np.testing.assert_array_equal(run(lambda a: setitem(a, slice(1, 3), np.nan), x), [np.nan] * 3)
