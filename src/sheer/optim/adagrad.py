"""Adagrad: the gradient over the root of all squares so far moves the weights."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class Adagrad(UpdateRule):
    """S += g^2; p -= lr / (1 + (t - 1) lr_decay) * g / (sqrt(S) + eps).

    Params  lr            per step, >= 0
            lr_decay      how fast the rate falls with the number of steps
            weight_decay  L2 penalty, added to the gradient
            initial_accumulator_value  where S starts, >= 0
            eps           added to the root
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.Adagrad; Duchi et al. 2011, JMLR 12, the diagonal form
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.Adagrad([w], lr=0.1).step()
        >>> w                                        # g over its own size
        tensor([0.9, 1.1], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, *,
                 maximize: bool = False, **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        for name in ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            check_range("Adagrad", name, o[name], o[name] >= 0, "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"sum": o["initial_accumulator_value"]}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        return {"rate": lr / (1 + (clock["step"] - 1) * o["lr_decay"])}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"]:
            g = g + o["weight_decay"] * p
        total = s["sum"] + g * g
        return p - k["rate"] * g / (ops.sqrt(total) + o["eps"]), {"sum": total}
