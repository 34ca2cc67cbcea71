"""NAdam: Adam that looks one step ahead along its momentum."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .adam import moments
from .group import check_betas, check_range
from .update_rule import Nodes, Options, UpdateRule


class NAdam(UpdateRule):
    """Adam with mu_t = b1 (1 - 0.96^(t * momentum_decay) / 2) in place of b1, and Nesterov's step.

    p -= lr * ((1 - mu_t) / (1 - M_t) * g + mu_(t+1) / (1 - M_(t+1)) * m) / (sqrt(v') + eps),
    where M_t = mu_1 ... mu_t.

    Params  lr              per step, >= 0
            betas           each in [0, 1)
            eps             added to the root
            weight_decay    L2 penalty, or decoupled with decoupled_weight_decay
            momentum_decay  how fast mu_t rises to b1
            maximize        climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.NAdam; Dozat 2016, ICLR workshop, algorithm 2 and section 3
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.NAdam([w], lr=0.1).step()
        >>> w
        tensor([0.8944, 1.1056], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3,
                 decoupled_weight_decay: bool = False, *, maximize: bool = False,
                 **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        check_betas("NAdam", o["betas"])
        for name in ("eps", "weight_decay", "momentum_decay"):
            check_range("NAdam", name, o[name], o[name] >= 0, "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def clocks(self, o: Options) -> dict[str, float]:
        return {"step": 0.0, "mu_product": 1.0}

    def tick(self, clock: Nodes, o: Options) -> Nodes:
        t = clock["step"] + 1
        return {"step": t, "mu_product": clock["mu_product"] * _mu(t, o)}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        t, product = clock["step"], clock["mu_product"]
        mu, after = _mu(t, o), _mu(t + 1, o)
        return {"of_gradient": lr * (1 - mu) / (1 - product),
                "of_mean": lr * after / (1 - product * after),
                "unbias": 1 - ops.pow(o["betas"][1], t),
                "keep": 1 - lr * o["weight_decay"]}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"] and o["decoupled_weight_decay"]:
            p = p * k["keep"]
        elif o["weight_decay"]:
            g = g + o["weight_decay"] * p
        new = moments(g, s, o)
        root = ops.sqrt(new["exp_avg_sq"] / k["unbias"]) + o["eps"]
        return p - (k["of_gradient"] * g + k["of_mean"] * new["exp_avg"]) / root, new


def _mu(t: Node, o: Options) -> Node:
    return o["betas"][0] * (1 - 0.5 * ops.pow(0.96, t * o["momentum_decay"]))  # type: ignore[no-any-return]
