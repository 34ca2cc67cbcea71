"""RNN, LSTM, GRU over their options against torch: outputs, states, gradients, packed input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from nn_helpers import array, both, close

import sheer
from sheer import nn, optim

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")
KINDS = {"LSTM": {}, "GRU": {}, "RNN": {}, "RELU": {"nonlinearity": "relu"},
         "PROJ": {"proj_size": 2}}
CLASSES = {"RELU": "RNN", "PROJ": "LSTM"}
# layers, both directions, bias (and batch first), dtype
OPTIONS = ((1, False, True, "float32"), (2, True, False, "float64"), (2, True, True, "float32"))
SYSTEMS = {"LSTM": ["LSTM"], "PROJ": ["LSTM"], "GRU": ["GRU"]}


def rows(kind: str, two: bool = False) -> Any:
    """The rows of the table of systems that a case shows."""
    found = SYSTEMS.get(kind, ["RNN (plain, Elman)"])
    return pytest.mark.system(*found, *["Bidirectional LSTM"] * (two and found == ["LSTM"]))


GRID = [pytest.param(kind, *options, marks=rows(kind, options[1]))
        for kind in KINDS for options in OPTIONS]


def pair(kind: str, dtype: str, **options: Any) -> tuple[Any, Any]:
    """Our layer and torch's with the same weights."""
    torch.manual_seed(1)
    made = [getattr(m, CLASSES.get(kind, kind))(3, 4, **KINDS[kind], **options)
            for m in (nn, torch.nn)]
    mine, theirs = made[0].to(dtype), made[1].to(getattr(torch, dtype))
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict(theirs.state_dict())
    assert repr(mine) == repr(theirs)
    return mine, theirs


def flat(result: Any) -> list[Any]:
    return [x for part in result for x in (flat(part) if isinstance(part, tuple) else [part])]


def same(ours: Any, other: Any, operands: Any, layers: Any, dtype: str) -> None:
    """Equal results, and equal gradients behind random cotangents."""
    a, b = flat(ours), flat(other)
    assert len(a) == len(b)
    mine, theirs = 0, 0
    for n, (x, y) in enumerate(zip(a, b, strict=True)):
        if not y.is_floating_point():
            np.testing.assert_array_equal(x.numpy(), y.numpy())
            continue
        close(x, y, dtype, f"result {n}")
        ct = array(tuple(y.shape), dtype, n + 1)
        mine = mine + (x * sheer.tensor(ct, dtype=dtype)).sum()
        theirs = theirs + (y * torch.tensor(ct)).sum()
    mine.backward()
    theirs.backward()
    for x, y in operands:
        close(x.grad, y.grad, dtype, "gradient of an operand")
    for (name, p), q in zip(layers[0].named_parameters(), layers[1].parameters(), strict=True):
        close(p.grad, q.grad, dtype, f"gradient of {name}")


def first_states(kind: str, rows: int, batch: tuple[int, ...], dtype: str) -> list[Any]:
    widths = {"LSTM": (4, 4), "PROJ": (2, 4)}.get(kind, (4,))
    return [both(array((rows, *batch, w), dtype, 7 + w)) for w in widths]


def given(states: list[Any], at: int) -> Any:
    parts = tuple(s[at] for s in states)
    return parts if len(parts) > 1 else parts[0]


@pytest.mark.parametrize(("kind", "layers", "two", "bias", "dtype"), GRID)
def test_equals_torch(kind: str, layers: int, two: bool, bias: bool, dtype: str) -> None:
    both_layers = pair(kind, dtype, num_layers=layers, bidirectional=two, bias=bias,
                       batch_first=bias)
    x = both(array((5, 3, 3), dtype))
    states = first_states(kind, layers * (1 + two), (3 if not bias else 5,), dtype)
    ours = both_layers[0](x[0], given(states, 0))
    other = both_layers[1](x[1], given(states, 1))
    same(ours, other, [x, *states], both_layers, dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_one_sequence_without_batch(kind: str) -> None:
    layers = pair(kind, "float64", num_layers=2)
    x, states = both(array((6, 3), "float64")), first_states(kind, 2, (), "float64")
    same(layers[0](x[0], given(states, 0)), layers[1](x[1], given(states, 1)), [x, *states],
         layers, "float64")


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("steps", [1, 40])
def test_short_and_long(kind: str, steps: int) -> None:
    layers = pair(kind, "float64")
    x = both(array((steps, 1, 3), "float64"))
    same(layers[0](x[0]), layers[1](x[1]), [x], layers, "float64")


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "PROJ"])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_packed_sequences(kind: str, is_sorted: bool) -> None:
    from sheer.nn.utils import rnn as ours
    theirs = torch.nn.utils.rnn
    layers = pair(kind, "float64", num_layers=2, bidirectional=True)
    x = both(array((6, 4, 3), "float64"))
    states = first_states(kind, 4, (4,), "float64")
    lengths = [6, 4, 4, 1] if is_sorted else [2, 6, 1, 5]
    found = []
    for lib, layer, at in ((ours, layers[0], 0), (theirs, layers[1], 1)):
        packed = lib.pack_padded_sequence(x[at], lengths, enforce_sorted=is_sorted)
        out, state = layer(packed, given(states, at))
        found.append((out.data, out.batch_sizes, state,
                      *lib.pad_packed_sequence(out, True, -1.5, 8)))
    same(*found, [x, *states], layers, "float64")


@pytest.mark.parametrize("kind", [pytest.param(k, marks=rows(k)) for k in ("LSTM", "GRU", "RNN")])
def test_twenty_training_steps(kind: str) -> None:
    mine, theirs = pair(kind, "float32", num_layers=2)
    x, y = array((7, 4, 3), "float32"), array((7, 4, 4), "float32", 3)
    optimizers = (optim.Adam(mine.parameters(), lr=0.01),
                  torch.optim.Adam(theirs.parameters(), lr=0.01))

    @sheer.jit
    def step(a: Any, b: Any) -> Any:
        optimizers[0].zero_grad()
        loss = (mine(a)[0] - b).square().mean()
        loss.backward()
        optimizers[0].step()
        return loss
    for _ in range(20):
        ours = step(sheer.tensor(x), sheer.tensor(y))
        optimizers[1].zero_grad()
        loss = (theirs(torch.tensor(x))[0] - torch.tensor(y)).square().mean()
        loss.backward()
        optimizers[1].step()
        np.testing.assert_allclose(ours.item(), loss.item(), rtol=2e-5)
    for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-3, atol=2e-5)


def test_dropout_stands_between_layers_in_training_only() -> None:
    layer = nn.GRU(3, 4, 2, dropout=0.5)
    x = sheer.ones(5, 2, 3)
    assert np.any(layer(x)[0].detach().numpy() != layer(x)[0].detach().numpy())
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())
    whole = nn.GRU(3, 4, 2, dropout=1.0)
    expected = whole.load_state_dict(layer.state_dict()) and whole(x)[0]
    alone = whole(100 * x)[0]                  # nothing of the first layer reaches the second
    np.testing.assert_array_equal(expected.detach().numpy(), alone.detach().numpy())


def test_the_start_is_drawn_like_torch() -> None:
    for p in nn.LSTM(50, 400).parameters():
        values = p.detach().numpy()
        assert np.abs(values).max() <= 0.05
        assert abs(values.std() - 0.05 / 3 ** 0.5) < 0.003


def test_all_weights_and_a_script_that_flattens_them() -> None:
    mine, theirs = pair("LSTM", "float32", num_layers=2, bidirectional=True)
    mine.flatten_parameters()
    assert [[tuple(w.shape) for w in ws] for ws in mine.all_weights] == [
        [tuple(w.shape) for w in ws] for ws in theirs.all_weights]


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("started", [False, True])
def test_a_cell_of_two_states(batch: tuple[int, ...], started: bool) -> None:
    theirs = torch.nn.LSTMCell(3, 4).double()
    mine = nn.LSTMCell(3, 4).double()
    mine.load_state_dict(theirs.state_dict())
    assert repr(mine) == repr(theirs)
    x = both(array((*batch, 3), "float64"))
    states = [both(array((*batch, 4), "float64", n)) for n in (1, 2)] if started else []
    ours = mine(x[0], given(states, 0)) if started else mine(x[0])
    other = theirs(x[1], given(states, 1)) if started else theirs(x[1])
    same(ours, other, [x, *states], (mine, theirs), "float64")
