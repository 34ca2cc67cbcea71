"""Transformer layers: sequences flow in, sequences of the same shape flow out.

Encoder and decoder layers, stacks of them, and the two together. Masks are those of
MultiheadAttention: True forbids, a float is added.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ..graph.errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .functional.common import choice
from .linear import Linear
from .module import Module
from .norm import LayerNorm

Activation = str | Callable[[Tensor], Tensor]


def activation_of(op: str, given: Activation) -> Callable[[Tensor], Tensor]:
    """The function of a name; raises E204 for a name that is neither relu nor gelu."""
    if callable(given):
        return given
    choice(op, "activation", given, ("relu", "gelu"))
    return F.relu if given == "relu" else F.gelu


class _Layer(Module):
    """What encoder and decoder layers share: a residual sum, with its norm before or after."""

    norm_first: bool
    linear1: Linear
    linear2: Linear
    dropout: Dropout
    activation: Callable[[Tensor], Tensor]

    def _added(self, x: Tensor, norm: Module, branch: Callable[[Tensor], Tensor]) -> Tensor:
        """x + branch(norm(x)), or norm(x + branch(x))."""
        if self.norm_first:
            return x + branch(norm(x))
        out: Tensor = norm(x + branch(x))
        return out

    def _wide(self, x: Tensor, last: Module) -> Tensor:
        """The two linear layers."""
        inner = self.dropout(self.activation(self.linear1(x)))    # (*B, dim_feedforward)
        out: Tensor = last(self.linear2(inner))                              # (*B, d_model)
        return out


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two linear layers, each added to its input and normalised.

    Shape   src (T, B, d_model), or (B, T, d_model) with batch_first -> the same
    Params  self_attn, linear1, linear2, norm1, norm2 as their layers say
    Raises  E204 when nhead does not divide d_model, for an unknown activation or a dropout outside
            [0, 1]; E201, E202, E203 and E213 as MultiheadAttention
    Source  Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745, for
            norm_first; torch.nn.TransformerEncoderLayer
    Example
        >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, dropout=0.0)
        >>> mask = nn.Transformer.generate_square_subsequent_mask(5)
        >>> x = sheer.randn(5, 1, 8)
        >>> other = sheer.cat([x[:4], x[:1]])       # with another last step
        >>> change = layer(x, src_mask=mask) - layer(other, src_mask=mask)
        >>> bool(change[:4].abs().max() < 1e-6)     # no step looks ahead
        True
    """
    self_attn: MultiheadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    dropout1: Dropout
    dropout2: Dropout

    def __init__(self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
                 activation: Activation = F.relu, layer_norm_eps: float = 1e-5,
                 batch_first: bool = False, norm_first: bool = False, bias: bool = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first,
                                            dtype=dtype)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation = activation_of("TransformerEncoderLayer", activation)

    def forward(self, src: Tensor, src_mask: Tensor | None = None,
                src_key_padding_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        def attended(x: Tensor) -> Tensor:
            out, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask,
                                    is_causal=is_causal)
            dropped: Tensor = self.dropout1(out)
            return dropped
        x = self._added(src, self.norm1, attended)
        return self._added(x, self.norm2, lambda x: self._wide(x, self.dropout2))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to a memory, then two linear layers, each added and normalised.

    Shape   tgt (T, B, d_model), memory (S, B, d_model), or batch first -> as tgt
    Params  self_attn, multihead_attn, linear1, linear2, norm1, norm2, norm3 as their layers say
    Raises  E204 when nhead does not divide d_model, for an unknown activation or a dropout outside
            [0, 1]; E201, E202, E203 and E213 as MultiheadAttention
    Source  Vaswani et al. 2017, arXiv:1706.03762; torch.nn.TransformerDecoderLayer
    Example
        >>> layer = nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
        >>> layer(sheer.randn(3, 4, 8), memory=sheer.randn(3, 9, 8)).shape
        (3, 4, 8)
    """
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm
    dropout1: Dropout
    dropout2: Dropout
    dropout3: Dropout

    def __init__(self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
                 activation: Activation = F.relu, layer_norm_eps: float = 1e-5,
                 batch_first: bool = False, norm_first: bool = False, bias: bool = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        heads = lambda: MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first,
                                           dtype=dtype)
        norm = lambda: LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.self_attn, self.multihead_attn = heads(), heads()
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype)
        self.norm_first = norm_first
        self.norm1, self.norm2, self.norm3 = norm(), norm(), norm()
        self.dropout1, self.dropout2, self.dropout3 = (Dropout(dropout) for _ in range(3))
        self.activation = activation_of("TransformerDecoderLayer", activation)

    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None,
                memory_mask: Tensor | None = None, tgt_key_padding_mask: Tensor | None = None,
                memory_key_padding_mask: Tensor | None = None, tgt_is_causal: bool = False,
                memory_is_causal: bool = False) -> Tensor:
        def itself(x: Tensor) -> Tensor:
            out, _ = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask,
                                    is_causal=tgt_is_causal)
            dropped: Tensor = self.dropout1(out)
            return dropped
        def remembered(x: Tensor) -> Tensor:
            out, _ = self.multihead_attn(x, memory, memory, memory_key_padding_mask, False,
                                         memory_mask, is_causal=memory_is_causal)
            dropped: Tensor = self.dropout2(out)
            return dropped
        x = self._added(tgt, self.norm1, itself)
        x = self._added(x, self.norm2, remembered)
        return self._added(x, self.norm3, lambda x: self._wide(x, self.dropout3))


class _Stack(Module):
    """Copies of a layer, one after the other, and a norm at the end if there is one."""

    layers: ModuleList
    num_layers: int
    norm: Module | None

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        if num_layers < 1:
            raise ArgumentError("E204", type(self).__name__, f"num_layers={num_layers}",
                                need="at least one layer")
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def _through(self, x: Tensor, *memory: Tensor, **masks: Any) -> Tensor:
        for layer in self.layers:
            x = layer(x, *memory, **masks)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """num_layers copies of an encoder layer, each on what the one before gives.

    enable_nested_tensor and mask_check are taken for torch's sake and change nothing.

    Shape   src (T, B, d_model) -> the same
    Raises  E204 for fewer than one layer; what the layer raises
    Source  torch.nn.TransformerEncoder
    Example
        >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)
        >>> encoder = nn.TransformerEncoder(layer, num_layers=3)
        >>> encoder(sheer.randn(5, 1, 8)).shape, len(encoder.layers)
        ((5, 1, 8), 3)
        >>> encoder.layers[0] is layer              # they are copies, of equal weights
        False
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None,
                 enable_nested_tensor: bool = True, mask_check: bool = True) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(self, src: Tensor, mask: Tensor | None = None,
                src_key_padding_mask: Tensor | None = None,
                is_causal: bool | None = None) -> Tensor:
        return self._through(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask,
                             is_causal=bool(is_causal))


class TransformerDecoder(_Stack):
    """num_layers copies of a decoder layer, all looking at one memory.

    Shape   tgt (T, B, d_model), memory (S, B, d_model) -> as tgt
    Raises  E204 for fewer than one layer; what the layer raises
    Source  torch.nn.TransformerDecoder
    Example
        >>> layer = nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
        >>> decoder = nn.TransformerDecoder(layer, num_layers=2, norm=nn.LayerNorm(8))
        >>> decoder(sheer.randn(4, 1, 8), sheer.randn(9, 1, 8)).shape
        (4, 1, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None,
                memory_mask: Tensor | None = None, tgt_key_padding_mask: Tensor | None = None,
                memory_key_padding_mask: Tensor | None = None, tgt_is_causal: bool | None = None,
                memory_is_causal: bool = False) -> Tensor:
        return self._through(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                             tgt_key_padding_mask=tgt_key_padding_mask,
                             memory_key_padding_mask=memory_key_padding_mask,
                             tgt_is_causal=bool(tgt_is_causal), memory_is_causal=memory_is_causal)
