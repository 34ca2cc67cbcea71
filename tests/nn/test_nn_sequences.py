"""Padded sequences: the loss per step, recurrent layers with lengths; nothing depends on padding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import sheer
from sheer import nn
from sheer.graph.errors import SheerError
from sheer.nn import functional as F
from sheer.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

LENGTHS = np.array([7, 3, 1, 5])
EXTRA = (0, 1, 6, 33)            # steps of padding beyond the longest


def steps(extra: int, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (4, 7 + extra, wide) whose padding differs with `extra`, and what is real."""
    x = np.random.default_rng(0).normal(size=(4, 7, wide)).astype(np.float32)
    more = np.random.default_rng(extra).normal(size=(4, extra, wide)).astype(np.float32)
    real = np.arange(7 + extra) < LENGTHS[:, None]
    x = np.where(real[:, :7, None], x, extra + 0.5)
    return np.concatenate([x, more], 1).astype(np.float32), real


def labels(real: np.ndarray) -> np.ndarray:
    y = np.full(real.shape, -100)
    y[:, :7] = np.random.default_rng(1).integers(0, 5, (4, 7))
    return np.where(real, y, -100)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_loss_per_step_equals_torch(reduction: str, smoothing: float) -> None:
    x, real = steps(2, 5)
    y = labels(real)
    a, b = sheer.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    mine = F.sequence_cross_entropy(a, sheer.tensor(y), reduction=reduction,
                                    label_smoothing=smoothing)
    theirs = torch.nn.functional.cross_entropy(b.transpose(1, 2), torch.tensor(y),
                                               reduction=reduction, label_smoothing=smoothing)
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-5,
                               atol=1e-6)
    mine.sum().backward()
    theirs.sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.system("Sequence losses (per-step CE with padding mask)")
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_loss_and_gradient_do_not_depend_on_padding(backend: str, figure: Any) -> None:
    found = []
    with sheer.backend(backend):
        for extra in EXTRA:
            x, real = steps(extra, 5)
            scores = sheer.tensor(x, requires_grad=True)
            loss = F.sequence_cross_entropy(scores, sheer.tensor(labels(real)))
            loss.backward()
            found.append((loss.item(), scores.grad.numpy()))
    for loss, gradient in found:
        assert loss == found[0][0]
        np.testing.assert_array_equal(gradient[:, :7], found[0][1])
        assert not gradient[:, 7:].any()
    figure("difference 0 for 0 to 33 steps of padding")


LAYERS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_lengths_do_what_packing_does(name: str, both: bool) -> None:
    layer = LAYERS[name](3, 4, 2, bidirectional=both, batch_first=True)
    x = sheer.tensor(steps(0, 3)[0])
    out, last = layer(x, lengths=sheer.tensor(LENGTHS))
    packed, last_packed = layer(pack_padded_sequence(x, LENGTHS, True, enforce_sorted=False))
    np.testing.assert_array_equal(out.detach().numpy(),
                                  pad_packed_sequence(packed, True)[0].detach().numpy())
    for a, b in zip(parts(last), parts(last_packed), strict=True):
        np.testing.assert_array_equal(a, b)


def parts(state: Any) -> list[np.ndarray]:
    """The tensors of a state, as arrays."""
    given = state if isinstance(state, tuple) else (state,)
    return [s.detach().numpy() for s in given]


@pytest.mark.system("Padding, masking, packing of sequences")
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("form", ["lengths", "packed"])
def test_recurrent_layers_do_not_depend_on_padding(name: str, form: str, figure: Any) -> None:
    layer = LAYERS[name](3, 4, bidirectional=True, batch_first=True)
    found = []
    for extra in EXTRA:
        x = sheer.tensor(steps(extra, 3)[0])
        if form == "lengths":
            out, last = layer(x, lengths=sheer.tensor(LENGTHS))
            assert not out[:, 7:].any().item() if extra else True
        else:
            packed, last = layer(pack_padded_sequence(x, LENGTHS, True, enforce_sorted=False))
            out, _ = pad_packed_sequence(packed, True)
        layer.zero_grad()
        (out[:, :7] * out[:, :7]).sum().backward()
        found.append([out.detach().numpy()[:, :7], *parts(last)])
    for other in found[1:]:
        for a, b in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(a, b)
    figure("outputs and states: difference 0")


@pytest.mark.system("Padding, masking, packing of sequences")
def test_attention_does_not_depend_on_masked_places(figure: Any) -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    query = sheer.tensor(steps(0, 8)[0])
    found = []
    for extra in EXTRA:
        x, real = steps(extra, 8)
        keys = sheer.tensor(x, requires_grad=True)
        out, _ = layer(query, keys, keys, key_padding_mask=~sheer.tensor(real))
        out.sum().backward()
        found.append(out.detach().numpy())
        assert not keys.grad.numpy()[~real].any()            # nothing flows into padding
    worst = max(np.abs(f - found[0]).max() for f in found)
    assert worst < 1e-6                                      # longer sums round otherwise
    figure(f"attention: gradient into padding 0, values differ by {worst:.1g}")


@pytest.mark.parametrize("lengths", [np.array([1, 2]), np.array([1.0, 2, 3, 4])])
def test_lengths_that_do_not_belong_to_the_input_are_refused(lengths: np.ndarray) -> None:
    kind = "float32" if lengths.dtype.kind == "f" else "int64"
    with pytest.raises(SheerError, match="these lengths do not belong to the input"):
        nn.LSTM(3, 4, batch_first=True)(sheer.zeros(4, 7, 3),
                                        lengths=sheer.tensor(lengths, dtype=kind))


def test_scores_and_labels_must_belong_together() -> None:
    with pytest.raises(SheerError) as error:
        F.sequence_cross_entropy(sheer.zeros(2, 5, 3), sheer.zeros(2, 3, dtype=sheer.int64))
    lines = str(error.value).splitlines()
    assert lines[0] == "sequence_cross_entropy: scores and labels do not belong together"
    assert "  need  : input (B, T, K), target (B, T)" in lines
    assert "  try   : input.transpose(1, 2)" in lines
