"""Arrays to test the standard with: every dtype, odd shapes, and the values that are special."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

import sheer

FLOATS, SIGNED, INTS = ("float32", "float64"), ("int8", "int16", "int32", "int64"), (
    "uint8", "int8", "int16", "int32", "int64")
NUMERIC, ALL, BITS = (*INTS, *FLOATS), ("bool", *INTS, *FLOATS), ("bool", *INTS)
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-30, -3.0]
SHAPES = [(), (0,), (1,), (3,), (2, 3), (1, 3), (2, 1), (2, 0), (2, 2, 3)]
PAIRS = [((), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((2, 3), (2, 3)), ((0,), (1,)),
         ((2, 2, 3), (2, 1))]


def array(draw, dtype, shape, low=-9, high=9, positive=False):
    """Numbers of a dtype: special ones, small ones and, for floats, any in between."""
    size = math.prod(shape)
    kind = np.dtype(dtype)
    if dtype == "bool":
        element = st.booleans()
    elif kind.kind == "f":
        # compiled programs flush subnormals to zero (docs/array-api.md)
        plain = st.floats(low, high, width=8 * kind.itemsize, allow_subnormal=False)
        element = st.sampled_from(SPECIAL) | plain
    else:
        info = np.iinfo(kind)
        ends = [info.min, info.max, 0, 1]
        element = st.sampled_from(ends) | st.integers(max(low, info.min), min(high, info.max))
    values = draw(st.lists(element, min_size=size, max_size=size))
    made = np.array(values, kind).reshape(shape)
    return np.abs(made) if positive else made


def tensor(a):
    """The same numbers as ours."""
    return sheer.asarray(a, dtype=a.dtype.name)


def same(ours, want, ulps=4):
    """One shape, one dtype; values equal up to a few units in the last place, zeros with sign."""
    want = np.asarray(want)
    got = ours.numpy()
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    eps = np.finfo(want.dtype).eps
    np.testing.assert_allclose(got, want, rtol=ulps * eps, atol=np.finfo(want.dtype).tiny,
                               equal_nan=True)
    zero = want == 0
    np.testing.assert_array_equal(np.signbit(got[zero & (got == 0)]),
                                  np.signbit(want[zero & (got == 0)]))
