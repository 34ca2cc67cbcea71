"""Rprop: only the sign of the gradient counts; each weight has a step size of its own."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..graph.node import Node
from .group import check_range, is_number
from .update_rule import Nodes, Options, UpdateRule


class Rprop(UpdateRule):
    """Where the sign stayed the step size grows by etas[1], where it turned it shrinks by etas[0]
    and that weight rests; p -= sign(g) * size. For whole-data gradients: noise turns signs.

    Params  lr          the first step size, >= 0
            etas        0 < shrink < 1 < grow
            step_sizes  smallest and largest step size
            maximize    climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.Rprop; Riedmiller and Braun 1993, ICNN, and the form without
            weight backtracking of Igel and Huesken 2000
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.Rprop([w], lr=0.1).step()
        >>> w                                        # by the sign alone
        tensor([0.9, 1.1], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50), *, maximize: bool = False,
                 **other: Any) -> None:
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        etas = o["etas"]
        holds = isinstance(etas, tuple | list) and len(etas) == 2 and all(map(is_number, etas))
        check_range("Rprop", "etas", etas, holds and 0 < etas[0] < 1 < etas[1],
                    "0 < shrink < 1 < grow")

    def slots(self, o: Options) -> dict[str, float]:
        return {"prev": 0.0, "step_size": 0.0}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        return {"start": ops.where(ops.le(clock["step"], 1), lr, 0.0)}      # sizes are zero before

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        shrink, grow = o["etas"]
        turn = ops.sign(g) * ops.sign(s["prev"])          # the product itself may round to zero
        size = s["step_size"] + k["start"]
        factor = ops.where(ops.gt(turn, 0), ops.full_like(g, grow),
                           ops.where(ops.lt(turn, 0), ops.full_like(g, shrink), 1.0))
        size = ops.clamp(size * factor, *o["step_sizes"])
        g = ops.where(ops.lt(turn, 0), 0.0, g)
        return p - ops.sign(g) * size, {"prev": g, "step_size": size}
