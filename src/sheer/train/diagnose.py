"""Where a NaN was born: a traced step and its numbers flow in, the bad operation flows out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.errors import NumericError
from ..graph.interpret import interpret
from ..graph.node import Node
from ..transforms.jit import Traced

Birth = tuple[Node, str]


def first_nonfinite(form: Traced, arrays: Sequence[np.ndarray]) -> Birth | None:
    """The operation that made the step's results NaN or infinite though its own inputs were finite.

    Runs on the reference, node by node in NumPy. From the first result of the step that is not
    finite (the loss, or a new weight) we go back along operands that are not finite either, a NaN
    before an infinity. What a mask removes again is so never blamed.
    """
    births: dict[Node, Birth] = {}
    worst: dict[Node, int] = {n: _worst([a]) for n,
                              a in zip(form.graph.inputs, arrays, strict=True)}
    def watch(node: Node, results: tuple[np.ndarray, ...]) -> None:
        worst[node] = 0 if node.prim.constant else _worst(results)
        if worst[node]:
            parent = max(node.inputs, key=lambda x: worst.get(x, 0), default=None)
            sick = parent is not None and worst.get(parent, 0) > 0
            if not sick:
                births[node] = node, describe(results)
            elif parent in births:
                births[node] = births[parent]
    interpret(form.graph, arrays, watch)
    return next((births[n] for n in form.graph.outputs if n in births), None)


def _worst(results: Sequence[np.ndarray]) -> int:
    """2 with a NaN in it, 1 with an infinity, 0 when all are finite."""
    floats = [r for r in results if r.dtype.kind == "f"]
    if all(np.isfinite(r).all() for r in floats):
        return 0
    return 2 if any(np.isnan(r).any() for r in floats) else 1


def describe(results: Sequence[np.ndarray]) -> str:
    """`3 NaN and 1 infinity of 640 values, first at (2, 0)`."""
    bad = next(r for r in results if r.dtype.kind == "f" and not np.isfinite(r).all())
    nans, infs = int(np.isnan(bad).sum()), int(np.isinf(bad).sum())
    counts = [f"{nans} NaN"] * bool(nans) + [f"{infs} infinite"] * bool(infs)
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(bad))[0])
    of = f" of {bad.size} values, first at {place}" if bad.ndim else ""
    return " and ".join(counts) + of


def nonfinite_loss(value: float, where: str, found: Birth | None,
                   inputs: dict[str, np.ndarray]) -> NumericError:
    """E701: the text for a loss, or for new weights, that are NaN or infinite."""
    got: dict[str, Any] = {"step": where}
    bad = [name for name, a in inputs.items() if a.dtype.kind == "f" and not np.isfinite(a).all()]
    tries: list[tuple[str, Any]] = []
    if bad:
        got |= {name: f"hold {describe([inputs[name]])}" for name in bad}
        tries.append(("clean the data: rows with missing values become NaN", lambda: None))
    elif found is not None:
        node, text = found
        got["first"] = f"{type(node.prim).__name__.lower()}: {text}"
        got["result"] = node
        got |= {f"input {i}": x for i, x in enumerate(node.inputs)}
        if node.source.layer:
            got["layer"] = node.source.layer
        tries += _remedies(type(node.prim).__name__)
    else:
        got["first"] = "the reference backend stays finite on this step: an overflow at the edge"
        tries.append(("a smaller learning rate", lambda: None))
    broken = "a new weight is not finite" if math.isfinite(value) else f"the loss became {value}"
    return NumericError("E701", "fit", broken, got=got,
                        need="finite numbers; weights are those before this step", tries=tries)


def _remedies(primitive: str) -> list[tuple[str, Any]]:
    texts = {
        "Log": "a loss that takes logits, or log(x.clamp(min=1e-7))",
        "Div": "a small eps in the denominator",
        "Reciprocal": "a small eps in the denominator",
        "Sqrt": "sqrt(x + eps): the derivative of sqrt is infinite at 0",
        "Exp": "subtract the largest value first (logsumexp, softmax), or a smaller learning rate",
    }
    return [(texts.get(primitive, "a smaller learning rate, or clip_norm=1.0"), lambda: None)]
