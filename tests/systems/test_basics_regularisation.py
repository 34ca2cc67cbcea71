"""Regularisation and generalisation: penalties, dropout, noise, averages, verdicts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from basics_helpers import SEEDS, digits, f32, f64, mlp, moons, spread, train

import sheer
from sheer import nn, optim
from sheer.explain import (
    dropout_samples,
    judge_curves,
    predictive_entropy,
    sparsity,
)
from sheer.models import Ensemble, LinearRegression
from sheer.random import manual_seed
from sheer.train import evaluate, largest_curvature, model_loss, predict

F = nn.functional


@pytest.mark.system("Dropout (forward, backward, train/eval)")
@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_dropout_keeps_the_mean_uses_one_mask_and_is_nothing_in_evaluation(p, figure):
    manual_seed(0)
    layer, n = nn.Dropout(p), 200_000
    x = sheer.ones(n, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    out, slope = y.detach().numpy(), x.grad.numpy()
    error = math.sqrt(p / (1 - p) / n)
    assert abs(out.mean(dtype=np.float64) - 1) < 3 * error
    np.testing.assert_array_equal(out, slope)                           # the same mask
    np.testing.assert_allclose(np.unique(out), [0, 1 / (1 - p)], rtol=1e-6)
    np.testing.assert_array_equal(layer.eval()(x).detach().numpy(), 1)
    figure(f"p {p}: mean {out.mean(dtype=np.float64):.4f} +- {error:.4f}")


@pytest.mark.system("Monte-Carlo dropout")
def test_entropy_is_higher_on_shifted_inputs(figure):
    x, y = digits()
    clean, shifted = [], []
    for seed in SEEDS:
        manual_seed(seed)
        net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 10))
        train(net, x[:1200], y[:1200], loss=F.cross_entropy, epochs=25, seed=seed)
        rolled = np.roll(x[1200:].reshape(-1, 8, 8), 2, 2).reshape(-1, 64)
        samples = [dropout_samples(net, f32(rows), 30) for rows in (x[1200:], rolled)]
        assert samples[0].shape == (30, 597, 10)
        assert samples[0].std(0).max() > 0
        assert net.training
        clean.append(predictive_entropy(samples[0]).mean())
        shifted.append(predictive_entropy(samples[1]).mean())
    assert all(s > c for c, s in zip(clean, shifted, strict=True))
    figure(f"entropy in nats: clean {spread(clean)}, moved by 2 pixels {spread(shifted)}")


@pytest.mark.system("L1 regularisation")
def test_proximal_steps_have_the_zeros_of_the_lasso(figure):
    from sklearn.linear_model import Lasso
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 12))
    y = x[:, :4] @ [2.0, -1.5, 1.0, 0.3] + 0.3 * rng.normal(size=100)
    told = []
    for l1 in (0.05, 0.2, 0.6):
        theirs = Lasso(alpha=l1, fit_intercept=False, tol=1e-10, max_iter=100_000).fit(x, y).coef_
        w = sheer.zeros(12, dtype="float64", requires_grad=True)
        rate = 1 / np.linalg.eigvalsh(x.T @ x / 100)[-1]
        optimizer = optim.ProximalSGD([w], lr=rate, l1=l1)
        @sheer.jit
        def walk(optimizer=optimizer, w=w):
            def step(_, i):
                optimizer.zero_grad()
                (0.5 * ((f64(x) @ w - f64(y)) ** 2).mean()).backward()
                optimizer.step()
                return (), ()
            return sheer.scan(step, (), length=600)[0]
        walk()
        found = w.detach().numpy()
        np.testing.assert_array_equal(found == 0, theirs == 0)
        np.testing.assert_allclose(found, theirs, atol=1e-6)
        told.append(f"{int((found == 0).sum())} of 12 at {l1}")
    figure("exact zeros as scikit-learn's Lasso: " + ", ".join(told))


@pytest.mark.system("L1 regularisation")
def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="ProximalSGD: l1 = -1"):
        optim.ProximalSGD([f64([1.0], grad=True)], lr=0.1, l1=-1.0)


@pytest.mark.system("L2 regularisation / weight decay")
def test_an_l2_penalty_is_multiplicative_decay_and_ridge(figure):
    rate, c, rng = 0.1, 0.03, np.random.default_rng(0)
    start = rng.normal(size=5)
    penalised, decayed = f64(start, grad=True), f64(start, grad=True)
    slope = f64(rng.normal(size=5))
    a = optim.SGD([penalised], lr=rate)
    b = optim.SGD([decayed], lr=rate, weight_decay=2 * c)
    by_hand = start.copy()
    for _ in range(10):
        for w, optimizer, extra in ((penalised, a, c), (decayed, b, 0.0)):
            optimizer.zero_grad()
            ((slope * w).sum() + extra * (w * w).sum()).backward()
            optimizer.step()
        by_hand = by_hand * (1 - 2 * rate * c) - rate * slope.numpy()
    np.testing.assert_allclose(penalised.detach().numpy(), by_hand, rtol=1e-12)
    np.testing.assert_allclose(decayed.detach().numpy(), by_hand, rtol=1e-12)
    from sklearn.linear_model import Ridge
    x = rng.normal(size=(60, 5))
    y = x @ rng.normal(size=(5, 2)) + rng.normal(size=(60, 2)) + 2
    ridge = LinearRegression(5, 2).double().solve(x, y, l2=3.0)
    theirs = Ridge(alpha=3.0, tol=1e-12).fit(x, y)
    np.testing.assert_allclose(ridge.weight.detach().numpy(), theirs.coef_, rtol=1e-8)
    np.testing.assert_allclose(ridge.bias.detach().numpy(), theirs.intercept_, rtol=1e-8)
    gap = np.abs(ridge.weight.detach().numpy() - theirs.coef_).max()
    figure(f"decay 1 - 2 rate c to 1e-12, ridge within {gap:.0e}")


@pytest.mark.system("Model averaging / ensembling of nets")
def test_the_error_of_an_ensemble_is_that_of_its_members_minus_their_ambiguity(figure):
    manual_seed(0)
    x = f64(np.random.default_rng(0).normal(size=(200, 3)))
    y = x.sin().sum(1, keepdim=True).detach()
    members = [mlp(3, 8, 1, act=nn.Tanh).double() for _ in range(3)]
    for i, member in enumerate(members):
        train(member, x[i * 30:i * 30 + 80], y[i * 30:i * 30 + 80], epochs=20, seed=i)
    whole = Ensemble(members)
    parts = whole.ambiguity(x, y)
    error = ((whole(x) - y) ** 2).mean().item()
    gap = abs(error - (parts.members - parts.ambiguity).item())
    assert gap < 1e-10
    assert parts.ensemble.item() == pytest.approx(error, rel=1e-12)
    assert 0 < parts.ambiguity.item() < parts.members.item()
    figure(f"ensemble {error:.4f} = members {parts.members.item():.4f} - ambiguity "
           f"{parts.ambiguity.item():.4f}")


def curves(kind: str, seed: int) -> tuple[list[float], list[float]]:
    """Training and validation losses of a network that was made to behave like that."""
    rng = np.random.default_rng(seed)
    manual_seed(seed)
    x, y = moons(400, 0.15, seed)
    if kind == "overfit":                # few rows, a tenth of the labels wrong, far too many units
        flipped = np.where(rng.random(400) < 0.15, 1 - y, y)
        net, part, epochs, lr = mlp(2, 200, 200, 2), slice(0, 50), 150, 5e-3
        labels = flipped
    elif kind == "underfit":             # a rate so small that nothing happens
        net, part, epochs, lr, labels = mlp(2, 4, 2), slice(0, 200), 10, 1e-4, y
    else:
        net, part, epochs, lr, labels = mlp(2, 16, 2), slice(0, 200), 50, 1e-2, y
    history = train(net, x[part], labels[part], loss=F.cross_entropy, lr=lr, epochs=epochs,
                    validation=(x[200:], labels[200:]), seed=seed)
    return history.column("loss"), history.column("val_loss")


@pytest.mark.slow
@pytest.mark.system("Overfitting and underfitting")
def test_learning_curves_are_judged_right(figure):
    right = [judge_curves(*curves(kind, seed), baseline=math.log(2)) == kind
             for kind in ("overfit", "underfit", "good") for seed in range(4)]
    assert sum(right) / len(right) >= 0.9
    figure(f"{sum(right)} of {len(right)} planted curves named right")


@pytest.mark.system("Overfitting and underfitting")
@pytest.mark.parametrize(("train_end", "validation", "verdict"), [
    (0.05, [0.7, 0.3, 0.2, 0.3, 0.5, 0.8, 0.8, 0.8, 0.8, 0.8], "overfit"),
    (0.65, [0.7] * 10, "underfit"),
    (0.10, [0.7, 0.5, 0.3, 0.2, 0.15, 0.13, 0.12, 0.12, 0.12, 0.12], "good"),
])
def test_clear_curves_are_judged_by_their_ends(train_end, validation, verdict):
    training = np.linspace(0.7, train_end, 5).tolist() + [train_end] * 5
    assert judge_curves(training, validation, baseline=math.log(2)) == verdict


@pytest.mark.system("Bias-variance decomposition")
def test_bias_variance_and_noise_add_up_to_the_test_error(figure):
    """Cubic features, 1000 training sets of 30 rows, noise 0.3: exact pieces, measured error."""
    rng, noise, told = np.random.default_rng(0), 0.3, []
    features = lambda x, k: np.stack([x ** i for i in range(1, k + 1)], -1)
    grid = np.linspace(-1, 1, 50)
    truth = np.sin(4 * grid)
    for degree in (1, 3, 7):
        x = rng.uniform(-1, 1, (1000, 30))
        y = np.sin(4 * x) + noise * rng.normal(size=x.shape)
        rows = f64(np.concatenate([np.ones((1000, 30, 1)), features(x, degree)], 2))
        weights = sheer.linalg.lstsq(rows, f64(y[..., None])).solution   # (1000, degree + 1, 1)
        test = f64(np.c_[np.ones(50), features(grid, degree)])
        said = (test @ weights).squeeze(2).numpy()                      # (1000, 50)
        inner = np.abs(grid) < 0.9                   # beyond, few rows and heavy tails
        said = said[:, inner]
        squared_bias = ((said.mean(0) - truth[inner]) ** 2).mean()
        variance = said.var(0).mean()
        fresh = truth[inner] + noise * rng.normal(size=(400, *said.shape))
        error = ((fresh - said) ** 2).mean()
        parts = squared_bias + variance + noise ** 2
        assert error == pytest.approx(parts, rel=0.02)
        told.append(f"degree {degree}: {squared_bias:.3f} + {variance:.3f} + {noise ** 2:.3f} = "
                    f"{parts:.3f}, error {error:.3f}")
    figure("; ".join(told))


@pytest.mark.system("Noise injection as regulariser")
def test_noise_on_the_inputs_is_ridge_regression(figure):
    """Linear regression on rows with fresh noise of variance s: lambda = n s, in expectation."""
    rng, n, variance = np.random.default_rng(0), 40, 0.5
    x = rng.normal(size=(n, 3))
    x -= x.mean(0)
    y = x @ [1.0, -2.0, 0.5] + 0.2 * rng.normal(size=n)
    y -= y.mean()
    ridge = LinearRegression(3, 1, bias=False).double().solve(x, y, l2=n * variance)
    wanted = ridge.weight.detach().numpy()[0]
    plain = LinearRegression(3, 1, bias=False).double().solve(x, y).weight.detach().numpy()[0]
    manual_seed(0)
    noisy = (f64(np.tile(x, (2000, 1)))
             + math.sqrt(variance) * sheer.randn(2000 * n, 3, dtype="float64"))
    found = LinearRegression(3, 1, bias=False).double().solve(
        noisy, np.tile(y, 2000)).weight.detach().numpy()[0]
    np.testing.assert_allclose(found, wanted, atol=0.02)
    assert np.abs(plain - wanted).min() > 0.1
    layer = nn.Linear(3, 1, bias=False).double()     # and by gradient steps with fresh noise
    rate = optim.SGD(layer.parameters(), lr=0.05)
    rows, targets = f64(np.tile(x, (50, 1))), f64(np.tile(y, 50)[:, None])
    @sheer.jit
    def walk():
        def step(_, i):
            rate.zero_grad()
            moved = rows + math.sqrt(variance) * sheer.randn(50 * n, 3, dtype="float64")
            F.mse_loss(layer(moved), targets).backward()
            rate.step()
            return (), layer.weight.detach()
        return sheer.scan(step, (), length=400)[1]
    walked = walk().numpy()[200:].mean(0)[0]
    np.testing.assert_allclose(walked, wanted, atol=0.02)
    figure(f"ridge {wanted.round(3)}, noise {found.round(3)}, gradient steps {walked.round(3)}")


@pytest.mark.slow
@pytest.mark.system("Flat vs sharp minima")
def test_sharpness_of_small_and_large_batches(figure):
    x, y = digits()
    sharp, scores = {16: [], 1024: []}, {16: [], 1024: []}
    for size, values in sharp.items():
        for seed in SEEDS:
            manual_seed(seed)
            net = mlp(64, 32, 10)
            train(net, x[:1024], y[:1024], loss=F.cross_entropy, batch_size=size, seed=seed,
                  epochs=40 if size == 16 else 400,
                  optimizer=optim.SGD(net.parameters(), lr=0.2))
            loss, weights = model_loss(net, F.cross_entropy, f32(x[:1024]),
                                       sheer.tensor(y[:1024]))
            found = largest_curvature(loss, weights, tolerance=1e-3)
            assert 0 < found.value < 1000
            values.append(found.value)
            scores[size].append(evaluate(net, (x[1024:], y[1024:]), loss=F.cross_entropy,
                                         metrics=["accuracy"])["accuracy"])
    figure("; ".join(f"batch {size}: largest Hessian eigenvalue {spread(values)}, test accuracy "
                     f"{spread(scores[size])}" for size, values in sharp.items()))


@pytest.mark.system("Sparsity of weights and activations")
def test_zeros_are_counted_layer_by_layer():
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    net.load_state_dict({
        "0.weight": np.array([[1, 0], [0, 1], [-1, 0], [0, 0]], np.float32),
        "0.bias": np.array([0, 0, 0, -1], np.float32),
        "2.weight": np.array([[0.5, 0, 0.01, 0]], np.float32), "2.bias": np.zeros(1, np.float32)})
    x = f32([[1, 1], [2, -1], [-1, 3], [1, -2]])
    assert sparsity(net) == {"0.weight": 5 / 8, "0.bias": 3 / 4, "2.weight": 2 / 4, "2.bias": 1.0}
    told = sparsity(net, x)
    active = np.maximum(x.numpy() @ net[0].weight.detach().numpy().T
                        + net[0].bias.detach().numpy(), 0)
    assert told["1"] == (active == 0).mean()
    assert sparsity(net, threshold=0.1)["2.weight"] == 3 / 4


@pytest.mark.slow
@pytest.mark.system("Co-adaptation of units")
def test_units_trained_with_dropout_miss_each_other_less(figure):
    x, y = digits()
    falls = {0.0: [], 0.5: []}
    for p, found in falls.items():
        for seed in SEEDS:
            manual_seed(seed)
            net = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Dropout(p), nn.Linear(80, 10))
            train(net, x[:1000], y[:1000], loss=F.cross_entropy, epochs=60, seed=seed)
            rng, whole = np.random.default_rng(seed), net.state_dict()["3.weight"].numpy().copy()
            score = lambda net=net: float((predict(net, x[1000:]).argmax(1) == y[1000:]).mean())
            before, after = score(), []
            for _ in range(10):
                keep = np.ones(80, np.float32)
                keep[rng.permutation(80)[:40]] = 0                      # half of the units go
                net[3].load_state_dict({"weight": 2 * whole * keep, "bias": net[3].bias})
                after.append(score())
            found.append(before - float(np.mean(after)))
    assert np.mean(falls[0.5]) < np.mean(falls[0.0])
    figure(f"accuracy lost with half of the units: with dropout {spread(falls[0.5])}, without "
           f"{spread(falls[0.0])}")
