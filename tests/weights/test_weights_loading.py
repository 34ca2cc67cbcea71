"""State dicts: all or nothing, what fits by name, and whether a file is the one that was saved."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
from sheer import nn
from sheer.graph.errors import ArgumentError, DataError
from sheer.nn.utils import load_matching
from sheer.serialization import checksum


def network(classes=3):
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, classes))


def values(model):
    return {n: np.array(v.numpy()) for n, v in model.state_dict().items()}


def unchanged(model, before):
    for name, array in values(model).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


# ---- all or nothing ------------------------------------------------------------------------------

BROKEN = {
    "missing": lambda d: d.pop("3.bias"),
    "unexpected": lambda d: d.update(extra=np.ones(2)),
    "another shape": lambda d: d.update({"3.bias": np.ones(7)}),
    "a text": lambda d: d.update({"3.bias": np.array(["a", "b", "c"])}),
    "objects": lambda d: d.update({"3.bias": np.array([None, {}, 1], dtype=object)}),
    "complex": lambda d: d.update({"3.bias": np.ones(3, np.complex64)}),
    "None": lambda d: d.update({"1.num_batches_tracked": None}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_state_dict_that_does_not_fit_changes_nothing(what):
    model, other = network(), network()
    before, given = values(model), dict(other.state_dict())
    BROKEN[what](given)
    with pytest.raises(ArgumentError) as caught:
        model.load_state_dict(given)
    assert caught.value.code == "E210"
    unchanged(model, before)


def test_the_table_names_what_is_missing_unexpected_and_of_another_shape():
    given = dict(network().state_dict()) | {"3.bias": np.ones(7), "3.wieght": np.ones((3, 5)),
                                            "1.bias": np.array(["a"] * 5)}
    del given["3.weight"]
    with pytest.raises(ArgumentError) as caught:
        network().load_state_dict(given)
    assert str(caught.value) == """\
Sequential.load_state_dict: nothing was loaded: 1 missing, 1 unexpected, 2 of another shape
  3.weight: missing, [3, 5] expected
  3.wieght: unexpected; 3.weight is missing
  1.bias  : <U1 values, numbers expected
  3.bias  : shape [7], [3] expected
  need    : every name once, with its shape
  more    : sheer explain E210"""


def test_a_whole_checkpoint_in_place_of_its_weights():
    with pytest.raises(ArgumentError) as caught:
        network().load_state_dict({"model": network().state_dict(), "epoch": 3})
    assert "  try                  : state_dict['model']\n" in str(caught.value)


def test_what_was_loaded_prints_as_in_torch():
    model = network()
    assert repr(model.load_state_dict(network().state_dict())) == "<All keys matched successfully>"
    left = {n: v for n, v in network().state_dict().items() if n != "3.bias"} | {"x": np.ones(1)}
    result = model.load_state_dict(left, strict=False)
    assert repr(result) == "LoadResult(missing_keys=['3.bias'], unexpected_keys=['x'])"


# ---- another network's weights -------------------------------------------------------------------

@pytest.mark.system("Initialising from another network's weights")
def test_what_fits_by_name_is_copied_and_the_rest_reported(tmp_path):
    sheer.manual_seed(0)
    old, new = network(classes=3), network(classes=2)
    new.add_module("4", nn.Linear(2, 2))
    sheer.save(old.state_dict(), tmp_path / "old.safetensors")
    before = values(new)
    given = sheer.load(tmp_path / "old.safetensors") | {"head.bias": np.ones(2)}
    report = load_matching(new, given)
    assert str(report) == """\
7 copied, 2 missing, 1 unexpected, 2 of another shape
  0.weight             : copied
  0.bias               : copied
  1.weight             : copied
  1.bias               : copied
  1.running_mean       : copied
  1.running_var        : copied
  1.num_batches_tracked: copied
  4.weight             : missing: as it was
  4.bias               : missing: as it was
  head.bias            : unexpected: left out
  3.weight             : shape [3, 5], [2, 5] expected: as it was
  3.bias               : shape [3], [2] expected: as it was"""
    now, source = values(new), values(old)
    for name in report.matched:
        np.testing.assert_array_equal(now[name], source[name])
    for name in (*report.missing, *report.misshaped):
        np.testing.assert_array_equal(now[name], before[name])


def test_names_may_be_changed_on_the_way():
    old, new = nn.ModuleDict({"encoder": nn.Linear(4, 5), "head": nn.Linear(5, 1)}), network()
    rename = lambda n: None if n.startswith("head") else n.replace("encoder", "0")
    report = load_matching(new, old.state_dict(), rename=rename)
    assert report.matched == ["0.weight", "0.bias"]
    assert report.unexpected == []
    assert (new[0].weight == old["encoder"].weight).all()
    with pytest.raises(ArgumentError) as caught:
        load_matching(new, old.state_dict(), rename=lambda n: "0.weight")
    assert str(caught.value) == """\
load_matching: two values would become 0.weight
  name : encoder.bias
  need : a name of its own for each
  more : sheer explain E834"""


def test_nothing_that_fits_is_an_error_and_copies_nothing():
    model = network()
    before = values(model)
    with pytest.raises(ArgumentError) as caught:
        load_matching(model, {"model": network().state_dict(), "epoch": 3})
    assert str(caught.value) == """\
load_matching: nothing in the state dict fits Sequential
  model     : 0.weight, 0.bias, 1.weight
  state dict: model, epoch
  need      : names that both have, with the same shape
  try       : state_dict['model']
  more      : sheer explain E834"""
    unchanged(model, before)


def test_a_long_report_is_cut():
    deep = nn.Sequential(*(nn.Linear(1, 1) for _ in range(15)))
    lines = str(load_matching(deep, deep.state_dict())).splitlines()
    assert lines[0] == "30 copied, 0 missing, 0 unexpected, 0 of another shape"
    assert lines[-1] == "  and 10 more"


# ---- is it the file that was saved? --------------------------------------------------------------

@pytest.mark.parametrize("name", ["model.safetensors", "model.pt"])
def test_saved_weights_come_back_bit_by_bit_and_have_a_check_sum(name, tmp_path):
    model, again = network(), network()
    sheer.save(model.state_dict(), tmp_path / name)
    again.load_state_dict(sheer.load(tmp_path / name, sha256=checksum(tmp_path / name).upper()))
    unchanged(again, values(model))
    sheer.save(again.state_dict(), tmp_path / f"again-{name}")
    assert checksum(tmp_path / name) == checksum(tmp_path / f"again-{name}")
    with pytest.raises(DataError) as caught:
        sheer.load(tmp_path / name, sha256="0" * 64)
    assert str(caught.value) == f"""\
load: this is not the file that was saved
  file  : {tmp_path / name}
  sha256: {checksum(tmp_path / name)}
  need  : sha256 {"0" * 64}
  more  : sheer explain E835"""


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt"])
def test_one_wrong_bit_among_the_numbers_is_noticed(name, tmp_path):
    sheer.save({"w": sheer.arange(100.0)}, tmp_path / name)
    body = bytearray((tmp_path / name).read_bytes())
    place = body.index(np.float32(77).tobytes())
    body[place] ^= 1
    (tmp_path / name).write_bytes(body)
    with pytest.raises(DataError) as caught:
        sheer.load(tmp_path / name)
    assert caught.value.code == {"model.safetensors": "E835", "model.pt": "E830"}[name]


def test_files_without_a_check_sum_are_read(tmp_path):
    from safetensors.numpy import save_file
    save_file({"w": np.ones(2, np.float32), "n": np.array(3), "e": np.zeros((0, 2))},
              tmp_path / "other.safetensors")
    assert sheer.load(tmp_path / "other.safetensors")["n"].item() == 3
    sheer.save({"n": 3, "e": sheer.zeros(0, 2), "s": sheer.tensor(2.0)}, tmp_path / "x.safetensors")
    assert sheer.load(tmp_path / "x.safetensors")["e"].shape == (0, 2)
