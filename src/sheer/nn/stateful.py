"""Stateful: chunks of an endless stream flow in one after the other, outputs come out."""

from __future__ import annotations

from typing import Any

from ..graph.errors import ArgumentError, ShapeError
from ..mixins.core import evaluate, no_grad
from ..namespace_creation import zeros
from ..tensor import Tensor
from ..transforms import execute, trace
from .module import Module
from .parameter import Buffer
from .recurrent import RNNBase


class Stateful(Module):
    """A recurrent layer that goes on where it stopped: the last state of a call begins the next.

    Gradients end at the beginning of a chunk, so chunks of k steps are back-propagation through
    time truncated at k. Row b of every chunk continues row b of the chunk before, so rows must not
    be shuffled; every call moves the state, validation too, and `reset` begins anew.

    Shape   input (T, B, d_in), with batch_first (B, T, d_in) -> output as the layer's, without the
            state; B = batch_size
    Params  those of the layer; buffers h (L, B, H_out) and, of an LSTM, c (L, B, H), both 0
    Raises  E870 for a bidirectional layer, which needs the end of the stream; E871 for another B;
            what the layer raises
    Source  Williams and Peng 1990, doi:10.1162/neco.1990.2.4.490; Keras RNN(stateful=True)
    Example
        >>> stream = nn.Stateful(nn.LSTM(3, 4), batch_size=2)
        >>> stream(sheer.ones(5, 2, 3)).shape, stream(sheer.ones(7, 2, 3)).shape
        ((5, 2, 4), (7, 2, 4))
    """

    layer: RNNBase
    batch_size: int
    h: Tensor
    c: Tensor | None

    def __init__(self, layer: RNNBase, batch_size: int) -> None:
        super().__init__()
        if layer.bidirectional:
            raise ArgumentError("E870", "Stateful", "a bidirectional layer cannot read a stream",
                                got={"layer": repr(layer)},
                                need="bidirectional=False: the other direction begins at the end, "
                                     "which a stream does not have")
        self.layer, self.batch_size = layer, batch_size
        rows, dtype = (layer.num_layers, batch_size), layer.all_weights[0][1].dtype
        empty = lambda width: Buffer(zeros(*rows, width, dtype=dtype))
        self.register_buffer("h", empty(layer.proj_size or layer.hidden_size))
        self.register_buffer("c", empty(layer.hidden_size) if layer.has_cell else None)

    def reset(self) -> None:
        """Forget the stream: the next chunk begins a new one."""
        with no_grad():
            for state in self.buffers():
                state.zero_()

    def forward(self, input: Tensor) -> Tensor:
        """Outputs of one chunk; the state stands behind it afterwards."""
        if input.ndim != 3 or input.shape[int(not self.layer.batch_first)] != self.batch_size:
            axes = "(B, T, d_in)" if self.layer.batch_first else "(T, B, d_in)"
            raise ShapeError("E871", "Stateful", "a chunk of another number of streams",
                             got={"input": input.node},
                             need=f"input {axes} with B = batch_size = {self.batch_size}")
        if trace.current() is None and not all(execute.is_known(s.node) for s in self.buffers()):
            evaluate(list(self.buffers()))          # else pending chunks would pile up
        begin: Any = self.h.detach() if self.c is None else (self.h.detach(), self.c.detach())
        out, end = self.layer(input, begin)
        ends = (end,) if self.c is None else end
        for state, new in zip(self.buffers(), ends, strict=True):
            state._rebind(new.detach().node)
        result: Tensor = out
        return result

    def extra_repr(self) -> str:
        return f"batch_size={self.batch_size}"
