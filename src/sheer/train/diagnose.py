"""Where a NaN was born: a traced step and its numbers flow in, the first bad operation comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.errors import NumericError
from ..graph.interpret import interpret
from ..graph.node import Node
from ..transforms.jit import Traced


class _Found(Exception):
    """Carries the first operation whose result is not finite though its inputs were."""

    def __init__(self, node: Node, results: Sequence[np.ndarray]) -> None:
        super().__init__()
        self.node, self.results = node, results


def first_nonfinite(form: Traced, arrays: Sequence[np.ndarray]) -> tuple[Node, str] | None:
    """The first node of a step whose result is NaN or infinite while its inputs are finite.

    Runs on the reference: node by node in NumPy. An infinity that a comparison or a mask then
    removes is passed over when a NaN is found later.
    """
    clean: dict[Node, bool] = {n: bool(np.isfinite(a).all())
                               for n, a in zip(form.graph.inputs, arrays, strict=True)}
    infinite: list[tuple[Node, str]] = []
    def watch(node: Node, results: tuple[np.ndarray, ...]) -> None:
        good = all(np.isfinite(r).all() for r in results if r.dtype.kind == "f")
        before = all(clean.get(x, True) for x in node.inputs)
        clean[node] = good or node.prim.constant
        if good or not before or node.prim.constant:
            return
        if any(np.isnan(r).any() for r in results if r.dtype.kind == "f"):
            raise _Found(node, results)
        infinite.append((node, describe(results)))
    try:
        interpret(form.graph, arrays, watch)
    except _Found as found:
        return infinite[0] if infinite else (found.node, describe(found.results))
    return infinite[0] if infinite else None


def describe(results: Sequence[np.ndarray]) -> str:
    """`3 NaN and 1 infinity of 640 values, first at (2, 0)`."""
    bad = next(r for r in results if r.dtype.kind == "f" and not np.isfinite(r).all())
    nans, infs = int(np.isnan(bad).sum()), int(np.isinf(bad).sum())
    counts = [f"{nans} NaN"] * bool(nans) + [f"{infs} infinite"] * bool(infs)
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(bad))[0])
    return f"{' and '.join(counts)} of {bad.size} values, first at {place}"


def nonfinite_loss(value: float, where: str, found: tuple[Node, str] | None,
                   inputs: dict[str, np.ndarray]) -> NumericError:
    """E701: the text for a loss that is NaN or infinite."""
    got: dict[str, Any] = {"step": where}
    bad = [name for name, a in inputs.items() if a.dtype.kind == "f" and not np.isfinite(a).all()]
    tries: list[tuple[str, Any]] = []
    if bad:
        got["data"] = f"the batch itself holds NaN or infinity: {', '.join(bad)}"
        tries.append(("clean the data: rows with missing values become NaN", lambda: None))
    elif found is not None:
        node, text = found
        got["first"] = f"{type(node.prim).__name__.lower()}: {text}"
        got["result"] = node
        for i, x in enumerate(node.inputs):
            got[f"input {i}"] = x
        tries += _remedies(type(node.prim).__name__)
    else:
        got["first"] = "the reference backend stays finite on this step: an overflow at the edge"
        tries.append(("a smaller learning rate", lambda: None))
    return NumericError("E701", "fit", f"the loss became {value}", got=got,
                        need="finite numbers; weights are those before this step", tries=tries)


def _remedies(primitive: str) -> list[tuple[str, Any]]:
    texts = {
        "Log": "a loss that takes logits, or log(x.clamp(min=1e-7))",
        "Div": "a small eps in the denominator",
        "Sqrt": "sqrt(x + eps): the derivative of sqrt is infinite at 0",
        "Exp": "subtract the largest value first (logsumexp, softmax), or a smaller learning rate",
    }
    return [(texts.get(primitive, "a smaller learning rate, or clip_norm=1.0"), lambda: None)]
