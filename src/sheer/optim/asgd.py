"""ASGD: plain steps that shrink, and beside the weights the mean of those of late steps."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class ASGD(UpdateRule):
    """p = (1 - lambd eta) p - eta g, eta = lr / (1 + lambd lr t)^alpha of the step before.

    state[p]["ax"] is the mean of the weights from step t0 on; the weights themselves before.

    Params  lr            of the first step, >= 0
            lambd         how fast the weights and the rate decay
            alpha         power of the rate's decay
            t0            step from which the mean is taken
            weight_decay  L2 penalty, added to the gradient
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.ASGD; Polyak and Juditsky 1992
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -2.0])).sum().backward()
        >>> sheer.optim.ASGD([w], lr=0.1).step()
        >>> w
        tensor([0.9, 1.2], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-2, lambd: float = 1e-4, alpha: float = 0.75,
                 t0: float = 1e6, weight_decay: float = 0, *, maximize: bool = False,
                 **other: Any) -> None:
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0,
                                  "weight_decay": weight_decay, "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        check_range("ASGD", "weight_decay", o["weight_decay"], o["weight_decay"] >= 0,
                    "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"ax": 0.0}

    def clocks(self, o: Options) -> dict[str, float]:
        return {"step": 0.0, "eta": 0.0, "mu": 1.0}

    def tick(self, clock: Nodes, o: Options) -> Nodes:
        step, lr = clock["step"] + 1, o["lr"]
        decay = ops.pow(1 + o["lambd"] * lr * step, o["alpha"])
        return {"step": step, "eta": lr / decay, "mu": 1 / ops.clamp(step - o["t0"], 1.0),
                "rate": ops.where(ops.le(step, 1), lr, clock["eta"]), "share": clock["mu"]}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        return {"rate": clock["rate"], "keep": 1 - o["lambd"] * clock["rate"],
                "share": clock["share"]}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"]:
            g = g + o["weight_decay"] * p
        new = p * k["keep"] - k["rate"] * g
        mean = s["ax"] + (new - s["ax"]) * k["share"]
        return new, {"ax": ops.where(ops.eq(k["share"], 1), new, mean)}
