"""Tensors and the arrays of others: what shares memory, what is copied, and what the CPU says of
other devices.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import sheer
from sheer import nn, optim
from sheer.graph.errors import ArgumentError, MissingError
from sheer.train import fit, predict


def frozen(array):
    array.flags.writeable = False
    return array


@pytest.mark.system("NumPy arrays as base data")
@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "int32", "int16", "int8", "uint8",
                                  "bool"])
def test_memory_is_shared_with_numpy_where_nobody_can_write_to_it(kind):
    array = frozen(np.arange(12).reshape(3, 4).astype(kind))
    x = sheer.from_numpy(array)
    assert np.shares_memory(x.numpy(), array)
    assert x.dtype.name == kind
    assert np.shares_memory(np.asarray(x), array)
    assert np.shares_memory(np.from_dlpack(x, copy=False), array)
    assert np.shares_memory(sheer.asarray(array, dtype=kind, copy=False).numpy(), array)
    assert not x.numpy().flags.writeable
    assert (x + x).tolist() == (array + array).tolist()       # a program reads it as it lies


@pytest.mark.system("NumPy arrays as base data")
def test_a_memory_map_is_not_read_before_it_is_needed(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(1000, dtype=np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    x = sheer.from_numpy(mapped)
    assert np.shares_memory(x.numpy(), mapped)
    assert x.sum().item() == 499500
    assert sheer.from_numpy(np.frombuffer(bytes(8), np.float32)).tolist() == [0, 0]


COPIED = {"writable": lambda: np.ones((2, 2), np.float32),
          "a frozen view of it": lambda: frozen(np.ones((2, 2), np.float32)[:1]),
          "strided": lambda: frozen(frozen(np.ones((4, 4), np.float32))[:, ::2]),
          "columns first": lambda: frozen(np.asfortranarray(np.ones((2, 3), np.float32))),
          "bytes in other order": lambda: frozen(np.ones(3, ">f4")),
          "not aligned": lambda: np.frombuffer(bytes(9), np.float32, offset=1, count=2),
          "a writable buffer": lambda: np.frombuffer(bytearray(8), np.float32),
          "in other hands": lambda: np.from_dlpack(torch.ones(3))}


@pytest.mark.system("NumPy arrays as base data")
@pytest.mark.parametrize("name", COPIED)
def test_everything_else_is_copied(name):
    array = COPIED[name]()
    x = sheer.from_numpy(array)
    assert not np.shares_memory(x.numpy(), array)
    np.testing.assert_array_equal(x.numpy(), array)
    with pytest.raises(ArgumentError) as caught:
        sheer.asarray(array, copy=False)
    assert str(caught.value) == """\
asarray: memory that can be written to is not shared
  need : copy=None or True, or a read-only array of the same dtype
  more : sheer explain E191"""


def test_shared_memory_is_never_written_to():
    array = frozen(np.ones(64, np.float32))
    w = sheer.from_numpy(array).requires_grad_()
    optimizer = optim.SGD([w], lr=0.5)

    @sheer.jit
    def step():
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step().item() for _ in range(3)]
    assert losses[-1] < losses[0]
    x = sheer.from_numpy(array)
    x.add_(1)
    x[0] = 7.0
    assert (array == 1).all()


@pytest.mark.system("NumPy arrays as base data")
def test_dlpack_both_ways():
    x = sheer.randn(3, 4) * 2
    shared = np.from_dlpack(x, copy=False)
    assert np.shares_memory(shared, x.numpy())
    assert not shared.flags.writeable
    theirs = torch.from_dlpack(x, copy=False)
    assert theirs.data_ptr() == x.numpy().ctypes.data
    np.testing.assert_array_equal(theirs.numpy(), x.numpy())
    own = torch.from_dlpack(x)                           # without copy=False: theirs to write to
    own.zero_()
    assert (x != 0).all()
    assert sheer.from_dlpack(torch.arange(6).reshape(2, 3).T).tolist() == [[0, 3], [1, 4], [2, 5]]
    with pytest.raises(ArgumentError) as caught:
        x.__dlpack__(copy=False)                         # a consumer of before version 1.0
    assert str(caught.value) == """\
__dlpack__: memory can be shared for reading only
  need : a consumer of DLPack 1.0 or later, or copy=None
  try  : from_dlpack(x)
  more : sheer explain E191"""


def test_an_array_exported_by_dlpack_is_not_overwritten():
    w = sheer.ones(64) * 2
    step = sheer.jit(lambda: w.mul_(3.0).sum())
    step()
    held = torch.from_dlpack(w, copy=False)
    before = held.clone()
    for _ in range(3):
        step()
    assert held.equal(before)
    assert w[0].item() == 2 * 3.0 ** 4


FORMS = {"array": np.asarray, "lists": lambda a: a.tolist(), "data frame": pd.DataFrame,
         "tensor": sheer.tensor, "torch tensor": torch.tensor}


@pytest.mark.system("Lists, matrices, data frames")
def test_tables_of_every_kind_train_the_same_network(figure):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(20, 3)).astype(np.float32)
    target = table.sum(1, keepdims=True)
    losses = {}
    for form, make in FORMS.items():
        sheer.manual_seed(0)
        model = nn.Linear(3, 1)
        run = fit(model, (make(table), make(target)), loss=nn.MSELoss(), epochs=2, progress=False,
                  optimizer=optim.SGD(model.parameters(), lr=0.1))
        losses[form] = run.column("loss")
        assert predict(model, make(table)).shape == (20, 1)
        rows = sheer.data.TensorDataset(sheer.as_tensor(make(table)))
        assert rows[3][0].tolist() == table[3].tolist()
    assert all(found == losses["array"] for found in losses.values())
    figure("lists, arrays, data frames and tensors give the same bits; no timing page yet")


# ---- devices -------------------------------------------------------------------------------------

@pytest.mark.system("CPU and GPU execution")
def test_what_a_script_for_gpus_does_here():
    device = sheer.device("cuda" if sheer.cuda.is_available() else "cpu")
    assert device == sheer.device("cpu")
    model = nn.Linear(2, 1).to(device)
    x = sheer.zeros(3, 2, device=device).to(device, non_blocking=True)
    assert model(x).device == device
    assert model.to("cpu", sheer.float64).weight.dtype == sheer.float64


@pytest.mark.system("CPU and GPU execution")
@pytest.mark.parametrize("act", [
    lambda: sheer.zeros(2).to("cuda"), lambda: sheer.zeros(2, device="cuda:0"),
    lambda: nn.Linear(2, 1).to("cuda"), lambda: nn.Linear(2, 1).to(device="cuda"),
    lambda: nn.Linear(2, 1).to(sheer.device("cuda")), lambda: nn.Linear(2, 1).cuda(),
    lambda: sheer.zeros(2).cuda()])
def test_a_device_that_is_not_there_is_named(act):
    with pytest.raises(MissingError) as caught:
        act()
    assert str(caught.value) == """\
device: there is no cuda here: sheer computes on the CPU
  need : device("cpu")
  try  : x.to("cpu")
  more : sheer explain E615"""


@pytest.mark.system("CPU and GPU execution")
def test_two_backends_train_to_the_same_losses(figure):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 6)).astype(np.float32), rng.integers(0, 3, 32)
    losses = []
    for backend in ("cpu", "reference"):
        sheer.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
        with sheer.backend(backend):
            run = fit(model, (x, y), loss=nn.CrossEntropyLoss(), epochs=3, batch_size=8,
                      optimizer=optim.Adam(model.parameters(), lr=1e-2), progress=False)
        losses.append(run.column("loss"))
    np.testing.assert_allclose(*losses, rtol=1e-4)
    figure(f"native and NumPy backends: losses differ by {np.ptp(losses, axis=0).max():.1e}; "
           "no GPU backend here")


# ---- ten lines -----------------------------------------------------------------------------------

TEN_LINES = """
sheer.manual_seed(0)
model = nn.Sequential(
    nn.Linear(64, 32), nn.ReLU(),
    nn.Linear(32, 10))
fit(model, (x[:1500], y[:1500]), loss=nn.CrossEntropyLoss(), epochs=8, progress=False,
    optimizer=optim.Adam(model.parameters(), lr=1e-2))
scores = evaluate(model, (x[1500:], y[1500:]), loss=nn.CrossEntropyLoss(), metrics=["accuracy"])
labels = predict(model, x[1500:]).argmax(1)
"""


@pytest.mark.system("Keras-like layer interface (Keras, Gluon, Chainer style)")
def test_a_model_in_ten_lines(figure):
    from sheer.data import load_arrays
    from sheer.train import evaluate
    digits = load_arrays("digits")
    x = digits.train.x.reshape(-1, 64).astype("float32") / digits.top
    scope = {"sheer": sheer, "nn": nn, "optim": optim, "fit": fit, "evaluate": evaluate,
             "predict": predict, "x": x, "y": digits.train.y}
    lines = TEN_LINES.strip().splitlines()
    assert len(lines) <= 10
    exec(compile(TEN_LINES, "ten.py", "exec"), scope)
    share = (scope["labels"] == digits.train.y[1500:]).mean()
    assert scope["scores"]["accuracy"] == pytest.approx(share, abs=1e-6)
    assert share > 0.9
    figure(f"{len(lines)} lines, accuracy {100 * share:.1f} % on 297 digits, seed 0")
