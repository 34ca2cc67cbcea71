"""Recurrent steps and layers: a sequence and a first state in, all outputs and the last state out.

What a step takes from its input (x @ weight_ih.T) does not depend on the step before, so a layer
computes it for all times in one product; only the product with the state is inside the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...graph.errors import ShapeError
from ...ops.structure import data
from ...tensor import Tensor
from ...transforms.loop import scan
from .common import first_fitting, same_dtype
from .linear import check_width, linear

State = tuple[Tensor, ...]               # (h,), or (h, c) of an LSTM


class Weights(NamedTuple):
    """The weights of one layer in one direction; gates stand one below the other.

    Shape   w_ih (G H, d_in), w_hh (G H, H_out), b_ih and b_hh (G H,), w_hr (H_out, H)
    """

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None = None
    b_hh: Tensor | None = None
    w_hr: Tensor | None = None


Step = Callable[[Tensor, State, Weights], State]


def tanh_step(projected: Tensor, state: State, w: Weights) -> State:
    """h' = tanh(projected + W_hh h). Elman 1990."""
    return ((projected + linear(state[0], w.w_hh)).tanh(),)


def relu_step(projected: Tensor, state: State, w: Weights) -> State:
    """h' = relu(projected + W_hh h). Le et al. 2015, arXiv:1504.00941."""
    return ((projected + linear(state[0], w.w_hh)).relu(),)


def lstm_step(projected: Tensor, state: State, w: Weights) -> State:
    """c' = f c + i g, h' = o tanh(c'), or W_hr of it. Hochreiter and Schmidhuber 1997."""
    h, c = state
    i, f, g, o = (projected + linear(h, w.w_hh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return h if w.w_hr is None else linear(h, w.w_hr), c


def lstm_keeping_step(projected: Tensor, state: State, w: Weights) -> State:
    """c' = c + i g, h' = o tanh(c'): a cell that never forgets. Hochreiter and Schmidhuber 1997."""
    h, c = state
    i, g, o = (projected + linear(h, w.w_hh)).chunk(3, -1)
    c = c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return h if w.w_hr is None else linear(h, w.w_hr), c


def gru_step(projected: Tensor, state: State, w: Weights) -> State:
    """h' = n + z (h - n), the reset gate applied after the product. Cho et al. 2014,
    arXiv:1406.1078, as torch.nn.GRU has it.
    """
    h, = state
    x_r, x_z, x_n = projected.chunk(3, -1)
    h_r, h_z, h_n = linear(h, w.w_hh, w.b_hh).chunk(3, -1)
    n = ((x_r + h_r).sigmoid() * h_n + x_n).tanh()
    return (n + (x_z + h_z).sigmoid() * (h - n),)


STEPS: dict[str, Step] = {"RNN_TANH": tanh_step, "RNN_RELU": relu_step, "LSTM": lstm_step,
                          "LSTM_KEEPING": lstm_keeping_step, "GRU": gru_step}


def projection(mode: str, x: Tensor, w: Weights) -> Tensor:
    """What the gates take from the input, (*B, d_in) -> (*B, G H), with every bias that may be
    added here: GRU multiplies its second one by a gate.
    """
    bias = w.b_ih if w.b_ih is None or w.b_hh is None or mode == "GRU" else w.b_ih + w.b_hh
    return linear(x, w.w_ih, bias)


def recurrent(mode: str, x: Tensor, state: State, w: Weights, reverse: bool = False,
              lengths: np.ndarray | Tensor | None = None) -> tuple[Tensor, State]:
    """One layer in one direction: outputs of all times and the last state.

    lengths   how many steps each column of the batch has: its state rests beyond them, and its
              outputs there are 0 when lengths is a tensor (an array is that of a packed batch,
              which leaves them out)

    Shape   x (T, B, d_in), state (B, H) each -> outputs (T, B, H_out), state (B, H) each
    Source  torch.nn.RNN, LSTM, GRU
    """
    step, xs = STEPS[mode], projection(mode, x, w)
    if lengths is None:
        def plain(carry: State, projected: Tensor) -> tuple[State, Tensor]:
            new = step(projected, carry, w)
            return new, new[0]
        last, outputs = scan(plain, state, xs, reverse=reverse)
        return outputs, last
    times = np.arange(x.shape[0])[:, None, None]
    given = isinstance(lengths, Tensor)
    runs = Tensor(data(times)) < lengths[None, :, None] if given else \
        Tensor(data(times < lengths[None, :, None]))                           # (T, B, 1)

    def masked(carry: State, given: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
        projected, alive = given
        new = tuple(n.where(alive, old) for n, old in
                    zip(step(projected, carry, w), carry, strict=True))
        return new, new[0]
    last, outputs = scan(masked, state, (xs, runs), reverse=reverse)
    return outputs.where(runs, 0.0) if given else outputs, last


def check_sequence(op: str, x: Any, weight: Tensor, batch_first: bool) -> None:
    """Raise unless x is a sequence, or a batch of them, of the width of the weight."""
    same_dtype(op, x, weight)
    layout = "(B, T, d_in)" if batch_first else "(T, B, d_in)"
    if x.ndim not in (2, 3):
        tries = first_fitting((f"input.unsqueeze({int(not batch_first)})", x.ndim == 1),
                              ("input.flatten(2)", x.ndim > 3))
        raise ShapeError("E203", op, f"input has {x.ndim} axes", got={"input": x.node},
                         need=f"input {layout}, or (T, d_in) of one sequence", tries=tries)
    check_width(op, x, weight, "input_size")
    time = 0 if x.ndim == 2 else int(batch_first)
    if x.shape[time] == 0:
        raise ShapeError("E241", op, "a sequence of no steps", got={"input": x.node},
                         need="at least one step")


def check_state(op: str, name: str, given: Any, shape: tuple[int, ...], axes: str,
                like: Tensor) -> None:
    """Raise E240 for a first state of another shape than the layer's, E202 for its dtype."""
    same_dtype(op, given, like)
    if tuple(given.shape) == shape:
        return
    swapped = len(given.shape) == 3 and (*given.shape[1::-1], given.shape[2]) == shape
    tries = first_fitting(
        (f"{name}.unsqueeze(0)", (1, *given.shape) == shape),
        (f"{name}.unsqueeze(1)", (*given.shape[:1], 1, *given.shape[1:]) == shape),
        (f"{name}.squeeze(1)", given.shape[1:2] == (1,)
         and (*given.shape[:1], *given.shape[2:]) == shape),
        (f"{name}.transpose(0, 1)", swapped))
    raise ShapeError("E240", op, f"{name} has shape {tuple(given.shape)}",
                     got={name: given.node}, need=f"{name} {axes} = {shape}", tries=tries)
