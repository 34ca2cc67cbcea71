"""nn.utils: other forms of weights, vectors, fusion, functional calls, sizes by formula."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from nn_helpers import array, both, close

import sheer
from sheer import nn, optim
from sheer.graph import SheerError
from sheer.nn import utils
from sheer.nn.utils import parametrizations, parametrize

TU = torch.nn.utils


def train_both(mine, other, x: np.ndarray, steps: int = 3) -> None:
    """A few steps of SGD on the mean square of the result, in both libraries."""
    for model, lib, make in ((mine, optim, lambda a: sheer.tensor(a, dtype="float64")),
                             (other, torch.optim, torch.tensor)):
        optimizer = lib.SGD(model.parameters(), lr=0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            (model(make(x)) ** 2).mean().backward()
            optimizer.step()


def same_state(mine, other) -> None:
    assert list(mine.state_dict()) == list(other.state_dict())
    for (name, a), b in zip(mine.state_dict().items(), other.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm"])
def test_norms_of_weights_train_as_torchs(kind: str, dim: int | None) -> None:
    for layer, shape in ((lambda lib: lib.Linear(4, 3), (5, 4)),
                         (lambda lib: lib.Conv2d(2, 3, 2), (2, 2, 4, 4))):
        mine, other = layer(nn).double(), layer(torch.nn).double()
        mine.load_state_dict(other.state_dict())
        getattr(parametrizations, kind)(mine, dim=dim)
        getattr(TU.parametrizations, kind)(other, dim=dim)
        assert type(mine).__name__ == type(other).__name__
        mine.load_state_dict(other.state_dict())
        train_both(mine, other, array(shape, "float64"))
        same_state(mine, other)
        close(mine.eval().weight, other.eval().weight, "float64")


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT


class Doubled(nn.Module):
    def forward(self, x):
        return x * 2

    def right_inverse(self, x):
        return x / 2


def test_a_parametrisation_of_ones_own() -> None:
    layer = nn.Linear(3, 3)
    before = layer.weight.numpy().copy()
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_allclose(layer.weight.detach().numpy(), before, rtol=1e-6)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    w = layer.weight.detach().numpy()
    np.testing.assert_array_equal(w, w.T)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert [n for n, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    with parametrize.cached():
        assert layer.weight is layer.weight
    layer.weight = sheer.ones(3, 3)
    np.testing.assert_allclose(layer.weight.detach().numpy(), 1)
    again = copy.deepcopy(layer)
    step = sheer.jit(lambda x: again(x).sum())
    assert abs(step(sheer.ones(1, 3)).item() - again(sheer.ones(1, 3)).sum().item()) < 1e-5
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert [n for n, _ in layer.named_parameters()] == ["bias", "weight"]


def test_parametrised_weights_train_under_jit_and_both_parameters_of_a_layer_can_be() -> None:
    layer = nn.Linear(3, 3)
    for name in ("weight", "bias"):
        parametrize.register_parametrization(layer, name, Doubled())
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    x = sheer.tensor(array((5, 3), "float32"))
    @sheer.jit
    def step(x):
        optimizer.zero_grad()
        loss = (layer(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss
    losses = [step(x).item() for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert isinstance(layer.bias, nn.Parameter)
    assert parametrize.is_parametrized(layer, "weight")


def test_parametrisations_that_do_not_fit() -> None:
    class Longer(nn.Module):
        def forward(self, x):
            return x.repeat(2, 1)
    layer = nn.Linear(3, 2)
    for call in (lambda: parametrize.register_parametrization(layer, "weight", Longer()),
                 lambda: parametrizations.spectral_norm(layer, "wait"),
                 lambda: parametrize.remove_parametrizations(layer, "weight")):
        with pytest.raises(SheerError, match="E252"):
            call()
    assert layer.weight.shape == (2, 3)


def test_parameters_as_a_vector_and_back() -> None:
    mine = nn.Linear(3, 2)
    other = torch.nn.Linear(3, 2)
    mine.load_state_dict(other.state_dict())
    vector = utils.parameters_to_vector(mine.parameters())
    close(vector, TU.parameters_to_vector(other.parameters()), "float32")
    utils.vector_to_parameters(sheer.arange(8).float(), mine.parameters())
    assert mine.weight.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert mine.bias.tolist() == [6, 7]
    with pytest.raises(SheerError, match="E203"):
        utils.vector_to_parameters(sheer.ones(7), mine.parameters())


@pytest.mark.parametrize("kind", ["conv", "transposed", "linear"])
def test_a_fused_layer_computes_what_the_two_computed(kind: str) -> None:
    make = {"conv": lambda lib: (lib.Conv2d(3, 4, 3, bias=False), lib.BatchNorm2d(4)),
            "transposed": lambda lib: (lib.ConvTranspose2d(3, 4, 3), lib.BatchNorm2d(4)),
            "linear": lambda lib: (lib.Linear(3, 4), lib.BatchNorm1d(4))}[kind]
    x = array((5, 3) if kind == "linear" else (2, 3, 5, 5), "float64")
    found = []
    for lib, make_tensor in ((nn, lambda a: sheer.tensor(a, dtype="float64")),
                             (torch.nn, torch.tensor)):
        row = lib.Sequential(*make(lib)).double()
        if lib is nn:
            start = {k: torch.tensor(np.array(v.numpy())) for k, v in row.state_dict().items()}
        else:
            row.load_state_dict(start)
        row(make_tensor(x))                                          # moves the statistics
        row.eval()
        u = lib.utils
        fused = (u.fuse_linear_bn_eval(*row) if kind == "linear"
                 else u.fuse_conv_bn_eval(*row, kind == "transposed"))
        close(fused(make_tensor(x)), row(make_tensor(x)), "float64")
        found.append(fused)
    same_state(*found)
    with pytest.raises(SheerError, match="E253"):
        utils.fuse_linear_bn_eval(nn.Linear(2, 2), nn.BatchNorm1d(2))


def test_functional_call_and_gradients_with_respect_to_what_is_given() -> None:
    from sheer.nn.utils.stateless import functional_call
    mine, x = nn.Linear(3, 2).double(), sheer.tensor(array((4, 3), "float64"), dtype="float64")
    weights = {n: p.detach() * 2 for n, p in mine.named_parameters()}
    y = functional_call(mine, weights, x)
    np.testing.assert_allclose(y.numpy(), 2 * mine(x).detach().numpy(), rtol=1e-12)
    loss = lambda w: (functional_call(mine, w, (x,)) ** 2).sum()
    grads = sheer.grad(loss)(weights)
    np.testing.assert_allclose(grads["weight"].numpy(), 2 * y.numpy().T @ x.numpy(), rtol=1e-12)
    many = {n: sheer.stack([w, w * 3]) for n, w in weights.items()}
    found = sheer.vmap(lambda w: functional_call(mine, w, x))(many)
    np.testing.assert_allclose(found.numpy()[1], 3 * y.numpy(), rtol=1e-12)
    with pytest.raises(SheerError, match="E254"):
        functional_call(mine, {"weight": weights["weight"]}, x, strict=True)


def test_clipping_stands_where_torch_has_it() -> None:
    pairs = both(array((3, 4), "float64"))
    for t in pairs:
        (t * t).sum().backward()
    norms = [u.get_total_norm([t.grad]) for u, t in zip((utils, TU), pairs, strict=True)]
    for u, t, n in zip((utils, TU), pairs, norms, strict=True):
        u.clip_grads_with_norm_([t], 0.5, n)
    close(pairs[0].grad, pairs[1].grad, "float64")


# ---- sizes ---------------------------------------------------------------------------------------

def drawn(rng):
    """A layer with a window, drawn at random, and a size for it."""
    axes = int(rng.integers(1, 4))
    number = lambda lo, hi: int(rng.integers(lo, hi))
    k, s, d = number(1, 5), number(1, 4), number(1, 3)
    size = tuple(number(3, 12) for _ in range(axes))
    kind = rng.choice(["Conv", "ConvTranspose", "MaxPool", "AvgPool"])
    if kind == "Conv":
        p = ("same" if s == 1 and rng.random() < 0.3 else number(0, 4))
        layer = getattr(nn, f"Conv{axes}d")(1, 1, k, s, p, d)
    elif kind == "ConvTranspose":
        layer = getattr(nn, f"ConvTranspose{axes}d")(1, 1, k, s, number(0, min(3, k)),
                                                     number(0, s), dilation=d)
    elif kind == "MaxPool":
        layer = getattr(nn, f"MaxPool{axes}d")(k, s, number(0, k // 2 + 1), d,
                                               ceil_mode=bool(rng.random() < 0.5))
    else:
        layer = getattr(nn, f"AvgPool{axes}d")(k, s, number(0, k // 2 + 1),
                                               bool(rng.random() < 0.5))
    return layer, size


@pytest.mark.system("Output-size calculator")
def test_the_calculator_agrees_with_actual_shapes(figure) -> None:
    rng = np.random.default_rng(0)
    fitting = refused = 0
    for _ in range(10_000):
        layer, size = drawn(rng)
        try:                                          # shapes are inferred; nothing is computed
            actual = layer(sheer.zeros(1, 1, *size)).shape[2:]
        except SheerError:
            with pytest.raises(SheerError, match="E255"):
                utils.output_size(layer, size)
            refused += 1
            continue
        fitting += 1
        assert utils.output_size(layer, size) == tuple(actual), (layer, size)
    figure(f"{fitting} settings agree, {refused} are refused by both")


def test_sizes_through_a_row_and_the_field_that_an_element_sees() -> None:
    row = nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.BatchNorm2d(4), nn.ReLU(),
                        nn.MaxPool2d(2),
                        nn.Sequential(nn.Conv2d(4, 4, 3, dilation=2), nn.Conv2d(4, 1, 3, 2)))
    assert utils.output_size(row, (20, 18)) == row(sheer.zeros(1, 1, 20, 18)).shape[2:]
    assert utils.window_length(7, 5) == 3
    assert [utils.window_length(7, 5, padding=p) for p in (0, 1, 3)] == [3, 5, 9]
    field, stride = utils.receptive_field(row)
    x = sheer.tensor(array((1, 1, 60, 60), "float32"), requires_grad=True)
    smooth = nn.Sequential(row[0], nn.AvgPool2d(2), row[4])        # a maximum sees one of its four
    y = smooth(x)
    middle = y.shape[2] // 2
    y[0, 0, middle, middle].backward()
    seen = np.argwhere(x.grad.numpy()[0, 0] != 0)
    assert tuple(seen.max(0) - seen.min(0) + 1) == field
    assert stride == (4, 4)
    with pytest.raises(SheerError, match="E255"):
        utils.output_size(nn.Linear(3, 3), (3,))
