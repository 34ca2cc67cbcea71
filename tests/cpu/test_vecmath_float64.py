"""The float64 functions against a higher precision: the C library's long double, and mpmath."""

from __future__ import annotations

import numpy as np
import pytest

mpmath = pytest.importorskip("mpmath", reason="the oracle of the gamma family")

WIDE = np.longdouble
if np.finfo(WIDE).eps > 2**-62:
    pytest.skip("long double is no wider than float64 here", allow_module_level=True)

# name -> (meaning in long double, bound in ULP with fma, span of the samples; None: all sizes)
BOUNDS = {
    "exp": (np.exp, 1, (-740, 715)), "exp2": (np.exp2, 1, (-1070, 1030)),
    "expm1": (np.expm1, 2, (-45, 715)), "tanh": (np.tanh, 3, (-22, 22)),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 3, (-700, 700)),
    "sinh": (np.sinh, 2, (-715, 715)), "cosh": (np.cosh, 2, (-715, 715)),
    "log": (np.log, 1, None), "log2": (np.log2, 2, None), "log10": (np.log10, 2, None),
    "log1p": (np.log1p, 2, None), "asinh": (np.arcsinh, 3, None),
    "acosh": (np.arccosh, 3, None), "atanh": (np.arctanh, 3, (-1, 1)),
    "sin": (np.sin, 2, (-1e5, 1e5)), "cos": (np.cos, 2.5, (-1e5, 1e5)),
    "tan": (np.tan, 4, (-1e5, 1e5)), "asin": (np.arcsin, 2.5, (-1, 1)),
    "acos": (np.arccos, 2, (-1, 1)), "atan": (np.arctan, 2, None),
}
EDGES = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 1e-300, -1e-300, 1e300, 2.0,
         0.9277, 0.41421356, 1.4142135, 700.0, 709.9, -745.0]


def points(span, count=30_000):
    """Random points: even over the span, near zero of every size, and around 1."""
    rng = np.random.default_rng(0)
    low, high = span or (-1e3, 1e3)
    least, most = (-20, 1) if span else (-300, 300)
    sizes = 10.0 ** rng.uniform(least, most, count) * rng.choice([-1, 1], count)
    around = 1 + rng.normal(size=1000) * 1e-6
    x = np.concatenate([rng.uniform(low, high, count), rng.uniform(-2, 2, count), sizes, around,
                        EDGES])
    return x[~((x < low) | (x > high)) | ~np.isfinite(x)] if span else x


def distance(got, want):
    """The largest error in ULP of the rounded result; NaN and infinity must agree."""
    with np.errstate(all="ignore"):
        rounded = want.astype(np.float64)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rounded))
    size = np.abs(rounded)
    normal = np.isfinite(rounded) & (size >= np.finfo(np.float64).tiny) & np.isfinite(got)
    assert np.all(np.isinf(got) == np.isinf(rounded))
    np.testing.assert_array_equal(got[np.isinf(got)], rounded[np.isinf(got)])
    off = np.abs(got[normal].astype(WIDE) - want[normal]) / np.spacing(size[normal]).astype(WIDE)
    return float(off.max(initial=0)), int(normal.sum())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BOUNDS)
def test_float64_is_within_its_ulps(name, target, elementwise):
    meaning, bound, span = BOUNDS[name]
    x = points(span)
    got = elementwise(lambda b, v: b.call(name, v), x, target=target)
    off, count = distance(got, meaning(x.astype(WIDE)))
    assert count > 20_000
    assert off <= bound + (0 if target.fma else 1.5), f"{name}: {off}"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_powers_are_nearly_within_one_ulp(target, elementwise):
    rng = np.random.default_rng(1)
    grid = np.array([*EDGES, 3.0, -3.0, 0.1, -2.0, 1e25, -1e30, 2.5])
    x, y = (g.ravel() for g in np.meshgrid(grid, grid))
    x = np.concatenate([x, rng.uniform(0, 20, 20_000), 10 ** rng.uniform(-300, 300, 20_000),
                        1 + rng.normal(size=20_000) * 1e-4])
    y = np.concatenate([y, rng.uniform(-30, 30, 20_000), rng.uniform(-1, 1, 20_000),
                        rng.normal(size=20_000) * 1e6])
    got = elementwise(lambda b, v, w: b.call("pow", v, w), x, y, target=target)
    with np.errstate(all="ignore"):
        off, count = distance(got, np.power(x.astype(WIDE), y.astype(WIDE)))
    assert count > 40_000
    assert off <= (1.25 if target.fma else 2.25)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_angles_of_points(target, elementwise):
    rng = np.random.default_rng(2)
    x, y = (g.ravel() for g in np.meshgrid(EDGES, EDGES))
    x, y = (np.concatenate([g, rng.normal(size=30_000) * 10 ** rng.uniform(-3, 3, 30_000)])
            for g in (x, y))
    got = elementwise(lambda b, v, w: b.call("atan2", v, w), y, x, target=target)
    want = np.arctan2(y.astype(WIDE), x.astype(WIDE))
    number = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number])
    off, _ = distance(got, want)
    assert off <= 3


RARE = {
    "erf": (mpmath.erf, {}, (-6.5, 6.5), 1.5), "erfc": (mpmath.erfc, {}, (-6.5, 26), 6),
    "erfinv": (mpmath.erfinv, {}, (-1, 1), 4), "lgamma": (mpmath.loggamma, {}, (1e-3, 60), 4),
    "polygamma": (lambda x: mpmath.polygamma(0, x), {"order": 0}, (1e-3, 60), 6),
}


@pytest.mark.parametrize("name", RARE)
def test_rare_functions_against_mpmath(name, target, elementwise):
    meaning, fixed, span, bound = RARE[name]
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(*span, 700), 10 ** rng.uniform(-15, 0, 200)])
    x = x[(x > span[0]) & (x < span[1])]
    got = elementwise(lambda b, v: b.call(name, v, **fixed), x, target=target)
    with mpmath.workdps(40):
        exact = [mpmath.re(meaning(mpmath.mpf(v))) for v in x]
        near = [abs(float(w)) < 1 and name == "polygamma" for w in exact]     # its zero at 1.46
        off = [abs(float((mpmath.mpf(g) - w) / float(np.spacing(1.0 if n else abs(float(w))))))
               for g, w, n in zip(got.tolist(), exact, near, strict=True)]
    worst = f"{name}: {max(off)} at {x[np.argmax(off)]}"
    assert max(off) <= bound + (0 if target.fma else 1), worst


@pytest.mark.parametrize("order", [1, 2, 5])
def test_polygamma_and_reflection(order, target, elementwise):
    x = np.array([0.01, 0.3, 1.0, 2.5, 7.7, 30.0, 1e3, -0.3, -1.7, -2.5, -9.1])
    got = elementwise(lambda b, v: b.call("polygamma", v, order=order), x, target=target)
    with mpmath.workdps(40):
        want = [float(mpmath.polygamma(order, mpmath.mpf(v))) for v in x]
    np.testing.assert_allclose(got, want, rtol=3e-14)


def test_lgamma_of_negative_numbers(target, elementwise):
    x = np.array([-0.5, -1.5, -2.3, -10.7, -33.2, -1e-10, -3.0, -0.0, 0.0, -np.inf, np.inf, 1e306])
    got = elementwise(lambda b, v: b.call("lgamma", v), x, target=target)
    with mpmath.workdps(40):
        want = [float(mpmath.re(mpmath.loggamma(mpmath.mpf(v)))) for v in x[:6]]
    np.testing.assert_allclose(got[:6], want, rtol=1e-14, atol=1e-15)
    assert np.all(got[6:] == np.inf)
