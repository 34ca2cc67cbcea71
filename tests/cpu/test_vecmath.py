"""The vector functions against float64 (float32) or mpmath and libm (float64), in ULP."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sheer.backends.cpu.math.vecmath import FUNCTIONS

# name -> (float64 meaning, bound in ULP without fma and with it, where to sample)
F32 = {
    "exp": (np.exp, 2, (-110, 95)), "exp2": (np.exp2, 2, (-155, 135)),
    "expm1": (np.expm1, 3, (-30, 95)), "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 3, (-87, 95)),
    "tanh": (np.tanh, 3, (-10, 10)), "sinh": (np.sinh, 3, (-95, 95)),
    "cosh": (np.cosh, 3, (-95, 95)), "log": (np.log, 2, None), "log2": (np.log2, 3, None),
    "log10": (np.log10, 3, None), "log1p": (np.log1p, 3, None), "sin": (np.sin, 2, (-1e5, 1e5)),
    "cos": (np.cos, 2, (-1e5, 1e5)), "tan": (np.tan, 4, (-1e5, 1e5)),
    "asin": (np.arcsin, 3, (-1, 1)), "acos": (np.arccos, 3, (-1, 1)),
    "atan": (np.arctan, 3, None), "asinh": (np.arcsinh, 4, None), "acosh": (np.arccosh, 4, None),
    "atanh": (np.arctanh, 4, (-1, 1)), "erf": (np.vectorize(math.erf), 2, (-6, 6)),
}
F64 = {"exp": np.exp, "log": np.log, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
       "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "erf": np.vectorize(math.erf),
       "expm1": np.expm1, "atan": np.arctan}
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 1e-30, -1e-30, 3e38, -3e38]


def points(span, dtype=np.float32, count=200_000):
    """Random points over a range: evenly, near zero, and (for None) over all magnitudes."""
    rng = np.random.default_rng(0)
    many = rng.uniform(-38, 38, count) if span is None else rng.uniform(-30, 1, count)
    sizes = 10.0**many * rng.choice([-1, 1], count)
    even = rng.uniform(*(span or (-4, 4)), count)
    low, high = span or (-np.inf, np.inf)
    return np.concatenate([even, sizes[(sizes > low) & (sizes < high)]]).astype(dtype)


def ulps(got, want):
    """Distance in units of the last place of the (correctly rounded) wanted value."""
    kind = got.dtype.type
    rounded = want.astype(kind)
    normal = np.isfinite(want) & (np.abs(want) >= np.finfo(kind).tiny) & np.isfinite(rounded)
    unit = np.spacing(np.abs(rounded[normal])).astype(np.float64)
    return np.abs(got[normal].astype(np.float64) - want[normal].astype(np.float64)) / unit


def same_special(got, want):
    """Equal at NaN, infinities and zeros."""
    rounded = want.astype(got.dtype)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rounded))
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(got[infinite], rounded[infinite])
    np.testing.assert_array_equal(np.isinf(got), infinite)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", F32)
def test_float32_is_within_its_ulps(name, target, elementwise):
    meaning, bound, span = F32[name]
    x = np.concatenate([points(span), np.float32(SPECIAL)])
    got = elementwise(lambda b, v: b.call(name, v), x, target=target)
    want = meaning(x.astype(np.float64))
    same_special(got, want)
    assert ulps(got, want).max() <= bound + (0 if target.fma else 1)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", F64)
def test_float64_is_within_4_ulps(name, target, elementwise):
    span = (-700, 700) if name in ("exp", "sigmoid", "expm1") else (-1e4, 1e4)
    x = np.concatenate([points(span, np.float64, 20_000), np.float64(SPECIAL)])
    got = elementwise(lambda b, v: b.call(name, v), x, target=target)
    want = F64[name](x)
    same_special(got, want)
    assert ulps(got, want.astype(np.longdouble)).max() <= 4.5     # the oracle itself is off by 0.5


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_huge_arguments_are_reduced_exactly(name, target, elementwise):
    x = (10.0 ** np.random.default_rng(1).uniform(4, 38, 4000)).astype(np.float32)
    got = elementwise(lambda b, v: b.call(name, v), x, target=target)
    assert ulps(got, getattr(np, name)(x.astype(np.float64))).max() <= 4


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_pow_and_atan2_agree_with_numpy(target, elementwise):
    rng = np.random.default_rng(2)
    grid = np.float32([*SPECIAL, 2, -2, 3, -3, 0.1])
    x, y = (g.ravel() for g in np.meshgrid(grid, grid))
    x = np.concatenate([x, rng.uniform(0, 20, 20_000).astype(np.float32)])
    y = np.concatenate([y, rng.uniform(-30, 30, 20_000).astype(np.float32)])
    for name, meaning, bound in (("pow", np.power, 1), ("atan2", np.arctan2, 3)):
        got = elementwise(lambda b, v, w, n=name: b.call(n, v, w), x, y, target=target)
        want = meaning(x.astype(np.float64), y.astype(np.float64))
        same_special(got, want)
        assert ulps(got, want).max() <= bound + (0 if target.fma else 1)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_scalar_and_vector_code_give_the_same_bits(name, target, elementwise):
    x = np.random.default_rng(3).uniform(0.01, 0.99, 100).astype(np.float32)
    arguments = [x] * (2 if name in ("pow", "atan2") else 1)
    fixed = {"order": 2} if name == "polygamma" else {}
    body = lambda b, *v: b.call(name, *v, **fixed)
    wide = elementwise(body, *arguments, target=target)
    one = elementwise(body, *arguments, target=target, lanes=1)
    np.testing.assert_array_equal(wide, one)


def test_an_unknown_function_lists_the_known_ones(target, elementwise):
    with pytest.raises(KeyError, match="no function expp; there are acos, acosh"):
        elementwise(lambda b, v: b.call("expp", v), np.float32([1]), target=target)
