"""The state of a training: model, optimizer and generator flow out as values, and back in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..graph.errors import StateError
from ..ops.structure import data
from ..random import default_generator


def capture(model: Any, optimizer: Any) -> dict[str, Any]:
    """Everything a training needs to go on with the same bits, for `sheer.save`."""
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
            "generator": default_generator.get_state()}


def restore(model: Any, optimizer: Any, saved: Any) -> None:
    """Put a captured state back. Nothing changes when the model does not fit (E210).

    Raises  E507 for a file that holds weights only
    """
    if not isinstance(saved, Mapping) or not {"model", "optimizer", "generator"} <= saved.keys():
        raise StateError("E507", "resume", "these are weights, not the state of a training",
                         need="last.safetensors of a run",
                         tries=[("model.load_state_dict(sheer.load(file))", lambda: None)])
    before = model.state_dict()
    model.load_state_dict(saved["model"])
    try:
        optimizer.load_state_dict(saved["optimizer"])
    except Exception:
        model.load_state_dict(before)
        raise
    default_generator.state.copy_(saved["generator"])


def tensors(model: Any, optimizer: Any) -> list[Any]:
    """Every tensor a step may change, each once."""
    found = {id(t): t for t in _all(model, optimizer)}
    return list(found.values())


def _all(model: Any, optimizer: Any) -> Iterator[Any]:
    yield from model.parameters()
    yield from model.buffers()
    for group in optimizer.param_groups:
        yield from group.tensors()
    for entry in optimizer.state.values():
        yield from entry.values()
    yield default_generator.state


class Snapshot:
    """Copies of all state tensors, to go back to within the same process.

    finite  for each tensor, whether all its numbers are
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.handles = tensors(model, optimizer)
        self.copies = [np.array(t.numpy()) for t in self.handles]
        self.finite = {id(t): bool(np.isfinite(a).all()) for t,
                       a in zip(self.handles, self.copies, strict=True)}

    def put_back(self) -> None:
        """Return to the remembered values."""
        for handle, copy in zip(self.handles, self.copies, strict=True):
            handle._rebind(data(copy.copy()))

    def broke_since(self, before: Snapshot) -> bool:
        """Is there a tensor that was finite then and is not now?"""
        return any(before.finite.get(key, True) and not now for key, now in self.finite.items())
