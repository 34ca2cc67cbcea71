"""Lazy layers become torch's layers at their first call, wherever that happens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nn_helpers import array

import sheer
from sheer import nn, optim
from sheer.graph import SheerError
from sheer.train import fit

CASES = [("LazyLinear", (4,), {"bias": False}, (2, 3)), ("LazyLinear", (4,), {}, (5,)),
         *[(f"LazyConv{n}d", (4, 2), {"stride": 2, "padding": 1}, (2, 3, *[5] * n))
           for n in (1, 2, 3)],
         ("LazyConv2d", (4, 3), {"groups": 2, "bias": False, "padding_mode": "circular",
                                 "padding": 1}, (6, 5, 5)),
         *[(f"LazyConvTranspose{n}d", (4, 2), {"stride": 2, "output_padding": 1},
            (2, 3, *[3] * n)) for n in (1, 2, 3)],
         ("LazyBatchNorm1d", (), {}, (4, 3)), ("LazyBatchNorm1d", (1e-3, None), {}, (4, 3, 5)),
         ("LazyBatchNorm2d", (), {"affine": False}, (2, 3, 4, 4)),
         ("LazyBatchNorm3d", (), {"track_running_stats": False}, (2, 3, 2, 2, 2)),
         ("LazyInstanceNorm1d", (), {}, (2, 3, 5)),
         ("LazyInstanceNorm2d", (), {"affine": True, "track_running_stats": True}, (2, 3, 4, 4)),
         ("LazyInstanceNorm3d", (), {}, (2, 3, 2, 2, 2))]


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), CASES, ids=range(len(CASES)))
def test_a_lazy_layer_becomes_torchs(name, args, kwargs, shape) -> None:
    mine, other = (getattr(lib, name)(*args, **kwargs) for lib in (nn, torch.nn))
    assert list(mine.state_dict()) == [k for k in other.state_dict() if "tracked" not in k]
    x = array(shape, "float32")
    mine(sheer.tensor(x))
    other(torch.tensor(x))
    assert repr(mine) == repr(other)
    assert type(mine).__name__ == type(other).__name__ == name.removeprefix("Lazy")
    assert {k: v.shape for k, v in mine.state_dict().items()} == {
        k: tuple(v.shape) for k, v in other.state_dict().items()}
    mine.load_state_dict(other.state_dict())
    np.testing.assert_allclose(mine.eval()(sheer.tensor(x)).detach().numpy(),
                               other.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-5)


def test_the_first_values_are_those_of_the_layer_it_becomes() -> None:
    sheer.manual_seed(3)
    lazy = nn.LazyLinear(4)
    lazy(sheer.ones(2, 6))
    sheer.manual_seed(3)
    nn.Linear(1, 4)                                    # made to check the settings
    plain = nn.Linear(6, 4)
    np.testing.assert_array_equal(lazy.weight.numpy(), plain.weight.numpy())


@pytest.mark.system("Fully connected head / flatten")
def test_a_head_without_manual_sizes(figure) -> None:
    sizes = []
    for size in ((8, 8), (12, 20), (28, 28)):
        model = nn.Sequential(nn.LazyConv2d(4, 3, padding="same"), nn.LazyBatchNorm2d(), nn.ReLU(),
                              nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(10))
        x = sheer.tensor(array((16, 3, *size), "float32"))
        y = sheer.tensor(np.arange(16) % 10)
        model(x[:1])
        assert model[5].in_features == 4 * (size[0] // 2) * (size[1] // 2)
        run = fit(model, (x, y), loss=nn.CrossEntropyLoss(), epochs=3, batch_size=8,
                  optimizer=optim.Adam(model.parameters(), lr=1e-2), progress=False)
        assert run.history[-1]["loss"] < run.history[0]["loss"]
        sizes.append(model[5].in_features)
    figure(f"in_features found: {', '.join(map(str, sizes))}")


def test_the_first_call_may_be_compiled_and_the_parameter_stays_the_same_object() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2)).double()
    weight = model[0].weight
    x = sheer.tensor(array((5, 3), "float64"), dtype="float64")
    compiled = sheer.jit(model)
    y = compiled(x)
    assert model[0].weight is weight
    assert weight.shape == (4, 3)
    assert weight.dtype.name == "float64"
    assert weight.is_leaf
    np.testing.assert_allclose(y.detach().numpy(), model(x).detach().numpy(), rtol=1e-12)
    model(x).sum().backward()
    assert weight.grad.shape == (4, 3)


def test_a_state_dict_gives_the_sizes_too() -> None:
    whole = nn.Linear(5, 3)
    lazy = nn.LazyLinear(3)
    lazy.load_state_dict(whole.state_dict())
    assert not lazy.has_uninitialized_params()
    x = sheer.tensor(array((2, 5), "float32"))
    np.testing.assert_array_equal(lazy(x).detach().numpy(), whole(x).detach().numpy())


def test_who_asks_for_a_size_too_early_is_told() -> None:
    model = nn.Sequential(nn.LazyLinear(4))
    for call in (lambda: optim.Adam(model.parameters()), lambda: model[0].weight.shape):
        with pytest.raises(SheerError, match="E250"):
            call()
    assert repr(model[0]) == "LazyLinear(out_features=4, bias=True)"
    with pytest.raises(SheerError, match="E203"):
        nn.LazyConv2d(4, 3)(sheer.ones(3, 3))
    with pytest.raises(SheerError, match="LazyLinear: out_features=0"):
        nn.LazyLinear(0)
