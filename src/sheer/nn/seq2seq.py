"""Transformer: a source and a target sequence flow in, what is said of the target flows out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph.dtypes import dtype_of, float32
from ..graph.errors import ShapeError
from ..ops import constant
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.common import passes_if
from .module import Module
from .norm import LayerNorm
from .transformer import (
    Activation,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)


class Transformer(Module):
    """An encoder of the source and a decoder of the target that looks at what the encoder gives.

    Shape   src (S, B, d_model), tgt (T, B, d_model), or batch first -> as tgt
    Params  encoder, decoder; matrices Xavier uniform
    Raises  E201 when a width is not d_model, E203 when batches differ, E204 for settings, E202 for
            dtypes, E213 for masks
    Source  Vaswani et al. 2017, arXiv:1706.03762; torch.nn.Transformer
    Example
        >>> model = nn.Transformer(8, 2, 1, 1, dim_feedforward=16, batch_first=True)
        >>> model(sheer.randn(3, 7, 8), sheer.randn(3, 4, 8)).shape
        (3, 4, 8)
        >>> model.generate_square_subsequent_mask(3)
        tensor([[  0., -inf, -inf],
                [  0.,   0., -inf],
                [  0.,   0.,   0.]])
    """
    encoder: Module
    decoder: Module
    d_model: int
    nhead: int
    batch_first: bool

    def __init__(self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6,
                 num_decoder_layers: int = 6, dim_feedforward: int = 2048, dropout: float = 0.1,
                 activation: Activation = F.relu, custom_encoder: Any = None,
                 custom_decoder: Any = None, layer_norm_eps: float = 1e-5,
                 batch_first: bool = False, norm_first: bool = False, bias: bool = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        settings: Any = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                         batch_first, norm_first, bias, device, dtype)
        norm = lambda: LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.encoder = custom_encoder if custom_encoder is not None else TransformerEncoder(
            TransformerEncoderLayer(*settings), num_encoder_layers, norm())
        self.decoder = custom_decoder if custom_decoder is not None else TransformerDecoder(
            TransformerDecoderLayer(*settings), num_decoder_layers, norm())
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None,
                tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
                src_key_padding_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None,
                memory_key_padding_mask: Tensor | None = None, src_is_causal: bool | None = None,
                tgt_is_causal: bool | None = None, memory_is_causal: bool = False) -> Tensor:
        self._check(src, tgt)
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask,
                              is_causal=src_is_causal)
        out: Tensor = self.decoder(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                                   tgt_key_padding_mask=tgt_key_padding_mask,
                                   memory_key_padding_mask=memory_key_padding_mask,
                                   tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal)
        return out

    def _check(self, src: Tensor, tgt: Tensor) -> None:
        got = {"src": src.node, "tgt": tgt.node}
        for name, x in (("src", src), ("tgt", tgt)):
            if x.shape[-1:] != (self.d_model,):
                raise ShapeError("E201", "Transformer", f"{name} does not end in d_model",
                                 got=got, need=f"{name} (..., {self.d_model})",
                                 tries=[(f"d_model={x.shape[-1] if x.ndim else 1}",
                                         lambda: None)])
        first = 0 if self.batch_first else 1
        if src.ndim == tgt.ndim == 3 and src.shape[first] != tgt.shape[first]:
            flipped = src.shape[1 - first] == tgt.shape[1 - first]
            raise ShapeError("E203", "Transformer", "src and tgt have different batches",
                             got=got, need="one batch on both",
                             tries=[(f"batch_first={not self.batch_first}", passes_if(flipped))])

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """(sz, sz) with -inf above the diagonal and 0 elsewhere: no place looks ahead."""
        kind = float32 if dtype is None else dtype_of(dtype)
        return Tensor(constant(np.triu(np.full((sz, sz), -math.inf, kind.numpy), 1)))
