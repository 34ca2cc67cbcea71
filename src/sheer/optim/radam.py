"""RAdam: Adam that waits with adapting until its variance can be trusted."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .adam import moments
from .group import check_betas, check_range
from .update_rule import Nodes, Options, UpdateRule


class RAdam(UpdateRule):
    """Adam's step times a rectifier r_t, or plain momentum while the variance is not defined.

    rho = 2 / (1 - b2) - 1; rho_t = rho - 2 t b2^t / (1 - b2^t); where rho_t > 5,
    r_t = sqrt((rho_t - 4)(rho_t - 2) rho / ((rho - 4)(rho - 2) rho_t)).

    Params  lr            per step, >= 0
            betas         each in [0, 1)
            eps           added to the root
            weight_decay  L2 penalty, or decoupled with decoupled_weight_decay
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.RAdam; Liu et al. 2020, arXiv:1908.03265, algorithm 2
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -2.0])).sum().backward()
        >>> sheer.optim.RAdam([w], lr=0.1).step()
        >>> w
        tensor([0.9, 1.2], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, decoupled_weight_decay: bool = False,
                 *, maximize: bool = False, **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        check_betas("RAdam", o["betas"])
        for name in ("eps", "weight_decay"):
            check_range("RAdam", name, o[name], o[name] >= 0, "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        (b1, b2), t = o["betas"], clock["step"]
        power = ops.pow(b2, t)
        rho = 2 / (1 - b2) - 1
        now = rho - 2 * t * power / (1 - power)
        trusted = ops.gt(now, 5)
        square = (now - 4) * (now - 2) * rho / ((rho - 4) * (rho - 2) * now)
        rectifier = ops.sqrt(ops.where(trusted, square, 0.0) * (1 - power))
        return {"rate": lr / (1 - ops.pow(b1, t)), "rectifier": rectifier,
                "plain": ops.where(trusted, ops.full_like(now, 0.0), 1.0),
                "keep": 1 - lr * o["weight_decay"]}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"] and o["decoupled_weight_decay"]:
            p = p * k["keep"]
        elif o["weight_decay"]:
            g = g + o["weight_decay"] * p
        new = moments(g, s, o)
        adapted = k["rectifier"] / (ops.sqrt(new["exp_avg_sq"]) + o["eps"])
        factor = ops.where(ops.gt(k["plain"], 0), 1.0, adapted)
        return p - k["rate"] * new["exp_avg"] * factor, new
