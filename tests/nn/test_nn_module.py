"""The module tree: registration, names, saving, modes, hooks, copies, compiled use."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch

import sheer
from sheer import nn
from sheer.graph.errors import SheerError, SheerWarning
from sheer.nn import functional as F
from sheer.nn import settings


class Block(nn.Module):
    """A layer whose parts have names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 3, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(3)

    def forward(self, x):
        return F.relu(self.bn1(self.conv1(x)))


class Net(nn.Module):
    """Blocks in containers, a parameter and a buffer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Identity(), nn.Flatten(0, 0), Block())
        self.heads = nn.ModuleList([nn.Linear(3, 2) for _ in range(2)])
        self.named = nn.ModuleDict({"gelu": nn.GELU(), "drop": nn.Dropout(0.5)})
        self.scale = nn.Parameter(sheer.tensor([2.0]))
        self.register_buffer("seen", sheer.tensor([0.0]))
        self.register_buffer("cache", sheer.tensor([0.0]), persistent=False)

    def forward(self, x):
        h = self.net(x).mean((2, 3))
        return self.named["drop"](self.heads[1](h) * self.scale)


def pixels(*shape: int) -> sheer.Tensor:
    return sheer.tensor(np.random.default_rng(0).normal(size=shape), dtype="float32")


def test_names_are_those_of_torch() -> None:
    assert list(Net().state_dict()) == [
        "scale", "seen", "net.2.conv1.weight", "net.2.conv1.bias", "net.2.bn1.weight",
        "net.2.bn1.bias",
        "net.2.bn1.running_mean", "net.2.bn1.running_var", "net.2.bn1.num_batches_tracked",
        "heads.0.weight", "heads.0.bias", "heads.1.weight", "heads.1.bias"]
    assert [n for n, _ in Net().named_modules()][:4] == ["", "net", "net.0", "net.1"]
    assert [n for n, _ in Net().named_buffers()][:2] == ["seen", "cache"]
    assert len(list(Net().parameters())) == 9
    assert len(list(Net().children())) == 3


def test_state_dict_is_a_picture_of_now() -> None:
    net = nn.Linear(2, 2)
    before = net.state_dict()["weight"]
    kept = before.numpy().copy()
    nn.init.zeros_(net.weight)
    np.testing.assert_array_equal(before.numpy(), kept)
    assert net.weight.numpy().sum() == 0


def writes_to_a_state_dict(nn):
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    state = net.state_dict()
    state["0.weight"].fill_(2)
    state["0.weight"][0] = 1
    state["0.weight"][1, 1:].zero_()
    state["0.weight"] *= 3
    state["0.bias"].data.fill_(4)
    state["1.running_mean"] += 5
    state["1.bias"] = state["1.bias"].clone().fill_(6)
    net.state_dict()["1.num_batches_tracked"].add_(7)
    return state, net


def test_what_is_written_to_a_state_dict_is_written_to_the_model() -> None:
    state, net = writes_to_a_state_dict(nn)
    their_state, theirs = writes_to_a_state_dict(torch.nn)
    for got, expected in ((state, their_state), (net.state_dict(), theirs.state_dict())):
        for name in ("0.weight", "0.bias", "1.running_mean", "1.bias"):
            assert got[name].tolist() == expected[name].tolist(), name
    assert net[1].num_batches_tracked.item() == 7
    assert net[0].weight.is_leaf
    net[0](sheer.ones(1, 2)).sum().backward()
    assert net[0].weight.grad.tolist() == [[1, 1], [1, 1]]


def test_a_write_to_a_state_dict_that_is_no_longer_true_is_refused() -> None:
    net = nn.Linear(2, 1)
    state, part = net.state_dict(), net.state_dict()["weight"][0]
    nn.init.ones_(net.weight)
    for write in (lambda: state["weight"].mul_(2), lambda: part.fill_(2),
                  lambda: nn.init.zeros_(state["weight"])):
        with pytest.raises(SheerError, match="has changed since this state_dict was taken"):
            write()
    assert net.weight.tolist() == [[1, 1]]


def test_a_state_dict_outlives_its_model() -> None:
    state = nn.Linear(2, 1).state_dict()
    state["weight"][0, 0].fill_(3)
    state["weight"][:, 1:] = 4
    assert state["weight"].tolist() == [[3, 4]]


def test_a_torch_state_dict_loads_as_it_is() -> None:
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    mine = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    assert mine.load_state_dict(theirs.state_dict()) == ([], [])
    np.testing.assert_array_equal(mine[0].weight.numpy(), theirs[0].weight.detach().numpy())
    assert mine[0].weight.requires_grad
    assert mine[0].weight.is_leaf


def test_load_state_dict_loads_all_or_nothing() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    wrong = {"0.weight": np.zeros((4, 3)), "0.bias": np.zeros(5), "1.wieght": np.zeros((2, 4)),
             "1.bias": np.zeros(2)}
    with pytest.raises(SheerError) as caught:
        net.load_state_dict(wrong)
    assert str(caught.value) == (
        "Sequential.load_state_dict: nothing was loaded: "
        "1 missing, 1 unexpected, 1 of another shape\n"
        "  1.weight: missing, [2, 4] expected\n"
        "  1.wieght: unexpected; 1.weight is missing\n"
        "  0.bias  : shape [5], [4] expected\n"
        "  need    : every name once, with its shape\n"
        "  more    : sheer explain E210")
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert net.load_state_dict({"0.bias": np.ones(4), "x": 1.0}, strict=False) == (
        ["0.weight", "1.weight", "1.bias"], ["x"])
    assert net[0].bias.tolist() == [1, 1, 1, 1]


def test_a_common_prefix_is_recognised() -> None:
    net = nn.Linear(2, 2)
    with pytest.raises(SheerError, match=r"removeprefix\('module\.'\)"):
        net.load_state_dict({f"module.{k}": v for k, v in net.state_dict().items()})


def test_train_and_eval_reach_every_module_and_retrace_a_compiled_one() -> None:
    net = Net()
    assert not net.eval().named["drop"].training
    step = sheer.jit(net.__call__)
    x = pixels(2, 2, 4, 4)
    one, two = step(x).numpy(), step(x).numpy()
    np.testing.assert_array_equal(one, two)
    assert step.traces == 1
    net.train()
    drawn = [step(x).numpy() for _ in range(6)]
    assert step.traces == 2
    assert any((d == 0).any() for d in drawn)
    assert len({d.tobytes() for d in drawn}) > 1
    net.eval()
    step(x)
    assert step.traces == 2


def test_a_compiled_step_updates_running_statistics_in_place() -> None:
    eager, compiled = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    step = sheer.jit(compiled.__call__)
    for i in range(3):
        x = sheer.tensor(np.random.default_rng(i).normal(size=(5, 3)), dtype="float32")
        np.testing.assert_allclose(step(x).numpy(), eager(x).detach().numpy(), atol=1e-6)
    for a, b in zip(eager.buffers(), compiled.buffers(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)
    assert compiled.num_batches_tracked.item() == 3
    assert step.traces == 1


def test_double_and_float_convert_everything_that_is_a_float() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double()
    assert {t.dtype.name for t in net.state_dict().values()} == {"float64", "int64"}
    assert net[0].weight.requires_grad
    assert net(sheer.tensor(np.ones((3, 2)), dtype="float64")).dtype.name == "float64"
    assert net.float()[0].weight.dtype.name == "float32"
    with pytest.raises(SheerError, match="parameters cannot be int64"):
        net.to("int64")


def test_frozen_parameters_get_no_gradient() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(False)
    net(pixels(3, 2)).sum().backward()
    assert net[0].weight.grad is None
    assert net[1].weight.grad is not None
    net.zero_grad()
    assert net[1].weight.grad is None


def test_hooks_see_and_may_replace() -> None:
    net, seen = nn.Linear(2, 1), []
    hook = net.register_forward_hook(lambda module, args, out: seen.append(out.shape))
    double = net.register_forward_hook(lambda module, args, out: out * 2)
    before = net.register_forward_pre_hook(lambda module, args: (args[0] * 0,))
    found = net(pixels(3, 2))
    np.testing.assert_allclose(found.detach().numpy(), np.full((3, 1), 2 * net.bias.item()),
                               rtol=1e-6)
    for h in (hook, double, before):
        h.remove()
    net(pixels(3, 2))
    assert seen == [(3, 1)]


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent(twin) -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net(pixels(3, 2))
    other = twin(net)
    np.testing.assert_array_equal(net[0].weight.numpy(), other[0].weight.numpy())
    nn.init.zeros_(other[0].weight)
    assert np.abs(net[0].weight.numpy()).sum() > 0
    assert isinstance(other[0].weight, nn.Parameter)
    other(pixels(3, 2)).sum().backward()
    assert other[0].weight.grad is not None
    assert net[0].weight.grad is None


def test_two_parameters_of_one_tensor_stay_two() -> None:
    x = sheer.tensor([1.0])
    a, b = nn.Parameter(x), nn.Parameter(x)
    (a * 2 + b * 3).sum().backward()
    assert (a.grad.item(), b.grad.item()) == (2, 3)


def test_a_shared_layer_counts_once_and_is_saved_under_both_names() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(2, 2)
            self.b = self.a

        def forward(self, x):
            return self.b(self.a(x))
    net = Tied()
    assert len(list(net.parameters())) == 2
    assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias"]


def test_containers_behave_like_lists_and_dicts() -> None:
    seq = nn.Sequential({"a": nn.ReLU(), "b": nn.Tanh()})
    assert list(dict(seq.named_children())) == ["a", "b"]
    assert isinstance(seq[1], nn.Tanh)
    assert len(seq[:1]) == 1
    layers = nn.ModuleList([nn.ReLU()])
    layers.append(nn.Tanh()).insert(0, nn.GELU())
    assert [type(m).__name__ for m in layers] == ["GELU", "ReLU", "Tanh"]
    assert isinstance(layers[-1], nn.Tanh)
    layers[0] = nn.SiLU()
    assert isinstance(layers[:2], nn.ModuleList)
    table = nn.ModuleDict({"x": nn.ReLU()})
    table["y"] = nn.Tanh()
    del table["x"]
    assert list(table) == ["y"]
    assert "y" in table
    values = nn.ParameterList([sheer.tensor([1.0]), nn.Parameter(sheer.tensor([2.0]))])
    assert [p.item() for p in values] == [1, 2]
    assert [n for n, _ in values.named_parameters()] == ["0", "1"]


def test_printed_as_torch_prints() -> None:
    make = lambda nn: nn.Sequential(nn.Linear(2, 3),
                                    nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.1)),
                                    nn.ModuleList([nn.Conv2d(1, 2, 3, padding=1, bias=False)])[0])
    assert repr(make(nn)) == repr(make(torch.nn))


def test_parameters_in_a_plain_list_are_noticed() -> None:
    class Lost(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(2, 2)]

        def forward(self, x):
            return self.layers[0](x)
    with pytest.warns(SheerWarning) as caught:
        assert list(Lost().parameters()) == []
    assert str(caught[0].message) == (
        "W201 Lost: layers holds a Linear in a plain list: "
        "its parameters are neither trained nor saved\n"
        "  need : nn.ModuleList\n"
        "  try  : self.layers = nn.ModuleList(...)\n"
        "  more : sheer explain W201")
    with pytest.warns(SheerWarning):
        Lost()(pixels(1, 2))


def test_a_list_of_registered_layers_is_fine() -> None:
    class Fine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(2, 2)
            self.order = [self.a, self.a]

        def forward(self, x):
            return self.order[1](self.order[0](x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(Fine().parameters())) == 2
        Fine()(pixels(1, 2))


def test_initial_weights_do_not_depend_on_the_backend() -> None:
    from sheer.random import manual_seed
    manual_seed(5)
    a = nn.Linear(4, 4).weight.numpy()
    with sheer.backend("reference"):
        manual_seed(5)
        b = nn.Linear(4, 4).weight.numpy()
    np.testing.assert_array_equal(a, b)


def test_a_state_dict_asks_for_no_gradients():
    layer = nn.Linear(2, 1)
    assert [t.requires_grad for t in layer.state_dict().values()] == [False, False]
    assert [t.requires_grad for t in layer.state_dict(keep_vars=True).values()] == [True, True]


def test_a_mode_is_no_setting_that_compiled_functions_look_for():
    """It has a guard of its own: to set it in every epoch makes nobody compare all settings."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    before = settings._assignments[0]
    model.train().eval().train()
    assert settings._assignments[0] == before
    model[1].p = 0.25
    assert settings._assignments[0] == before + 1
