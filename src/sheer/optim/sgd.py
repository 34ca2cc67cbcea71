"""SGD: the gradient itself, or a decaying sum of gradients, moves the weights."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.errors import ArgumentError
from ..graph.node import Node
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class SGD(UpdateRule):
    """p -= lr * b with b = momentum * b + (1 - dampening) * g; b = g in the first step.

    Nesterov moves by g + momentum * b instead of b; g includes weight_decay * p.

    Params  lr            per step, >= 0
            momentum      in [0, 1): the share of the last move that is kept
            dampening     the share of the gradient that is left out of the moving sum
            weight_decay  L2 penalty, added to the gradient
            nesterov      look ahead; wants momentum > 0 and no dampening
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.SGD; Sutskever et al. 2013, ICML, for momentum
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -2.0])).sum().backward()
        >>> sheer.optim.SGD([w], lr=0.1).step()
        >>> w
        tensor([0.9, 1.2], requires_grad=True)
    """

    hidden = ("step",)

    def __init__(self, params: Any, lr: Any = 1e-3, momentum: float = 0, dampening: float = 0,
                 weight_decay: float = 0, nesterov: bool = False, *, maximize: bool = False,
                 **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        for name in ("momentum", "weight_decay"):
            check_range("SGD", name, o[name], o[name] >= 0, "a number >= 0")
        if o["nesterov"] and (o["momentum"] <= 0 or o["dampening"] != 0):
            raise ArgumentError("E304", "SGD", "nesterov looks ahead along the momentum",
                                got={"momentum": o["momentum"], "dampening": o["dampening"]},
                                need="momentum > 0 and dampening = 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"momentum_buffer": 0.0} if o["momentum"] else {}

    def clocks(self, o: Options) -> dict[str, float]:
        return {"step": 0.0} if o["momentum"] else {}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        if not (o["momentum"] and o["dampening"]):
            return {"lr": lr}
        first = ops.le(clock["step"], 1)
        return {"lr": lr, "share": ops.where(first, 1.0, ops.full_like(lr, 1 - o["dampening"]))}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"]:
            g = g + o["weight_decay"] * p
        if not o["momentum"]:
            return p - k["lr"] * g, {}
        fresh = k["share"] * g if "share" in k else g     # the buffer starts at zero: first b = g
        b = o["momentum"] * s["momentum_buffer"] + fresh
        move = g + o["momentum"] * b if o["nesterov"] else b
        return p - k["lr"] * move, {"momentum_buffer": b}
