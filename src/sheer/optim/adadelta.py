"""Adadelta: moves of the size of recent moves, in the units of the weights."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class Adadelta(UpdateRule):
    """v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) * g;
    u = rho u + (1 - rho) d^2; p -= lr * d.

    Params  lr            >= 0; 1 is the paper's method
            rho           in [0, 1]: memory of both mean squares
            eps           added under both roots
            weight_decay  L2 penalty, added to the gradient
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.Adadelta; Zeiler 2012, arXiv:1212.5701, algorithm 1
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.Adadelta([w], lr=1.0).step()
        >>> w
        tensor([0.9968, 1.0032], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0, *, maximize: bool = False, **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        check_range("Adadelta", "rho", o["rho"], 0 <= o["rho"] <= 1, "a number in [0, 1]")
        for name in ("eps", "weight_decay"):
            check_range("Adadelta", name, o[name], o[name] >= 0, "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        rho, eps = o["rho"], o["eps"]
        if o["weight_decay"]:
            g = g + o["weight_decay"] * p
        v = rho * s["square_avg"] + (1 - rho) * (g * g)
        d = ops.sqrt(s["acc_delta"] + eps) / ops.sqrt(v + eps) * g
        u = rho * s["acc_delta"] + (1 - rho) * (d * d)
        return p - k["lr"] * d, {"square_avg": v, "acc_delta": u}
