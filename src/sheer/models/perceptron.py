"""Rosenblatt's perceptron: rows and labels flow in one by one, each mistake moves the weights."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..graph.dtypes import float64
from ..graph.errors import ArgumentError
from ..nn import functional as F
from ..tensor import Tensor, as_tensor
from ..transforms.jit import jit
from ..transforms.loop import scan


class Perceptron(nn.Module):
    """A threshold unit: 1 where x . weight + bias >= 0, else 0, and the rule that teaches it.

    Shape   x (*B, in_features) -> (*B,)
    Params  weight (in_features,) and bias (1,), both 0
    Raises  E890 for labels other than 0 and 1
    Source  Rosenblatt 1958, Psychological Review 65(6); Novikoff 1962 for the bound
    Example
        >>> unit = Perceptron(2)
        >>> unit.learn(sheer.tensor([[0.0, 1.0], [1.0, 0.0]]), sheer.tensor([0, 1]), epochs=9)
        [2, 0]
    """
    in_features: int
    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, in_features: int, dtype: Any = None) -> None:
        super().__init__()
        self.in_features = in_features
        self.weight = nn.linear.empty((in_features,), dtype)
        self.bias = nn.linear.empty((1,), dtype)

    def score(self, x: Tensor) -> Tensor:
        """The sum before the threshold."""
        return x @ self.weight + self.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.step(self.score(x))

    def learn(self, x: Any, y: Any, epochs: int = 100) -> list[int]:
        """Go through the rows in their order, at most `epochs` times; the mistakes of every pass.

        A row (label 0 or 1, as -1 or +1) that is not on the right side is added: w += y x,
        b += y. It stops after a pass without a mistake.
        """
        x, signs = as_tensor(x, self.weight.dtype), _signs(y).to(self.weight.dtype)
        mistakes = []
        w, b = self.weight.detach(), self.bias.detach()
        for _ in range(epochs):
            w, b, wrong = _one_pass(w, b, x, signs)
            mistakes.append(int(wrong.item()))
            if not mistakes[-1]:
                break
        self.load_state_dict({"weight": w, "bias": b})
        return mistakes


def mistake_bound(x: Any, y: Any, weight: Any, bias: Any) -> float:
    """(R / gamma)^2: no perceptron that starts from 0 makes more mistakes on these rows.

    weight and bias separate the rows; gamma is the least distance of a row (x, 1) from their
    plane, R the length of the longest row. Infinite when they do not separate.
    """
    x, w, b = (as_tensor(t, float64).detach() for t in (x, weight, bias))
    length = ((w * w).sum() + (b * b).sum()).sqrt()
    gamma = (_signs(y).double() * (x @ w + b) / length).min().item()
    longest = ((x * x).sum(1) + 1).max().item()
    return float(longest / gamma ** 2) if gamma > 0 else float("inf")


def _signs(y: Any) -> Tensor:
    """0 and 1 as -1 and +1."""
    y = as_tensor(y)
    if not bool(((y == 0) | (y == 1)).all()):
        raise ArgumentError("E890", "perceptron", "a label is neither 0 nor 1", got={"y": y.node},
                            need="0 for one side, 1 for the other",
                            tries=[("(y + 1) // 2 for labels -1 and 1",
                                    lambda: _signs((y + 1) // 2))])
    signs: Tensor = y * 2 - 1
    return signs


@jit
def _one_pass(w: Tensor, b: Tensor, x: Tensor, signs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(weight, bias, number of mistakes) after every row once."""
    def row(carry: Any, given: Any) -> Any:
        w, b = carry
        x, sign = given
        wrong = (sign * (x @ w + b) <= 0).to(w.dtype)                   # (1,)
        return (w + wrong * sign * x, b + wrong * sign), wrong
    (w, b), wrong = scan(row, (w, b), (x, signs))
    return w, b, wrong.sum()
