"""Initialisers: zeros, constants, small numbers, biases; what the network can learn from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from basics_helpers import SEEDS, f64, mlp, moons, train

import sheer
from sheer import nn, optim
from sheer.nn import init
from sheer.random import manual_seed

F = nn.functional


def filled(net: nn.Module, weight: float) -> nn.Module:
    for p in net.parameters():
        init.constant_(p, weight if p.ndim == 2 else 0.0)
    return net


@pytest.mark.system("Zero weights")
def test_zero_weights_learn_the_base_rate_and_nothing_else(figure):
    x, y = moons(200)
    y = np.where(np.arange(200) < 60, 1, 0)                             # 30 % of class 1
    net = filled(mlp(2, 8, 8, 2, act=nn.Tanh), 0.0).double()
    hidden = [net[0], net[2]]
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    with sheer.backend("reference"):
        for _ in range(100):
            optimizer.zero_grad()
            F.cross_entropy(net(f64(x)), sheer.tensor(y)).backward()
            for layer in hidden:
                assert all((p.grad == 0).all().item() for p in layer.parameters())
            optimizer.step()
    said = F.softmax(net(f64(x)), 1).detach().numpy()
    np.testing.assert_allclose(said, np.tile([0.7, 0.3], (200, 1)), atol=1e-6)
    figure(f"hidden gradients 0 in 100 steps, every row {said[0, 1]:.4f}, base rate 0.3")


@pytest.mark.system("Constant weights, symmetry breaking")
def test_equal_units_stay_equal_until_one_is_moved(figure):
    ranks = []
    x, y = moons(200)
    for nudge in (0.0, 1e-3):
        net = filled(mlp(2, 8, 2, act=nn.Tanh), 0.5).double()
        if nudge:
            start = net[0].weight.detach().numpy().copy()
            start += nudge * np.random.default_rng(0).normal(size=start.shape)
            net[0].load_state_dict({"weight": start, "bias": net[0].bias})
        train(net, f64(x), sheer.tensor(y), loss=F.cross_entropy, epochs=60, lr=0.05)
        values = np.linalg.svd(net[0].weight.detach().numpy(), compute_uv=False)
        ranks.append(int((values > 1e-9 * values[0]).sum()))
        moved = np.abs(net[0].weight.detach().numpy() - 0.5).max()
        assert moved > 0.1
    assert ranks == [1, 2]
    figure("rank of the first weights after training: 1 from equal weights, 2 from nudged ones")


@pytest.mark.system("Small random normal / uniform")
@pytest.mark.parametrize("seed", SEEDS)
def test_mean_and_variance_of_small_random_weights(seed, figure):
    manual_seed(seed)
    n = 200 * 300
    laws = {"normal": (init.normal_, (0.0, 0.01), 1e-4, 3.0),
            "uniform": (init.uniform_, (-0.05, 0.05), 0.1 ** 2 / 12, 1.8)}
    for name, (fill, given, variance, kurtosis) in laws.items():
        values = fill(sheer.zeros(200, 300), *given).numpy().astype(np.float64)
        assert abs(values.mean()) < 3 * math.sqrt(variance / n)
        error = variance * math.sqrt((kurtosis - 1) / n)
        assert abs(values.var() - variance) < 3 * error
        figure(f"{name}: variance {values.var() / variance:.4f} of the law's")


@pytest.mark.system("Zero biases, per-cell bias options (forget gate)")
def test_training_succeeds_from_zero_biases(figure):
    x, y = moons(400)
    found = []
    for seed in SEEDS:
        manual_seed(seed)
        net = mlp(2, 16, 16, 2)
        for layer in (net[0], net[2], net[4]):
            init.zeros_(layer.bias)
        history = train(net, x, y, loss=F.cross_entropy, epochs=60, metrics=["accuracy"],
                        seed=seed)
        found.append(history.column("accuracy")[-1])
    assert min(found) > 0.98
    figure(f"two moons from zero biases: accuracy at least {min(found):.3f}, 3 seeds")


@pytest.mark.system("Zero biases, per-cell bias options (forget gate)")
def test_the_forget_gate_has_a_bias_that_can_be_set(figure):
    kept = {}
    for bias in (-3.0, 0.0, 3.0):
        manual_seed(0)
        cell = nn.LSTM(1, 8)
        with sheer.no_grad():
            cell.bias_ih_l0[8:16] = bias                                # gates: i, f, g, o
            cell.bias_hh_l0[8:16] = 0.0
        assert cell.bias_ih_l0.requires_grad
        start = sheer.zeros(1, 1, 8), sheer.ones(1, 1, 8)
        _, (_, c) = cell(sheer.zeros(20, 1, 1), start)
        _, (_, other) = cell(sheer.zeros(20, 1, 1), (start[0], 0 * start[1]))
        kept[bias] = float((c - other).mean().item())                   # of the cell it began with
    assert kept[-3.0] < kept[0.0] < kept[3.0]
    assert kept[3.0] > 0.2
    figure("share of the cell kept over 20 steps with forget bias -3, 0, 3: "
           + ", ".join(f"{v:.2g}" for v in kept.values()))
