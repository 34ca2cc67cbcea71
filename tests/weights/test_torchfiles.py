"""Files of torch.save, read without torch; files for torch.load, written without it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
from torchfiles_forge import archive

import sheer
from sheer import nn
from sheer.graph.errors import DataError, SheerWarning

torch = pytest.importorskip("torch")
BOTH = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def saved(value, zipped=True) -> io.BytesIO:
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=zipped)
    stream.seek(0)
    return stream


def same(mine, theirs):
    """Are two nested values equal, with torch's tensors for ours?"""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(mine, sheer.Tensor)
        np.testing.assert_array_equal(mine.detach().numpy(), theirs.detach().numpy())
        assert mine.dtype.name == str(theirs.dtype).removeprefix("torch.")
        assert mine.requires_grad == theirs.requires_grad
    elif isinstance(theirs, dict):
        assert list(mine) == list(theirs)
        for key in theirs:
            same(mine[key], theirs[key])
    elif isinstance(theirs, list | tuple):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            same(a, b)
    else:
        assert mine == theirs


@BOTH
@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "int32", "int16", "int8", "uint8",
                                  "bool"])
def test_every_type_comes_in_as_it_is(kind, zipped):
    value = (torch.arange(-3, 9).reshape(3, 4) * 1.5).to(getattr(torch, kind))
    same(sheer.load(saved(value, zipped)), value)


@BOTH
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_becomes_float32_and_says_so(kind, zipped):
    value = torch.tensor([1.0, -2.5, 3e-5, float("inf"), float("nan")]).to(getattr(torch, kind))
    with pytest.warns(SheerWarning) as caught:
        mine = sheer.load(saved({"a": value, "b": value * 2}, zipped))
    assert [str(w.message) for w in caught] == [f"""\
W830 load: the file's {kind} numbers become float32
  need : float32 or float64: sheer has no 16-bit floats
  more : sheer explain W830"""]                                    # once a file
    same(mine["a"], value.float())
    same(mine["b"], (value * 2).float())


@BOTH
def test_views_of_one_storage(zipped):
    base = torch.arange(24.0).reshape(4, 6)
    value = {"whole": base, "turned": base.T, "every second": base[::2, 1::3], "row": base[2],
             "repeated": base[:1].expand(5, 6), "none": base[:0], "one": base[3, 3],
             "channels last": torch.arange(120.0).reshape(2, 3, 4, 5).to(
                 memory_format=torch.channels_last)}
    same(sheer.load(saved(value, zipped)), value)


@BOTH
def test_a_checkpoint_of_a_training(zipped):
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model(torch.randn(2, 1, 5, 5)).sum().backward()
    optimizer.step()
    value = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
             "best": 0.91, "name": "Größe", "classes": ["a", "b"], "size": torch.Size([1, 2]),
             "nothing": None, "seen": {1, 2}, "raw": b"\x00\xff", "big": 2**70, "neg": -5,
             "weight": torch.nn.Parameter(torch.ones(2))}
    mine = sheer.load(saved(value, zipped))
    same(mine, value)
    assert isinstance(mine["model"], OrderedDict)
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    other.load_state_dict(mine["model"])
    same(dict(other.state_dict()), dict(value["model"]))


def test_one_tensor_under_two_names_is_one_tensor():
    shared = torch.ones(3)
    mine = sheer.load(saved({"a": shared, "b": shared, "c": shared[:2]}))
    assert mine["a"] is mine["b"]
    assert mine["c"] is not mine["a"]


def test_devices_and_types_among_the_values():
    mine = sheer.load(saved({"d": torch.device("cuda:1"), "t": torch.float32, "h": torch.float16}))
    assert mine == {"d": "cpu", "t": sheer.float32, "h": "float16"}


def test_numbers_of_a_machine_of_the_other_byte_order():
    from torchfiles_forge import tensor_pickle
    body = archive(tensor_pickle((4,), (1,)), {"0": np.arange(4, dtype=">f4").tobytes()},
                   byteorder=b"big")
    assert sheer.load(io.BytesIO(body)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle(protocol):
    stream = io.BytesIO()
    value = {"w": torch.arange(3), "l": [1, (2.5, "x" * 300), {None: True}], "s": {3}}
    torch.save(value, stream, pickle_protocol=protocol)
    stream.seek(0)
    same(sheer.load(stream), value)


def test_torch_is_not_imported(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "model.pt")
    code = ("import sys, sheer; state = sheer.load('model.pt'); "
            "sheer.save(state, 'again.pth'); "
            "print(state['w'].tolist(), 'torch' in sys.modules)")
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                         check=True)
    assert out.stdout.split("\n")[0] == "[1.0, 1.0] False"
    assert torch.load(tmp_path / "again.pth", weights_only=True)["w"].tolist() == [1, 1]


# ---- writing -------------------------------------------------------------------------------------

def test_torch_loads_what_we_save(tmp_path):
    w = sheer.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    value = {"w": w, "again": w, "f64": sheer.tensor([0.1], dtype="float64"), "n": sheer.tensor(7),
             "empty": sheer.zeros(0, 3), "flags": sheer.tensor([True, False]),
             "i8": sheer.tensor([-1], dtype="int8"), "u8": sheer.tensor([200], dtype="uint8"),
             "list": [1, -2.5, None, True, "Größe", 2**40], "tuple": ((), ("x",)),
             "nested": {3: {}},
             "turned": sheer.tensor([[1, 2], [3, 4]]).T, "count": np.float32(2.5)}
    sheer.save(value, tmp_path / "model.pt")
    theirs = torch.load(tmp_path / "model.pt", weights_only=True)
    same(value | {"count": 2.5}, theirs)
    assert theirs["w"] is theirs["again"]
    same(sheer.load(tmp_path / "model.pt"), theirs)
    before = (tmp_path / "model.pt").read_bytes()
    sheer.save(value, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").read_bytes() == before          # the same bytes each time


def test_a_large_dict_and_a_deep_one(tmp_path):
    deep: dict = {}
    value = {"many": {str(i): i for i in range(2500)}, "list": list(range(2500)), "deep": deep}
    for _ in range(200):
        deep["x"] = {}
        deep = deep["x"]
    sheer.save(value, tmp_path / "x.pt")
    assert torch.load(tmp_path / "x.pt", weights_only=True) == value
    assert sheer.load(tmp_path / "x.pt") == value


def test_weights_go_there_and_back_with_the_same_outputs(tmp_path):
    mine = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
    sheer.save(mine.state_dict(), tmp_path / "mine.pt")
    theirs = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    theirs.load_state_dict(torch.load(tmp_path / "mine.pt", weights_only=True))
    x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    np.testing.assert_allclose(mine(sheer.tensor(x)).detach().numpy(),
                               theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_what_torch_cannot_hold_is_named(tmp_path):
    with pytest.raises(DataError) as caught:
        sheer.save({"a": [1, {"b": {1, 2}}]}, tmp_path / "x.pt")
    assert str(caught.value) == """\
save: a set cannot be saved
  place: a/1/b
  value: {1, 2}
  need : tensors, arrays, numbers, texts, None; dicts, lists and tuples of them
  more : sheer explain E511"""
    with pytest.raises(DataError) as caught:
        sheer.save({"a": np.ones(2, np.complex64)}, tmp_path / "x.pt")
    assert str(caught.value) == """\
save: torch has no storage of complex64
  need : one of float32, float64, int64, int32, int16, int8, uint8, bool
  more : sheer explain E511"""
    assert list(tmp_path.iterdir()) == []
