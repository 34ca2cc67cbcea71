"""Adafactor: means of squares by row and by column stand for those of every weight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..graph.node import Node
from .group import check_range
from .update_rule import Nodes, Options, UpdateRule


class Adafactor(UpdateRule):
    """p -= alpha g / sqrt(v) over max(1, rms of that / d); v = row x column means of g^2.

    alpha = max(eps2, rms(p)) min(lr, 1 / sqrt(t)). Vectors and numbers keep every mean of their
    own; arrays of more axes are factored along the last two.

    Params  lr            per step, >= 0: an upper bound, and the rate of the weight decay
            beta2_decay   1 - beta2 of step t is t^beta2_decay, <= 0
            eps           (eps1, eps2): least root of v, None for that of the dtype; least size
            d             where the size of an update is clipped, >= 1
            weight_decay  share of the weights, times lr, that a step takes off
            maximize      climb instead of descend
    Raises  E301 to E306 as `Optimizer`
    Source  torch.optim.Adafactor; Shazeer and Stern 2018, arXiv:1804.04235, algorithms 4 to 6
    Example
        >>> w = sheer.tensor([1.0, 1.0], requires_grad=True)
        >>> (w * sheer.tensor([1.0, -100.0])).sum().backward()
        >>> sheer.optim.Adafactor([w], lr=0.1).step()
        >>> w
        tensor([0.9, 1.1], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1e-2, beta2_decay: float = -0.8,
                 eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0,
                 weight_decay: float = 0.0, *, maximize: bool = False, **other: Any) -> None:
        super().__init__(params, {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
                                  "weight_decay": weight_decay, "maximize": maximize}, other)

    def check(self, o: Options) -> None:
        check_range("Adafactor", "beta2_decay", o["beta2_decay"], o["beta2_decay"] <= 0,
                    "a number <= 0")
        check_range("Adafactor", "d", o["d"], o["d"] >= 1, "a number >= 1")
        check_range("Adafactor", "weight_decay", o["weight_decay"], o["weight_decay"] >= 0,
                    "a number >= 0")

    def slots(self, o: Options) -> dict[str, float]:
        return {"row_var": 0.0, "col_var": 0.0, "variance": 0.0}

    def shapes(self, shape: tuple[int, ...], o: Options) -> dict[str, tuple[int, ...]]:
        if len(shape) < 2:
            return {"variance": shape}
        return {"row_var": (*shape[:-1], 1), "col_var": (*shape[:-2], 1, shape[-1])}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        step = clock["step"]
        return {"fresh": ops.pow(step, o["beta2_decay"]),
                "rho": ops.minimum(lr, ops.rsqrt(step)), "keep": 1 - lr * o["weight_decay"]}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        least, smallest = o["eps"]
        least = float(np.finfo(p.dtype.numpy).eps) if least is None else least
        alpha = ops.clamp(_rms(p), smallest) * k["rho"]
        if o["weight_decay"]:
            p = p * k["keep"]
        squares = g * g
        moved = lambda old, new: old + (new - old) * k["fresh"]
        if p.ndim < 2:
            state = {"variance": moved(s["variance"], squares)}
            estimate = state["variance"]
        else:
            row = moved(s["row_var"], _mean(squares, p.ndim - 1))
            column = moved(s["col_var"], _mean(squares, p.ndim - 2))
            state = {"row_var": row, "col_var": column}
            estimate = row * column / ops.clamp(_mean(row, p.ndim - 2), least)
        move = g * ops.rsqrt(ops.clamp(estimate, least * least))
        return p - move * (alpha / ops.clamp(_rms(move) / o["d"], 1.0)), state


def _mean(x: Node, axis: int) -> Node:
    """The mean along an axis, which stays with length 1."""
    return ops.expand_dims(ops.mean(x, (axis,)), axis)


def _rms(x: Node) -> Node:
    """The root of the mean square of all elements."""
    total = ops.sum(x * x, tuple(range(x.ndim)))
    return ops.sqrt(total) / math.sqrt(x.size)
