"""Linear algebra against torch: values, first and second derivatives in float64; its own laws."""

import math

import numpy as np
import pytest
import torch
from evaluating import assert_parity, derivatives, run

from sheer.ops import host
from sheer.ops.contract import transpose
from sheer.ops.host import examples

RNG = np.random.default_rng(7)
SQUARE = examples.full_rank(RNG, (2, 4, 4))
TALL, WIDE = examples.spread(RNG, (2, 4, 3)), examples.spread(RNG, (2, 3, 4))
RIGHT = RNG.normal(size=(2, 4, 3))
L = torch.linalg


def lifted(a):                                            # (n, n) -> symmetric positive definite
    return a @ a.mT + torch.eye(a.shape[-1], dtype=a.dtype)


def lifted_node(a):
    return host.parts.dot(a, transpose(a)) + host.parts.eye(a, a.shape[-1])


PAIRS = {
    "solve": (host.solve, L.solve, (SQUARE, RIGHT)),
    "solve a vector": (host.solve, L.solve, (SQUARE[0], RIGHT[0, :, 0])),
    "solve vectors": (host.solve, L.solve, (SQUARE, RIGHT[:, :, 0])),
    "solve broadcast": (host.solve, L.solve, (SQUARE[0], RIGHT)),
    "solve from the right": (lambda a, b: host.solve(a, transpose(b), left=False),
                             lambda a, b: L.solve(a, b.mT, left=False), (SQUARE, RIGHT)),
    "solve a vector from the right": (
        lambda a, b: host.solve(a, b, left=False), lambda a, b: L.solve(a.mT, b),
        (SQUARE[0], RIGHT[0, :, 0])),
    "lower": (lambda a, b: host.triangular_solve(a, b, upper=False),
              lambda a, b: L.solve_triangular(a.tril(), b, upper=False),
              (SQUARE + 3 * np.eye(4), RIGHT)),
    "upper from the right": (
        lambda a, b: host.triangular_solve(a, transpose(b), upper=True, left=False),
        lambda a, b: L.solve_triangular(a.triu(), b.mT, upper=True, left=False),
        (SQUARE + 3 * np.eye(4), RIGHT)),
    "unit upper": (
        lambda a, b: host.triangular_solve(a, b, upper=True, unitriangular=True),
        lambda a, b: L.solve_triangular(a.triu(1) + torch.eye(4, dtype=a.dtype), b, upper=True,
                                        unitriangular=True), (SQUARE, RIGHT)),
    "inv": (host.inv, L.inv, (SQUARE,)),
    "pinv of tall": (host.pinv, L.pinv, (TALL,)),
    "pinv of wide": (host.pinv, L.pinv, (WIDE,)),
    "det": (host.det, L.det, (SQUARE,)),
    "det of 1 by 1": (host.det, L.det, (SQUARE[:, :1, :1],)),
    "slogdet": (host.slogdet, L.slogdet, (SQUARE,)),
    "cholesky": (lambda a: host.cholesky(lifted_node(a)),
                 lambda a: L.cholesky(lifted(a)), (SQUARE,)),
    "upper cholesky": (lambda a: host.cholesky(lifted_node(a), upper=True),
                       lambda a: L.cholesky(lifted(a), upper=True), (SQUARE,)),
    "svdvals": (host.svdvals, L.svdvals, (TALL,)),
    "eigvalsh": (host.eigvalsh, lambda a: L.eigvalsh((a + a.mT) / 2), (SQUARE,)),
    "lstsq tall": (host.lstsq, lambda a, b: L.pinv(a) @ b, (TALL, RIGHT)),
    "lstsq wide": (host.lstsq, lambda a, b: L.pinv(a) @ b, (WIDE, RIGHT[:, :3])),
    "lstsq vector": (host.lstsq, lambda a, b: L.pinv(a) @ b, (TALL[0], RIGHT[0, :, 0])),
    "matrix_power 0": (lambda a: host.matrix_power(a, 0),
                       lambda a: L.matrix_power(a, 0) + 0 * a, (SQUARE,)),
    "matrix_power 5": (lambda a: host.matrix_power(a, 5),
                       lambda a: L.matrix_power(a, 5), (SQUARE,)),
    "matrix_power -2": (lambda a: host.matrix_power(a, -2),
                        lambda a: L.matrix_power(a, -2), (SQUARE,)),
    "trace": (host.trace, lambda a: a.diagonal(0, -2, -1).sum(-1), (TALL,)),
    "outer": (host.outer, torch.outer, (RIGHT[0, 0], RIGHT[0, :, 0])),
    "cross": (host.cross, L.cross, (RIGHT, RIGHT[::-1].copy())),
    "cross along 0": (lambda a, b: host.cross(a, b, 0), lambda a, b: L.cross(a, b, dim=0),
                      (RIGHT[0].T.copy(), RIGHT[1].T.copy())),
}


@pytest.mark.parametrize("name", PAIRS)
def test_parity_with_torch(name):
    ours, theirs, arrays = PAIRS[name]
    assert_parity(ours, theirs, *arrays)


def face_up(u):
    """Sign of the largest component of each column, as a constant."""
    largest = u.detach().abs().argmax(-2, keepdim=True)
    return torch.gather(u.detach(), -2, largest).sign()


def torch_svd(a):
    u, s, vh = L.svd(a, full_matrices=False)
    return u * face_up(u), s, vh * face_up(u).mT


def torch_eigh(a):
    w, v = L.eigh((a + a.mT) / 2)
    return w, v * face_up(v)


def torch_qr(a):
    q, r = L.qr(a)
    sign = r.detach().diagonal(0, -2, -1).sign()
    return q * sign[..., None, :], r * sign[..., :, None]


@pytest.mark.parametrize("a", [SQUARE, TALL, WIDE, TALL[0]], ids=["square", "tall", "wide", "one"])
@pytest.mark.parametrize(("ours", "theirs"), [(host.svd, torch_svd), (host.qr, torch_qr)])
def test_factors_have_torchs_derivatives_once_their_signs_are_fixed(ours, theirs, a):
    assert_parity(ours, theirs, a, rtol=1e-6, atol=1e-7)


def test_eigenvectors_have_torchs_derivatives_once_their_signs_are_fixed():
    assert_parity(host.eigh, torch_eigh, examples.apart(RNG, (2, 4, 4)), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("a", [SQUARE, TALL, WIDE])
def test_factors_multiply_to_the_matrix_and_have_the_promised_form(a):
    q, r = run(host.qr, a)
    u, s, vh = run(host.svd, a)
    eye = np.broadcast_to(np.eye(min(a.shape[-2:])), (2, *[min(a.shape[-2:])] * 2))
    np.testing.assert_allclose(q @ r, a, atol=1e-12)
    np.testing.assert_allclose(u * s[:, None] @ vh, a, atol=1e-12)
    for basis in (q, u, vh.mT):
        np.testing.assert_allclose(basis.mT @ basis, eye, atol=1e-12)
    assert (np.tril(r, -1) == 0).all()
    assert (np.diagonal(r, axis1=-2, axis2=-1) >= 0).all()
    assert (np.diff(s) <= 0).all()
    assert (u.max(-2) >= -u.min(-2)).all()               # the largest component is positive


ORDERS = [2, 1, math.inf, -math.inf, 3, 0.5, -1.5]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dim", [None, 1, (0, 2)])
def test_vector_norms(order, dim):
    ours = lambda x: host.vector_norm(x, order, dim)
    theirs = lambda x: L.vector_norm(x, order, dim)
    assert_parity(ours, theirs, RNG.normal(size=(2, 3, 4)), rtol=1e-6)


@pytest.mark.parametrize("order", ["fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2])
@pytest.mark.parametrize("a", [TALL, WIDE])
def test_matrix_norms(order, a):
    ours, theirs = (lambda x, f=f: f(x, order) for f in (host.matrix_norm, L.matrix_norm))
    assert_parity(ours, theirs, a, rtol=1e-6)


@pytest.mark.parametrize(("order", "dim"), [
    (None, None), (None, 1), (None, (0, 2)), (3, 1), ("fro", (0, 2)), ("nuc", (2, 0)), (1, (2, 1))])
@pytest.mark.parametrize("keepdim", [False, True])
def test_norm_chooses_as_torch_does(order, dim, keepdim):
    x = RNG.normal(size=(2, 3, 4))
    got = run(lambda n: host.norm(n, order, dim, keepdim), x)
    want = L.norm(torch.tensor(x), order, dim, keepdim).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("order", [2, 1, math.inf, 3, 0.5, -1])
def test_the_gradient_of_a_norm_at_zero_is_zero(order):
    value, first, second = derivatives(lambda x: host.vector_norm(x, order), np.zeros(3))
    assert value == 0
    assert (first == 0).all()
    assert (second == 0).all()


def test_norm_0_counts():
    assert run(lambda x: host.vector_norm(x, 0), np.array([0.0, 2.0, -1.0])) == 2


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 3, 4), (0, 3), (3, 0)])
@pytest.mark.parametrize("offset", [-3, -1, 0, 1, 2, 4])
@pytest.mark.parametrize("dims", [(0, 1), (-1, -2)])
def test_diagonal(shape, offset, dims):
    x = RNG.normal(size=shape)
    got = run(lambda n: host.diagonal(n, offset, *dims), x)
    np.testing.assert_array_equal(got, np.diagonal(x, offset, *dims))


def test_diagonal_has_derivatives():
    assert_parity(lambda x: host.diagonal(x, 1, 2, 0), lambda x: x.diagonal(1, 2, 0),
                  RNG.normal(size=(3, 2, 4)))


def test_matrix_rank_counts_independent_rows():
    full = np.stack([np.outer([1.0, 2, 3], [1, 1, 0]), np.zeros((3, 3)), np.eye(3)])
    np.testing.assert_array_equal(run(host.matrix_rank, full), [1, 0, 3])
    assert run(host.matrix_rank, np.empty((0, 3))) == 0


@pytest.mark.parametrize("spectrum", [
    [1.0, 2, 0], [1.0, 0, 0], [0.0, 0, 0], [2.0, 2, 2], [1.0, 1, 0]])
def test_two_derivatives_of_det_hold_for_singular_and_degenerate_matrices(spectrum):
    q, r = (np.linalg.qr(RNG.normal(size=(3, 3)))[0] for _ in range(2))
    by_minors = lambda a: (a[0, 0] * (a[1, 1] * a[2, 2] - a[1, 2] * a[2, 1])
                           - a[0, 1] * (a[1, 0] * a[2, 2] - a[1, 2] * a[2, 0])
                           + a[0, 2] * (a[1, 0] * a[2, 1] - a[1, 1] * a[2, 0]))
    assert_parity(host.det, by_minors, q * spectrum @ r, atol=1e-12)


def test_singular_values_that_coincide_have_a_gradient_but_their_vectors_have_none():
    value, first, _ = derivatives(lambda a: host.matrix_norm(a, "nuc"), np.eye(3))
    assert value == 3
    scale = first[0, 0]
    np.testing.assert_allclose(first, scale * np.eye(3), atol=1e-15)
    _, first, _ = derivatives(lambda a: host.svd(a)[0], np.eye(3))
    assert not np.isfinite(first).all()
    _, first, _ = derivatives(lambda a: host.eigh(a)[1], np.eye(3))
    assert not np.isfinite(first).all()


def test_pinv_of_a_singular_matrix_obeys_penrose():
    a = np.outer([1.0, 2, 3], [1.0, -1])
    p = run(host.pinv, a)
    np.testing.assert_allclose(a @ p @ a, a, atol=1e-14)
    np.testing.assert_allclose(p @ a @ p, p, atol=1e-14)
    np.testing.assert_allclose(p, np.linalg.pinv(a), atol=1e-14)


@pytest.mark.parametrize("columns", [5, 30])
def test_lstsq_equals_numpy_whatever_the_rank(columns):
    a, b = RNG.normal(size=(20, columns)), RNG.normal(size=(20, 2))
    a[:, -1] = a[:, 0]                                   # rank below the number of columns
    np.testing.assert_allclose(run(host.lstsq, a, b), np.linalg.lstsq(a, b)[0], rtol=1e-10)


@pytest.mark.parametrize("upper", [False, True])
def test_substitution_is_exact_where_elimination_with_exchanges_is_not(upper):
    a, b = np.array([[1e-200, 0.0], [1.0, 1e-200]]), np.array([[3e-200], [3.0]])
    turn = -1 if upper else 1                            # LU would exchange the rows and underflow
    x = run(lambda m, v: host.triangular_solve(m, v, upper=upper), a[::turn, ::turn], b[::turn])
    np.testing.assert_array_equal(x[::turn], [[3.0], [0.0]])


@pytest.mark.parametrize("n", [0, 1, 2, 37])
def test_triangular_solve_of_any_size(n):
    a = RNG.normal(size=(2, n, n)) + 6 * np.sqrt(n) * np.eye(n)
    b = RNG.normal(size=(2, n, 3))
    for upper, part in ((False, np.tril), (True, np.triu)):
        x = run(lambda m, v, upper=upper: host.triangular_solve(m, v, upper=upper), a, b)
        np.testing.assert_allclose(part(a) @ x, b, atol=1e-12)


def test_float32_stays_float32():
    for function in (host.inv, host.det, host.pinv, host.matrix_norm, host.trace):
        assert run(function, SQUARE.astype(np.float32)).dtype == np.float32
