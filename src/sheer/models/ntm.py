"""Neural Turing machine: a sequence and an empty memory flow in, outputs come out."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..namespace_creation import full, zeros
from ..namespace_joining import cat
from ..nn import functional as F
from ..nn import init
from ..nn.linear import Linear
from ..nn.module import Module
from ..nn.parameter import Parameter
from ..nn.recurrent_cells import LSTMCell
from ..tensor import Tensor
from ..transforms.loop import scan

EMPTY = 1e-6       # every cell of a fresh memory; constants learn fastest (Collier and Beel 2018)


class Addressing(NamedTuple):
    """What a head says of where it wants to be.

    Shape   key (B, M), strength (B, 1) >= 0, gate (B, 1) in (0, 1), shift (B, 3) summing to 1,
            sharpness (B, 1) >= 1
    """

    key: Tensor
    strength: Tensor
    gate: Tensor
    shift: Tensor
    sharpness: Tensor


def address(memory: Tensor, before: Tensor, a: Addressing) -> Tensor:
    """The new weighting of a head over the slots: by content, then by place.

    Shape   memory (B, N, M), before (B, N) -> (B, N), rows summing to 1
    Source  Graves et al. 2014, arXiv:1410.5401, equations 5 to 9
    """
    likeness = F.cosine_similarity(memory, a.key.unsqueeze(1), -1)            # (B, N)
    content = (a.strength * likeness).softmax(-1)
    mixed = a.gate * content + (1 - a.gate) * before
    shifted = (a.shift[:, :1] * mixed.roll(-1, -1) + a.shift[:, 1:2] * mixed
               + a.shift[:, 2:] * mixed.roll(1, -1))                          # (B, N)
    sharp = (shifted + 1e-12) ** a.sharpness     # a slot that is exactly 0 has no logarithm
    return sharp / sharp.sum(-1, keepdim=True)


class NeuralTuringMachine(Module):
    """An LSTM controller with one head that writes and one that reads a memory of N slots.

    Shape   x (B, T, inputs) -> (B, T, outputs), logits; `slots` may be changed after training
    Params  controller as LSTMCell; heads and out Linear with Xavier uniform weights, biases 0;
            read ~ U(-r, r), r = 1/sqrt(width), the vector read before the first step
    Source  Graves, Wayne and Danihelka 2014, arXiv:1410.5401; both heads start at slot 0, and the
            memory full of one small constant: Collier and Beel 2018, arXiv:1807.08518
    Example
        >>> NeuralTuringMachine(3, 2, hidden=8, slots=5, width=4)(sheer.ones(6, 7, 3)).shape
        (6, 7, 2)
    """

    inputs: int
    hidden: int
    slots: int
    width: int
    controller: LSTMCell
    reader: Linear
    writer: Linear
    out: Linear
    read: Parameter

    def __init__(self, inputs: int, outputs: int, hidden: int = 100, slots: int = 128,
                 width: int = 20) -> None:
        super().__init__()
        self.inputs, self.hidden, self.slots, self.width = inputs, hidden, slots, width
        self.controller = LSTMCell(inputs + width, hidden)
        self.reader = Linear(hidden, width + 6)              # key, strength, gate, shift, sharpness
        self.writer = Linear(hidden, 3 * width + 6)          # and what to erase, what to add
        self.out = Linear(hidden + width, outputs)
        self.read = Parameter(zeros(width))
        for layer in (self.reader, self.writer, self.out):
            init.xavier_uniform_(layer.weight)
            init.zeros_(layer.bias)  # type: ignore[arg-type]
        init.uniform_(self.read, -width ** -0.5, width ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = scan(self._step, self._start(x), x.transpose(0, 1))[1]  # (T, B, outputs)
        return outputs.transpose(0, 1)

    def _start(self, x: Tensor) -> tuple[Tensor, ...]:
        rows = x.shape[0]
        state = zeros(rows, self.hidden, dtype=x.dtype)
        first = F.one_hot(zeros(rows, dtype="int64"), self.slots).to(x.dtype)     # (B, N)
        memory = full((rows, self.slots, self.width), EMPTY, dtype=x.dtype)
        return state, state, memory, first, first, self.read.expand(rows, self.width)

    def _step(self, carry: Any, x: Tensor) -> tuple[Any, Tensor]:
        """Think, write, read. Shape x (B, inputs) -> logits (B, outputs)."""
        h, c, memory, at_write, at_read, read = carry
        h, c = self.controller(cat([x, read], -1), (h, c))
        said = self.writer(h)                                                 # (B, 3 M + 6)
        at_write = address(memory, at_write, self._addressing(said))
        erase = said[:, self.width + 6:2 * self.width + 6].sigmoid()
        add = said[:, 2 * self.width + 6:].tanh()
        where = at_write.unsqueeze(-1)                                        # (B, N, 1)
        memory = memory * (1 - where * erase.unsqueeze(1)) + where * add.unsqueeze(1)
        at_read = address(memory, at_read, self._addressing(self.reader(h)))
        read = (at_read.unsqueeze(-1) * memory).sum(1)                        # (B, M)
        return (h, c, memory, at_write, at_read, read), self.out(cat([h, read], -1))

    def _addressing(self, said: Tensor) -> Addressing:
        m = self.width
        return Addressing(said[:, :m].tanh(), F.softplus(said[:, m:m + 1]),
                          said[:, m + 1:m + 2].sigmoid(), said[:, m + 2:m + 5].softmax(-1),
                          1 + F.softplus(said[:, m + 5:m + 6]))
