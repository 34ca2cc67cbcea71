"""One unit and one layer: the neuron, the perceptron, regressions, biases."""

from __future__ import annotations

import numpy as np
import pytest
from basics_helpers import XOR, XOR_LABELS, f64, train
from sklearn import datasets, linear_model
from sklearn.metrics import log_loss

import sheer
from sheer import nn, optim
from sheer.models import LinearRegression, LogisticRegression, Perceptron
from sheer.models.perceptron import mistake_bound


@pytest.mark.system("Artificial neuron (weights + bias + activation)")
def test_a_neuron_by_hand():
    unit = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid()).double()
    unit.load_state_dict({"0.weight": np.array([[0.5, -1.0, 2.0]]), "0.bias": np.array([0.25])})
    x = f64([0.1, 0.2, 0.3], grad=True)
    y = unit(x)
    y.backward(f64([1.0]))
    value = 1 / (1 + np.exp(-(0.05 - 0.2 + 0.6 + 0.25)))
    slope = value * (1 - value)
    np.testing.assert_allclose(y.detach().numpy(), [value], rtol=1e-12)
    np.testing.assert_allclose(unit[0].weight.grad.numpy(), [[0.1 * slope, 0.2 * slope,
                                                              0.3 * slope]], rtol=1e-12)
    np.testing.assert_allclose(unit[0].bias.grad.numpy(), [slope], rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), slope * np.array([0.5, -1.0, 2.0]), rtol=1e-12)


def separable(seed: int, rows: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows on both sides of a plane, none closer to it than 0.1; labels; the plane (w, b)."""
    rng = np.random.default_rng(seed)
    plane = rng.normal(size=4)
    plane[3] *= 0.3
    plane /= np.linalg.norm(plane)
    x = rng.normal(size=(4 * rows, 3))
    side = x @ plane[:3] + plane[3]
    x, side = x[np.abs(side) > 0.1][:rows], side[np.abs(side) > 0.1][:rows]
    return x, (side > 0).astype(np.int64), plane


@pytest.mark.system("Perceptron, single layer (threshold unit, perceptron rule)")
@pytest.mark.parametrize("seed", range(5))
def test_a_perceptron_stops_within_novikoffs_bound_with_the_weights_of_scikit_learn(seed, figure):
    x, y, plane = separable(seed)
    unit = Perceptron(3, dtype="float64")
    mistakes = unit.learn(x, y, epochs=1000)
    bound = mistake_bound(x, y, plane[:3], plane[3:])
    assert mistakes[-1] == 0
    assert 0 < sum(mistakes) <= bound
    assert (unit(f64(x)).numpy() == y).all()
    theirs = linear_model.Perceptron(shuffle=False, tol=None, max_iter=len(mistakes)).fit(x, y)
    np.testing.assert_allclose(unit.weight.detach().numpy(), theirs.coef_[0], rtol=1e-10)
    np.testing.assert_allclose(unit.bias.detach().numpy(), theirs.intercept_, rtol=1e-10)
    figure(f"{sum(mistakes)} mistakes, bound {bound:.0f}")


@pytest.mark.system("Perceptron, single layer (threshold unit, perceptron rule)")
def test_a_perceptron_never_exceeds_three_quarters_on_xor(figure):
    unit, best = Perceptron(2), 0.0
    for _ in range(200):
        unit.learn(XOR, XOR_LABELS, epochs=1)
        best = max(best, float((unit(sheer.tensor(XOR)).numpy() == XOR_LABELS).mean()))
    assert best <= 0.75
    figure(f"XOR: at most {best:.2f} in 200 epochs")


@pytest.mark.system("Linear regression")
def test_linear_regression_equals_least_squares(figure):
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(100, 4)) * [1, 5, 0.2, 1] + 3, rng.normal(size=100)
    y = x @ [1.0, -2.0, 3.0, 0.5] + 7 + noise
    best = np.linalg.lstsq(np.c_[x, np.ones(100)], y, rcond=None)[0]
    closed = LinearRegression(4, 1).double().solve(x, y)
    found = np.r_[closed.weight.detach().numpy()[0], closed.bias.detach().numpy()]
    np.testing.assert_allclose(found, best, rtol=1e-8)
    none = LinearRegression(4, 1, bias=False).double().solve(x, y)
    np.testing.assert_allclose(none.weight.detach().numpy()[0],
                               np.linalg.lstsq(x, y, rcond=None)[0], rtol=1e-8)
    middle, scale = x.mean(0), x.std(0)
    descent = nn.Linear(4, 1).double()
    rows = f64((x - middle) / scale)
    train(descent, rows, f64(y[:, None]), optimizer=optim.SGD(descent.parameters(), lr=0.2),
          epochs=300, batch_size=100)
    w = descent.weight.detach().numpy()[0] / scale
    walked = np.r_[w, descent.bias.detach().numpy() - middle @ w]
    np.testing.assert_allclose(walked, best, rtol=1e-4)
    figure(f"closed form {np.abs(found / best - 1).max():.1e}, "
           f"gradient descent {np.abs(walked / best - 1).max():.1e} relative")


@pytest.mark.system("Logistic regression (binary, softmax)")
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_logistic_regression_equals_scikit_learn(name, figure):
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    outputs = 1 if name == "breast_cancer" else 3
    mine = LogisticRegression(x.shape[1], outputs).double().solve(x, y, l2=1.0)
    theirs = linear_model.LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(x, y)
    gap = np.abs(mine.weight.detach().numpy() - theirs.coef_).max()
    np.testing.assert_allclose(mine.weight.detach().numpy(), theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(mine.bias.detach().numpy(), theirs.intercept_, atol=1e-4)
    loss = mine.loss(f64(x), sheer.tensor(y)).item()
    assert loss == pytest.approx(log_loss(y, theirs.predict_proba(x)), abs=1e-4)
    figure(f"{name}: coefficients {gap:.0e}, log loss {loss:.4f}")


LAYERS = {
    "linear": (lambda bias: nn.Linear(4, 3, bias), [(2, 4)], 3),
    "bilinear": (lambda bias: nn.Bilinear(4, 5, 3, bias), [(2, 4), (2, 5)], 3),
    "conv1d": (lambda bias: nn.Conv1d(4, 3, 2, bias=bias), [(2, 4, 5)], 3),
    "conv2d": (lambda bias: nn.Conv2d(4, 3, 2, bias=bias), [(2, 4, 5, 5)], 3),
    "conv3d": (lambda bias: nn.Conv3d(4, 3, 2, bias=bias), [(2, 4, 3, 3, 3)], 3),
    "transposed": (lambda bias: nn.ConvTranspose2d(4, 3, 2, bias=bias), [(2, 4, 5, 5)], 3),
}


@pytest.mark.system("Per-neuron, shared and absent bias")
@pytest.mark.parametrize("name", LAYERS)
def test_a_bias_is_per_unit_shared_or_absent(name):
    make, shapes, units = LAYERS[name]
    inputs = [sheer.randn(*s) for s in shapes]
    plain = make(False)
    assert plain.bias is None
    assert "bias=False" in repr(plain)
    for bias, size, word in ((True, units, None), ("shared", 1, "bias='shared'")):
        layer = make(bias)
        assert layer.bias.shape == (size,)
        assert word is None or word in repr(layer)
        layer.load_state_dict({"weight": plain.weight, "bias": np.arange(1.0, size + 1)})
        added = (layer(*inputs) - plain(*inputs)).detach().numpy()
        wanted = np.arange(1.0, size + 1).reshape(-1, *(1,) * (added.ndim - 2))
        np.testing.assert_allclose(added, np.broadcast_to(wanted, added.shape), rtol=1e-4)
    layer(*inputs).sum().backward()
    assert layer.bias.grad.item() == layer(*inputs).numel()


@pytest.mark.system("Per-neuron, shared and absent bias")
def test_another_word_for_a_bias_is_refused():
    with pytest.raises(ValueError, match=r"Linear: bias='common' is unknown"):
        nn.Linear(2, 2, bias="common")


@pytest.mark.system("Per-neuron, shared and absent bias")
def test_a_line_off_the_origin_needs_a_bias(figure):
    x = np.linspace(-1, 1, 20)[:, None]
    y, errors = 2 * x + 3, {}
    for bias in (True, "shared", False):
        layer = nn.Linear(1, 1, bias).double()
        train(layer, f64(x), f64(y), optimizer=optim.SGD(layer.parameters(), lr=0.4),
              epochs=300, batch_size=20)
        errors[bias] = float(np.abs(layer(f64(x)).detach().numpy() - y).max())
    assert errors[True] < 1e-10
    assert errors["shared"] < 1e-10
    assert errors[False] > 2.9
    figure(f"y = 2x + 3: largest error {errors[True]:.0e} with, {errors[False]:.2f} without bias")
