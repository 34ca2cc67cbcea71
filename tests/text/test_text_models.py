"""Models of text: parity with the same networks in torch, masks, generation, formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as TF

import sheer
from sheer import nn
from sheer.models import (
    GPT,
    AdditiveAttention,
    BiLSTMTagger,
    Captioner,
    GPTConfig,
    MemN2N,
    PositionalEncoding,
    Seq2Seq,
    TextCNN,
    Translator,
)
from sheer.recipes import RECIPES
from sheer.recipes.characters import CharLSTM, sample

RNG = np.random.default_rng(0)


def whole(*shape: int, low: int = 1, high: int = 9) -> Any:
    return sheer.tensor(np.random.default_rng(shape).integers(low, high, shape))


def padded(x: Any, extra: int) -> Any:
    """The same tokens with zeros behind them."""
    return sheer.tensor(np.pad(x.numpy(), [(0, 0), (0, extra)] + [(0, 0)] * (x.ndim - 2)))


# ---- GPT -----------------------------------------------------------------------------------------

class TorchGPT(torch.nn.Module):
    """The function of the paper on a state dict with nanoGPT's names."""

    def __init__(self, state: dict[str, torch.Tensor], layers: int, heads: int) -> None:
        super().__init__()
        self.state = {k: torch.nn.Parameter(v) for k, v in state.items()}
        self.layers, self.heads = layers, heads

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        s, c = self.state, self.state["transformer.wte.weight"].shape[1]
        norm = lambda name, x: TF.layer_norm(x, (c,), s[name + ".weight"], s[name + ".bias"])
        line = lambda name, x: TF.linear(x, s[name + ".weight"], s[name + ".bias"])
        x = s["transformer.wte.weight"][index] + s["transformer.wpe.weight"][:index.shape[1]]
        for i in range(self.layers):
            h = f"transformer.h.{i}."
            parts = line(h + "attn.c_attn", norm(h + "ln_1", x)).chunk(3, -1)
            q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
            y = TF.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + line(h + "attn.c_proj", y.transpose(1, 2).flatten(2))
            wide = TF.gelu(line(h + "mlp.c_fc", norm(h + "ln_2", x)), approximate="tanh")
            x = x + line(h + "mlp.c_proj", wide)
        return norm("transformer.ln_f", x) @ s["transformer.wte.weight"].T


def test_gpt_equals_torch_with_the_same_weights():
    config = GPTConfig(11, 6, 2, 2, 8, dropout=0.0)
    mine = GPT(config)
    values = {k: RNG.normal(size=v.shape).astype(np.float32) * 0.5
              for k, v in mine.state_dict().items()}
    values["lm_head.weight"] = values["transformer.wte.weight"]
    mine.load_state_dict({k: sheer.tensor(v) for k, v in values.items()})
    theirs = TorchGPT({k: torch.tensor(v) for k, v in values.items()}, 2, 2)
    index = RNG.integers(0, 11, (3, 6))
    a, b = mine(sheer.tensor(index)), theirs(torch.tensor(index))
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=2e-4, atol=2e-4)
    nn.functional.sequence_cross_entropy(a, sheer.tensor(index)).backward()
    TF.cross_entropy(b.transpose(1, 2), torch.tensor(index)).backward()
    for name, p in mine.named_parameters():
        np.testing.assert_allclose(p.grad.numpy(), theirs.state[name].grad.numpy(), rtol=2e-3,
                                   atol=1e-5, err_msg=name)


def test_gpt_has_one_table_for_reading_and_writing_and_small_projections():
    model = GPT(GPTConfig(50, 8, 8, 2, 64))
    assert model.lm_head.weight is model.transformer["wte"].weight
    sizes = {name: float(p.std()) for name, p in model.named_parameters() if p.ndim > 1}
    assert sizes["transformer.h.0.attn.c_attn.weight"] == pytest.approx(0.02, rel=0.05)
    assert sizes["transformer.h.0.attn.c_proj.weight"] == pytest.approx(0.005, rel=0.05)
    wanted = 50 * 64 + 8 * 64 + 8 * (12 * 64**2 + 13 * 64) + 2 * 64
    assert sum(p.numel() for p in model.parameters()) == wanted


class Letters:
    """A codec of the letters a to g."""

    def encode(self, text: str) -> list[int]: return ["abcdefg".index(c) for c in text]
    def decode(self, numbers: Any) -> str: return "".join("abcdefg"[int(n)] for n in numbers)


@pytest.mark.system("Text generation")
@pytest.mark.parametrize("make", [lambda: GPT(GPTConfig(7, 8, 1, 2, 8)),
                                  lambda: CharLSTM(7, 4, 8)], ids=["gpt", "lstm"])
def test_sampling_is_reproducible_by_seed_and_follows_the_temperature(make):
    sheer.manual_seed(0)
    model = make()
    drawn = lambda temperature, seed: sample(model, Letters(), "abc", 30, temperature, seed)
    assert drawn(1.0, 3) == drawn(1.0, 3)
    assert drawn(1.0, 3) != drawn(1.0, 4)
    assert drawn(0, 3) == drawn(0, 4) == drawn(1e-4, 5)
    tokens = Letters().encode("abc")
    for _ in range(30):                                      # what temperature 0 means
        seen = tokens[-8:] if isinstance(model, GPT) else tokens
        tokens.append(int(model(sheer.tensor([seen])).detach().numpy()[0, -1].argmax()))
    assert drawn(0, 3) == Letters().decode(tokens)


@pytest.mark.system("Text generation")
def test_tokens_are_drawn_as_often_as_softmax_says():
    from sheer.models.gpt import drawn
    scores = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    for temperature in (1.0, 0.5):
        sheer.manual_seed(0)
        tokens = drawn(sheer.tensor(np.tile(scores, (4000, 1))), temperature).numpy()
        shares = np.exp(scores / temperature) / np.exp(scores / temperature).sum()
        found = np.bincount(tokens, minlength=4) / 4000
        np.testing.assert_allclose(found, shares, atol=4 * np.sqrt(0.25 / 4000))


# ---- classes and tags ----------------------------------------------------------------------------

def test_textcnn_is_the_formula_of_the_paper():
    model = TextCNN(9, 3, 4, 5, (2, 3)).eval()
    x = whole(2, 7)
    words = torch.tensor(model.embedding.weight.numpy())[torch.tensor(x.numpy())].transpose(1, 2)
    found = []
    for conv in model.convs:
        n = conv.kernel_size[0]
        values = TF.conv1d(words, torch.tensor(conv.weight.numpy()),
                           torch.tensor(conv.bias.numpy()), padding=n - 1)
        found.append(TF.relu(values).amax(2))
    wanted = TF.linear(torch.cat(found, 1), torch.tensor(model.fc.weight.numpy()),
                       torch.tensor(model.fc.bias.numpy()))
    np.testing.assert_allclose(model(x).detach().numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)
    assert not model.embedding.weight.numpy()[0].any()


@pytest.mark.parametrize(("make", "x"), [
    (lambda: TextCNN(9, 3, 4, 5), whole(2, 7)),
    (lambda: BiLSTMTagger([(9, 4), (9, 2)], 5, 3), whole(2, 7, 2))], ids=["cnn", "tagger"])
@pytest.mark.system("Padding, masking, packing of sequences")
def test_scores_of_words_do_not_depend_on_padding(make, x):
    model = make().eval()
    first = model(x).detach().numpy()
    for extra in (1, 9):
        more = model(padded(x, extra)).detach().numpy()
        np.testing.assert_array_equal(more[:, :7] if first.ndim == 3 else more, first)


# ---- encoder and decoder -------------------------------------------------------------------------

@pytest.mark.system("Attention mechanism (additive, scaled dot-product)")
def test_additive_attention_is_the_formula_of_the_paper(figure):
    layer = AdditiveAttention(4, 6, 5)
    query, values = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 7, 6))
    mask = np.arange(7) < np.array([[7], [2], [4]])
    w, u, v = (layer.query.weight.numpy(), layer.key.weight.numpy(), layer.score.weight.numpy()[0])
    scores = np.einsum("bsw,w->bs", np.tanh((query @ w.T)[:, None] + values @ u.T), v)
    shares = np.where(mask, np.exp(scores), 0)
    shares /= shares.sum(1, keepdims=True)
    held = sheer.tensor(values, dtype="float32", requires_grad=True)
    mixed, weights = layer(sheer.tensor(query, dtype="float32"), held, layer.key(held),
                           sheer.tensor(mask))
    np.testing.assert_allclose(weights.detach().numpy(), shares, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(mixed.detach().numpy(), np.einsum("bs,bsd->bd", shares, values),
                               rtol=1e-5, atol=1e-6)
    mixed.sum().backward()
    assert not held.grad.numpy()[~mask].any()                # what is masked has no influence
    figure("additive attention: 1e-5 of the formula, masked places have gradient 0")


@pytest.mark.parametrize("make", [lambda: Seq2Seq(9, 9, 4, 6), lambda: Translator(9, 8, 2, 1, 16)],
                         ids=["lstm", "transformer"])
@pytest.mark.system("Padding, masking, packing of sequences")
def test_translations_do_not_depend_on_padding(make):
    model = make().eval()
    source, target = whole(2, 5), whole(2, 6)
    first = model(source, target).detach().numpy()
    for extra in (1, 8):
        more = model((padded(source, extra), padded(target, extra))).detach().numpy()[:, :6]
        np.testing.assert_allclose(more, first, rtol=1e-5, atol=2e-6)
        np.testing.assert_array_equal(model.generate(padded(source, extra), 1, 4).numpy(),
                                      model.generate(source, 1, 4).numpy())


@pytest.mark.parametrize("make", [lambda: Seq2Seq(9, 9, 4, 6), lambda: Translator(9, 8, 2, 1, 16)],
                         ids=["lstm", "transformer"])
def test_generation_takes_the_best_token_again_and_again(make):
    sheer.manual_seed(3)
    model = make().eval()
    for p in model.parameters():                             # far from uniform scores
        with sheer.no_grad():
            p.mul_(3.0)
    source = whole(4, 5)
    tokens = np.full((4, 1), 1)
    for _ in range(6):
        scores = model(source, sheer.tensor(tokens)).detach().numpy()[:, -1]
        tokens = np.concatenate([tokens, scores.argmax(1)[:, None]], 1)
    np.testing.assert_array_equal(model.generate(source, 1, 6).numpy(), tokens[:, 1:])


@pytest.mark.parametrize("make", [lambda: Seq2Seq(9, 9, 4, 6), lambda: Translator(9, 8, 2, 1, 16)],
                         ids=["lstm", "transformer"])
def test_no_score_knows_the_tokens_that_follow(make):
    model = make().eval()
    source, target = whole(2, 5), whole(2, 6)
    changed = target.numpy().copy()
    changed[:, 4:] = changed[:, 4:] % 8 + 1
    first, other = (model(source, sheer.tensor(t)).detach().numpy()
                    for t in (target.numpy(), changed))
    np.testing.assert_array_equal(first[:, :4], other[:, :4])
    assert (first[:, 4:] != other[:, 4:]).any()


def test_places_have_the_waves_of_the_paper():
    table = PositionalEncoding(6, 50)(sheer.zeros(1, 50, 6)).numpy()[0]
    for t in (0, 1, 49):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            assert table[t, 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[t, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_seq2seq_shows_what_it_looks_at():
    model = Seq2Seq(9, 9, 4, 6).eval()
    source = padded(whole(2, 5), 3)
    tokens, weights = model.attended(source, 1, 4)
    assert weights.shape == (2, 4, 8)
    np.testing.assert_allclose(weights.detach().numpy().sum(2), 1, rtol=1e-5)
    assert not weights.detach().numpy()[:, :, 5:].any()
    assert tokens.shape == (2, 4)


def test_a_captioner_writes_about_an_image_what_it_scores_best():
    sheer.manual_seed(3)
    model = Captioner(9, 4, 6, (8, 12)).eval()
    image = sheer.tensor(RNG.normal(size=(2, 3, 8, 12)).astype(np.float32))
    tokens = np.full((2, 1), 1)
    for _ in range(5):
        scores = model(image, sheer.tensor(tokens)).detach().numpy()[:, -1]
        tokens = np.concatenate([tokens, scores.argmax(1)[:, None]], 1)
    written, weights = model.attended(image, 1, 5)
    np.testing.assert_array_equal(written.numpy(), tokens[:, 1:])
    assert weights.shape == (2, 5, 6)                        # 2 x 3 places
    np.testing.assert_allclose(weights.detach().numpy().sum(2), 1, rtol=1e-5)


@pytest.mark.system("One-to-many, many-to-one, many-to-many arrangements")
def test_sequences_come_in_every_arrangement(figure):
    image = sheer.zeros(2, 3, 24, 24)
    assert {"sentiment-lstm", "captions", "ner-bilstm"} <= set(RECIPES)
    assert TextCNN(9, 3, 4, 5)(whole(2, 7)).shape == (2, 3)                      # many to one
    assert Captioner(9, 4, 6, (24, 24)).generate(image, 1, 5).shape == (2, 5)    # one to many
    assert BiLSTMTagger([(9, 4)], 5, 3)(whole(2, 7, 1)).shape == (2, 7, 3)       # many to many
    assert Seq2Seq(9, 9, 4, 6).generate(whole(2, 7), 1, 5).shape == (2, 5)       # of another length
    figure("sentiment-*: many to one; captions: one to many; ner-bilstm, translate-*: many to many")


# ---- memory networks -----------------------------------------------------------------------------

def test_memn2n_is_the_formula_of_the_paper():
    model = MemN2N(9, 4, 2, 5, 3)
    story, question = whole(2, 5, 3), whole(2, 3)
    words = [t.weight.numpy() for t in model.words]
    times = [t.weight.numpy() for t in model.times]
    order = np.array([[(1 - j / 3) - (k / 4) * (1 - 2 * j / 3) for k in range(1, 5)]
                      for j in range(1, 4)])
    age = np.arange(5)[::-1]
    u = (words[0][question.numpy()] * order).sum(1)
    for hop in range(2):
        m = (words[hop][story.numpy()] * order).sum(2) + times[hop][age]
        c = (words[hop + 1][story.numpy()] * order).sum(2) + times[hop + 1][age]
        p = np.exp(np.einsum("bsd,bd->bs", m, u))
        u = u + np.einsum("bs,bsd->bd", p / p.sum(1, keepdims=True), c)
    np.testing.assert_allclose(model(story, question).detach().numpy(), u @ words[2].T, rtol=1e-4,
                               atol=1e-6)


def test_memn2n_does_not_depend_on_empty_sentences():
    story, question = whole(2, 4, 3), whole(2, 3)
    model = MemN2N(9, 4, 2, 9, 3)
    first = model(story, question).detach().numpy()
    np.testing.assert_allclose(model((padded(story, 5), question)).detach().numpy(), first,
                               rtol=1e-5, atol=1e-7)
