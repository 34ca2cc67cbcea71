"""RMSprop: the gradient over the root of its mean square moves the weights."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class RMSprop(UpdateRule):
    """v = alpha v + (1 - alpha) g^2; p -= lr * g / (sqrt(v) + eps).

    centered takes the variance of g in place of its mean square; momentum adds a moving sum.

    Params  lr            per step, >= 0
            alpha         in [0, 1): memory of the mean square
            eps           added to the root, so that it never divides by zero
            weight_decay  L2 penalty, added to the gradient
            momentum      >= 0: the share of the last move that is kept
            centered      subtract the squared mean of the gradient
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.RMSprop; Tieleman and Hinton 2012, lecture 6e; Graves 2013,
            arXiv:1308.0850, equations 38 to 41, for the centered form
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.RMSprop([w], lr=0.01).step()
        >>> w
        tensor([0.9, 1.1], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0, momentum: float = 0, centered: bool = False,
                 maximize: bool = False, **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        for name in ("momentum", "alpha", "eps", "weight_decay"):
            check_range("RMSprop", name, o[name], o[name] >= 0, "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        momentum = ["momentum_buffer"] if o["momentum"] else []
        return dict.fromkeys(["square_avg", *momentum, *["grad_avg"] * o["centered"]], 0.0)

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"]:
            g = g + o["weight_decay"] * p
        new = {"square_avg": o["alpha"] * s["square_avg"] + (1 - o["alpha"]) * (g * g)}
        spread = new["square_avg"]
        if o["centered"]:
            mean = s["grad_avg"] + (1 - o["alpha"]) * (g - s["grad_avg"])
            new["grad_avg"] = mean
            spread = spread - mean * mean
        move = g / (ops.sqrt(spread) + o["eps"])
        if o["momentum"]:
            move = new["momentum_buffer"] = o["momentum"] * s["momentum_buffer"] + move
        return p - k["lr"] * move, new
