"""where: the gradient of the branch that is not taken is zero, whatever is infinite in there."""

import numpy as np
import pytest
import torch

from sheer import grad, jvp, ops, tensor
from sheer.graph import float64
from sheer.ops import walk
from sheer.ops.structure import constant, data
from sheer.ops.walk import vjp_nodes
from sheer.tensor import Tensor

V = np.array([-2.0, 0.0, 1.0, 3.0])
INF = float("inf")


def gradient(build, values, order=1):
    """d^order/dx of the sum of build(x)."""
    x = data(np.array(values, np.float64))
    y = x
    node = build(x)
    for _ in range(order):
        (node,) = vjp_nodes([ops.sum(node, tuple(range(node.ndim)))], [constant(1.0, float64)], [y])
    return Tensor(node).numpy()


def positive(x):
    return ops.gt(x, 0.0)


SHARED = {}
# name: (function, its derivative where x > 0); the other branch gives 7 x
BRANCHES = {
    "log": (ops.log, lambda v: 1 / v),
    "sqrt": (ops.sqrt, lambda v: 0.5 / np.sqrt(v)),
    "rsqrt": (ops.rsqrt, lambda v: -0.5 * v**-1.5),
    "1 / x": (lambda x: 1.0 / x, lambda v: -1 / v**2),
    "x / x": (lambda x: x / x, lambda v: 0 * v),
    "pow": (lambda x: ops.pow(x, 0.5), lambda v: 0.5 * v**-0.5),
    "x ^ x": (lambda x: ops.pow(x, x), lambda v: v**v * (np.log(v) + 1)),
    "log of log1p": (lambda x: ops.log(ops.log1p(x)), lambda v: 1 / (np.log1p(v) * (1 + v))),
    "sqrt of log": (
        lambda x: ops.sqrt(ops.log(x) + 1.0),
        lambda v: 0.5 / np.sqrt(np.log(v) + 1) / v,
    ),
    "overflow": (lambda x: ops.exp(1.0 / x), lambda v: -np.exp(1 / v) / v**2),
    "shared": (lambda x: ops.log(x) * ops.log(x) + ops.log(x), lambda v: (2 * np.log(v) + 1) / v),
    "views": (lambda x: ops.flip(ops.log(ops.flip(x, (0,))), (0,)), lambda v: 1 / v),
    "there and back": (
        lambda x: ops.reshape(ops.log(ops.reshape(x, (2, 2))), (4,)),
        lambda v: 1 / v,
    ),
    "slice and pad": (
        lambda x: ops.pad(ops.log(ops.slice_(x, (1,), (4,), (1,))), [(1, 0, 0)], 0.0),
        lambda v: 1 / v,
    ),
    "concat": (
        lambda x: ops.concat(
            [ops.log(ops.slice_(x, (0,), (2,), (1,))), ops.sqrt(ops.slice_(x, (2,), (4,), (1,)))], 0
        ),
        lambda v: 0.5 / np.sqrt(v),
    ),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_the_branch_not_taken_gives_nothing(name):
    function, slope = BRANCHES[name]
    got = gradient(lambda x: ops.where(positive(x), function(x), x * 7.0), V)
    np.testing.assert_allclose(got, [7, 7, slope(1.0), slope(3.0)], rtol=1e-13)
    swapped = gradient(lambda x: ops.where(ops.logical_not(positive(x)), x * 7.0, function(x)), V)
    np.testing.assert_allclose(swapped, got, rtol=1e-13)


@pytest.mark.parametrize("name", BRANCHES)
def test_second_derivatives_too(name):
    function, _ = BRANCHES[name]
    got = gradient(lambda x: ops.where(positive(x), function(x), x * x * x), V, order=2)
    alone = gradient(function, V, order=2)
    np.testing.assert_allclose(got[:2], [-12, 0], rtol=1e-13)
    np.testing.assert_allclose(got[2:], alone[2:], rtol=1e-12)
    assert np.isfinite(got).all()


def test_nested_wheres():
    def build(x):
        inner = ops.where(ops.lt(x, 2.0), ops.log(x), ops.sqrt(x - 2.0))
        return ops.where(positive(x), inner, x)

    np.testing.assert_allclose(gradient(build, V), [1, 1, 1, 0.5])
    np.testing.assert_allclose(gradient(build, [0.0, 2.0, 2.0, -1.0]), [1, INF, INF, 1])
    deep = lambda x: ops.where(ops.gt(x, -1.0), build(x), ops.rsqrt(x))
    np.testing.assert_allclose(gradient(deep, [0.0, 1.0, 3.0, -0.5]), [1, 1, 0.5, 1])


def test_two_wheres_read_one_branch():
    def build(x):
        log = ops.log(x)
        return ops.where(positive(x), log, 0.0) + ops.where(ops.gt(x, 2.0), log * 2.0, 0.0)

    np.testing.assert_allclose(gradient(build, V), [0, 0, 1, 1])


def test_a_selected_infinity_stays_one():
    """Only what is not selected is silenced: the derivative of sqrt at 0 is infinite."""
    assert gradient(lambda x: ops.where(ops.gt(x, -1.0), ops.sqrt(x), 0.0), [0.0])[0] == INF
    mixed = gradient(lambda x: ops.where(positive(x), ops.log(x), 0.0) + ops.sqrt(x), [0.0])
    assert mixed[0] == INF


def test_the_norm_of_a_zero_vector():
    """The usual case: x / |x| with rows of zeros; the where is behind a sum and an expansion."""

    def build(x):
        norm = ops.sqrt(ops.reshape(ops.sum(x * x, (1,)), (3, 1)))
        return ops.where(ops.gt(norm, 0.0), x / norm, 0.0) * np.pi

    rows = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]])
    want = torch.tensor(rows[1:], requires_grad=True)
    (want / want.norm(dim=1, keepdim=True) * np.pi).sum().backward()
    got = gradient(build, rows)
    np.testing.assert_array_equal(got[0], [0, 0])
    np.testing.assert_allclose(got[1:], want.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_a_mean_in_the_branch():
    """log of a row mean that is zero in the rows that are not taken."""

    def build(x):
        mean = ops.sum(x, (1,)) * 0.5
        return ops.where(positive(mean), ops.log(mean), 5.0)

    np.testing.assert_allclose(gradient(build, [[0.0, 0.0], [1.0, 3.0]]), [[0, 0], [0.25, 0.25]])


def test_forward_mode_agrees():
    f = lambda x: (
        (x > 0).where(x, x) if False else Tensor(ops.where(positive(x.node), ops.log(x.node), 0.0))
    )
    _, slope = jvp(f, [tensor(V, dtype=float64)], [tensor(np.ones(4), dtype=float64)])
    np.testing.assert_allclose(slope.numpy(), [0, 0, 1, 1 / 3])


def test_derivatives_of_the_cotangent_are_kept():
    """A zero cotangent is no mask: the pullback is linear in it, and its derivative is right."""
    f = lambda x: Tensor(ops.where(positive(x.node), ops.log(x.node) * ops.log(x.node), 0.0)).sum()
    hvp = grad(lambda x: (grad(f)(x) * tensor([1.0, 1.0, 0.0, 2.0], dtype=float64)).sum())
    got = hvp(tensor(V, dtype=float64)).numpy()
    np.testing.assert_allclose(got, [0, 0, 0, 2 * (2 - 2 * np.log(3)) / 9], rtol=1e-12)


def test_the_rule_can_fail(monkeypatch):
    """Without the masks the same graph gives NaN: these tests see the rule."""
    monkeypatch.setattr(walk._Reverse, "masked", lambda self, node, position, ct, g: g)
    assert np.isnan(gradient(lambda x: ops.where(positive(x), ops.log(x), 0.0), [0.0])).all()
