"""Attention against torch: every option forward and backward, masks of all kinds, dropout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from nn_helpers import array, backward, both, close
from nn_texts import says

import sheer
from sheer import nn
from sheer.nn import functional as F

DTYPES = ["float32", "float64"]


@pytest.fixture(autouse=True)
def on_the_reference() -> Iterator[None]:
    """What the layers mean is asked here; what the compiler makes of it, in tests/attention."""
    with sheer.backend("reference"):
        yield


def masks(shape: tuple[int, ...], kind: str, dtype: str) -> tuple[Any, Any]:
    """A mask for both libraries: none, bool or float with some -inf; the diagonal stays open."""
    if kind == "none":
        return None, None
    keep = np.random.default_rng(7).random(shape) < 0.6
    np.einsum("...ii->...i", keep[..., :min(shape[-2:]), :min(shape[-2:])])[...] = True
    if kind == "bool":
        return sheer.tensor(keep), torch.tensor(keep)
    values = np.where(keep, array(shape, dtype), -np.inf).astype(dtype)
    return sheer.tensor(values, dtype=dtype), torch.tensor(values)


SHAPES = {
    "plain": ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)),
    "square": ((2, 3, 6, 4), (2, 3, 6, 4), (2, 3, 6, 4)),
    "no batch": ((5, 4), (7, 4), (7, 4)),
    "one query": ((2, 1, 1, 4), (2, 1, 9, 4), (2, 1, 9, 4)),
    "one key": ((2, 2, 3, 4), (2, 2, 1, 4), (2, 2, 1, 4)),
    "spread": ((2, 3, 5, 4), (1, 3, 7, 4), (3, 7, 4)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["none", "bool", "float", "causal"])
@pytest.mark.parametrize("name", SHAPES)
def test_attention_equals_torch(name: str, kind: str, dtype: str) -> None:
    pairs = [both(array(s, dtype, i)) for i, s in enumerate(SHAPES[name])]
    length, size = pairs[0][1].shape[-2], pairs[1][1].shape[-2]
    mine, theirs = masks((length, size), "none" if kind == "causal" else kind, dtype)
    causal = kind == "causal"
    a = F.scaled_dot_product_attention(*(p[0] for p in pairs), mine, is_causal=causal, scale=0.7)
    b = torch.nn.functional.scaled_dot_product_attention(*(p[1] for p in pairs), theirs,
                                                         is_causal=causal, scale=0.7)
    close(a, b, dtype, "output")
    backward(a)
    backward(b)
    for (x, y), what in zip(pairs, "qkv", strict=True):
        close(x.grad, y.grad, dtype, f"gradient of {what}")


@pytest.mark.parametrize("kind", ["bool", "float"])
@pytest.mark.parametrize("shape", [(2, 1, 5, 7), (2, 3, 5, 7), (3, 1, 1)])
def test_masks_of_every_shape_broadcast(shape: tuple[int, ...], kind: str) -> None:
    pairs = [both(array(s, "float64", i)) for i, s in enumerate(SHAPES["plain"])]
    mine, theirs = masks(shape, kind, "float64")
    if shape[-1] == 1:
        mine, theirs = mine | True if kind == "bool" else mine * 0 + 1, None
    out = F.scaled_dot_product_attention(*(p[0] for p in pairs), mine)
    other = torch.nn.functional.scaled_dot_product_attention(*(p[1] for p in pairs), theirs)
    close(out, other, "float64")


def test_a_float_mask_gets_its_gradient() -> None:
    pairs = [both(array(s, "float64", i)) for i, s in enumerate((*SHAPES["plain"], (5, 7)))]
    backward(F.scaled_dot_product_attention(*(p[0] for p in pairs)))
    backward(torch.nn.functional.scaled_dot_product_attention(*(p[1] for p in pairs)))
    close(pairs[3][0].grad, pairs[3][1].grad, "float64")


@pytest.mark.parametrize("heads", [(4, 2), (6, 1), (3, 3)])
def test_grouped_heads_equal_torch(heads: tuple[int, int]) -> None:
    shapes = (2, heads[0], 5, 4), (2, heads[1], 7, 4), (2, heads[1], 7, 4)
    pairs = [both(array(s, "float64", i)) for i, s in enumerate(shapes)]
    out = F.scaled_dot_product_attention(*(p[0] for p in pairs), enable_gqa=True)
    other = torch.nn.functional.scaled_dot_product_attention(*(p[1] for p in pairs),
                                                             enable_gqa=True)
    close(out, other, "float64")
    backward(out)
    backward(other)
    for a, b in pairs:
        close(a.grad, b.grad, "float64")


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_row_masked_throughout_gives_zeros(kind: str) -> None:
    q, k, v = (both(array((1, 2, 3, 4), "float32", i))[0] for i in range(3))
    keep = np.ones((3, 3), bool)
    keep[1] = False
    mask = sheer.tensor(keep if kind == "bool" else np.where(keep, 0, -np.inf).astype("float32"))
    out = F.scaled_dot_product_attention(q, k, v, mask)
    assert (out.detach().numpy()[:, :, 1] == 0).all()
    out.sum().backward()
    assert all(np.isfinite(t.grad.numpy()).all() for t in (q, k, v))
    assert (q.grad.numpy()[:, :, 1] == 0).all()


def test_nothing_to_look_at_gives_zeros() -> None:
    q, k, v = sheer.ones(2, 3, 4), sheer.ones(2, 0, 4), sheer.ones(2, 0, 5)
    out = F.scaled_dot_product_attention(q, k, v, sheer.ones(3, 0, dtype="bool"))
    np.testing.assert_array_equal(out.numpy(), np.zeros((2, 3, 5)))


def test_scores_of_any_size_stay_finite() -> None:
    q, k, v = (both(array((2, 8, 4), "float32", i))[0] for i in range(3))
    out = F.scaled_dot_product_attention(q * 1e4, k * 1e4, v, is_causal=True)
    assert np.isfinite(out.detach().numpy()).all()


def test_dropout_keeps_the_mean_and_is_the_same_in_both_passes() -> None:
    q, k = sheer.zeros(1, 64, 4), sheer.zeros(1, 256, 4)
    v = sheer.ones(1, 256, 8, requires_grad=True)
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.25)
    kept = out.detach().numpy()
    assert abs(kept.mean() - 1) < 0.02
    assert kept.std() > 0.01
    out.sum().backward()
    assert math.isclose(float(v.grad.numpy().sum()), float(kept.sum()), rel_tol=1e-4)
    np.testing.assert_array_equal(
        F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).detach().numpy(), 0)


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {}, "no bias": {"bias": False}, "learned place": {"add_bias_kv": True},
    "place of zeros": {"add_zero_attn": True},
    "both places": {"add_bias_kv": True, "add_zero_attn": True},
    "widths": {"kdim": 5, "vdim": 3}, "one width": {"kdim": 5},
    "batch first": {"batch_first": True},
}


def layers(options: dict[str, Any], dtype: str) -> tuple[Any, Any]:
    torch.manual_seed(0)
    mine = nn.MultiheadAttention(8, 2, **options).to(dtype)
    theirs = torch.nn.MultiheadAttention(8, 2, **options).to(getattr(torch, dtype))
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.5)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict(theirs.state_dict())
    return mine, theirs


MASKS = ["none", "bool", "float", "heads", "padding", "both", "causal"]
MIXED = [(name, mask, "float64") for name in OPTIONS
         for mask in (MASKS if name in ("plain", "both places") else ["none", "both"])]


@pytest.mark.parametrize(("name", "mask", "dtype"), [*MIXED, ("plain", "both", "float32")])
def test_multihead_attention_equals_torch(name: str, mask: str, dtype: str) -> None:
    options = OPTIONS[name]
    mine, theirs = layers(options, dtype)
    shape = lambda n, width: (3, n, width) if options.get("batch_first") else (n, 3, width)
    length, size = (5, 5) if mask == "causal" else (5, 6)
    specs = (shape(length, 8), shape(size, options.get("kdim", 8)),
             shape(size, options.get("vdim", 8)))
    given: dict[str, tuple[Any, Any]] = {}
    opposite = lambda pair: tuple(~m if str(m.dtype).endswith("bool") else m for m in pair)
    if mask in ("bool", "float", "both", "causal"):
        kind = "bool" if mask != "float" else "float"
        given["attn_mask"] = opposite(masks((length, size), kind, dtype))
    if mask == "causal":
        triangle = np.triu(np.ones((length, size), bool), 1)
        given["attn_mask"] = sheer.tensor(triangle), torch.tensor(triangle)
    if mask == "heads":
        given["attn_mask"] = opposite(masks((6, length, size), "bool", dtype))
    if mask in ("padding", "both"):
        padded = np.arange(size) >= np.array([[size], [4], [5]])
        given["key_padding_mask"] = sheer.tensor(padded), torch.tensor(padded)
        if mask == "both":
            given["attn_mask"] = tuple(m & False for m in given["attn_mask"])
    for wants in (False, True) if mask != "none" else (True, "each head"):
        pairs = [both(array(s, dtype, i)) for i, s in enumerate(specs)]
        more = {"need_weights": bool(wants), "average_attn_weights": wants is True,
                "is_causal": mask == "causal"}
        a, w = mine(*(p[0] for p in pairs), **{k: v[0] for k, v in given.items()}, **more)
        b, x = theirs(*(p[1] for p in pairs), **{k: v[1] for k, v in given.items()}, **more)
        close(a, b, dtype, "output")
        assert (w is None) == (x is None) == (not wants)
        if wants:
            close(w, x, dtype, "weights")
        mine.zero_grad()
        theirs.zero_grad()
        backward(a)
        backward(b)
        sheer.eval(a, [p.grad for p, _ in pairs], [p.grad for p in mine.parameters()])
        for (p, q), what in zip(pairs, "qkv", strict=True):
            close(p.grad, q.grad, dtype, f"gradient of {what}", 1e-4)
        for (key, p), q in zip(mine.named_parameters(), theirs.parameters(), strict=True):
            close(p.grad, q.grad, dtype, f"gradient of {key}", 1e-4)


def test_attention_to_itself_is_one_product() -> None:
    mine, theirs = layers({}, "float64")
    a, b = both(array((5, 3, 8), "float64"))
    close(mine(a, a, a)[0], theirs(b, b, b)[0], "float64")
    a, b = both(array((5, 8), "float64"))
    for y, z in zip(mine(a, a, a), theirs(b, b, b), strict=True):
        close(y, z, "float64")
    padded = np.array([False, False, True, False, True])
    close(mine(a, a, a, sheer.tensor(padded))[0], theirs(b, b, b, torch.tensor(padded))[0],
          "float64")


def test_a_row_masked_throughout_is_nan_only_with_weights() -> None:
    mine, theirs = layers({}, "float32")
    a, b = both(array((4, 1, 8), "float32"))
    mask = np.zeros((4, 4), bool)
    mask[2] = True
    for wants in (True, False):
        y = mine(a, a, a, attn_mask=sheer.tensor(mask), need_weights=wants)[0]
        z = theirs(b, b, b, attn_mask=torch.tensor(mask), need_weights=wants)[0]
        np.testing.assert_array_equal(np.isnan(y.detach().numpy()), np.isnan(z.detach().numpy()))


def test_initial_values_are_drawn_as_in_torch() -> None:
    mine = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    theirs = torch.nn.MultiheadAttention(64, 4, add_bias_kv=True)
    for (name, p), q in zip(mine.named_parameters(), theirs.named_parameters(), strict=True):
        a, b = p.detach().numpy(), q[1].detach().numpy()
        assert (name, a.shape) == (q[0], b.shape)
        assert abs(a.std() - b.std()) <= 0.5 * b.std() + 1e-12, name
        assert abs(np.abs(a).max() - np.abs(b).max()) <= 0.5 * np.abs(b).max() + 1e-12, name


def test_dropout_of_weights_only_in_training() -> None:
    layer = nn.MultiheadAttention(8, 2, dropout=0.5)
    x = sheer.tensor(array((16, 2, 8), "float32"), dtype="float32")
    weights = layer(x, x, x)[1].detach().numpy()
    assert 0.05 < (weights == 0).mean() < 0.5            # zero in both heads: a quarter
    layer.eval()
    assert (layer(x, x, x)[1].detach().numpy() > 0).all()


def test_wrong_use_says_what_to_try() -> None:
    x, deep = sheer.ones(2, 4, 5, 8), sheer.ones(2, 2, 5, 8)
    attend = F.scaled_dot_product_attention
    says("query and key differ in width, 8 and 6", lambda: attend(x, sheer.ones(2, 4, 5, 6), x))
    says("5 keys but 3 values", lambda: attend(x, x, sheer.ones(2, 4, 3, 8)))
    says("  try  : enable_gqa=True", lambda: attend(x, deep, deep))
    says("an attn_mask beside is_causal", lambda: attend(x, x, x, sheer.ones(5, 5), is_causal=True))
    says("attn_mask is int64", lambda: attend(x, x, x, sheer.ones(5, 5, dtype="int64")))
    says("p = 20 is no probability", lambda: attend(x, x, x, dropout_p=20))
    says("  try  : num_heads=2", lambda: nn.MultiheadAttention(10, 4))
    says("  try  : num_heads=3", lambda: nn.TransformerEncoderLayer(9, 8))


def test_wrong_inputs_of_the_layer_say_what_to_try() -> None:
    layer, x = nn.MultiheadAttention(8, 2), sheer.ones(5, 3, 8)
    says("query is 6 wide, embed_dim is 8", lambda: layer(x[..., :6], x, x))
    says("  try  : kdim=6", lambda: layer(x, x[..., :6], x))
    says("neither two nor three", lambda: layer(x[0, 0], x, x))
    says("  try  : batch_first=True", lambda: layer(sheer.ones(3, 5, 8), sheer.ones(3, 4, 8),
                                                    sheer.ones(3, 4, 8)))
    says("key_padding_mask has shape (5, 3), the scores need (3, 5)",
         lambda: layer(x, x, x, sheer.ones(5, 3, dtype="bool")))
    says("  try             : key_padding_mask.mT",
         lambda: layer(x, x, x, sheer.ones(5, 3, dtype="bool")))
    says("attn_mask has shape (4, 5)", lambda: layer(x, x, x, attn_mask=sheer.ones(4, 5)))
    says("is_causal=True without attn_mask", lambda: layer(x, x, x, is_causal=True))
    says("activation='gleu' is unknown",
         lambda: nn.TransformerEncoderLayer(8, 2, activation="gleu"))
    says("src does not end in d_model", lambda: nn.Transformer(8, 2, 1, 1, 16)(x[..., :6], x))
