"""Muon: the momentum of a matrix, made nearly orthogonal, moves it."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..graph.errors import ArgumentError
from ..graph.node import Node
from ..ops.contract.dot import transpose
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class Muon(UpdateRule):
    """b = momentum b + (1 - momentum) g; p -= rate * orthogonal(g + momentum (b - g)).

    For the matrices of hidden layers; biases and embeddings are for AdamW. A few steps of a
    Newton-Schulz iteration bring all singular values near 1. They are taken in the dtype of the
    weights here, in bfloat16 by torch: the two agree to about two digits.

    Params  lr              per step, >= 0
            weight_decay    share of the weights, times lr, that a step takes off
            momentum        in [0, 1)
            nesterov        look ahead along the momentum
            ns_coefficients a, b, c of one iteration x -> a x + (b x x' + c (x x')^2) x
            eps             least norm of a gradient
            ns_steps        iterations
            adjust_lr_fn    "original": lr sqrt(max(1, rows / columns)); "match_rms_adamw":
                            0.2 lr sqrt(max(rows, columns))
    Raises  E520 for a tensor that is no matrix; E301 to E306 as `Optimizer`
    Source  torch.optim.Muon; Jordan et al. 2024, Muon: an optimizer for hidden layers in neural
            networks; Liu et al. 2025, arXiv:2502.16982, for match_rms_adamw
    Example
        >>> w = sheer.zeros(2, 2, requires_grad=True)
        >>> (w * sheer.tensor([[3.0, 0.0], [0.0, 100.0]])).sum().backward()
        >>> sheer.optim.Muon([w], lr=0.1).step()
        >>> w.round(decimals=2)                      # 3 and 100 nearly alike
        tensor([[-0.11,  0.  ],
                [ 0.  , -0.07]], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-3, weight_decay: float = 0.1,
                 momentum: float = 0.95, nesterov: bool = True,
                 ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
                 eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None,
                 **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn}, other)

    def check_params(self, params: list[Any]) -> None:
        for p in params:
            if p.ndim != 2:
                raise ArgumentError("E520", "Muon", f"a tensor of {p.ndim} axes is no matrix",
                                    got={"tensor": p.node},
                                    need="weights with two axes; the rest is for AdamW",
                                    tries=[("[p for p in params if p.ndim == 2]", lambda: None)])

    def check(self, o: Options) -> None:
        for name in ("momentum", "weight_decay"):
            check_range("Muon", name, o[name], o[name] >= 0, "a number >= 0")
        choices = (None, "original", "match_rms_adamw")
        check_range("Muon", "adjust_lr_fn", o["adjust_lr_fn"], o["adjust_lr_fn"] in choices,
                    "original or match_rms_adamw")
        check_range("Muon", "ns_steps", o["ns_steps"], 0 <= o["ns_steps"] < 100, "0 to 99")

    def slots(self, o: Options) -> dict[str, float]:
        return {"momentum_buffer": 0.0}

    def clocks(self, o: Options) -> dict[str, float]:
        return {}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        return {"lr": lr, "keep": 1 - lr * o["weight_decay"]}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        m = o["momentum"]
        b = s["momentum_buffer"] + (1 - m) * (g - s["momentum_buffer"])
        move = orthogonal(g + m * (b - g) if o["nesterov"] else b, o)
        rows, columns = p.shape
        ratio = math.sqrt(max(1, rows / max(columns, 1)))
        if o["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(rows, columns))
        return p * k["keep"] - (k["lr"] * ratio) * move, {"momentum_buffer": b}


def orthogonal(x: Node, o: Options) -> Node:
    """The matrix with its singular values near 1, by Newton-Schulz iterations."""
    a, b, c = o["ns_coefficients"]
    tall = x.shape[0] > x.shape[1]
    x = transpose(x) if tall else x
    x = x / ops.clamp(ops.sqrt(ops.sum(x * x, (0, 1))), o["eps"])
    for _ in range(o["ns_steps"]):
        gram = ops.matmul(x, transpose(x))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return transpose(x) if tall else x
