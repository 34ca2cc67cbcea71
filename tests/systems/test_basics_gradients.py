"""Gradient pathologies: gradients that vanish, explode, saturate or die, and what finds them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from basics_helpers import SEEDS, f64, mlp, spread, train

import sheer
from sheer import nn, optim
from sheer.explain import dead_units, gradient_flow
from sheer.graph.errors import NumericError
from sheer.random import manual_seed
from sheer.train import fit, stationary_point

F = nn.functional


class Probe(nn.Module):
    """Adds 0, whose gradient is that of the value at this place."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.zero = nn.Parameter(sheer.zeros(16, width))

    def forward(self, x):
        return x + self.zero


def log_gradients(depth: int, width: int, scale: float, act: type, seed: int) -> np.ndarray:
    """log norm of the gradient by what every layer gets; weights ~ N(0, scale^2 / width)."""
    manual_seed(seed)
    layers = []
    for _ in range(depth):
        linear = nn.Linear(width, width, bias=False)
        nn.init.normal_(linear.weight, std=scale / math.sqrt(width))
        layers += [Probe(width), linear, act()]
    net = nn.Sequential(*layers)
    with sheer.backend("reference"):
        (net(sheer.randn(16, width)) * sheer.randn(16, width)).sum().backward()
        grads = [probe.zero.grad for probe in layers[::3]]
        sheer.eval(*grads)                                              # in one run
        return np.array([math.log(np.linalg.norm(g.numpy())) for g in grads])


def mean_field(scale: float, act, slope) -> float:
    """The factor on the squared gradient per layer: scale^2 E[slope(z)^2] at the fixed variance.

    Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232, equation 8.
    """
    z, w = np.polynomial.hermite_e.hermegauss(101)
    w = w / w.sum()
    q = 1.0
    for _ in range(2000):
        q = scale ** 2 * float((w * act(math.sqrt(q) * z) ** 2).sum())
    return scale ** 2 * float((w * slope(math.sqrt(q) * z) ** 2).sum())


def measured_slope(depth: int, scale: float, act: type, skip: int) -> tuple[float, float]:
    """Slope of the log gradient by layers from the loss, and R^2 of the line; mean of 3 seeds."""
    curve = np.mean([log_gradients(depth, 200, scale, act, s) for s in SEEDS], 0)[skip:][::-1]
    at = np.arange(len(curve))
    slope, start = np.polyfit(at, curve, 1)
    rest = curve - slope * at - start
    return float(slope), float(1 - rest.var() / curve.var())


@pytest.mark.system("Vanishing gradients (deep nets, RNNs)")
def test_gradients_vanish_with_depth_at_the_predicted_rate(figure):
    predicted = math.log(0.8)                        # the values shrink too: tanh has slope 1
    found, straight = measured_slope(30, 0.8, nn.Tanh, 5)
    assert found == pytest.approx(predicted, rel=0.10)
    assert straight > 0.99
    figure(f"tanh, weights 0.8: slope {found:.3f} a layer, predicted {predicted:.3f}")


@pytest.mark.system("Vanishing gradients (deep nets, RNNs)")
def test_gradients_vanish_through_time_at_the_predicted_rate(figure):
    slopes = []
    for seed in SEEDS:
        manual_seed(seed)
        cell = nn.RNN(4, 64)
        nn.init.orthogonal_(cell.weight_hh_l0, 0.8)
        for p in (cell.bias_ih_l0, cell.bias_hh_l0):
            nn.init.zeros_(p)
        nn.init.normal_(cell.weight_ih_l0, std=1e-3)
        x = (sheer.randn(40, 2, 4)).requires_grad_()
        out, _ = cell(x)
        (out[-1] * sheer.randn(2, 64)).sum().backward()
        norms = np.linalg.norm(x.grad.numpy().reshape(40, -1), axis=1)
        slopes.append(np.polyfit(np.arange(40)[::-1], np.log(norms), 1)[0])
    assert np.mean(slopes) == pytest.approx(math.log(0.8), rel=0.10)
    figure(f"RNN, recurrent weights 0.8 orthogonal: slope {spread(slopes)} a step, predicted "
           f"{math.log(0.8):.3f}")


@pytest.mark.system("Exploding gradients")
def test_gradients_explode_with_depth_at_the_predicted_rate(figure):
    told = []
    for act, name, scale, square in (
            (nn.Identity, "identity", 1.5, 1.5 ** 2),
            (nn.Tanh, "tanh", 3.0, mean_field(3.0, np.tanh, lambda z: 1 - np.tanh(z) ** 2))):
        predicted = 0.5 * math.log(square)
        found, straight = measured_slope(25, scale, act, 5)
        assert predicted > 0
        assert found == pytest.approx(predicted, rel=0.10)
        assert straight > 0.99
        told.append(f"{name}, weights {scale}: slope {found:.3f} a layer, predicted "
                    f"{predicted:.3f}")
    figure("; ".join(told))


@pytest.mark.system("Exploding gradients")
def test_a_network_that_explodes_is_stopped_and_the_layer_is_named():
    manual_seed(0)
    net = mlp(4, 16, 16, 16, 1)
    for p in net.parameters():
        if p.ndim == 2:
            nn.init.normal_(p, std=10.0)
    optimizer = optim.SGD(net.parameters(), lr=1e12)
    data = np.ones((32, 4), np.float32), np.ones((32, 1), np.float32)
    with pytest.raises(NumericError) as error:
        fit(net, data, loss=F.l1_loss, optimizer=optimizer, epochs=50, progress=False)
    assert error.value.code == "E701"
    assert error.value.got.get("layer") in {"0", "2", "4", "6"}
    assert all(np.isfinite(p.detach().numpy()).all() for p in net.parameters())


@pytest.mark.system("Gradient clipping by norm")
def test_clipping_by_norm_keeps_the_direction(figure):
    rng = np.random.default_rng(0)
    parameters = [sheer.zeros(*s, dtype="float64", requires_grad=True) for s in ((3, 4), (5,))]
    for p in parameters:
        p.grad = f64(rng.normal(size=p.shape) * 10)
    before = np.concatenate([p.grad.numpy().ravel() for p in parameters])
    norm = optim.clip_grad_norm_(parameters, 1.0).item()
    after = np.concatenate([p.grad.numpy().ravel() for p in parameters])
    assert norm == pytest.approx(np.linalg.norm(before), rel=1e-12)
    cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
    assert cosine == pytest.approx(1, abs=1e-12)
    assert np.linalg.norm(after) == pytest.approx(1, rel=1e-6)
    figure(f"cosine {cosine:.12f}")


@pytest.mark.system("Gradient-flow report (per-layer norms)")
def test_the_report_lists_every_layer_and_flags_the_planted_one():
    manual_seed(0)
    net = mlp(8, 16, 16, 16, 2, act=nn.Tanh)
    loss = lambda: F.cross_entropy(net(sheer.randn(64, 8)), sheer.arange(64) % 2)
    loss().backward()
    sound = gradient_flow(net)
    assert [r.layer for r in sound.layers] == ["0", "2", "4", "6"]
    assert sound.flagged == {}
    for row, layer in zip(sound.layers, (net[0], net[2], net[4], net[6]), strict=True):
        size = np.abs(np.concatenate([p.grad.numpy().ravel() for p in layer.parameters()]))
        assert row.mean == pytest.approx(size.mean(), rel=1e-6)
        assert row.max == pytest.approx(size.max(), rel=1e-6)
    net.zero_grad()
    net[2].load_state_dict({"weight": net[2].weight.detach() * 1e-5, "bias": net[2].bias})
    loss().backward()
    told = gradient_flow(net)
    assert told.flagged == {"0": "vanishing"}       # what lies before the small weights
    lines = str(told).splitlines()
    assert lines[0].split() == ["layer", "mean", "max", "norm"]
    assert lines[1].startswith("0 ")
    assert lines[1].endswith("vanishing")


@pytest.mark.system("Gradient-flow report (per-layer norms)")
@pytest.mark.parametrize(("factor", "note"), [(0.0, "no gradient"), (1e6, "exploding"),
                                              (math.nan, "not finite")])
def test_the_report_flags_other_gradients_too(factor, note):
    manual_seed(0)
    net = mlp(4, 8, 8, 8, 2, act=nn.Tanh)
    net(sheer.randn(16, 4)).sum().backward()
    for p in net[4].parameters():
        p.grad = p.grad * factor
    assert gradient_flow(net).flagged == {"4": note}


BOWL = "minimum"
FUNCTIONS = {
    "sphere": (lambda v: (v * v).sum(), [0, 0, 0], BOWL),
    "hill": (lambda v: -(v * v).sum(), [0, 0], "maximum"),
    "horse saddle": (lambda v: v[0] ** 2 - v[1] ** 2, [0, 0], "saddle"),
    "product": (lambda v: v[0] * v[1], [0, 0], "saddle"),
    "Rosenbrock": (lambda v: (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2, [1, 1], BOWL),
    "Himmelblau's minimum": (lambda v: (v[0] ** 2 + v[1] - 11) ** 2 + (v[0] + v[1] ** 2 - 7) ** 2,
                             [3, 2], BOWL),
    "Beale": (lambda v: (1.5 - v[0] + v[0] * v[1]) ** 2 + (2.25 - v[0] + v[0] * v[1] ** 2) ** 2
              + (2.625 - v[0] + v[0] * v[1] ** 3) ** 2, [3, 0.5], BOWL),
    "waves": (lambda v: v.cos().sum(), [0, 0, 0], "maximum"),
    "waves between": (lambda v: v.cos().sum(), [0, math.pi, 0], "saddle"),
    "double well": (lambda v: (v[0] ** 2 - 1) ** 2 + v[1] ** 2, [0, 0], "saddle"),
    "monkey saddle": (lambda v: v[0] ** 3 - 3 * v[0] * v[1] ** 2, [0, 0], "degenerate"),
}


@pytest.mark.system("Saddle points")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_signs_of_the_eigenvalues_name_the_point(name, figure):
    function, at, kind = FUNCTIONS[name]
    found = stationary_point(function, f64(at))
    assert found.kind == kind
    rng, here = np.random.default_rng(0), function(f64(at)).item()     # and by looking around
    steps = rng.normal(size=(200, len(at)))
    around = np.array([function(f64(at + 1e-3 * s / np.linalg.norm(s))).item()
                       for s in steps[:40]]) - here
    if kind == BOWL:
        assert (around > 0).all()
    if kind == "maximum":
        assert (around < 0).all()
    if kind in ("saddle", "degenerate"):
        assert (around > 0).any()
        assert (around < 0).any()
    figure(f"{name}: {kind}")


@pytest.mark.system("Sigmoid saturation")
def test_gradients_through_sigmoids_are_bounded_by_a_quarter_each(figure):
    manual_seed(0)
    depth = 8
    net = mlp(6, *[12] * depth, 1, act=nn.Sigmoid).double()
    for p in net.parameters():
        if p.ndim == 2:
            nn.init.normal_(p, std=0.7)
    x = f64(np.random.default_rng(0).normal(size=(1, 6)))
    net(x).sum().backward()
    linears = [m for m in net if isinstance(m, nn.Linear)]
    size = lambda m: np.linalg.norm(m.weight.detach().numpy(), 2)
    ratios = []
    for i in range(depth):                  # layer i feeds depth - i sigmoids, then a weight each
        norms = np.prod([size(m) for m in linears[i + 1:]])
        bound = 0.25 ** (depth - i) * norms
        found = np.linalg.norm(linears[i].bias.grad.numpy())
        assert found <= bound * (1 + 1e-12)
        ratios.append(found / bound)
    figure(f"{depth} layers: gradient at most {max(ratios):.2f} of 0.25^L times the norms, first "
           f"layer {np.linalg.norm(linears[0].bias.grad.numpy()):.1e}")


@pytest.mark.system("Dying ReLU", "ReLU", "Leaky ReLU")
def test_relus_die_at_a_high_rate_and_leaky_ones_do_not(figure):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 8)).astype(np.float32)
    y = (3 * np.sin(x[:, :1]) + x[:, 1:2] ** 2).astype(np.float32)
    shares = {nn.ReLU: [], nn.LeakyReLU: []}
    for act, found in shares.items():
        for seed in SEEDS:
            manual_seed(seed)
            net = mlp(8, 40, 40, 1, act=act)
            train(net, x, y, epochs=40, optimizer=optim.Adam(net.parameters(), lr=0.1), seed=seed)
            dead = dead_units(net, sheer.tensor(x))
            assert list(dead) == ["1", "3"]
            found.append(float(np.mean(np.concatenate(list(dead.values())))))
            for name, units in dead.items():         # no row moves their weights
                net.zero_grad()
                F.mse_loss(net(sheer.tensor(x)), sheer.tensor(y)).backward()
                slope = np.abs(net[int(name) - 1].weight.grad.numpy()).sum(1)
                assert (slope[units] == 0).all()
    assert np.mean(shares[nn.ReLU]) > 0.05
    assert shares[nn.LeakyReLU] == [0.0] * 3
    figure(f"dead after 40 epochs at rate 0.1: ReLU {spread(shares[nn.ReLU])}, leaky ReLU 0")


@pytest.mark.system("Gradient clipping by value")
def test_clipping_by_value_leaves_small_elements_alone():
    p = f64(np.zeros(4), grad=True)
    p.grad = f64([0.1, -3.0, 0.5, 2.0])
    optim.clip_grad_value_([p], 0.5)
    assert p.grad.tolist() == [0.1, -0.5, 0.5, 0.5]
    q = torch.zeros(4, dtype=torch.double, requires_grad=True)
    q.grad = torch.tensor([0.1, -3.0, 0.5, 2.0], dtype=torch.double)
    torch.nn.utils.clip_grad_value_([q], 0.5)
    assert p.grad.tolist() == q.grad.tolist()
