"""Adamax: the mean of the gradient over its largest size of late moves the weights."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_betas, check_range
from .update_rule import Nodes, Options, UpdateRule


class Adamax(UpdateRule):
    """m = b1 m + (1 - b1) g; u = max(b2 u, |g| + eps); p -= lr / (1 - b1^t) * m / u.

    Params  lr            per step, >= 0
            betas         each in [0, 1)
            eps           added to |g|
            weight_decay  L2 penalty, added to the gradient
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.Adamax; Kingma and Ba 2015, arXiv:1412.6980, algorithm 2
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.Adamax([w], lr=0.1).step()
        >>> w
        tensor([0.9, 1.1], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, *, maximize: bool = False,
                 **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        check_betas("Adamax", o["betas"])
        for name in ("eps", "weight_decay"):
            check_range("Adamax", name, o[name], o[name] >= 0, "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        return {"rate": lr / (1 - ops.pow(o["betas"][0], clock["step"]))}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        b1, b2 = o["betas"]
        if o["weight_decay"]:
            g = g + o["weight_decay"] * p
        mean = s["exp_avg"] + (1 - b1) * (g - s["exp_avg"])
        largest = ops.maximum(b2 * s["exp_inf"], ops.abs(g) + o["eps"])
        return p - k["rate"] * mean / largest, {"exp_avg": mean, "exp_inf": largest}
