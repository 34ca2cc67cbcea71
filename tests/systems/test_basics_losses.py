"""Losses: where their minima lie, what they add up to, and what they are beside other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from basics_helpers import f32, f64

import sheer
from sheer import nn, optim
from sheer.nn.utils.stateless import functional_call

F = nn.functional
VALUES = np.array([0.0, 1.0, 2.0, 10.0, 37.0])


def best_constant(loss) -> float:
    """The constant answer with the least loss, among a fine grid."""
    grid = np.linspace(-1, 40, 4101)
    with sheer.backend("reference"):
        each = [loss(f64(np.full(5, c)), f64(VALUES)).item() for c in grid[::10]]
        near = grid[::10][int(np.argmin(each))]
        fine = near + np.linspace(-0.1, 0.1, 41)
        each = [loss(f64(np.full(5, c)), f64(VALUES)).item() for c in fine]
    return float(fine[int(np.argmin(each))])


@pytest.mark.system("Squared error / L2 / quadratic cost")
def test_the_best_constant_by_squared_error_is_the_mean(figure):
    assert best_constant(nn.MSELoss()) == pytest.approx(VALUES.mean(), abs=0.006)
    c = f64([VALUES.mean()], grad=True)
    F.mse_loss(c.expand(5), f64(VALUES)).backward()
    assert c.grad.item() == pytest.approx(0, abs=1e-12)
    figure(f"best constant {best_constant(nn.MSELoss()):.3f}, mean {VALUES.mean()}")


@pytest.mark.system("L1 / absolute error")
def test_the_best_constant_by_absolute_error_is_the_median(figure):
    assert best_constant(nn.L1Loss()) == pytest.approx(np.median(VALUES), abs=0.006)
    figure(f"best constant {best_constant(nn.L1Loss()):.3f}, median {np.median(VALUES)}")


@pytest.mark.system("Cross-entropy (binary, categorical, with logits)")
def test_cross_entropies_stay_finite_and_have_the_gradient_p_minus_y():
    x = sheer.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 5.0]], requires_grad=True)
    loss = F.cross_entropy(x, sheer.tensor([1, 1]), reduction="none")
    np.testing.assert_allclose(loss.detach().numpy(), [2e4, 0], rtol=1e-6)
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[1, -1, 0], [0, 0, 0]], atol=1e-6)
    z = sheer.tensor([1e4, -1e4, 0.3], requires_grad=True)
    y = f32([0, 1, 1])
    loss = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    np.testing.assert_allclose(loss.detach().numpy(), [1e4, 1e4, math.log1p(math.exp(-0.3))],
                               rtol=1e-6)
    loss.sum().backward()
    p = 1 / (1 + np.exp(-np.clip(z.detach().numpy().astype(float), -50, 50)))
    np.testing.assert_allclose(z.grad.numpy(), p - y.numpy(), atol=1e-6)


@pytest.mark.system("Hinge loss")
def test_a_hinge_loss_is_a_support_vector_machine(figure):
    """min |w|^2 / 2 + C sum of hinges, the bias penalised too, as liblinear has it."""
    from sklearn.svm import LinearSVC
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    y = np.where(x @ [1.0, -2.0, 0.5, 0.0] + 0.8 * rng.normal(size=120) > 0, 1.0, -1.0)
    rows = f64(np.c_[x, np.ones(120)])
    def objective(w):
        return 0.5 * (w * w).sum() + F.hinge_loss(rows @ w, f64(y), reduction="sum")
    theirs = LinearSVC(loss="hinge", C=1.0, tol=1e-8, max_iter=200_000,
                       random_state=0).fit(x, y)
    wanted = objective(f64(np.r_[theirs.coef_[0], theirs.intercept_])).item()
    w = sheer.zeros(5, dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (t + 60))
    rates = np.array([schedule.values(t) for t in range(3000)])
    def step(_, rate):
        optimizer.set_rates(rate)
        optimizer.zero_grad()
        objective(w).backward()
        optimizer.step()
        return (), objective(w).detach()
    least = sheer.jit(lambda: sheer.scan(step, (), f64(rates))[1])().min().item()
    assert least == pytest.approx(wanted, abs=1e-3 * wanted)
    assert least >= wanted * (1 - 1e-6)
    figure(f"objective {least:.4f}, scikit-learn {wanted:.4f}")


@pytest.mark.system("Cost with regularisation term")
def test_a_penalised_cost_is_a_sum_and_so_is_its_gradient():
    rng = np.random.default_rng(0)
    x, y = f64(rng.normal(size=(30, 4))), f64(rng.normal(size=(30, 1)))
    layer = nn.Linear(4, 1).double()
    values = {n: p.detach() for n, p in layer.named_parameters()}
    data = lambda v: F.mse_loss(functional_call(layer, v, x), y)
    l1 = lambda v: 0.1 * v["weight"].abs().sum()
    l2 = lambda v: 0.3 * (v["weight"] ** 2).sum()
    total = lambda v: data(v) + l1(v) + l2(v)
    assert total(values).item() == pytest.approx(sum(f(values).item() for f in (data, l1, l2)),
                                                 rel=1e-14)
    parts = [sheer.grad(f)(values) for f in (data, l1, l2)]
    whole = sheer.grad(total)(values)
    for name in values:
        np.testing.assert_allclose(whole[name].numpy(), sum(p[name].numpy() for p in parts),
                                   rtol=1e-12, atol=1e-15)
    w = values["weight"].numpy()
    np.testing.assert_allclose(whole["weight"].numpy(),
                               parts[0]["weight"].numpy() + 0.1 * np.sign(w) + 0.6 * w, rtol=1e-12)
