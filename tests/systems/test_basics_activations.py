"""Activations: exact values, slopes, edges, and what each is good for."""

from __future__ import annotations

import numpy as np
import pytest
from basics_helpers import SEEDS, XOR, XOR_LABELS, f32, f64, mlp, moons, spread, train

import sheer
from sheer import nn
from sheer.explain import gradient_flow
from sheer.random import manual_seed
from sheer.train import predict

F = nn.functional


def slope(function, values) -> np.ndarray:
    x = f64(values, grad=True)
    function(x).sum().backward()
    return x.grad.numpy()


@pytest.mark.system("Binary step / threshold")
def test_the_step_is_exact_and_has_no_slope_unless_told():
    at = [-2.0, -1e-300, -0.0, 0.0, 1e-300, 0.5, 3.0]
    assert F.step(f64(at)).tolist() == [0, 0, 1, 1, 1, 1, 1]
    assert (slope(nn.Step(), at) == 0).all()
    assert slope(nn.Step(straight_through=True), at).tolist() == [0, 1, 1, 1, 1, 1, 0]


@pytest.mark.system("Binary step / threshold")
def test_straight_through_steps_learn_xor(figure):
    plain = nn.Sequential(nn.Linear(2, 16), nn.Step(), nn.Linear(16, 1))
    plain(f32(XOR)).sum().backward()                 # nothing reaches the first layer
    assert (plain[0].weight.grad == 0).all().item()
    solved = 0
    for seed in SEEDS:
        manual_seed(seed)
        net = nn.Sequential(nn.Linear(2, 16), nn.Step(straight_through=True), nn.Linear(16, 1))
        train(net, XOR, XOR_LABELS[:, None].astype(np.float32), epochs=150, batch_size=4,
              loss=F.binary_cross_entropy_with_logits, lr=0.05, seed=seed)
        solved += bool(((predict(net, XOR)[:, 0] > 0) == XOR_LABELS).all())
    assert solved == 3
    figure(f"XOR solved by {solved} of 3 seeds straight through")


@pytest.mark.system("Sigmoid / logistic")
def test_the_sigmoid_at_the_edges():
    for dtype in ("float32", "float64"):
        y = F.sigmoid(sheer.tensor([-1e4, -100.0, 0.0, 100.0, 1e4], dtype=dtype)).numpy()
        assert np.isfinite(y).all()
        assert (y[[0, 2, 4]] == [0, 0.5, 1]).all()
    slopes = slope(F.sigmoid, np.linspace(-20, 20, 4001))
    assert slopes.max() == slopes[2000] == 0.25


@pytest.mark.system("Logit (inverse sigmoid)")
def test_the_logit_undoes_the_sigmoid(figure):
    x = np.linspace(-15, 15, 3001)
    gap = np.abs(F.logit(F.sigmoid(f64(x))).numpy() - x).max()
    assert gap < 1e-9
    figure(f"largest difference {gap:.0e}")


@pytest.mark.system("Tanh")
def test_tanh_is_a_stretched_sigmoid():
    x = f64(np.linspace(-30, 30, 2001))
    np.testing.assert_allclose(F.tanh(x).numpy(), (2 * F.sigmoid(2 * x) - 1).numpy(), atol=1e-12)


@pytest.mark.system("ReLU")
def test_the_slope_of_relu_at_zero_is_zero():
    assert slope(F.relu, [-1.0, -0.0, 0.0, 1e-300]).tolist() == [0, 0, 0, 1]


@pytest.mark.system("Softmax")
def test_softmax_sums_shifts_and_stays_finite():
    x = np.random.default_rng(0).normal(size=(50, 7)) * 10
    y = F.softmax(f32(x), 1).numpy()
    np.testing.assert_allclose(y.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(F.softmax(f64(x + 100), 1).numpy(), F.softmax(f64(x), 1).numpy(),
                               rtol=1e-10)
    big = F.softmax(f32([[1e4, -1e4, 0.0], [1e4, 1e4, -1e4]]), 1).numpy()
    np.testing.assert_array_equal(big, [[1, 0, 0], [0.5, 0.5, 0]])


@pytest.mark.system("Softmax")
def test_masked_softmax_is_softmax_of_what_is_left():
    x, keep = f64([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [[True, False, True], [True, True, False]]
    y = F.masked_softmax(x, sheer.tensor(keep), 1).numpy()
    assert (y[~np.array(keep)] == 0).all()
    np.testing.assert_allclose(y[0, [0, 2]], F.softmax(f64([1.0, 3.0]), 0).numpy(), rtol=1e-12)
    np.testing.assert_allclose(y[1, :2], F.softmax(f64([4.0, 5.0]), 0).numpy(), rtol=1e-12)


@pytest.mark.system("Swish / SiLU (with slope beta)")
@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_the_derivative_of_swish(beta):
    x = np.linspace(-8, 8, 101)
    y = F.swish(f64(x), beta).numpy()
    s = 1 / (1 + np.exp(-beta * x))
    np.testing.assert_allclose(slope(nn.Swish(beta), x), beta * y + s * (1 - beta * y), rtol=1e-10,
                               atol=1e-14)


@pytest.mark.system("Maxout")
def test_two_pieces_are_relu_and_the_absolute_value():
    x = np.r_[np.random.default_rng(0).normal(size=50), 0.0][:, None]
    for weights, wanted in (([[1.0], [0.0]], np.maximum(x, 0)), ([[1.0], [-1.0]], np.abs(x))):
        net = nn.Sequential(nn.Linear(1, 2, bias=False), nn.Maxout(2)).double()
        net.load_state_dict({"0.weight": np.array(weights)})
        np.testing.assert_array_equal(net(f64(x)).detach().numpy(), wanted)


@pytest.mark.slow
@pytest.mark.system("Cosine / periodic activation")
def test_periodic_units_fit_what_relus_cannot(figure):
    x = np.linspace(-1, 1, 512)[:, None].astype(np.float32)
    y = (0.5 * np.sin(30 * x) + 0.5 * np.cos(47 * x)).astype(np.float32)
    quality = {}
    for name, act in (("cosine", lambda: nn.Cosine(1.0)), ("relu", nn.ReLU)):
        values = []
        for seed in SEEDS:
            manual_seed(seed)
            net = mlp(1, 64, 64, 1, act=act)
            if name == "cosine":                                        # Sitzmann et al. 2020
                with sheer.no_grad():
                    net[0].weight.mul_(30.0)
            train(net, x, y, epochs=300, batch_size=128, lr=2e-3, seed=seed)
            error = float(((predict(net, x) - y) ** 2).mean())
            values.append(10 * np.log10(4 / error))                     # peak to peak 2
        quality[name] = values
    assert np.mean(quality["cosine"]) > np.mean(quality["relu"]) + 10
    figure(f"PSNR: cosine {spread(quality['cosine'])} dB, ReLU {spread(quality['relu'])} dB")


@pytest.mark.system("Linear / identity activation")
def test_the_identity_changes_nothing_in_either_direction():
    x = f64(np.random.default_rng(0).normal(size=(3, 4)), grad=True)
    y = nn.Identity()(x)
    ct = np.random.default_rng(1).normal(size=(3, 4))
    y.backward(f64(ct))
    np.testing.assert_array_equal(y.detach().numpy(), x.detach().numpy())
    np.testing.assert_array_equal(x.grad.numpy(), ct)


BENT = lambda x: ((x * x + 1).sqrt() - 1) / 2 + x
BENT_SLOPE = lambda x: x / (2 * (x * x + 1).sqrt()) + 1


@pytest.mark.system("Custom user-defined activation")
@pytest.mark.parametrize("derivative", [None, BENT_SLOPE], ids=["value", "value and derivative"])
def test_an_activation_of_your_own_works_in_any_layer(derivative):
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(slope(nn.Activation(BENT, derivative), x),
                               x / (2 * np.sqrt(x * x + 1)) + 1, rtol=1e-12)
    act = lambda: nn.Activation(BENT, derivative)
    manual_seed(0)
    nets = [(mlp(4, 8, 1, act=act), sheer.randn(16, 4)),
            (nn.Sequential(nn.Conv1d(1, 4, 3), act(), nn.Flatten(), nn.Linear(8, 1)),
             sheer.randn(16, 1, 4))]
    for net, rows in nets:
        history = train(net, rows, rows.reshape(16, 4).sum(1, keepdim=True).tanh(), epochs=60)
        assert history.column("loss")[-1] < 0.5 * history.column("loss")[0]


@pytest.mark.system("Custom user-defined activation")
def test_a_given_derivative_is_the_one_that_is_used():
    wrong = nn.Activation(lambda x: x * x, lambda x: 7 * x)
    assert wrong(f64([3.0])).tolist() == [9.0]
    assert slope(wrong, [3.0]).tolist() == [21.0]


@pytest.mark.system("ReLU followed by sigmoid")
def test_a_relu_under_a_sigmoid_never_says_no(figure):
    x, y = moons(600)
    net = mlp(2, 32, 1, last=nn.ReLU())
    train(net, x, y[:, None].astype(np.float32), loss=F.binary_cross_entropy_with_logits,
          epochs=40)
    p = 1 / (1 + np.exp(-predict(net, x)))
    assert p.min() == 0.5
    found = []
    for seed in SEEDS:
        manual_seed(seed)
        net = mlp(2, 32, 32, 1)                                         # a linear layer between
        train(net, x, y[:, None].astype(np.float32), loss=F.binary_cross_entropy_with_logits,
              epochs=60, seed=seed)
        fresh, labels = moons(600, seed=seed + 1)
        found.append(float(((predict(net, fresh)[:, 0] > 0) == labels).mean()))
    assert np.mean(found) >= 0.98
    figure(f"least probability {p.min()}; with a linear layer two moons {spread(found)}")


@pytest.mark.system("ReLU / softplus regression output")
def test_counts_are_predicted_by_outputs_that_cannot_be_negative(figure):
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (1200, 2)).astype(np.float32)
    y = rng.poisson(np.exp(1.2 * x[:, 0] - 1)).astype(np.float32)[:, None]
    errors = {"identity": [], "softplus": [], "relu": []}
    lowest = {}
    for name, found in errors.items():
        last = {"identity": None, "softplus": nn.Softplus(), "relu": nn.ReLU()}[name]
        for seed in SEEDS:
            manual_seed(seed)
            net = mlp(2, 16, 1, last=last)
            nn.init.constant_(net[2].bias, 1.0)      # a ReLU must not begin below zero everywhere
            train(net, x[:600], y[:600], epochs=60, seed=seed, lr=5e-3)
            said = predict(net, x[600:])
            lowest[name] = min(lowest.get(name, 0.0), float(said.min()))
            found.append(float(np.sqrt(((said - y[600:]) ** 2).mean())))
    assert lowest["softplus"] >= 0
    assert lowest["relu"] >= 0
    assert lowest["identity"] < 0
    best = min(np.mean(errors["softplus"]), np.mean(errors["relu"]))
    assert best <= np.mean(errors["identity"])
    figure("RMSE on counts: " + ", ".join(f"{k} {spread(v)}" for k, v in errors.items())
           + f"; lowest identity prediction {lowest['identity']:.2f}")


ALL = {"identity": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU,
       "leaky relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU,
       "silu": nn.SiLU, "softplus": nn.Softplus, "hardswish": nn.Hardswish, "sine": nn.Sine}


@pytest.mark.slow
@pytest.mark.system("Role of activations (ablation of all of them)")
def test_a_table_of_all_activations_and_depths(figure):
    x, y = moons(600, 0.15)
    fresh, labels = moons(600, 0.15, seed=9)
    linear = linear_accuracy(x, y, fresh, labels)
    rows, table = [], {}
    for name, act in ALL.items():
        for depth in (1, 3, 8):
            scores, losses, norms = [], [], []
            for seed in SEEDS:
                manual_seed(seed)
                net = mlp(2, *[16] * depth, 2, act=act)
                F.cross_entropy(net(f32(x)), sheer.tensor(y)).backward()
                norms.append(gradient_flow(net).layers[0].norm)
                history = train(net, x, y, loss=F.cross_entropy, lr=5e-3, epochs=50, seed=seed)
                losses.append(history.column("loss")[-1])
                scores.append(float((predict(net, fresh).argmax(1) == labels).mean()))
            table[name, depth] = np.mean(scores)
            rows.append(f"{name} x{depth}: {np.mean(losses):.3f} {100 * np.mean(scores):.1f} % "
                        f"{np.mean(norms):.1e}")
    for depth in (1, 3, 8):
        assert table["identity", depth] == pytest.approx(linear, abs=0.02)
        assert table["relu", depth] > linear + 0.05
    figure("final loss, accuracy, first gradient: " + "; ".join(rows))


def linear_accuracy(x, y, fresh, labels) -> float:
    """Accuracy of the best linear classifier."""
    from sklearn.linear_model import LogisticRegression
    return float(LogisticRegression().fit(x, y).score(fresh, labels))
