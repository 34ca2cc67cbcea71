"""Sequences of several lengths: packing and padding against torch; what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nn_helpers import both, close
from nn_texts import floats, text, warned

import sheer
from sheer import nn
from sheer.nn.utils import rnn

THEIRS = torch.nn.utils.rnn
ARRAYS = [np.random.default_rng(n).normal(size=(n, 2)) for n in (3, 5, 1)]


def pairs() -> tuple[list, list]:
    made = [both(a) for a in ARRAYS]
    return [m for m, _ in made], [t for _, t in made]


@pytest.mark.system("Padding, masking, packing of sequences")
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("side", ["right", "left"])
def test_pad_sequence(first: bool, side: str) -> None:
    mine, theirs = pairs()
    a = rnn.pad_sequence(mine, first, 0.5, side)
    b = THEIRS.pad_sequence(theirs, first, 0.5, side)
    close(a, b, "float64")
    a.square().sum().backward()
    b.square().sum().backward()
    for x, y in zip(mine, theirs, strict=True):
        close(x.grad, y.grad, "float64")


def test_pack_sequence_and_back() -> None:
    mine, theirs = pairs()
    a = rnn.pack_sequence(mine, enforce_sorted=False)
    b = THEIRS.pack_sequence(theirs, enforce_sorted=False)
    close(a.data, b.data, "float64")
    for name in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        assert getattr(a, name).tolist() == getattr(b, name).tolist()
    for x, y in zip(rnn.unpack_sequence(a), ARRAYS, strict=True):
        np.testing.assert_array_equal(x.detach().numpy(), y)


def test_unpad_sequence() -> None:
    mine, _ = pairs()
    for first in (True, False):
        padded = rnn.pad_sequence(mine, first)
        for x, y in zip(rnn.unpad_sequence(padded, [3, 5, 1], first), ARRAYS, strict=True):
            np.testing.assert_array_equal(x.detach().numpy(), y)


def test_lengths_may_be_a_tensor_and_packing_compiles() -> None:
    x = floats(4, 3, 2)
    layer = nn.GRU(2, 3)

    def run(x):
        packed = rnn.pack_padded_sequence(x, sheer.tensor([4, 2, 2]))
        return rnn.pad_packed_sequence(layer(packed)[0])[0]
    np.testing.assert_allclose(sheer.jit(run)(x).numpy(), run(x).detach().numpy(), rtol=1e-5,
                               atol=1e-6)


@pytest.mark.system("Padding, masking, packing of sequences")
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_results_and_gradients_do_not_depend_on_the_padding(kind: str) -> None:
    layer = getattr(nn, kind)(2, 3, 2, bidirectional=True)
    found = []
    for steps, filler in ((5, 0.0), (5, 1e3), (9, -7.0)):
        x = np.full((steps, 3, 2), filler, np.float32)
        for row, a in enumerate(ARRAYS):
            x[:len(a), row] = a
        layer.zero_grad()
        packed = rnn.pack_padded_sequence(sheer.tensor(x), [3, 5, 1], enforce_sorted=False)
        out = rnn.pad_packed_sequence(layer(packed)[0])[0]
        out.square().sum().backward()
        found.append([out.detach().numpy(), *(p.grad.numpy().copy() for p in layer.parameters())])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_packed_batch_converts_and_orders_are_inverted() -> None:
    packed = rnn.pack_sequence(pairs()[0], enforce_sorted=False)
    assert packed.float().data.dtype == sheer.float32
    assert packed.double().cpu().data.dtype == sheer.float64
    assert rnn.invert_permutation(packed.sorted_indices).tolist() == [1, 0, 2]
    assert rnn.invert_permutation(None) is None


@pytest.mark.parametrize("lengths", [[5, 3, 2], [4, 3, 0], [4, -1, 1]])
def test_lengths_outside_the_input_are_refused(lengths: list[int]) -> None:
    i = next(i for i, n in enumerate(lengths) if not 0 < n < 5)
    assert text(lambda: rnn.pack_padded_sequence(floats(4, 3, 2), lengths)) == (
        f"pack_padded_sequence: sequence {i} has length {lengths[i]}\n"
        "  input  : f32[4, 3, 2]\n"
        f"  lengths: {', '.join(map(str, lengths))}\n"
        "  need   : lengths from 1 to 4, the steps of the input\n"
        "  more   : sheer explain E241")


def test_other_bad_lengths_are_refused() -> None:
    x = floats(4, 3, 2)
    assert "2 lengths for 3 sequences" in text(lambda: rnn.pack_padded_sequence(x, [4, 3]))
    assert "the other batch_first" in text(lambda: rnn.pack_padded_sequence(x, [3, 2, 2, 1]))
    assert "whole numbers" in text(lambda: rnn.pack_padded_sequence(x, [3.5, 2, 2]))
    assert text(lambda: rnn.pack_padded_sequence(x, [2, 4, 1])) == (
        "pack_padded_sequence: sequence 0 has 2 steps, sequence 1 4\n"
        "  lengths: 2, 4, 1\n"
        "  need   : the longest first\n"
        "  try    : enforce_sorted=False\n"
        "  more   : sheer explain E242")
    assert "no sequences" in text(lambda: rnn.pad_sequence([]))
    assert "a number" in text(lambda: rnn.pad_sequence([sheer.tensor(1.0)]))
    packed = rnn.pack_padded_sequence(x, [4, 3, 2])
    assert "total_length=3" in text(lambda: rnn.pad_packed_sequence(packed, total_length=3))
    assert "a Tensor" in text(lambda: rnn.pad_packed_sequence(x))


def test_a_first_state_of_another_shape_is_refused() -> None:
    layer = nn.LSTM(3, 4, 2)
    x, good = floats(5, 2, 3), floats(2, 2, 4)
    assert text(lambda: layer(x, (good, floats(2, 1, 4)))) == (
        "lstm: c has shape (2, 1, 4)\n"
        "  c    : f32[2, 1, 4]\n"
        "  need : c (L D, B, H) = (2, 2, 4)\n"
        "  more : sheer explain E240")
    assert "hx.unsqueeze(0)" in text(lambda: nn.GRU(3, 4)(x, floats(2, 4)))
    assert "hx.unsqueeze(1)" in text(lambda: nn.GRU(3, 4, 2)(floats(5, 1, 3), floats(2, 4)))
    assert "hx.squeeze(1)" in text(lambda: nn.GRU(3, 4)(floats(5, 3), floats(1, 1, 4)))
    assert "hx.transpose(0, 1)" in text(lambda: nn.GRU(3, 4)(x, floats(2, 1, 4)))
    assert "hx = (h, c)" in text(lambda: layer(x, (good,)))
    assert "(B, H) = (2, 4)" in text(lambda: nn.GRUCell(3, 4)(floats(2, 3), floats(4)))
    assert "hx = (h, c)" in text(lambda: nn.LSTMCell(3, 4)(floats(2, 3), (floats(2, 4),)))


def test_other_bad_input_is_refused() -> None:
    layer = nn.RNN(3, 4)
    assert "lstm: expected 3 features" in text(lambda: nn.LSTM(3, 4)(floats(5, 2, 4)))
    assert "input.unsqueeze(1)" in text(lambda: layer(floats(3)))
    assert "input.flatten(2)" in text(lambda: layer(floats(5, 2, 3, 1)))
    assert "no steps" in text(lambda: layer(floats(0, 2, 3)))
    assert "input.double()" not in text(lambda: layer(floats(5, 2, 3).long()))
    assert "module.double()" in text(lambda: layer(floats(5, 2, 3).double()))
    assert "one step" in text(lambda: nn.RNNCell(3, 4)(floats(5, 2, 3)))
    assert "proj_size=4" in text(lambda: nn.LSTM(3, 4, proj_size=4))
    assert "nonlinearity='tan'" in text(lambda: nn.RNN(3, 4, nonlinearity="tan"))
    assert "hidden_size=0" in text(lambda: nn.GRU(3, 0))


def test_dropout_of_one_layer_is_remarked_upon() -> None:
    assert "W208 LSTM: dropout=0.5 does nothing" in warned(lambda: nn.LSTM(3, 4, dropout=0.5))


@pytest.mark.parametrize("ask", ["retain_grad", "hook"])
def test_a_packed_batch_has_the_gradient_that_is_asked_of_it(ask: str) -> None:
    found = []
    for lib, x in zip((sheer, torch), both(np.arange(8.0).reshape(2, 4)), strict=True):
        x.requires_grad_()
        packed = lib.nn.utils.rnn.pack_padded_sequence(x, lib.tensor([4, 2]), batch_first=True)
        seen = []
        if ask == "hook":
            packed.data.register_hook(seen.append)
        else:
            packed.data.retain_grad()
        padded, _ = lib.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        (padded ** 2).sum().backward()
        found.append([seen[0] if seen else packed.data.grad, x.grad])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-6)
