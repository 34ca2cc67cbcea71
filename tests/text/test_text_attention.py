"""Rows of the table of systems about attention and transformers, as they are worded there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import sheer
from sheer import nn
from sheer.nn import functional as F

RNG = np.random.default_rng(0)


def both(*shape: int, dtype: str = "float32") -> tuple[Any, Any]:
    """The same numbers in both libraries, asking for gradients."""
    x = np.random.default_rng(shape).normal(size=shape)
    return (sheer.tensor(x, dtype=dtype, requires_grad=True),
            torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True))


def worst(mine: Any, theirs: Any) -> float:
    """The largest difference, relative to the largest number."""
    a, b = mine.detach().numpy(), theirs.detach().numpy()
    return float(np.abs(a - b).max() / np.abs(b).max())


@pytest.mark.system("Attention mechanism (additive, scaled dot-product)")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["plain", "mask", "causal"])
def test_scaled_dot_products_equal_torch(kind: str, dtype: str, figure: Any) -> None:
    pairs = [both(2, 3, 7, 4, dtype=dtype), both(2, 3, 9, 4, dtype=dtype),
             both(2, 3, 9, 5, dtype=dtype)]
    if kind == "causal":
        pairs = [both(2, 3, 7, 4, dtype=dtype), both(2, 3, 7, 4, dtype=dtype),
                 both(2, 3, 7, 5, dtype=dtype)]
    mask = RNG.random((7, 9)) < 0.7
    mask[:, 0] = True
    given = [({"attn_mask": m} if kind == "mask" else {"is_causal": kind == "causal"})
             for m in (sheer.tensor(mask), torch.tensor(mask))]
    mine = F.scaled_dot_product_attention(*(p[0] for p in pairs), **given[0])
    theirs = torch.nn.functional.scaled_dot_product_attention(*(p[1] for p in pairs), **given[1])
    mine.sum().backward()
    theirs.sum().backward()
    found = max(worst(mine, theirs), *(worst(a.grad, b.grad) for a, b in pairs))
    figure(f"scaled dot-product, {dtype}: {found:.1e}")
    assert found < (1e-5 if dtype == "float32" else 1e-10)


@pytest.mark.system("Attention mechanism (additive, scaled dot-product)")
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_causal_mask_leaks_nothing(backend: str, figure: Any) -> None:
    with sheer.backend(backend):
        for t in range(6):
            q, k, v = (both(1, 2, 6, 4)[0] * 1.0 for _ in range(3))
            leaves = [sheer.tensor(x.detach().numpy(), requires_grad=True) for x in (q, k, v)]
            F.scaled_dot_product_attention(*leaves, is_causal=True)[:, :, t].sum().backward()
            for x in leaves:
                assert not x.grad.numpy()[:, :, t + 1:].any()
    figure("causal mask: gradient to later places exactly 0")


@pytest.mark.system("Multi-head attention, positional encoding")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_heads_equal_torch(dtype: str, figure: Any) -> None:
    mine, theirs = (lib.MultiheadAttention(12, 3, batch_first=True) for lib in (nn, torch.nn))
    mine, theirs = mine.to(dtype), theirs.to(getattr(torch, dtype))
    mine.load_state_dict({k: sheer.tensor(v.numpy(), dtype=dtype)
                          for k, v in theirs.state_dict().items()})
    pairs = [both(2, 5, 12, dtype=dtype), both(2, 7, 12, dtype=dtype), both(2, 7, 12, dtype=dtype)]
    out, weights = mine(*(p[0] for p in pairs))
    wanted, wanted_weights = theirs(*(p[1] for p in pairs))
    (out * out).sum().backward()
    (wanted * wanted).sum().backward()
    grads = [(p.grad, q.grad) for p, q in zip(mine.parameters(), theirs.parameters(), strict=True)]
    grads += [(a.grad, b.grad) for a, b in pairs]
    # the bias of the keys moves every score of a query alike: its gradient is 0 up to rounding
    grads = [(a, b) for a, b in grads if b.shape != (36,)]
    found = max(worst(out, wanted), worst(weights, wanted_weights), *(worst(*g) for g in grads))
    figure(f"multi-head attention, {dtype}: {found:.1e}")
    assert found < (1e-5 if dtype == "float32" else 1e-10)
    np.testing.assert_allclose(mine.in_proj_bias.grad.numpy(), theirs.in_proj_bias.grad.numpy(),
                               rtol=1e-4, atol=1e-5)


@pytest.mark.system("Multi-head attention, positional encoding")
def test_only_positions_tell_the_order(figure: Any) -> None:
    from sheer.models import PositionalEncoding
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).double().eval()
    places = PositionalEncoding(8).double()
    x = sheer.tensor(RNG.normal(size=(2, 6, 8)), dtype="float64")
    order = RNG.permutation(6)
    mixed = lambda f: (f(x)[:, order] - f(x[:, order])).abs().max().item()
    without, with_places = mixed(layer), mixed(lambda x: layer(places(x)))
    figure(f"reordered inputs: {without:.0e} without positions, {with_places:.1f} with them")
    assert without < 1e-12
    assert with_places > 0.1


@pytest.mark.system("Transformer (encoder, decoder)")
def test_the_default_transformer_has_the_parameters_of_torch(figure: Any) -> None:
    model = nn.Transformer()
    count = sum(p.numel() for p in model.parameters())
    figure(f"{count:,} parameters")
    assert count == 44_140_544


@pytest.mark.system("Transformer (encoder, decoder)")
def test_encoder_and_decoder_equal_torch(figure: Any) -> None:
    settings: dict[str, Any] = {"dropout": 0.0, "batch_first": True}
    mine, theirs = (lib.Transformer(8, 2, 2, 2, 16, **settings) for lib in (nn, torch.nn))
    mine, theirs = mine.double(), theirs.double()
    mine.load_state_dict({k: sheer.tensor(v.numpy(), dtype="float64")
                          for k, v in theirs.state_dict().items()})
    source, target = both(2, 5, 8, dtype="float64"), both(2, 6, 8, dtype="float64")
    ahead = [lib.Transformer.generate_square_subsequent_mask(6) for lib in (nn, torch.nn)]
    blank = np.arange(5) >= np.array([[5], [3]])
    out = mine(source[0], target[0], tgt_mask=ahead[0].double(),
               src_key_padding_mask=sheer.tensor(blank),
               memory_key_padding_mask=sheer.tensor(blank))
    wanted = theirs(source[1], target[1], tgt_mask=ahead[1].double(),
                    src_key_padding_mask=torch.tensor(blank),
                    memory_key_padding_mask=torch.tensor(blank))
    found, ct = worst(out, wanted), both(2, 6, 8, dtype="float64")
    (out * ct[0].detach()).sum().backward()
    (wanted * ct[1].detach()).sum().backward()
    found = max(found, worst(source[0].grad, source[1].grad), worst(target[0].grad, target[1].grad))
    figure(f"outputs and gradients within {found:.1e} of torch, float64")
    assert found < 1e-10
