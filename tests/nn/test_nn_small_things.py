"""Names of modules and initialisers that no table covers."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
from sheer import nn
from sheer.nn import init


def test_the_old_names_of_initialisers_are_the_new_ones() -> None:
    for name in ("uniform", "normal", "constant", "eye", "dirac", "xavier_uniform", "orthogonal",
                 "xavier_normal", "kaiming_uniform", "kaiming_normal", "sparse"):
        assert getattr(init, name) is getattr(init, f"{name}_")


@pytest.mark.parametrize(("first", "r"), [(True, 1 / 64), (False, (6 / 64) ** 0.5 / 30)])
def test_siren_weights_are_uniform_within_their_bound(first: bool, r: float) -> None:
    sheer.manual_seed(0)
    w = init.siren_uniform_(sheer.zeros(256, 64), first=first).numpy()
    assert np.abs(w).max() <= r
    assert np.abs(w).max() > 0.99 * r
    n = w.size
    assert abs(w.mean()) < 3 * r / 3 ** 0.5 / n ** 0.5
    assert abs(w.var() - r * r / 3) < 3 * (r * r * (4 / 45) ** 0.5) / n ** 0.5


def test_siren_keeps_the_spread_of_its_activations_through_many_layers() -> None:
    sheer.manual_seed(0)
    x = sheer.tensor(np.random.default_rng(0).uniform(-1, 1, (2000, 64)).astype(np.float32))
    spreads = []
    for i in range(6):
        w = init.siren_uniform_(sheer.zeros(64, 64), first=i == 0)
        x = sheer.sin(30 * (x @ w.mT))
        spreads.append(float(x.std()))
    assert max(spreads[1:]) / min(spreads[1:]) < 1.1
    # the paper's point: what goes into each sine is normal with variance 1
    assert abs(spreads[-1] - ((1 - np.exp(-2)) / 2) ** 0.5) < 0.05


def test_parts_are_found_and_replaced_by_their_dotted_names() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4), nn.ReLU()))
    assert model.get_parameter("0.weight") is model[0].weight
    assert model.get_buffer("1.0.running_mean") is model[1][0].running_mean
    model.set_submodule("1.1", nn.Tanh())
    assert isinstance(model[1][1], nn.Tanh)
    for call in (lambda: model.get_parameter("1.0.running_mean"),
                 lambda: model.get_buffer("0.weight")):
        with pytest.raises(AttributeError):
            call()


def test_a_dict_of_parameters() -> None:
    held = nn.ParameterDict({"a": sheer.ones(2), "b": nn.Parameter(sheer.zeros(3))})
    assert [n for n, _ in held.named_parameters()] == ["a", "b"]
    held.update([("c", sheer.ones(1))])
    assert (len(held), "c" in held, list(held), held.get("d")) == (3, True, ["a", "b", "c"], None)
    assert held.setdefault("d", sheer.ones(4)) is held["d"]
    assert held.popitem()[0] == "d"
    assert held.pop("a").shape == (2,)
    again = held.copy()
    held.clear()
    assert (len(held), list(again.keys()), len(list(again.values()))) == (0, ["b", "c"], 2)
    assert "(b): Parameter f32[3]" in repr(again)


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_running_statistics_have_the_dtype_of_the_layer(kind: type[nn.Module]) -> None:
    layer = kind(4, dtype=sheer.float64, track_running_stats=True)     # no W101: nothing is cast
    found = [layer.running_mean.dtype, layer.running_var.dtype, layer.num_batches_tracked.dtype]
    assert found == [sheer.float64, sheer.float64, sheer.int64]
