"""The neural Turing machine against the equations of its paper, written out in NumPy, and torch."""

from __future__ import annotations

import numpy as np
import torch

import sheer
from sheer.models import NeuralTuringMachine
from sheer.models.ntm import EMPTY, Addressing, address

sigmoid = lambda z: 1 / (1 + np.exp(-z))
softplus = lambda z: np.log1p(np.exp(z))
softmax = lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def by_hand(memory, before, key, strength, gate, shift, sharpness):
    """Equations 5 to 9, one row, slot by slot."""
    n = len(memory)
    like = np.array([key @ m / (np.linalg.norm(key) * np.linalg.norm(m)) for m in memory])
    content = softmax(strength * like)
    mixed = gate * content + (1 - gate) * before
    shifted = np.array([sum(mixed[j] * shift[(i - j + 1) % n] for j in range(n)
                            if (i - j + 1) % n < 3) for i in range(n)])
    return shifted**sharpness / (shifted**sharpness).sum()


def test_addressing_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    memory, before = rng.normal(size=(2, 5, 3)), softmax(rng.normal(size=(2, 5)))
    parts = (rng.normal(size=(2, 3)), rng.uniform(0, 5, (2, 1)), rng.uniform(size=(2, 1)),
             softmax(rng.normal(size=(2, 3))), rng.uniform(1, 4, (2, 1)))
    f64 = lambda a: sheer.tensor(a, dtype="float64")
    found = address(f64(memory), f64(before), Addressing(*map(f64, parts))).numpy()
    for row in range(2):
        key, (strength,), (gate,), shift, (sharpness,) = (p[row] for p in parts)
        np.testing.assert_allclose(found[row], by_hand(memory[row], before[row], key, strength,
                                                       gate, shift, sharpness), rtol=1e-6)


def reference(model: NeuralTuringMachine, x: np.ndarray) -> np.ndarray:
    """All steps of one sequence with torch's LSTM cell and the loops of the paper."""
    weight = {k: v.numpy().astype(np.float64) for k, v in model.state_dict().items()}
    linear = lambda name, z: weight[f"{name}.weight"] @ z + weight[f"{name}.bias"]
    cell = torch.nn.LSTMCell(model.inputs + model.width, model.hidden).double()
    cell.load_state_dict({k.removeprefix("controller."): torch.tensor(v)
                          for k, v in weight.items() if k.startswith("controller.")})
    m, (h, c) = model.width, torch.zeros(2, 1, model.hidden).double()
    memory = np.full((model.slots, m), EMPTY)
    writing = reading = np.eye(model.slots)[0]
    read, outputs = weight["read"], []
    head = lambda said, before: by_hand(
        memory, before, np.tanh(said[:m]), softplus(said[m]), sigmoid(said[m + 1]),
        softmax(said[m + 2:m + 5]), 1 + softplus(said[m + 5]))
    for step in x:
        h, c = cell(torch.tensor(np.concatenate([step, read]))[None], (h, c))
        state = h.detach().numpy()[0]
        said = linear("writer", state)
        writing = head(said, writing)
        erase, add = sigmoid(said[m + 6:2 * m + 6]), np.tanh(said[2 * m + 6:])
        memory = memory * (1 - np.outer(writing, erase)) + np.outer(writing, add)
        reading = head(linear("reader", state), reading)
        read = reading @ memory
        outputs.append(linear("out", np.concatenate([state, read])))
    return np.array(outputs)


def test_a_sequence_is_read_and_written_as_the_paper_says():
    sheer.manual_seed(0)
    model = NeuralTuringMachine(3, 2, hidden=7, slots=6, width=4)
    x = np.random.default_rng(1).normal(size=(2, 9, 3)).astype(np.float32)
    found = model(sheer.tensor(x)).detach().numpy()
    for row in range(2):
        np.testing.assert_allclose(found[row], reference(model, x[row]), rtol=1e-4, atol=1e-5)


def test_gradients_reach_every_weight_and_memory_may_grow():
    model = NeuralTuringMachine(3, 2, hidden=7, slots=6, width=4)
    model(sheer.randn(2, 5, 3)).square().sum().backward()
    for name, p in model.named_parameters():
        assert np.isfinite(p.grad.numpy()).all(), name
        assert np.any(p.grad.numpy()), name
    model.slots = 50
    assert model(sheer.randn(2, 5, 3)).shape == (2, 5, 2)
