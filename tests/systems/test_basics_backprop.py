"""Forward and backward: by hand, in symbols, in matrices, in order, and at what cost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
import torch
from basics_helpers import f64, mlp

import sheer
from sheer import nn, optim
from sheer.graph import from_text
from sheer.ops import walk
from sheer.ops.cost import flops
from sheer.train.session import Session

F = nn.functional


def visited(depth: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str]]:
    """Names of the layers in the order of the forward pass, and of the backward pass."""
    net = mlp(3, *[4] * depth, 2, act=nn.Tanh)
    forward, backward = [], []
    for name, layer in net.named_modules():
        if name:
            layer.register_forward_hook(lambda m, a, r, n=name: forward.append(n))
    through = walk._Reverse.through
    monkeypatch.setattr(walk._Reverse, "through", lambda self, node, cts: (
        backward.append(node.source.layer), through(self, node, cts))[1])
    (net(sheer.randn(5, 3)) ** 2).sum().backward()
    return forward, [n for n, _ in itertools.groupby(n for n in backward if n)]


@pytest.mark.system("Order of passes (forward input to output, gradients back)")
@pytest.mark.parametrize("depth", [1, 10])
def test_values_go_forward_and_gradients_back(depth, monkeypatch, figure):
    forward, backward = visited(depth, monkeypatch)
    names = [str(i) for i in range(2 * depth + 1)]
    assert forward == names
    assert backward == names[::-1]
    figure(f"{depth} hidden: forward {forward[0]} to {forward[-1]}, back {backward[0]} to "
           f"{backward[-1]}")


W1, B1 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([0.35, 0.35])
W2, B2 = np.array([[0.40, 0.45]]), np.array([0.60])
X, TARGET = np.array([0.05, 0.10]), 0.01
sigmoid = lambda z: 1 / (1 + np.exp(-z))


def two_two_one():
    net = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1), nn.Sigmoid()).double()
    net.load_state_dict({"0.weight": W1, "0.bias": B1, "2.weight": W2, "2.bias": B2})
    return net


@pytest.mark.system("Forward propagation")
def test_the_2_2_1_network_forward_by_hand():
    h1 = sigmoid(0.15 * 0.05 + 0.20 * 0.10 + 0.35)
    h2 = sigmoid(0.25 * 0.05 + 0.30 * 0.10 + 0.35)
    wanted = sigmoid(0.40 * h1 + 0.45 * h2 + 0.60)
    assert two_two_one()(f64(X)).item() == pytest.approx(wanted, rel=1e-12)
    assert h1 == pytest.approx(0.593269992, abs=1e-9)


@pytest.mark.system("Chain rule / computed derivative of each weight")
def test_equations_in_symbols_equal_the_gradients(figure):
    """By the chain rule: delta = (out - target) out (1 - out), then back through w2 and h (1 - h),
    with sympy's own derivatives as a second witness.
    """
    names = sympy.symbols("w11 w12 w21 w22 b1 b2 v1 v2 c")
    w11, w12, w21, w22, b1, b2, v1, v2, c = names
    s = lambda z: 1 / (1 + sympy.exp(-z))
    x1, x2 = X
    h1, h2 = s(w11 * x1 + w12 * x2 + b1), s(w21 * x1 + w22 * x2 + b2)
    out = s(v1 * h1 + v2 * h2 + c)
    loss = (out - TARGET) ** 2 / 2
    delta = (out - TARGET) * out * (1 - out)
    d1, d2 = delta * v1 * h1 * (1 - h1), delta * v2 * h2 * (1 - h2)
    chain = [d1 * x1, d1 * x2, d2 * x1, d2 * x2, d1, d2, delta * h1, delta * h2, delta]
    at = dict(zip(names, [*W1.ravel(), *B1, *W2.ravel(), *B2], strict=True))
    by_hand = [float(e.subs(at).evalf(30)) for e in chain]
    by_sympy = [float(loss.diff(n).subs(at).evalf(30)) for n in names]
    net = two_two_one()
    (0.5 * (net(f64(X)) - TARGET) ** 2).sum().backward()
    found = np.concatenate([p.grad.numpy().ravel() for p in net.parameters()])
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    np.testing.assert_allclose(found, by_sympy, rtol=1e-12)
    figure(f"9 derivatives, largest relative difference {np.abs(found / by_hand - 1).max():.0e}")


@pytest.mark.system("Weight update step")
def test_one_update_by_hand():
    net = two_two_one()
    (0.5 * (net(f64(X)) - TARGET) ** 2).sum().backward()
    h = sigmoid(W1 @ X + B1)
    out = sigmoid(W2 @ h + B2)
    delta = (out - TARGET) * out * (1 - out)
    back = delta * W2[0] * h * (1 - h)
    optim.SGD(net.parameters(), lr=0.5).step()
    wanted = [W1 - 0.5 * np.outer(back, X), B1 - 0.5 * back, W2 - 0.5 * np.outer(delta, h),
              B2 - 0.5 * delta]
    for p, w in zip(net.parameters(), wanted, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), w, rtol=1e-12)


NETS = {"1 x 8": lambda: mlp(16, 8, 4), "1 x 512": lambda: mlp(16, 512, 4),
        "8 x 64": lambda: mlp(16, *[64] * 8, 4),
        "conv": lambda: nn.Sequential(nn.Unflatten(1, (1, 16)), nn.Conv1d(1, 32, 3, padding=1),
                                      nn.ReLU(), nn.Conv1d(32, 32, 3, padding=1), nn.Flatten(),
                                      nn.Linear(512, 4))}


@pytest.mark.system("Backpropagation")
@pytest.mark.parametrize("name", NETS)
def test_a_gradient_costs_at_most_five_forward_passes(name, figure):
    net = NETS[name]()
    x, y = sheer.randn(32, 16), sheer.arange(32) % 4
    def both():
        for p in net.parameters():
            p.grad = None
        F.cross_entropy(net(x), y).backward()
        return tuple(p.grad for p in net.parameters())
    forward = flops(sheer.jit(lambda: F.cross_entropy(net(x), y)).lower())
    ratio = flops(sheer.jit(both).lower()) / forward
    parameters = sum(p.numel() for p in net.parameters())
    assert 1 < ratio <= 5
    figure(f"{parameters} parameters: {ratio:.2f} forward passes")


@pytest.mark.system("Matrix form of forward, backward, update")
def test_a_batch_in_matrices_equals_examples_one_by_one():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(20, 3))
    start = mlp(5, 8, 3, act=nn.Tanh).double().state_dict()
    results = []
    for rows in ([slice(None)], [slice(i, i + 1) for i in range(20)]):
        net = mlp(5, 8, 3, act=nn.Tanh).double()
        net.load_state_dict(start)
        outs = []
        for r in rows:
            out = net(f64(x[r]))
            (((out - f64(y[r])) ** 2).sum() / 20).backward()
            outs.append(out.detach().numpy())
        grads = [p.grad.numpy().copy() for p in net.parameters()]
        optim.SGD(net.parameters(), lr=0.1).step()
        results.append([np.concatenate(outs), *grads,
                        *(p.detach().numpy() for p in net.parameters())])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    w1, b1, w2, b2 = (v.numpy() for v in start.values())            # and the matrices written out
    h = np.tanh(x @ w1.T + b1)
    d2 = 2 * (h @ w2.T + b2 - y) / 20
    d1 = d2 @ w2 * (1 - h * h)
    for a, b in zip(results[0][1:5], [d1.T @ x, d1.sum(0), d2.T @ h, d2.sum(0)], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.system("Element-wise (Hadamard) product")
@pytest.mark.parametrize(("a", "b"), [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)),
                                      ((), (3, 4)), ((3, 0), (1, 1))])
def test_the_elementwise_product_is_numpys(a, b):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=a), rng.normal(size=b)
    p, q = f64(x, grad=True), f64(y, grad=True)
    out = p * q
    np.testing.assert_array_equal(out.detach().numpy(), x * y)
    ct = rng.normal(size=out.shape)
    out.backward(f64(ct))
    u, v = (torch.tensor(t, requires_grad=True) for t in (x, y))
    (u * v).backward(torch.tensor(ct))
    np.testing.assert_allclose(p.grad.numpy(), u.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(q.grad.numpy(), v.grad.numpy(), rtol=1e-12)


def slope_agrees(function, *operands) -> None:
    """Gradients along one direction against central differences in float64, to 1e-6."""
    rng = np.random.default_rng(1)
    inputs = [f64(a, grad=True) for a in operands]
    out = function(*inputs)
    ct = rng.normal(size=out.shape)
    out.backward(f64(ct))
    steps = [rng.normal(size=np.shape(a)) for a in operands]
    moved = lambda h: float((ct * function(*(f64(a + h * s) for a, s in zip(
        operands, steps, strict=True))).numpy()).sum())
    exact = sum(float((t.grad.numpy() * s).sum()) for t, s in zip(inputs, steps, strict=True))
    assert (moved(1e-6) - moved(-1e-6)) / 2e-6 == pytest.approx(exact, rel=1e-6, abs=1e-6)


@pytest.mark.system("Backprop through convolution and pooling")
def test_convolution_backwards_in_every_setting(figure):
    rng, tried = np.random.default_rng(0), 0
    x = rng.normal(size=(2, 4, 6, 7))
    with sheer.backend("reference"):
        for stride, padding, dilation, groups in itertools.product(
                (1, 2, (2, 3)), (0, 1, (1, 2), "same"), (1, 2), (1, 2, 4)):
            if padding == "same" and stride != 1:
                continue
            w, b = rng.normal(size=(4, 4 // groups, 3, 2)), rng.normal(size=4)
            slope_agrees(lambda x, w, b, s=(stride, padding, dilation, groups): F.conv2d(
                x, w, b, *s), x, w, b)
            tried += 1
    figure(f"convolution: {tried} settings of stride, padding, dilation and groups")


@pytest.mark.system("Backprop through convolution and pooling")
def test_pooling_backwards_in_every_setting(figure):
    rng, tried = np.random.default_rng(0), 0
    x = rng.permutation(2 * 3 * 8 * 7).reshape(2, 3, 8, 7) / 100.0          # no ties
    with sheer.backend("reference"):
        for size, stride, padding, dilation, ceil in itertools.product(
                (2, (3, 2)), (1, 2), (0, 1), (1, 2), (False, True)):
            slope_agrees(lambda x, s=(size, stride, padding, dilation, ceil): F.max_pool2d(x, *s),
                         x)
            slope_agrees(lambda x, s=(size, stride, padding, ceil): F.avg_pool2d(x, *s), x)
            tried += 2
    figure(f"pooling: {tried} settings")


@pytest.mark.system("Backprop through convolution and pooling")
def test_equal_maxima_pass_the_gradient_to_the_first():
    x = f64(np.ones((1, 1, 4, 4)), grad=True)
    F.max_pool2d(x, 2).sum().backward()
    first = np.zeros((4, 4))
    first[::2, ::2] = 1
    np.testing.assert_array_equal(x.grad.numpy()[0, 0], first)
    other = torch.ones(1, 1, 4, 4, requires_grad=True)
    torch.nn.functional.max_pool2d(other, 2).sum().backward()
    np.testing.assert_array_equal(other.grad.numpy()[0, 0], first)
    for thing in (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d):
        assert "the first of equal maxima" in " ".join(thing.__doc__.split())


@pytest.mark.system("Computational graph")
def test_a_graph_is_printed_sorted_evaluated_and_differentiated():
    net = mlp(3, 4, 2, act=nn.Tanh)
    session = Session(net, F.mse_loss, optim.SGD(net.parameters(), lr=0.1), {})
    x, y = sheer.randn(5, 3), sheer.randn(5, 2)
    graph = session.traced_step(x, y).graph
    assert from_text(repr(graph)) == graph
    place = {node: i for i, node in enumerate(graph.nodes)}
    assert all(place[source] < place[node] for node in graph.nodes for source in node.inputs)
    assert "Dot" in repr(graph)

    def loss(x):
        return F.mse_loss(net(x), y)
    eager, slope = loss(x), sheer.grad(loss)(x)
    static, static_slope = sheer.jit(loss)(x), sheer.jit(sheer.grad(loss))(x)
    np.testing.assert_allclose(eager.item(), static.item(), rtol=1e-6)
    np.testing.assert_allclose(slope.numpy(), static_slope.numpy(), rtol=1e-5, atol=1e-7)
