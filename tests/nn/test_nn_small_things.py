"""Names of modules and initialisers that no table covers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sheer
from sheer import nn
from sheer.graph.errors import SheerError
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


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 5, 7)])
def test_fans_under_torchs_name(shape: tuple[int, ...]) -> None:
    assert init._calculate_fan_in_and_fan_out(sheer.ones(shape)) == (
        torch.nn.init._calculate_fan_in_and_fan_out(torch.ones(shape)))
    for lib, nets in ((sheer, nn), (torch, torch.nn)):
        with pytest.raises(ValueError, match=r"(?i)fan in and fan out"):
            nets.init._calculate_fan_in_and_fan_out(lib.ones(3))


def test_a_module_emptied_keeps_its_values() -> None:
    net = nn.Linear(2, 2)
    assert net.to_empty(device="cpu") is net
    with pytest.raises(SheerError, match="E615"):
        net.to_empty(device="cuda")


def _rows(lib) -> dict[str, list[list[int]]]:
    """What the rows of one library hold after each change: the widths of their layers."""
    layer = lambda n: lib.Linear(n, n)
    seen: dict[str, list[list[int]]] = {"Sequential": [], "ModuleList": []}
    for name, made in (("Sequential", lib.Sequential(*map(layer, (1, 2, 3, 4)))),
                       ("ModuleList", lib.ModuleList(map(layer, (1, 2, 3, 4))))):
        row = made
        note = lambda held, name=name: seen[name].append(
            [list(held._modules), [m.in_features for m in held]])
        del row[-1]
        note(row)
        del row[0]
        note(row)
        row.extend([layer(5), layer(6)])
        row.insert(1, layer(7))
        note(row)
        assert row.pop(1).in_features == 7
        note(row)
        note(row + type(row)(*([layer(8)] if name == "Sequential" else [[layer(8)]])))
        row += type(row)(*([layer(9)] if name == "Sequential" else [[layer(9)]]))
        note(row)
        del row[1:3]
        note(row)
        if name == "Sequential":
            note(row * 2)
            note(2 * row)
            row *= 2
            note(row)
        for wrong in (lambda row=row: row.pop(9), lambda row=row: row.__delitem__(-9)):
            with pytest.raises(IndexError):
                wrong()
    return seen


def test_rows_of_modules_are_changed_as_in_torch() -> None:
    assert _rows(nn) == _rows(torch.nn)


def test_a_compiled_row_is_traced_again_after_a_change() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    compiled, x = sheer.jit(net), sheer.tensor([[-1.0, 2.0]])
    compiled(x)
    del net[0]
    np.testing.assert_array_equal(compiled(x).numpy(), [[0, 2]])


def test_dicts_of_modules_and_lists_of_parameters_change() -> None:
    held = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    assert isinstance(held.pop("a"), nn.ReLU)
    assert list(held) == ["b"]
    with pytest.raises(KeyError):
        held.pop("a")
    held.clear()
    assert len(held) == 0
    listed = nn.ParameterList([sheer.ones(2), sheer.ones(3)])
    listed[-1] = sheer.zeros(4)
    listed[0] = new = nn.Parameter(sheer.zeros(5))
    assert [p.shape for p in listed] == [(5,), (4,)]
    assert listed[0] is new
    assert isinstance(listed[1], nn.Parameter)
    with pytest.raises(IndexError):
        listed[2] = new
