"""GPT: numbers of tokens (B, T) flow in, scores of every next token (B, T, vocabulary) come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..namespace_creation import arange, zeros
from ..namespace_joining import cat
from ..nn import functional as F
from ..nn.containers import ModuleDict, ModuleList
from ..nn.dropout import Dropout
from ..nn.init import normal_, zeros_
from ..nn.linear import Embedding, Linear
from ..nn.module import Module
from ..nn.norm import LayerNorm
from ..random import multinomial
from ..tensor import Tensor, tensor
from ..transforms.loop import scan


@dataclass(frozen=True)
class GPTConfig:
    """Sizes of a GPT; those of GPT-2 small unless given."""

    vocab_size: int = 50257
    block_size: int = 1024       # the longest text it can read
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.1         # share of the numbers switched off, in three places of a block
    bias: bool = True            # in linear layers and layer norms


class CausalSelfAttention(Module):
    """Every place looks at itself and at the places before it.

    Shape   x (B, T, C) -> (B, T, C)
    Params  c_attn (3 C, C) queries, keys, values; c_proj (C, C), both N(0, 0.02); biases 0
    Source  Radford et al. 2019, section 2.3
    """
    c_attn: Linear
    c_proj: Linear

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        c = config.n_embd
        self.c_attn, self.c_proj = Linear(c, 3 * c, config.bias), Linear(c, c, config.bias)
        self.resid_dropout = Dropout(config.dropout)
        self.n_head, self.dropout = config.n_head, config.dropout

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        apart = lambda part: part.reshape(b, t, self.n_head, c // self.n_head).transpose(1, 2)
        q, k, v = (apart(part) for part in self.c_attn(x).chunk(3, -1))     # (B, h, T, C / h)
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=True)
        out: Tensor = self.resid_dropout(self.c_proj(y.transpose(1, 2).reshape(b, t, c)))
        return out


class MLP(Module):
    """Two linear layers, four times as wide between them, with GELU by its tanh formula.

    Shape   x (B, T, C) -> (B, T, C)
    Params  c_fc (4 C, C), c_proj (C, 4 C), N(0, 0.02); biases 0
    Source  Radford et al. 2018, section 4.1
    """
    c_fc: Linear
    c_proj: Linear

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = Linear(config.n_embd, 4 * config.n_embd, config.bias)
        self.c_proj = Linear(4 * config.n_embd, config.n_embd, config.bias)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.c_proj(F.gelu(self.c_fc(x), approximate="tanh")))
        return out


class Block(Module):
    """Attention, then the two layers; each reads a normalised input and is added to it.

    Shape   x (B, T, C) -> (B, T, C)
    Source  Radford et al. 2019, section 2.3
    """
    ln_1: LayerNorm
    attn: CausalSelfAttention
    ln_2: LayerNorm
    mlp: MLP

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class GPT(Module):
    """Embeddings of tokens and places, blocks, a norm, and the token table again as last layer.

    Shape   index int (B, T), T at most block_size -> (B, T, vocab_size)
    Params  N(0, 0.02), in the two c_proj of a block divided by sqrt(2 n_layer); biases 0. Names as
            in A. Karpathy's nanoGPT: linear weights are (out, in)
    Source  Radford et al. 2019, Language models are unsupervised multitask learners
    Example
        >>> GPT(GPTConfig(65, 16, 2, 2, 8))(sheer.zeros(3, 10, dtype=sheer.int64)).shape
        (3, 10, 65)
    """
    transformer: ModuleDict
    lm_head: Linear

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.transformer = ModuleDict({
            "wte": Embedding(config.vocab_size, config.n_embd),
            "wpe": Embedding(config.block_size, config.n_embd),
            "drop": Dropout(config.dropout),
            "h": ModuleList([Block(config) for _ in range(config.n_layer)]),
            "ln_f": LayerNorm(config.n_embd, bias=config.bias)})
        self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight             # one table for both
        self.apply(_initialise)
        for name, p in self.named_parameters():
            if name.endswith("c_proj.weight"):
                normal_(p, 0.0, 0.02 / np.sqrt(2 * config.n_layer))

    def forward(self, index: Tensor) -> Tensor:
        parts = self.transformer
        x = parts["wte"](index) + parts["wpe"](arange(index.shape[1]))      # (B, T, C)
        x = parts["drop"](x)
        blocks: Any = parts["h"]
        for block in blocks:
            x = block(x)
        scores: Tensor = self.lm_head(parts["ln_f"](x))                     # (B, T, vocab_size)
        return scores


    def generate(self, index: Tensor, steps: int, temperature: float = 1.0) -> Tensor:
        """index and `steps` more tokens, each drawn from softmax(scores / temperature).

        The last block_size tokens are read. The draws are those of sheer's generator: the same
        after the same `manual_seed`. Temperature 0 takes the most probable token.

        Shape   int (B, T) -> int64 (B, T + steps)
        """
        size = self.config.block_size
        start = index[:, -size:].long()
        room = zeros(index.shape[0], size - start.shape[1], dtype="int64")
        def step(carry: tuple[Tensor, Tensor], _: Any) -> Any:
            window, count = carry                  # tokens from the left, and how many
            scores = self(window).index_select(1, (count - 1).reshape(1))[:, 0]     # (B, vocab)
            token = drawn(scores, temperature).unsqueeze(1)                         # (B, 1)
            longer = window.where(arange(size) != count, token)
            moved = cat([window[:, 1:], token], 1)
            return (longer.where(count < size, moved), (count + 1).clamp(max=size)), token[:, 0]
        first = (cat([start, room], 1), tensor(start.shape[1]))
        _, tokens = scan(step, first, length=steps)
        return cat([index.long(), tokens.transpose(0, 1)], 1)


def drawn(scores: Tensor, temperature: float) -> Tensor:
    """A class for each row of scores (B, K), from softmax(scores / temperature): int64 (B,)."""
    if temperature == 0:
        return scores.argmax(-1)
    shares = F.softmax(scores / temperature, 1)
    return multinomial(shares, 1)[:, 0]


def _initialise(module: Any) -> None:
    if isinstance(module, Linear | Embedding):
        normal_(module.weight, 0.0, 0.02)
    if isinstance(module, Linear) and module.bias is not None:
        zeros_(module.bias)
