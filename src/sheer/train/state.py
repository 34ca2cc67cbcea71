"""The state of a training: model, optimizer and generator flow out as arrays, and back in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..graph.errors import StateError
from ..random import default_generator
from ..tensor import Tensor, tensor


def flatten(value: Any, prefix: str, arrays: dict[str, np.ndarray]) -> Any:
    """A nested state as JSON, its tensors moved to `arrays` under their path."""
    if isinstance(value, Tensor):
        arrays[prefix] = np.array(value.numpy())
        return {"$": prefix}
    if isinstance(value, Mapping):
        return {str(k): flatten(v, f"{prefix}/{k}", arrays) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [flatten(v, f"{prefix}/{i}", arrays) for i, v in enumerate(value)]
    return value


def unflatten(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The nested state again; keys that are whole numbers become ints, as state_dict has them."""
    if isinstance(value, dict):
        if set(value) == {"$"}:
            array = arrays[value["$"]]
            return tensor(array, dtype=array.dtype.name)
        return {int(k) if k.isdigit() else k: unflatten(v, arrays) for k, v in value.items()}
    if isinstance(value, list):
        return [unflatten(v, arrays) for v in value]
    return value


def capture(model: Any, optimizer: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Everything a training needs to go on with the same bits."""
    arrays: dict[str, np.ndarray] = {f"model/{k}": np.array(v.numpy())
                                     for k, v in model.state_dict().items()}
    about = {"optimizer": flatten(optimizer.state_dict(), "optimizer", arrays),
             "generator": flatten(default_generator.state, "generator", arrays)}
    return arrays, about


def restore(model: Any, optimizer: Any, arrays: Mapping[str, np.ndarray],
            about: Mapping[str, Any]) -> None:
    """Put a captured state back. Nothing changes when the model does not fit (E210)."""
    weights = {k.removeprefix("model/"): tensor(v, dtype=v.dtype.name) for k, v in arrays.items()
               if k.startswith("model/")}
    if "optimizer" not in about:
        raise StateError("E507", "resume", "these are weights, not the state of a training",
                         need="last.safetensors of a run", tries=[("model.load_state_dict", lambda: None)])
    model.load_state_dict(weights)
    optimizer.load_state_dict(unflatten(about["optimizer"], arrays))
    default_generator.state.copy_(unflatten(about["generator"], arrays))


class Snapshot:
    """Copies of all state tensors, to go back to within the same process."""

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.handles = [*model.state_dict(keep_vars=True).values(), *optimizer.tensors(),
                        default_generator.state]
        self.take()

    def take(self) -> None:
        """Remember the values of now."""
        self.copies = [np.array(t.numpy()) for t in self.handles]

    def put_back(self) -> None:
        """Return to the remembered values."""
        from ..ops.structure import data
        for handle, copy in zip(self.handles, self.copies, strict=True):
            handle._rebind(data(copy.copy()))
