"""The state of an optimizer flows out as PyTorch's state dict, and back in from one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph.errors import StateError
from ..mixins.core import Core, tensor_class
from ..ops.structure import data
from .group import handle

if TYPE_CHECKING:
    from .optimizer import Optimizer


def to_dict(optimizer: Optimizer) -> dict[str, Any]:
    """{"state": {number: {name: tensor}}, "param_groups": [{..., "params": [numbers]}]}.

    A parameter that never moved has no entry, as in PyTorch. Tensors are snapshots.
    """
    number = {id(p): i for i, p in enumerate(_parameters(optimizer))}
    groups = [{**group, "params": [number[id(p)] for p in group["params"]]}
              for group in optimizer.param_groups]
    state = {number[id(p)]: _entry(optimizer, s) for p, s in optimizer.state.items()
             if s and not ("step" in s and s["step"].item() == 0)}
    return {"state": {i: entry for i, entry in sorted(state.items()) if entry},
            "param_groups": groups}


def from_dict(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """The opposite of `to_dict`. Nothing changes when the dict does not fit."""
    groups, entries = saved["param_groups"], saved["state"]
    _check_groups(optimizer, groups)
    new = {}
    for group, old in zip(optimizer.param_groups, groups, strict=True):
        for p, i in zip(group["params"], old["params"], strict=True):
            entry = entries.get(i, entries.get(str(i), {}))
            new[p] = _arrays(optimizer, group, p, i, entry)
    for group, old in zip(optimizer.param_groups, groups, strict=True):
        known = {k: v for k, v in old.items() if k not in ("params", "param_names")}
        for key, value in known.items():
            group[key] = tuple(value) if isinstance(value, list) else value
        _restore(optimizer, group, new)


def _restore(optimizer: Optimizer, group: Any, new: Mapping[Any, Mapping[str, Any]]) -> None:
    """Arrays into the handles there are, so that a compiled step goes on with them."""
    o = {k: group[k] for k in optimizer.defaults if k != "lr"}
    optimizer._make_state(group, o)
    slots, clocks = optimizer.slots(o), optimizer.clocks(o)
    readings: dict[int, tuple[float, ...]] = {}           # id of a clock -> what it was set to
    for p in group["params"]:
        state, entry = optimizer.state[p], new[p]
        for name, shape in optimizer.shapes(p.shape, o).items():
            array = np.full(shape, slots[name]) if name not in entry else entry[name]
            state[name]._rebind(data(np.array(array, p.dtype.numpy)))
        reading = tuple(_reading(optimizer, entry, n, start) for n, start in clocks.items())
        ours = id(next((state[n] for n in clocks), None))
        if readings.setdefault(ours, reading) != reading:     # shared so far, and now apart
            state.update({n: handle(x) for n, x in zip(clocks, reading, strict=True)})
            optimizer.layout += 1
            continue
        for n, x in zip(clocks, reading, strict=True):
            state[n]._rebind(data(np.array(x)))


def _reading(optimizer: Optimizer, entry: Mapping[str, Any], name: str, start: float) -> float:
    if name in entry:
        return float(entry[name])
    return 1.0 if name in optimizer.hidden and entry else start       # it moved before it was saved


def _entry(optimizer: Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
    """One parameter's state under tensors of its own, which later steps do not touch."""
    return {name: tensor_class()(data(np.array(t.numpy()))) for name, t in state.items()
            if name not in optimizer.hidden}


def _arrays(optimizer: Optimizer, group: Any, p: Core, number: int,
            entry: Mapping[str, Any]) -> dict[str, Any]:
    """A saved entry as arrays, whatever library its tensors came from. Raises E306."""
    arrays = {k: np.asarray(v.detach().cpu() if hasattr(v, "detach") else v)
              for k, v in entry.items() if v is not None}
    shapes = optimizer.shapes(p.node.shape, {k: group[k] for k in optimizer.defaults if k != "lr"})
    for name, array in arrays.items():
        if array.shape not in ((), shapes.get(name, p.node.shape)):
            raise StateError(
                "E306", type(optimizer).__name__, f"{name} of parameter {number} has another shape",
                got={"saved": array.shape, "parameter": p.node},
                need="the state of a model with the same parameters in the same order")
    return arrays


def _check_groups(optimizer: Optimizer, groups: Any) -> None:
    ours = [len(g["params"]) for g in optimizer.param_groups]
    theirs = [len(g["params"]) for g in groups]
    if ours != theirs:
        raise StateError(
            "E306", type(optimizer).__name__, "the saved groups are not those of this optimizer",
            got={"saved": f"parameters per group {theirs}", "here": f"parameters per group {ours}"},
            need="the optimizer of the same model, with the same groups")


def _parameters(optimizer: Optimizer) -> list[Any]:
    return [p for group in optimizer.param_groups for p in group["params"]]
