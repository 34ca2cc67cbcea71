"""Adam and AdamW: the mean of the gradient over the root of its mean square moves the weights."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_betas, check_range
from .update_rule import Nodes, Options, UpdateRule


class Adam(UpdateRule):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr * m' / (sqrt(v') + eps).

    m' = m / (1 - b1^t) and v' = v / (1 - b2^t) correct for the start at zero.

    Params  lr            per step, >= 0
            betas         each in [0, 1): memory of the mean and of the mean square
            eps           added to the root
            weight_decay  L2 penalty, added to the gradient
            amsgrad       take for v, before it is corrected, the largest so far: it never shrinks
            maximize      climb instead of descend
            decoupled_weight_decay  shrink the weights directly, as AdamW
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.Adam; Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; Reddi et al. 2018,
            arXiv:1904.09237, for amsgrad
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.Adam([w], lr=0.1).step()
        >>> w                                        # by the rate, whatever the gradient
        tensor([0.9, 1.1], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, amsgrad: bool = False, *,
                 maximize: bool = False, decoupled_weight_decay: bool = False,
                 **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay}, other)

    def check(self, o: Options) -> None:
        check_betas(type(self).__name__, o["betas"])
        for name in ("eps", "weight_decay"):
            check_range(type(self).__name__, name, o[name], o[name] >= 0, "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return dict.fromkeys(["exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * o["amsgrad"]], 0.0)

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        # Section 2, last paragraph: both corrections in two numbers, one division a weight
        b1, b2 = o["betas"]
        root = ops.sqrt(1 - ops.pow(b2, clock["step"]))
        return {"rate": lr * root / (1 - ops.pow(b1, clock["step"])),
                "eps": o["eps"] * root,
                "keep": 1 - lr * o["weight_decay"]}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        if o["weight_decay"] and o["decoupled_weight_decay"]:
            p = p * k["keep"]
        elif o["weight_decay"]:
            g = g + o["weight_decay"] * p
        new = moments(g, s, o)
        v = new["exp_avg_sq"]
        if o["amsgrad"]:
            v = new["max_exp_avg_sq"] = ops.maximum(s["max_exp_avg_sq"], v)
        return p - k["rate"] * new["exp_avg"] / (ops.sqrt(v) + k["eps"]), new


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights by lr * weight_decay, apart from the gradient.

    Params  as Adam, with weight_decay 0.01 unless given
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.AdamW; Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
        >>> w                                        # Adam's step from 0.95 w
        tensor([0.85, 1.05], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *,
                 maximize: bool = False, **other: Any) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize,
                         decoupled_weight_decay=True, **other)


def moments(g: Node, s: Nodes, o: Options) -> Nodes:
    """The moving means of the gradient and of its square."""
    b1, b2 = o["betas"]
    return {"exp_avg": s["exp_avg"] + (1 - b1) * (g - s["exp_avg"]),
            "exp_avg_sq": b2 * s["exp_avg_sq"] + (1 - b2) * (g * g)}
