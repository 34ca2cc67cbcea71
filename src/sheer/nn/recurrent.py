"""RNN, LSTM, GRU: layers that read sequences of vectors, with torch.nn's names and weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from ..namespace_joining import cat, stack
from ..ops import broadcast_to, constant
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.common import choice
from .functional.dropout import check_share
from .functional.recurrent import State, Weights, check_sequence, check_state, recurrent
from .linear import empty, positive
from .module import Module
from .notes import warn
from .utils.rnn import PackedSequence, repacked, unpacked

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "LSTM_KEEPING": 3, "GRU": 3}


class RNNBase(Module):
    """Base of RNN, LSTM and GRU: layers on top of each other, in one or both directions.

    Shape   input (T, B, d_in), with batch_first (B, T, d_in), or (T, d_in), or a PackedSequence
            -> output (T, B, D H_out) likewise, and the last state h (L D, B, H_out) (of an LSTM
            (h, c)); L layers, D directions, H_out = proj_size or H
    Params  weight_ih_l{k}, weight_hh_l{k}, bias_ih_l{k}, bias_hh_l{k}, weight_hr_l{k}, with
            _reverse for the other direction, all ~ U(-r, r), r = 1/sqrt(hidden_size)
    Raises  E201 for another width, E203 for axes, E240 for another first state, E241 for no steps,
            E202 for dtypes, E204 for settings; warns W208 for dropout without a layer behind it
    Source  torch.nn.RNNBase
    Example
        >>> out, (h, c) = nn.RNNBase("LSTM", 3, 4, num_layers=2)(sheer.ones(5, 2, 3))
        >>> out.shape, h.shape
        ((5, 2, 4), (2, 2, 4))
    """
    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1,
                 bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
                 bidirectional: bool = False, proj_size: int = 0, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        op = type(self).__name__
        self.mode = mode
        choice(op, "mode", mode, tuple(_GATES))
        positive(op, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        check_share(op, dropout)
        if not 0 <= proj_size < hidden_size or (proj_size and not self.has_cell):
            raise ArgumentError("E204", op, f"proj_size={proj_size}",
                                need=f"0 <= proj_size < hidden_size = {hidden_size}, in an LSTM")
        if dropout > 0 and num_layers == 1:
            warn("W208", op, f"dropout={dropout} does nothing: it stands between layers",
                 got={"num_layers": num_layers}, need="num_layers above 1, or dropout=0",
                 tries=[("nn.Dropout behind the layer", lambda: None)])
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional, self.proj_size = float(dropout), bidirectional, proj_size
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                for name, shape in self._shapes(layer).items():
                    setattr(self, name + suffix, empty(shape, dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        r = self.hidden_size ** -0.5
        for p in self.parameters():
            init.uniform_(p, -r, r)

    def flatten_parameters(self) -> None:
        """Nothing: torch has it for its GPU kernels, and scripts call it."""

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights of each layer and direction, in order."""
        return [[w for w in self._weights(suffix) if w is not None]
                for layer in range(self.num_layers) for suffix in self._suffixes(layer)]

    @property
    def has_cell(self) -> bool:
        """Is the state (h, c), as that of an LSTM, or h alone?"""
        return self.mode.startswith("LSTM")

    # ---- names and shapes --------------------------------------------------------------------
    @property
    def _directions(self) -> int: return 2 if self.bidirectional else 1
    @property
    def _out(self) -> int: return self.proj_size or self.hidden_size

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][:self._directions]

    def _shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of one layer's weights in one direction, in torch's order."""
        rows = _GATES[self.mode] * self.hidden_size
        width = self.input_size if layer == 0 else self._out * self._directions
        found: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width),
                                             "weight_hh": (rows, self._out)}
        if self.bias:
            found |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            found["weight_hr"] = (self.proj_size, self.hidden_size)
        return found

    def _weights(self, suffix: str) -> Weights:
        held = self._parameters
        return Weights(held["weight_ih" + suffix], held["weight_hh" + suffix],   # type: ignore[arg-type]
                       held.get("bias_ih" + suffix), held.get("bias_hh" + suffix),
                       held.get("weight_hr" + suffix))

    # ---- running -----------------------------------------------------------------------------
    def forward(self, input: Any, hx: Any = None, *,
                lengths: Tensor | None = None) -> tuple[Any, Any]:
        """Outputs of the last layer for every time, and the last state of every layer.

        lengths  int (B,), for a padded batch: a state rests beyond the length of its sequence, and
                 the outputs there are 0; as with a packed batch, but the lengths need not be known
                 when a program is compiled. (torch has no such argument.)
        """
        op, like = type(self).__name__.lower(), self._weights("_l0").w_ih
        packed = input if isinstance(input, PackedSequence) else None
        sizes: np.ndarray | Tensor | None = lengths
        if packed is not None:
            x, sizes = unpacked(packed)                                # (T, B, d_in)
            check_sequence(op, x, like, False)
        else:
            check_sequence(op, input, like, self.batch_first)
            x = input
        single = x.ndim == 2
        if single:
            x = x.unsqueeze(1)
        elif self.batch_first and packed is None:
            x = x.transpose(0, 1)
        states = self._start(op, hx, x, single, packed)
        if lengths is not None:
            _check_lengths(op, lengths, x, packed is not None)
        out, last = self._layers(x, states, sizes)
        return self._finished(out, last, single, packed)

    def _start(self, op: str, hx: Any, x: Tensor, single: bool,
               packed: PackedSequence | None) -> State:
        """The first state, (L D, B, H) each, in the order of a packed batch."""
        rows, lstm = self.num_layers * self._directions, self.has_cell
        widths = (self._out, self.hidden_size)[:1 + lstm]
        if hx is None:
            return tuple(Tensor(broadcast_to(constant(0, x.dtype), (rows, x.shape[1], w)))
                         for w in widths)
        given = tuple(hx) if lstm else (hx,)
        if len(given) != len(widths):
            raise ArgumentError("E240", op, f"hx has {len(given)} parts", need="hx = (h, c)")
        found = []
        for name, state, w in zip("hc" if lstm else ("hx",), given, widths, strict=True):
            shape = (rows, w) if single else (rows, x.shape[1], w)
            axes = "(L D, H)" if single else "(L D, B, H)"
            check_state(op, name, state, shape, axes, self._weights("_l0").w_ih)
            rows_of = state.unsqueeze(1) if single else state
            if packed is not None and packed.sorted_indices is not None:
                rows_of = rows_of.index_select(1, packed.sorted_indices)
            found.append(rows_of)
        return tuple(found)

    def _layers(self, x: Tensor, states: State, lengths: np.ndarray | Tensor | None,
                ) -> tuple[Tensor, State]:
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            found = []
            for reverse, suffix in enumerate(self._suffixes(layer)):
                start = tuple(s[len(last)] for s in states)
                out, end = recurrent(self.mode, x, start, self._weights(suffix), bool(reverse),
                                     lengths)
                found.append(out)
                last.append(end)
            x = found[0] if len(found) == 1 else cat(found, -1)        # (T, B, D H_out)
        return x, tuple(stack(parts) for parts in zip(*last, strict=True))

    def _finished(self, out: Tensor, last: State, single: bool,
                  packed: PackedSequence | None) -> tuple[Any, Any]:
        """Outputs and state as they were given: packed, batch first, or one sequence."""
        result: Any = out
        if packed is not None:
            result = repacked(out, packed)
            if packed.unsorted_indices is not None:
                order = packed.unsorted_indices
                last = tuple(s.index_select(1, order) for s in last)
        elif single:
            result, last = out.squeeze(1), tuple(s.squeeze(1) for s in last)
        elif self.batch_first:
            result = out.transpose(0, 1)
        return result, last if self.has_cell else last[0]

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False,
                 "dropout": 0.0, "bidirectional": False}
        return text + "".join(f", {name}={getattr(self, name)}" for name, value in usual.items()
                              if getattr(self, name) != value)


def _check_lengths(op: str, lengths: Tensor, x: Tensor, packed: bool) -> None:
    """Raise E241 unless there is one whole number for each sequence of a padded batch."""
    if packed or not lengths.dtype.is_integer or lengths.shape != x.shape[1:2]:
        raise ArgumentError("E241", op, "these lengths do not belong to the input",
                            got={"input": x.node, "lengths": lengths.node},
                            need="one whole number per sequence, and no packed input")


class RNN(RNNBase):
    """h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh), or relu.

    Shape   input (T, B, d_in) -> output (T, B, D H), h (L D, B, H); see RNNBase
    Params  see RNNBase
    Raises  E201, E202, E203, E204, E240, E241 and W208, as RNNBase
    Source  Elman 1990; torch.nn.RNN
    Example
        >>> out, h = nn.RNN(3, 4)(sheer.ones(5, 2, 3))
        >>> out.shape, h.shape
        ((5, 2, 4), (1, 2, 4))
    """
    nonlinearity: str

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1,
                 nonlinearity: str = "tanh", bias: bool = True, batch_first: bool = False,
                 dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
                 dtype: Any = None) -> None:
        choice("RNN", "nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias,
                         batch_first, dropout, bidirectional, 0, device, dtype)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: c' = f c + i g, h' = o tanh(c'), with gates i, f, g, o of x and h.

    Without the forget gate f, as it was first published, c' = c + i g, and the weights are those of
    the gates i, g, o.

    Shape   input (T, B, d_in) -> output (T, B, D H_out), (h (L D, B, H_out), c (L D, B, H));
            see RNNBase
    Params  see RNNBase
    Raises  E201, E202, E203, E204, E240, E241 and W208, as RNNBase
    Source  Hochreiter and Schmidhuber 1997; the forget gate: Gers et al. 2000; proj_size: Sak et
            al. 2014, arXiv:1402.1128; torch.nn.LSTM
    Example
        >>> out, (h, c) = nn.LSTM(3, 4, batch_first=True)(sheer.ones(2, 5, 3))
        >>> out.shape, c.shape
        ((2, 5, 4), (1, 2, 4))
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 proj_size: int = 0, device: Any = None, dtype: Any = None, *,
                 forget_gate: bool = True) -> None:
        super().__init__("LSTM" if forget_gate else "LSTM_KEEPING", input_size, hidden_size,
                         num_layers, bias, batch_first, dropout, bidirectional, proj_size, device,
                         dtype)

    def extra_repr(self) -> str:
        return super().extra_repr() + (", forget_gate=False" if self.mode == "LSTM_KEEPING" else "")


class GRU(RNNBase):
    """Gated recurrent unit: h' = (1 - z) n + z h, with gates r and z.

    Shape   input (T, B, d_in) -> output (T, B, D H), h (L D, B, H); see RNNBase
    Params  see RNNBase
    Raises  E201, E202, E203, E204, E240, E241 and W208, as RNNBase
    Source  Cho et al. 2014, arXiv:1406.1078; torch.nn.GRU
    Example
        >>> out, h = nn.GRU(3, 4, bidirectional=True)(sheer.ones(5, 2, 3))
        >>> out.shape, h.shape
        ((5, 2, 8), (2, 2, 4))
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, 0, device, dtype)
