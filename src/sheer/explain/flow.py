"""Gradient flow: a model with gradients flows in; how large they are, layer by layer, comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

VANISHING, EXPLODING = 1e-3, 1e3     # shares of the median of all layers


@dataclass(frozen=True)
class LayerFlow:
    """Sizes of the gradients of the parameters of one layer; note is "" when they are usual."""

    layer: str
    mean: float
    max: float
    norm: float
    note: str = ""


@dataclass(frozen=True)
class GradientFlow:
    """The layers in the order of the model. It prints as a table."""

    layers: list[LayerFlow]

    @property
    def flagged(self) -> dict[str, str]:
        """Layers with a note, and the note."""
        return {layer.layer: layer.note for layer in self.layers if layer.note}

    def __str__(self) -> str:
        width = max([5, *(len(r.layer) for r in self.layers)])
        rows = [f"{r.layer:<{width}}  {r.mean:9.2e}  {r.max:9.2e}  {r.norm:9.2e}  {r.note}".rstrip()
                for r in self.layers]
        return "\n".join([f"{'layer':<{width}}  {'mean':>9}  {'max':>9}  {'norm':>9}", *rows])


def gradient_flow(model: Any) -> GradientFlow:
    """Mean and largest absolute gradient, and its norm, of every layer with parameters.

    To be called after `loss.backward()`. A layer is flagged when its mean is below a thousandth
    ("vanishing"), or above a thousand times ("exploding"), of the median of all layers; when it is
    0 ("no gradient") or not finite.
    """
    found = []
    for name, module in model.named_modules():
        grads = [p.grad.numpy().ravel().astype(np.float64)
                 for p in module.parameters(recurse=False) if p.grad is not None]
        if grads:
            size = np.abs(np.concatenate(grads))
            norm = float(np.sqrt((size * size).sum()))
            found.append(LayerFlow(name or type(module).__name__, float(size.mean()),
                                   float(size.max()), norm))
    alive = [f.mean for f in found if f.mean > 0 and math.isfinite(f.mean)]
    middle = float(np.median(alive)) if alive else 0.0
    return GradientFlow([LayerFlow(f.layer, f.mean, f.max, f.norm, _note(f.mean, middle))
                         for f in found])


def _note(mean: float, middle: float) -> str:
    if not math.isfinite(mean):
        return "not finite"
    if mean == 0:
        return "no gradient"
    if mean < VANISHING * middle:
        return "vanishing"
    return "exploding" if mean > EXPLODING * middle else ""
