"""Transformer layers against torch: options, masks, state, several steps of training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from nn_helpers import array, backward, both, close

import sheer
from sheer import nn, optim

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {}, "norm first": {"norm_first": True}, "gelu": {"activation": "gelu"},
    "batch first": {"batch_first": True}, "no bias": {"bias": False},
    "eps": {"layer_norm_eps": 1e-2, "norm_first": True, "batch_first": True},
}
CASES = [("plain", "float32"), *((name, "float64") for name in OPTIONS)]


@pytest.fixture(autouse=True)
def on_the_reference(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the layers mean is asked here, but for a training run on the native backend."""
    native = "steps" in request.node.name
    with sheer.backend("cpu" if native else "reference"):
        yield


def pair(make: Any, dtype: str = "float64") -> tuple[Any, Any]:
    """The same layer from both libraries, with the same weights."""
    torch.manual_seed(0)
    mine, theirs = make(nn).to(dtype), make(torch.nn).to(getattr(torch, dtype))
    for p in theirs.parameters():
        if p.ndim == 1:
            torch.nn.init.normal_(p, 1.0, 0.3)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in mine.named_modules()] == [n for n, _ in theirs.named_modules()]
    mine.load_state_dict(theirs.state_dict())
    return mine, theirs


def compare(mine: Any, theirs: Any, shapes: Any, given: dict[str, Any], dtype: str) -> None:
    """Results and all gradients; masks are arrays."""
    pairs = [both(array(s, dtype, i)) for i, s in enumerate(shapes)]
    ours = {k: sheer.tensor(v, dtype=v.dtype.name) if isinstance(v, np.ndarray) else v
            for k, v in given.items()}
    other = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in given.items()}
    a, b = mine(*(p[0] for p in pairs), **ours), theirs(*(p[1] for p in pairs), **other)
    close(a, b, dtype, "output", 2e-5)
    mine.zero_grad()
    theirs.zero_grad()
    backward(a)
    backward(b)
    sheer.eval(a, [x.grad for x, _ in pairs], [p.grad for p in mine.parameters()])
    for x, y in pairs:
        close(x.grad, y.grad, dtype, "gradient of an input", 1e-4)
    for (key, p), q in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        close(p.grad, q.grad, dtype, f"gradient of {key}", 1e-4)


def triangle(n: int) -> np.ndarray:
    return np.triu(np.ones((n, n), bool), 1)


def padding(batch: int, n: int) -> np.ndarray:
    return np.arange(n) >= np.arange(n - batch + 1, n + 1)[:, None]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_encoder_layer_equals_torch(name: str, dtype: str) -> None:
    make = lambda lib: lib.TransformerEncoderLayer(8, 2, 16, 0.0, **OPTIONS[name])
    mine, theirs = pair(make, dtype)
    shape = (3, 5, 8) if OPTIONS[name].get("batch_first") else (5, 3, 8)
    for given in ({}, {"src_mask": triangle(5)}, {"src_mask": triangle(5), "is_causal": True},
                  {"src_key_padding_mask": padding(3, 5)}):
        compare(mine, theirs, [shape], given, dtype)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_decoder_layer_equals_torch(name: str, dtype: str) -> None:
    make = lambda lib: lib.TransformerDecoderLayer(8, 2, 16, 0.0, **OPTIONS[name])
    mine, theirs = pair(make, dtype)
    shapes = [(5, 3, 8), (7, 3, 8)]
    if OPTIONS[name].get("batch_first"):
        shapes = [(3, 5, 8), (3, 7, 8)]
    for given in ({}, {"tgt_mask": triangle(5), "tgt_is_causal": True},
                  {"memory_mask": np.arange(7) > np.arange(2, 7)[:, None],
                   "tgt_key_padding_mask": padding(3, 5)},
                  {"memory_key_padding_mask": padding(3, 7)}):
        compare(mine, theirs, shapes, given, dtype)


def test_stacks_equal_torch() -> None:
    layer = lambda lib: lib.TransformerEncoderLayer(8, 2, 16, 0.0, norm_first=True)
    compare(*pair(lambda lib: lib.TransformerEncoder(layer(lib), 2, lib.LayerNorm(8),
                                                     enable_nested_tensor=False)),
            [(5, 3, 8)], {"mask": triangle(5), "is_causal": True}, "float64")
    below = lambda lib: lib.TransformerDecoderLayer(8, 2, 16, 0.0)
    compare(*pair(lambda lib: lib.TransformerDecoder(below(lib), 2)),
            [(5, 3, 8), (4, 3, 8)], {"tgt_mask": triangle(5)}, "float64")


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("first", [False, True])
def test_transformer_equals_torch(first: bool) -> None:
    make = lambda lib: lib.Transformer(8, 2, 1, 2, 16, 0.0, "gelu", batch_first=first,
                                       norm_first=first)
    shapes = [(3, 6, 8), (3, 5, 8)] if first else [(6, 3, 8), (5, 3, 8)]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64).numpy()
    compare(*pair(make), shapes, {"tgt_mask": mask}, "float64")
    compare(*pair(make), shapes, {"src_key_padding_mask": padding(3, 6),
                                  "memory_key_padding_mask": padding(3, 6)}, "float64")


def test_the_square_mask_is_torchs() -> None:
    ours = nn.Transformer.generate_square_subsequent_mask(4)
    other = torch.nn.Transformer.generate_square_subsequent_mask(4)
    np.testing.assert_array_equal(ours.numpy(), other.numpy())
    assert ours.dtype == sheer.float32


def test_several_steps_of_training_equal_torch() -> None:
    make = lambda lib: lib.TransformerEncoder(
        lib.TransformerEncoderLayer(16, 4, 32, 0.0, "gelu", batch_first=True, norm_first=True), 2,
        enable_nested_tensor=False)
    mine, theirs = pair(make, "float32")
    ours = optim.SGD(mine.parameters(), lr=0.05, momentum=0.9)
    other = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9)
    mask = triangle(9)
    @sheer.jit
    def step(x, y):
        ours.zero_grad()
        loss = ((mine(x, sheer.tensor(mask), is_causal=True) - y) ** 2).mean()
        loss.backward()
        ours.step()
        return loss
    for n in range(6):
        x, y = array((4, 9, 16), "float32", n), array((4, 9, 16), "float32", n + 10)
        other.zero_grad()
        loss = ((theirs(torch.tensor(x), torch.tensor(mask), is_causal=True)
                 - torch.tensor(y)) ** 2).mean()
        loss.backward()
        other.step()
        found = step(sheer.tensor(x), sheer.tensor(y))
        np.testing.assert_allclose(found.item(), loss.item(), rtol=2e-5)
    for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)


def test_dropout_in_training_only() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.5)
    x = sheer.tensor(array((5, 3, 8), "float32"))
    assert (layer(x).detach().numpy() != layer(x).detach().numpy()).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x).detach().numpy(), layer(x).detach().numpy())


def test_copies_of_a_layer_have_weights_of_their_own() -> None:
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)
    first, second = (layer.linear1.weight for layer in stack.layers)
    assert first is not second
    np.testing.assert_array_equal(first.detach().numpy(), second.detach().numpy())
