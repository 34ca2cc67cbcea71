"""ProximalSGD: the gradient moves the weights, then all of them shrink towards an exact zero."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class ProximalSGD(UpdateRule):
    """q = p - lr * g; p = sign(q) * max(|q| - lr * l1, 0): the L1 penalty without its kink.

    A subgradient of |p| makes weights cross zero back and forth; this step leaves them there. With
    full gradients it reaches the solution of the lasso.

    Params  lr            per step, >= 0; at most 1 over the largest curvature
            l1            weight of the sum of absolute values, >= 0
            weight_decay  L2 penalty, added to the gradient
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  Daubechies et al. 2004 (ISTA); Parikh and Boyd 2014, Proximal algorithms, 6.5.2
    Example
        >>> w = sheer.tensor([1.0, 0.1], requires_grad=True)
        >>> (w * sheer.tensor([0.0, 0.0])).sum().backward()
        >>> sheer.optim.ProximalSGD([w], lr=0.1, l1=2.0).step()
        >>> w                                        # the small weight is 0
        tensor([0.8, 0. ], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-3, l1: float = 0.0, weight_decay: float = 0.0, *,
                 maximize: bool = False, **other: Any) -> None:
        super().__init__(params, {"lr": lr, "l1": l1, "weight_decay": weight_decay,
                                  "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        for name in ("l1", "weight_decay"):
            check_range("ProximalSGD", name, o[name], o[name] >= 0, "a number >= 0")

    def clocks(self, o: Options) -> dict[str, float]:
        return {}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        return {"lr": lr}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"]:
            g = g + o["weight_decay"] * p
        q, shrink = p - k["lr"] * g, k["lr"] * o["l1"]
        return q - ops.clamp(q, -shrink, shrink), {}
