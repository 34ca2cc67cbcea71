"""Parameter groups by layer: modules flow in, groups with rates that shrink backwards flow out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..graph.errors import ArgumentError
from ..nn.module import Module


def layer_groups(modules: Iterable[Module], lr: float,
                 decay: float = 1 / 2.6) -> list[dict[str, Any]]:
    """One parameter group per module, for any optimizer: the last has rate lr, the one before it
    lr * decay, and so on. A parameter that several modules share is in the group of the last.

    Params  modules  from the input to the output, say `model.children()`
            lr       of the last module
            decay    from one module to the one before it, in (0, 1]
    Raises  E522 for a decay out of range, and without parameters
    Source  Howard and Ruder 2018, arXiv:1801.06146, section 3.2: discriminative fine-tuning, 2.6
    Example
        >>> model = sheer.nn.Sequential(sheer.nn.Linear(4, 3), sheer.nn.Linear(3, 2))
        >>> [group["lr"] for group in layer_groups(model.children(), 0.1, 0.5)]
        [0.05, 0.1]
    """
    if not 0 < decay <= 1:
        raise ArgumentError("E522", "layer_groups", f"decay = {decay} is out of range",
                            need="a number in (0, 1]")
    seen: set[int] = set()
    groups: list[dict[str, Any]] = []
    held = [m for m in modules if any(True for _ in m.parameters())]
    for i, module in enumerate(reversed(held)):
        own = [p for p in module.parameters() if id(p) not in seen]
        seen |= {id(p) for p in own}
        if own:
            groups.append({"params": own, "lr": lr * decay ** i})
    if not groups:
        raise ArgumentError("E522", "layer_groups", "the modules have no parameters",
                            need="layers that learn")
    return groups[::-1]
