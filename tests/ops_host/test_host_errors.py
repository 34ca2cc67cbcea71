"""Whole error texts of linear algebra, Fourier transforms and random numbers."""

import re

import numpy as np
import pytest
from evaluating import derivatives, run

from sheer.graph import (
    ArgumentError,
    DTypeError,
    NumericError,
    ShapeError,
    SheerError,
    float32,
    int64,
    uint8,
)
from sheer.ops import FoldIn, Solve, host, random

KEY, EYE, ONES = np.array([1, 2]), np.eye(2), np.ones((2, 3))
NAN = np.array([[1.0, np.nan], [2.0, 1.0]])


def solve_upper(a, b):
    return host.triangular_solve(a, b, upper=True)


def drawn(function, *args, **kwargs):
    return lambda key: function(key, *args, **kwargs)


CASES = [
    (host.inv, (ONES,), ShapeError, """\
inverse: the matrix is not square, 2 by 3
  a    : f64[2, 3]
  need : a (*B, n, n)
  try  : linalg.pinv(a)
  more : sheer explain E160"""),
    (host.solve, (ONES, ONES), ShapeError, """\
solve: the matrix is not square, 2 by 3
  a    : f64[2, 3]
  need : a (*B, n, n)
  try  : linalg.lstsq(a, b)
  more : sheer explain E160"""),
    (host.det, (np.ones(3),), ShapeError, """\
det: this is no matrix
  a    : f64[3]
  need : a (*B, m, n)
  more : sheer explain E160"""),
    (host.cholesky, (np.ones((2, 2), int),), DTypeError, """\
cholesky: needs floats of one dtype
  a    : i64[2, 2]
  need : float32 or float64
  more : sheer explain E105"""),
    (host.solve, (EYE, ONES.T.copy()), ShapeError, """\
solve: a has 2 rows, b has 3
  a    : f64[2, 2]
  b    : f64[3, 2]
  need : a (*B, n, n), b (*B, n, k)
  more : sheer explain E161"""),
    (host.solve, (np.ones((2, 3, 3)), np.ones((4, 3, 1))), ShapeError, """\
solve: batch axes differ, (2,) and (4,)
  a    : f64[2, 3, 3]
  b    : f64[4, 3, 1]
  need : a (*B, n, n), b (*B, n, k)
  more : sheer explain E161"""),
    (Solve(), (EYE, np.ones(2)), ShapeError, """\
solve: a matrix is needed on both sides, b has the shape (2,)
  a    : f64[2, 2]
  b    : f64[2]
  need : a (*B, n, n), b (*B, n, k)
  more : sheer explain E161"""),
    (host.lstsq, (ONES, EYE[:, :1].astype(np.float32)), DTypeError, """\
lstsq: needs floats of one dtype
  a    : f64[2, 3]
  b    : f32[2, 1]
  need : float32 or float64
  more : sheer explain E105"""),
    (host.solve, (np.stack([EYE, np.ones((2, 2))]), np.ones((2, 2, 1))), NumericError, """\
solve: matrix [1] of the batch is singular
  a     : f64[2, 2, 2]
  result: f64[2, 2, 1]
  need  : matrices of full rank
  try   : linalg.pinv(a) @ b
  more  : sheer explain E162"""),
    (host.inv, (np.ones((2, 2)),), NumericError, """\
inverse: the matrix is singular
  a     : f64[2, 2]
  result: f64[2, 2]
  need  : matrices of full rank
  try   : linalg.pinv(a)
  more  : sheer explain E162"""),
    (solve_upper, (np.diag([1.0, 0.0]), EYE), NumericError, """\
triangular_solve: the matrix is singular
  a     : f64[2, 2]
  result: f64[2, 2]
  need  : matrices of full rank
  more  : sheer explain E162"""),
    (host.cholesky, (np.stack([EYE, [[1, 2], [2, 1.0]]]),), NumericError, """\
cholesky: matrix [1] of the batch is not positive definite: its leading minor of order 2 is not
  a     : f64[2, 2, 2]
  result: f64[2, 2, 2]
  need  : x^T a x > 0 for every x except 0
  try   : a + 10 * eye(2)
  more  : sheer explain E163"""),
    (host.cholesky, (np.diag([1, -1e-4, 1]),), NumericError, """\
cholesky: the matrix is not positive definite: its leading minor of order 2 is not
  a     : f64[3, 3]
  result: f64[3, 3]
  need  : x^T a x > 0 for every x except 0
  try   : a + 0.001 * eye(3)
  more  : sheer explain E163"""),
    (host.svd, (NAN,), NumericError, """\
svd: did not converge: the matrix contains NaN or infinity
  a     : f64[2, 2]
  result: f64[2, 2]
  need  : finite numbers
  more  : sheer explain E164"""),
    (host.eigh, (np.stack([EYE, NAN]),), NumericError, """\
eigh: did not converge: matrix [1] of the batch contains NaN or infinity
  a     : f64[2, 2, 2]
  result: f64[2, 2]
  need  : finite numbers
  more  : sheer explain E164"""),
    (lambda x: host.fft(x, norm="forwrd"), (np.ones(3),), ArgumentError, """\
fft: there is no norm 'forwrd'
  need : one of "forward", "backward", "ortho"
  more : sheer explain E166"""),
    (lambda x: host.irfft(x, n=0), (np.ones(3),), ShapeError, """\
irfft: nothing to transform with lengths (0,)
  x    : f64[3]
  need : at least one axis, each of length 1 or more
  more : sheer explain E165"""),
    (lambda x: host.fftn(x, (2, 2), (0,)), (np.ones(3),), ShapeError, """\
fft: 2 lengths for 1 axes
  x    : f64[3]
  need : one length for each axis
  more : sheer explain E165"""),
    (lambda re, im: host.ifft((re, im)), (np.ones(3), np.ones(4)), ShapeError, """\
ifft: real and imaginary part differ in shape
  re   : f64[3]
  im   : f64[4]
  need : one shape
  more : sheer explain E102"""),
    (lambda x: host.matrix_norm(x, "nucl"), (EYE,), ArgumentError, """\
norm: there is no matrix norm 'nucl'
  need : one of 'nuc', 'fro', inf, -inf, 2, 1, -2, -1
  more : sheer explain E166"""),
    (lambda x: host.norm(x, "nuc", (0,)), (EYE,), ShapeError, """\
norm: a matrix has two axes, not (0,)
  x    : f64[2, 2]
  need : dim = (rows, columns) of x (*B, m, n)
  more : sheer explain E160"""),
    (host.outer, (EYE, np.ones(2)), ShapeError, """\
outer: needs two vectors
  a    : f64[2, 2]
  b    : f64[2]
  need : a (m,), b (n,)
  try  : a.flatten(), b.flatten()
  more : sheer explain E161"""),
    (host.cross, (ONES, EYE), ShapeError, """\
cross: needs length 3 along axis -1
  a    : f64[2, 3]
  b    : f64[2, 2]
  need : vectors with three components
  more : sheer explain E161"""),
    (drawn(random.uniform, (2,)), (np.ones(2),), ShapeError, """\
uniform: this is no key
  key  : f64[2]
  need : int64 (*B, 2): pairs of a seed and an offset
  more : sheer explain E167"""),
    (FoldIn(), (KEY, KEY), ShapeError, """\
fold_in: there is not one int64 number for each key
  key   : i64[2]
  number: i64[2]
  need  : key int64 (*B, 2), number int64 (*B)
  more  : sheer explain E167"""),
    (drawn(random.uniform, (2,), dtype=int64), (KEY,), DTypeError, """\
uniform: has no meaning for int64
  need : float32 or float64
  more : sheer explain E105"""),
]


@pytest.mark.parametrize(("function", "arrays", "kind", "text"), CASES,
                         ids=[c[3].split(" ")[0] + c[3][-4:] for c in CASES])
def test_whole_text(function, arrays, kind, text):
    with pytest.raises(kind) as caught:
        run(function, *arrays)
    assert re.sub(r" +made at .*", "", str(caught.value)) == text


@pytest.mark.parametrize(("function", "what", "need"), [
    (drawn(random.uniform, (2,), 2, 1), "uniform: low = 2 is above high = 1", "low <= high"),
    (drawn(random.normal, (2,), 0, -1), "normal: std = -1 is negative", "std >= 0"),
    (drawn(random.bernoulli, 1.5, (2,)), "bernoulli: p = 1.5 is no probability", "0 <= p <= 1"),
    (drawn(random.bernoulli, float("nan"), (2,)), "bernoulli: p = nan is no probability",
     "0 <= p <= 1"),
    (drawn(random.randint, 3, 3, (2,)), "randint: low = 3 is not below high = 3", "low < high"),
    (drawn(random.randint, 0, 2**60, (2,)), f"randint: {2**60} values are too many",
     "at most 2^53"),
    (drawn(random.randint, 0, 257, (2,), uint8), "randint: uint8 cannot hold 0 ... 256",
     "an integer dtype that holds every value"),
    (drawn(random.randint, 0, 2, (2,), float32), "randint: float32 cannot hold 0 ... 1",
     "an integer dtype that holds every value"),
    (drawn(random.exponential, (2,), 0), "exponential: rate = 0 is not positive", "rate > 0"),
    (drawn(random.truncated_normal, (2,), low=20, high=21),
     "truncated_normal: [20, 21] is too far from the mean 0.0",
     "bounds within about 7 std = 7 of the mean"),
    (drawn(random.permutation, -1), "permutation: n = -1 is negative", "n >= 0"),
    (drawn(random.split, -1), "split: n = -1 is negative", "n >= 0"),
])
def test_settings_out_of_range(function, what, need):
    with pytest.raises(ArgumentError) as caught:
        run(function, KEY)
    assert str(caught.value) == f"{what}\n  need : {need}\n  more : sheer explain E168"


def test_the_logarithm_of_a_determinant_has_no_gradient_where_it_is_infinite():
    sign, logarithm = run(host.slogdet, np.ones((2, 2)))
    assert (sign, logarithm) == (0, -np.inf)
    with pytest.raises(NumericError, match="inverse: the matrix is singular"):
        derivatives(lambda a: host.slogdet(a)[1], np.ones((2, 2)))


def test_a_draw_has_no_gradient():
    with pytest.raises(SheerError, match="this is no key"):
        derivatives(lambda x: random.uniform(x, (2,)), np.ones(2))
