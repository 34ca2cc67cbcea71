"""Optimisers and rates: predicted factors, noise, curvature, schedules, configurations."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from basics_helpers import SEEDS, f64, mlp, moons, spread, train

import sheer
from sheer import nn, optim
from sheer.models import LogisticRegression
from sheer.random import manual_seed
from sheer.recipes import make, run
from sheer.train import largest_curvature, lr_range_test, model_loss

F = nn.functional
CURVES = np.array([0.5, 1.0, 4.0])


def descend(rate: float, steps: int, start=(1.0, -2.0, 0.5)) -> np.ndarray:
    """Positions of gradient descent on sum(CURVES w^2) / 2, (steps + 1, 3)."""
    w = f64(start, grad=True)
    optimizer, seen = optim.SGD([w], lr=rate), [np.array(start)]
    with sheer.backend("reference"):
        for _ in range(steps):
            optimizer.zero_grad()
            (0.5 * f64(CURVES) * w * w).sum().backward()
            optimizer.step()
            seen.append(w.detach().numpy().copy())
    return np.array(seen)


@pytest.mark.system("Gradient descent")
def test_error_on_a_quadratic_shrinks_by_the_predicted_factor(figure):
    path = descend(0.3, 20)
    factors = path[1:] / path[:-1]
    np.testing.assert_allclose(factors, np.tile(1 - 0.3 * CURVES, (20, 1)), rtol=1e-6)
    figure(f"factors within {np.abs(factors - (1 - 0.3 * CURVES)).max():.0e} of 1 - rate * "
           "curvature")


@pytest.mark.system("Gradient descent")
def test_gradient_descent_reaches_the_minimum_of_a_convex_problem(figure):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = (x @ [1.0, -1.0, 0.5] + rng.normal(size=200) > 0).astype(np.int64)
    best = LogisticRegression(3, 1).double().solve(x, y)
    layer = nn.Linear(3, 1).double()
    train(layer, f64(x), f64(y[:, None]), loss=F.binary_cross_entropy_with_logits, epochs=800,
          batch_size=200, optimizer=optim.SGD(layer.parameters(), lr=2.0))
    least = best.loss(f64(x), sheer.tensor(y)).item()
    gap = F.binary_cross_entropy_with_logits(layer(f64(x)), f64(y[:, None])).item() - least
    assert 0 <= gap + 1e-12 < 1e-6
    figure(f"logistic loss within {abs(gap):.0e} of the minimum")


@pytest.mark.system("Batch (full) gradient descent")
def test_the_full_gradient_does_not_see_the_order_of_the_rows(figure):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(500, 6)), rng.normal(size=(500, 2))
    net = mlp(6, 10, 2, act=nn.Tanh).double()
    def gradient(order):
        net.zero_grad()
        F.mse_loss(net(f64(x[order])), f64(y[order])).backward()
        return np.concatenate([p.grad.numpy().ravel() for p in net.parameters()])
    plain = gradient(np.arange(500))
    worst = max(float(np.abs(gradient(rng.permutation(500)) - plain).max()) for _ in range(3))
    assert worst <= 1e-12
    figure(f"largest change {worst:.0e}")


@pytest.mark.system("Stochastic gradient descent")
def test_an_epoch_of_single_rows_makes_as_many_updates_as_rows():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(sheer.zeros(1))
        def forward(self, x):
            return self.w + 0 * x.sum()
    model = Counting()                       # slope -1: each update adds 1
    train(model, np.zeros((37, 1), np.float32), np.zeros(37, np.float32), batch_size=1, epochs=2,
          loss=lambda out, y: -out.sum(), optimizer=optim.SGD(model.parameters(), lr=1.0))
    assert model.w.item() == 2 * 37


@pytest.mark.system("Stochastic gradient descent")
def test_the_noise_floor_is_proportional_to_the_rate(figure):
    """3000 means at once, each learnt from single draws of N(0, 1): variance rate / (2 - rate)."""
    floors, rates = [], (0.02, 0.04, 0.08)
    for rate in rates:
        manual_seed(0)
        w = sheer.zeros(3000, requires_grad=True)
        optimizer = optim.SGD([w], lr=rate)
        def update(_, i, w=w, optimizer=optimizer):
            optimizer.zero_grad()
            (0.5 * (w - sheer.randn(3000)) ** 2).sum().backward()
            optimizer.step()
            return (), ()
        sheer.jit(lambda: sheer.scan(update, (), length=300)[0])()
        floors.append(float(w.detach().numpy().var()))
    np.testing.assert_allclose(floors, [r / (2 - r) for r in rates], rtol=0.1)
    np.testing.assert_allclose(np.array(floors) / floors[0], [1, 2, 4], rtol=0.1)
    figure("variance at rates 0.02, 0.04, 0.08: " + ", ".join(f"{v:.4f}" for v in floors))


@pytest.mark.system("Mini-batch gradient descent")
def test_gradient_variance_falls_as_one_over_the_batch_size(figure):
    rng = np.random.default_rng(0)
    x, y = f64(rng.normal(size=(2000, 5))), f64(rng.normal(size=2000))
    w = f64(rng.normal(size=5))
    slope = sheer.grad(lambda w, x, y: ((x @ w - y) ** 2).mean())
    variances, sizes = [], (1, 5, 25)
    for size in sizes:
        rows = sheer.tensor(rng.integers(0, 2000, (4000, size)))
        each = sheer.vmap(lambda r: slope(w, x[r], y[r]))(rows).numpy()
        variances.append(float(each.var(0).sum()))
    scaled = np.array(variances) * sizes / variances[0]
    np.testing.assert_allclose(scaled, 1, rtol=0.1)
    figure("variance times B relative to B = 1: " + ", ".join(f"{s:.3f}" for s in scaled))


@pytest.mark.system("Adam")
def test_adam_keeps_two_numbers_a_parameter():
    net = mlp(7, 5, 3)
    optimizer = optim.Adam(net.parameters())
    F.mse_loss(net(sheer.randn(4, 7)), sheer.zeros(4, 3)).backward()
    optimizer.step()
    numbers = sum(t.numel() for p in net.parameters() for name, t in optimizer.state[p].items()
                  if name != "step")
    assert numbers == 2 * sum(p.numel() for p in net.parameters())


@pytest.mark.system("AdamW (needed to show weight decay vs L2)")
def test_decoupled_decay_is_not_an_l2_penalty(figure):
    ends = {}
    for name in ("Adam", "AdamW"):
        w = f64([1.0, 1.0], grad=True)
        optimizer = getattr(optim, name)([w], lr=0.01, weight_decay=0.1)
        with sheer.backend("reference"):
            for _ in range(100):
                optimizer.zero_grad()
                (w * f64([10.0, 0.001])).sin().sum().backward()
                optimizer.step()
        ends[name] = w.detach().numpy()
    assert np.abs(ends["Adam"] - ends["AdamW"]).max() > 0.05
    figure(f"after 100 steps: Adam with L2 {ends['Adam'].round(3)}, AdamW "
           f"{ends['AdamW'].round(3)}")


def evolve(loss, size: int, generations: int = 400, seed: int = 0) -> float:
    """(mu/mu, lambda) evolution with cumulative step-size adaptation; the least loss at the mean.

    Hansen et al. 2015, Evolution strategies, algorithm 4.
    """
    rng, many = np.random.default_rng(seed), 24
    mean, sigma, path = np.zeros(size), 1.0, np.zeros(size)
    weights = np.log(many / 2 + 0.5) - np.log(np.arange(1, many // 2 + 1))
    weights /= weights.sum()
    mass = 1 / (weights ** 2).sum()
    c = (mass + 2) / (size + mass + 5)
    damp, length = 1 + c, math.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size ** 2))
    score = sheer.jit(sheer.vmap(loss))
    for _ in range(generations):
        moves = rng.normal(size=(many, size))
        order = score(f64(mean + sigma * moves)).numpy().argsort()[:many // 2]
        step = weights @ moves[order]
        mean = mean + sigma * step
        path = (1 - c) * path + math.sqrt(c * (2 - c) * mass) * step
        sigma *= math.exp(c / damp * (np.linalg.norm(path) / length - 1))
    return float(loss(f64(mean)).item())


def logistic_problem():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6))
    y = (x @ rng.normal(size=6) + 1.5 * rng.normal(size=300) > 0).astype(np.float64)
    rows = f64(np.c_[x, np.ones(300)])
    loss = lambda w: F.binary_cross_entropy_with_logits(rows @ w, f64(y))
    best = LogisticRegression(6, 1).double().solve(x, y.astype(np.int64))
    return loss, best.loss(f64(x), sheer.tensor(y.astype(np.int64))).item()


@pytest.mark.system("Learning algorithms beyond SGD (L-BFGS, evolution strategies)")
def test_an_evolution_strategy_reaches_the_optimum_without_gradients(figure):
    loss, least = logistic_problem()
    gaps = [evolve(loss, 7, seed=seed) - least for seed in SEEDS]
    assert max(gaps) < 1e-4
    figure(f"evolution strategy within {max(gaps):.0e} of the least logistic loss, 3 seeds")


@pytest.mark.system("Learning algorithms beyond SGD (L-BFGS, evolution strategies)")
def test_lbfgs_reaches_the_optimum_in_a_few_steps(figure):
    loss, least = logistic_problem()
    w = sheer.zeros(7, dtype="float64", requires_grad=True)
    optimizer = optim.LBFGS([w], lr=1.0, max_iter=50, line_search_fn="strong_wolfe")
    def closure():
        optimizer.zero_grad()
        value = loss(w)
        value.backward()
        return value
    optimizer.step(closure)
    gap = loss(w).item() - least
    assert abs(gap) < 1e-4
    figure(f"L-BFGS within {abs(gap):.0e} after one step of at most 50 iterations")


@pytest.mark.system("Simulated annealing")
def test_annealing_finds_the_ground_state_of_a_hopfield_energy(figure):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        patterns = rng.choice([-1.0, 1.0], (3, 12))
        weights = patterns.T @ patterns / 12 + 0.3 * rng.normal(size=(12, 12))
        weights = (weights + weights.T) / 2
        np.fill_diagonal(weights, 0)
        states = 2.0 * ((np.arange(4096)[:, None] >> np.arange(12)) & 1) - 1
        least = (-0.5 * ((states @ weights) * states).sum(1)).min()
        table = f64(weights)
        energy = lambda s, table=table: -0.5 * ((s @ table) * s).sum(1)
        flip = lambda s: s * (1 - 2 * F.one_hot(sheer.randint(0, 12, (s.shape[0],)), 12).double())
        manual_seed(seed)
        start = f64(rng.choice([-1.0, 1.0], (200, 12)))
        cold = optim.simulated_annealing(energy, flip, start, np.geomspace(3.0, 0.05, 1000))
        np.testing.assert_allclose(cold.energy.numpy(), energy(cold.state).numpy(), atol=1e-12)
        found.append(float((cold.energy.numpy() < least + 1e-9).mean()))
    assert min(found) >= 0.95
    figure(f"ground state in {100 * min(found):.1f} % or more of 200 runs, 3 energies")


@pytest.mark.system("Learning rate, too low / too high")
def test_the_largest_stable_rate_is_measured(figure):
    low, high = 0.01, 4.0
    for _ in range(12):
        middle = math.sqrt(low * high)
        path = np.abs(descend(middle, 60)).max(1)
        low, high = (middle, high) if path[-1] <= path[20] else (low, middle)
    limit = 2 / CURVES.max()
    assert low == pytest.approx(limit, rel=0.01)
    figure(f"measured {low:.4f}, 2 / curvature {limit:.4f}")


@pytest.mark.system("Fixed rate")
def test_without_a_schedule_the_rate_stays():
    net = mlp(2, 4, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.037)
    history = train(net, np.ones((10, 2), np.float32), np.ones((10, 1), np.float32), epochs=5,
                    optimizer=optimizer, batch_size=2)
    assert history.column("rate") == [0.037] * 5
    constant = optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1.0)
    assert {constant.value(t) for t in range(1000)} == {0.037}


@pytest.mark.system("A-priori rate from curvature")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_power_iteration_finds_the_largest_eigenvalue(seed, figure):
    manual_seed(seed)
    net = mlp(2, 6, 2, act=nn.Tanh).double()
    x, y = moons(200, seed=seed)
    loss, values = model_loss(net, F.cross_entropy, f64(x), sheer.tensor(y))
    found = largest_curvature(loss, values, tolerance=1e-5)
    sizes = [v.numel() for v in values.values()]
    def flat(w):
        parts = [p.reshape(v.shape) for p, v in zip(w.split(sizes), values.values(), strict=True)]
        return loss(dict(zip(values, parts, strict=True)))
    whole = sheer.hessian(flat)(sheer.cat([v.reshape(-1) for v in values.values()])).numpy()
    exact = np.linalg.eigvalsh(whole)
    assert found.value == pytest.approx(exact[np.abs(exact).argmax()], rel=0.01)
    assert found.stable_rate == pytest.approx(2 / found.value)
    figure(f"{found.value:.4f} against {exact.max():.4f} after {found.iterations} products")


def tasks():
    """Five small tasks: name -> (model maker, data, loss)."""
    from basics_helpers import digits
    from sklearn import datasets
    scaled = lambda x: ((x - x.mean(0)) / (x.std(0) + 1e-9)).astype(np.float32)
    wine, cancer = (getattr(datasets, f"load_{n}")(return_X_y=True)
                    for n in ("wine", "breast_cancer"))
    diabetes = datasets.load_diabetes(return_X_y=True)
    x, y = digits()
    return {
        "moons": (lambda: mlp(2, 16, 2), moons(400, 0.2), F.cross_entropy),
        "wine": (lambda: mlp(13, 16, 3), (scaled(wine[0]), wine[1]), F.cross_entropy),
        "cancer": (lambda: mlp(30, 16, 2), (scaled(cancer[0]), cancer[1]), F.cross_entropy),
        "diabetes": (lambda: mlp(10, 16, 1), (scaled(diabetes[0]), scaled(diabetes[1][:, None])),
                     F.mse_loss),
        "digits": (lambda: mlp(64, 32, 10), (x[:800], y[:800]), F.cross_entropy),
    }


def final_loss(name: str, rate: float, epochs: int, held: bool = False) -> float:
    """Training loss after a few epochs, or the best validation loss; mean of 3 seeds."""
    make_net, (x, y), loss = tasks()[name]
    order = np.random.default_rng(0).permutation(len(y))
    cut = len(y) * 3 // 4 if held else len(y)
    found = []
    for seed in SEEDS:
        manual_seed(seed)
        net = make_net()
        try:
            history = train(net, x[order[:cut]], y[order[:cut]], loss=loss, epochs=epochs,
                            seed=seed, batch_size=32, optimizer=optim.SGD(net.parameters(), rate),
                            **({"validation": (x[order[cut:]], y[order[cut:]])} if held else {}))
        except ArithmeticError:                                         # E701: it ran away
            return math.inf
        found.append(min(history.column("val_loss")) if held else history.column("loss")[-1])
    return float(np.mean(found))


@pytest.mark.slow
@pytest.mark.system("Learning-rate range test")
def test_the_range_test_suggests_a_rate_near_the_best_of_a_grid(figure):
    told, ratios = [], []
    grid = np.geomspace(0.01, 3.0, 9)                                   # a factor of 2 apart
    for name, (make_net, (x, y), loss) in tasks().items():
        suggested = []
        for seed in SEEDS:
            manual_seed(seed)
            net = make_net()
            before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
            found = lr_range_test(net, (x, y), loss=loss, optimizer=optim.SGD(net.parameters()),
                                  start=1e-4, stop=30.0, steps=200, seed=seed)
            for key, value in net.state_dict().items():
                np.testing.assert_array_equal(value.numpy(), before[key])
            suggested.append(found.suggestion)
        best = grid[int(np.argmin([final_loss(name, r, 10) for r in grid]))]
        middle = float(np.exp(np.mean(np.log(suggested))))
        ratios.append(middle / best)
        told.append(f"{name} {middle:.2g} (best {best:.2g})")
    figure("suggested: " + ", ".join(told))
    assert all(1 / 3 <= r <= 3 for r in ratios), told


@pytest.mark.slow
@pytest.mark.system("Logarithmic vs linear rate grid")
def test_a_logarithmic_grid_finds_at_least_as_good_a_rate(figure):
    wins, told = 0, []
    for name in tasks():
        losses = {kind: min(final_loss(name, r, 10, held=True) for r in grid)
                  for kind, grid in (("log", np.geomspace(1e-4, 10, 6)),
                                     ("linear", np.linspace(1e-4, 10, 6)))}
        wins += losses["log"] <= losses["linear"]
        told.append(f"{name} {losses['log']:.3f} / {losses['linear']:.3f}")
    assert wins >= 4
    figure(f"better or equal on {wins} of 5: {', '.join(told)} (log / linear)")


@pytest.mark.system("Hyperparameter object / run configuration")
def test_a_run_is_repeated_from_its_saved_configuration(tmp_path):
    first = run(make("digits-mlp", {"epochs": "2", "lr": "0.003"}), seed=5, out=tmp_path,
                progress=False)
    saved = json.loads((first.run.folder / "config.json").read_text())
    name, seed = saved.pop("recipe"), saved.pop("seed")
    again = run(make(name, {k: str(v) for k, v in saved.items()}), seed=seed, progress=False)
    assert again.run.column("loss") == first.run.column("loss")
    assert dict(again.test) == dict(first.test)
    other = run(make(name, {k: str(v) for k, v in saved.items()}), seed=seed + 1, progress=False)
    assert other.run.column("loss") != first.run.column("loss")


def test_spread_prints_mean_and_range():
    assert spread([1, 2, 3]) == "2 (1 to 3)"
