"""Networks of any shape: what they compute, how they are put together, what feeds back."""

from __future__ import annotations

import numpy as np
import pytest
from basics_helpers import SEEDS, count, f64, mlp, spread, train

import sheer
from sheer import nn, optim
from sheer.models import GMDH, LinearRegression
from sheer.nn.utils.stateless import functional_call
from sheer.random import manual_seed


@pytest.mark.system("Feed-forward network")
def test_earlier_inputs_of_a_stream_change_nothing():
    net = mlp(3, 8, 8, 2, act=nn.Tanh)
    stream = sheer.randn(6, 3, requires_grad=True)                      # (T, 3)
    for t in range(6):
        stream.grad = None
        net(stream)[t].sum().backward()
        others = np.delete(stream.grad.numpy(), t, 0)
        assert (others == 0).all()
        assert (stream.grad[t].numpy() != 0).all()
    before = net(stream.detach())[5].numpy()
    other = stream.detach().numpy().copy()
    other[:5] = 7.0
    np.testing.assert_array_equal(net(sheer.tensor(other))[5].detach().numpy(), before)


@pytest.mark.system("Deep linear network (no activation)")
def test_a_deep_linear_network_is_the_product_of_its_weights(figure):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5))
    y = x @ rng.normal(size=(5, 3))
    net = nn.Sequential(*(nn.Linear(a, b, bias=False) for a, b in
                          ((5, 7), (7, 6), (6, 3)))).double()
    run = train(net, f64(x), f64(y), epochs=100)
    assert run.column("loss")[-1] < 1e-2
    product = np.linalg.multi_dot([layer.weight.detach().numpy() for layer in reversed(net)])
    gap = np.abs(net(f64(x)).detach().numpy() - x @ product.T).max()
    assert gap < 1e-10
    figure(f"largest difference {gap:.0e}")


class AnyGraph(nn.Module):
    """Units in a row, each of which reads any of the earlier ones: edges[i] are its sources."""

    def __init__(self, edges: list[list[int]], width: int) -> None:
        super().__init__()
        self.edges = edges
        self.units = nn.ModuleList(nn.Linear(width * len(e), width) for e in edges)

    def forward(self, x):
        done = [x]
        for sources, unit in zip(self.edges, self.units, strict=True):
            done.append(unit(sheer.cat([done[i] for i in sources], 1)).tanh())
        return done[-1]


@pytest.mark.system("Artificial neural network (generic, any graph)")
@pytest.mark.parametrize("seed", SEEDS)
def test_any_acyclic_graph_trains_and_reloads_with_the_same_bits(seed, tmp_path):
    rng = np.random.default_rng(seed)
    edges = [sorted({i, *rng.integers(0, i + 1, rng.integers(1, 4)).tolist()}) for i in range(6)]
    manual_seed(seed)
    net = AnyGraph(edges, 3)
    x = sheer.randn(64, 3)
    y = (x.roll(1, 1) * x).tanh().detach()
    run = train(net, x, y, epochs=30)
    assert run.column("loss")[-1] < 0.8 * run.column("loss")[0]
    sheer.save(net.state_dict(), tmp_path / "net.safetensors")
    other = AnyGraph(edges, 3)
    assert (other(x) != net(x)).any().item()
    other.load_state_dict(sheer.load(tmp_path / "net.safetensors"))
    np.testing.assert_array_equal(other(x).detach().numpy(), net(x).detach().numpy())


@pytest.mark.system("GMDH (Ivakhnenko's deep polynomial net)")
def test_gmdh_recovers_a_quadratic_of_five_inputs(figure):
    scores = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(600, 5))
        a, b, c, d, e = x.T
        y = 1 + 2 * a * b - c * c + c * d + 1.5 * e + 0.5 * a * e + 0.1 * rng.normal(size=600)
        net = GMDH().solve(x[:250], y[:250], x[250:400], y[250:400])
        said = net(x[400:]).numpy()
        scores.append(1 - ((said - y[400:]) ** 2).mean() / y[400:].var())
        assert all(a > b for a, b in zip(net.history, net.history[1:], strict=False))
    assert np.mean(scores) > 0.99
    figure(f"R^2 {spread(scores)} on unseen rows, 3 seeds")


class Loop(nn.Module):
    """Four layers; the second also reads the fourth: of the step before, or of the same one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 4), nn.Linear(4, 4)
        self.back = nn.Linear(3, 4, bias=False)
        self.third, self.fourth = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, fourth, x):
        second = (self.second(self.first(x).tanh()) + 0.5 * self.back(fourth)).tanh()
        return self.fourth(self.third(second).tanh()).tanh()


@pytest.mark.system("Feedback connection between layers (layer 4 to 2)")
def test_feedback_with_a_delay_equals_the_unrolled_network(figure):
    manual_seed(0)
    net = Loop().double()
    x = f64(np.random.default_rng(0).normal(size=(7, 5, 2)))            # (T, B, 2)
    def looped():
        def step(state, x):
            state = net(state, x)
            return state, state
        return sheer.scan(step, sheer.zeros(5, 3, dtype="float64"), x)[1]
    def unrolled():
        state, out = sheer.zeros(5, 3, dtype="float64"), []
        for t in range(7):
            state = net(state, x[t])
            out.append(state)
        return sheer.stack(out)
    grads = []
    for run in (looped, unrolled):
        net.zero_grad()
        out = run()
        (out * out).sum().backward()
        grads.append([out.detach().numpy(), *(p.grad.numpy() for p in net.parameters())])
    for a, b in zip(*grads, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    figure("with delay: scan equals the unrolled loop")


@pytest.mark.system("Feedback connection between layers (layer 4 to 2)")
def test_feedback_in_equilibrium_has_the_gradient_of_many_iterations(figure):
    manual_seed(1)
    body = Loop().double()
    layer = nn.Equilibrium(body, 3, iterations=50)
    x = f64(np.random.default_rng(0).normal(size=(5, 2)), grad=True)
    residual = layer.residual(x)
    assert residual < 1e-8
    def unrolled(x):
        return sheer.fori_loop(0, 50, lambda _, state: body(state, x),
                               sheer.zeros(5, 3, dtype="float64"))
    found = []
    for run in (layer, unrolled):
        body.zero_grad()
        x.grad = None
        out = run(x)
        (out ** 3).sum().backward()
        found.append([out.detach().numpy(), x.grad.numpy(),
                      *(p.grad.numpy() for p in body.parameters())])
    gap = max(float(np.abs(a - b).max()) for a, b in zip(*found, strict=True))
    assert gap < 1e-6
    figure(f"equilibrium: residual {residual:.0e}, implicit gradient within {gap:.0e}")


class Mixture(nn.Module):
    """Experts and a gate that weighs them."""

    def __init__(self, experts: int, width: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(mlp(1, width, 1, act=nn.Tanh) for _ in range(experts))
        self.gate = mlp(1, 8, experts, act=nn.Tanh, last=nn.Softmax(1))

    def forward(self, x):
        said = sheer.cat([e(x) for e in self.experts], 1)               # (N, experts)
        return (said * self.gate(x)).sum(1, keepdim=True)


class Hyper(nn.Module):
    """A network that writes the weights of another."""

    def __init__(self) -> None:
        super().__init__()
        self.writer = nn.Linear(2, 4)
        self.shape = nn.Linear(3, 1)

    def forward(self, task, x):
        w = self.writer(task)
        self.shape.requires_grad_(False)
        return functional_call(self.shape, {"weight": w[:3].reshape(1, 3), "bias": w[3:]}, x)


@pytest.mark.system("Networks of networks (composition, mixture of experts, hypernetwork)")
def test_parts_of_parts_have_their_parameters_and_gradients():
    net = Mixture(3, 5).double()
    names = [n for n, _ in net.named_parameters()]
    assert len(names) == 3 * 4 + 4
    assert names[0] == "experts.0.0.weight"
    x = f64(np.linspace(-1, 1, 7)[:, None])
    net(x).sum().backward()
    values = {n: p.detach() for n, p in net.named_parameters()}
    whole = sheer.grad(lambda v: functional_call(net, v, x).sum())(values)
    rng, slope = np.random.default_rng(0), 0.0
    steps = {name: rng.normal(size=v.shape) for name, v in values.items()}
    for name, p in net.named_parameters():
        np.testing.assert_allclose(p.grad.numpy(), whole[name].numpy(), rtol=1e-10)
        slope += float((p.grad.numpy() * steps[name]).sum())
    moved = lambda h: functional_call(
        net, {n: v + h * f64(steps[n]) for n, v in values.items()}, x).sum().item()
    assert (moved(1e-6) - moved(-1e-6)) / 2e-6 == pytest.approx(slope, rel=1e-6)


@pytest.mark.system("Networks of networks (composition, mixture of experts, hypernetwork)")
def test_a_network_that_writes_weights_learns_through_them():
    manual_seed(0)
    net = Hyper()
    task, x = sheer.tensor([1.0, -1.0]), sheer.randn(20, 3)
    y = x @ sheer.tensor([[1.0], [2.0], [3.0]]) + 1
    optimizer = optim.Adam(net.writer.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(task, x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-3
    np.testing.assert_allclose(net.writer(task).detach().numpy(), [1, 2, 3, 1], atol=0.1)


@pytest.mark.slow
@pytest.mark.system("Networks of networks (composition, mixture of experts, hypernetwork)")
def test_a_mixture_of_experts_beats_one_network_of_its_size(figure):
    x = np.linspace(-1, 1, 256)[:, None].astype(np.float32)
    y = np.select([x < -0.4, x < 0.3], [3 * x + 2, np.sin(9 * x)], -2 * x).astype(np.float32)
    errors = {"mixture": [], "one": []}
    for seed in SEEDS:
        manual_seed(seed)
        mixture = Mixture(4, 8)
        one = mlp(1, count(mixture) // 3, 1, act=nn.Tanh)
        assert abs(count(one) / count(mixture) - 1) < 0.03
        for name, net in (("mixture", mixture), ("one", one)):
            run = train(net, x, y, lr=5e-3, epochs=800, batch_size=64, seed=seed)
            errors[name].append(run.column("loss")[-1])
    assert np.mean(errors["mixture"]) < np.mean(errors["one"])
    figure(f"mean squared error: mixture {spread(errors['mixture'])}, "
           f"one network of its size {spread(errors['one'])}")


@pytest.mark.system("Learning as loss reduction")
def test_a_small_step_lowers_the_loss_by_rate_times_squared_gradient(figure):
    manual_seed(0)
    net = mlp(4, 10, 3, act=nn.Tanh).double()
    x, y = f64(np.random.default_rng(0).normal(size=(50, 4))), sheer.tensor(np.arange(50) % 3)
    loss = lambda: nn.functional.cross_entropy(net(x), y)
    ratios, start = [], {k: v.numpy().copy() for k, v in net.state_dict().items()}
    for rate in (0.3, 1e-1, 1e-2, 1e-3, 1e-4):
        net.load_state_dict(start)
        net.zero_grad()
        before = loss()
        before.backward()
        square = sum((p.grad * p.grad).sum().item() for p in net.parameters())
        optim.SGD(net.parameters(), lr=rate).step()
        ratios.append((before.item() - loss().item()) / (rate * square))
    away = np.abs(np.array(ratios) - 1)
    assert (np.diff(away) < 0).all()
    assert away[-1] < 0.01
    figure(f"drop / (rate |g|^2) at rates 0.3 to 1e-4: {', '.join(f'{r:.4f}' for r in ratios)}")


@pytest.mark.system("Universal approximation")
def test_wider_layers_come_closer_and_say_nothing_of_training(figure):
    x = np.linspace(-1, 1, 400)[:, None]
    y = np.sin(6 * x[:, 0]) * np.exp(-x[:, 0])
    widths, errors = (4, 16, 64), []
    for width in widths:
        worst = []
        for seed in SEEDS:
            manual_seed(seed)
            hidden = nn.Sequential(nn.Linear(1, width), nn.Tanh()).double()
            nn.init.normal_(hidden[0].weight, std=4.0)
            nn.init.uniform_(hidden[0].bias, -4.0, 4.0)
            features = hidden(f64(x)).detach()
            last = LinearRegression(width, 1).double().solve(features, y, l2=1e-12)
            worst.append(float(np.abs(last(features).detach().numpy()[:, 0] - y).max()))
        errors.append(np.mean(worst))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.01
    manual_seed(0)                          # as wide, able, and trained as networks are trained
    net = mlp(1, 64, 1, act=nn.Tanh).double()
    train(net, f64(x), f64(y[:, None]), optimizer=optim.SGD(net.parameters(), lr=0.05), epochs=100)
    trained = float(np.abs(net(f64(x)).detach().numpy()[:, 0] - y).max())
    assert trained > 10 * errors[2]
    found = ", ".join(f"{w} units {e:.2g}" for w, e in zip(widths, errors, strict=True))
    figure(f"largest error with the best last layer: {found}; "
           f"64 units after 100 epochs of gradient descent {trained:.2g}")
