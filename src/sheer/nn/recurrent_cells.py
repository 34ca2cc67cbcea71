"""RNNCell, LSTMCell, GRUCell: one step of a recurrent layer, with torch.nn's names and weights."""

from __future__ import annotations

from typing import Any

from ..graph.errors import ArgumentError, ShapeError
from ..ops import broadcast_to, constant
from ..tensor import Tensor
from . import init
from .functional.common import choice, first_fitting, same_dtype
from .functional.linear import check_width
from .functional.recurrent import STEPS, State, Weights, check_state, projection
from .linear import empty, positive
from .module import Module
from .parameter import Parameter


class RNNCellBase(Module):
    """Base of the cells.

    Shape   input (B, d_in) or (d_in,), state (B, H) or (H,) -> state likewise
    Params  weight_ih (G H, d_in), weight_hh (G H, H), bias_ih and bias_hh (G H,),
            all ~ U(-r, r), r = 1/sqrt(hidden_size)
    Raises  E201 for another width, E202 for dtypes, E203 for axes, E204 for sizes below 1, E240 for
            another state; E208 for a call of the base itself
    Source  torch.nn.RNNCellBase
    Example
        >>> nn.RNNCellBase(3, 4, bias=True, num_chunks=2).weight_ih.shape            # two gates
        (8, 3)
    """
    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        positive(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = empty((rows, input_size), dtype)
        self.weight_hh = empty((rows, hidden_size), dtype)
        if bias:
            self.bias_ih, self.bias_hh = empty((rows,), dtype), empty((rows,), dtype)
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        r = self.hidden_size ** -0.5
        for p in self.parameters():
            init.uniform_(p, -r, r)

    def _stepped(self, mode: str, input: Tensor, given: tuple[Any, ...]) -> State:
        """The state after one step; given: names and values of the state before, or nothing."""
        op, w = type(self).__name__.lower(), self._weights()
        same_dtype(op, input, w.w_ih)
        if input.ndim not in (1, 2):
            raise ShapeError("E203", op, f"input has {input.ndim} axes", got={"input": input.node},
                             need="input (B, d_in) or (d_in,): one step",
                             tries=first_fitting(("input[0], the first step", input.ndim == 3)))
        check_width(op, input, w.w_ih, "input_size")
        shape = (*input.shape[:-1], self.hidden_size)
        for name, state in given:
            check_state(op, name, state, shape, "(B, H)" if len(shape) == 2 else "(H,)", w.w_ih)
        zero = Tensor(broadcast_to(constant(0, input.dtype), shape))
        states = tuple(s for _, s in given) or (zero, zero)[:1 + (mode == "LSTM")]
        rows = tuple(s if s.ndim == 2 else s.unsqueeze(0) for s in states)
        x = input if input.ndim == 2 else input.unsqueeze(0)
        new = STEPS[mode](projection(mode, x, w), rows, w)
        return new if input.ndim == 2 else tuple(s.squeeze(0) for s in new)

    def _weights(self) -> Weights:
        return Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias else f"{text}, bias=False"


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    Shape   input (B, d_in), hx (B, H) -> (B, H)
    Params  see RNNCellBase
    Raises  E201, E202, E203, E204, E240
    Source  Elman 1990; torch.nn.RNNCell
    Example
        >>> nn.RNNCell(3, 4)(sheer.ones(2, 3)).shape
        (2, 4)
    """
    nonlinearity: str

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True,
                 nonlinearity: str = "tanh", device: Any = None, dtype: Any = None) -> None:
        choice("RNNCell", "nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        given = () if hx is None else (("hx", hx),)
        return self._stepped(f"RNN_{self.nonlinearity.upper()}", input, given)[0]

    def extra_repr(self) -> str:
        usual = self.nonlinearity == "tanh"
        return super().extra_repr() + ("" if usual else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """One step of an LSTM.

    Shape   input (B, d_in), hx = (h (B, H), c (B, H)) -> (h, c)
    Params  see RNNCellBase
    Raises  E201, E202, E203, E204, E240
    Source  Hochreiter and Schmidhuber 1997; torch.nn.LSTMCell
    Example
        >>> h, c = nn.LSTMCell(3, 4)(sheer.ones(2, 3))
        >>> h.shape
        (2, 4)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None,
                ) -> tuple[Tensor, Tensor]:
        if hx is not None and len(hx) != 2:
            raise ArgumentError("E240", "lstmcell", f"hx has {len(hx)} parts", need="hx = (h, c)")
        given = () if hx is None else tuple(zip("hc", hx, strict=True))
        h, c = self._stepped("LSTM", input, given)
        return h, c


class GRUCell(RNNCellBase):
    """One step of a GRU.

    Shape   input (B, d_in), hx (B, H) -> (B, H)
    Params  see RNNCellBase
    Raises  E201, E202, E203, E204, E240
    Source  Cho et al. 2014, arXiv:1406.1078; torch.nn.GRUCell
    Example
        >>> nn.GRUCell(3, 4)(sheer.ones(2, 3)).shape
        (2, 4)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._stepped("GRU", input, () if hx is None else (("hx", hx),))[0]
