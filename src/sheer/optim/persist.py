"""The state of an optimizer flows out as PyTorch's state dict, and back in from one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph.errors import StateError
from ..mixins.core import Core, tensor_class
from ..ops.structure import data
from .group import check_rate, handle

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


def from_dict(optimizer: Optimizer, saved: Any) -> None:
    """The opposite of `to_dict`. Nothing changes when the dict does not fit (E304, E306)."""
    groups = checked_groups(optimizer, saved)
    options, new = [], {}
    for group, old in zip(optimizer.param_groups, groups, strict=True):
        options.append(checked_options(optimizer, group, old))
        o = {k: {**group, **options[-1]}[k] for k in optimizer.defaults}
        for p, i in zip(group["params"], old["params"], strict=True):
            entry = saved["state"].get(i, saved["state"].get(str(i), {}))
            new[p] = _arrays(optimizer, o, p, i, entry)
    for group, known in zip(optimizer.param_groups, options, strict=True):
        for key, value in known.items():
            group[key] = value
        _restore(optimizer, group, new)


def checked_groups(optimizer: Optimizer, saved: Any) -> list[Mapping[str, Any]]:
    """The groups of a saved state. Raises E306 unless they have as many parameters as here."""
    fits = (isinstance(saved, Mapping) and isinstance(saved.get("state"), Mapping)
            and isinstance(saved.get("param_groups"), list | tuple)
            and all(isinstance(g, Mapping) and isinstance(g.get("params"), list | tuple)
                    for g in saved["param_groups"]))
    if not fits:
        kind = f"a dict of {list(saved)}" if isinstance(saved, Mapping) else type(saved).__name__
        raise StateError("E306", type(optimizer).__name__, "this is no state of an optimizer",
                         got={"saved": kind}, need="what state_dict() gave: state and "
                         "param_groups, each group with params")
    _check_groups(optimizer, saved["param_groups"])
    return list(saved["param_groups"])


def checked_options(optimizer: Optimizer, group: Mapping[str, Any],
                    old: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a saved group. Raises E306 when it is of another kind of optimizer, E304 for
    an option that the optimizer does not accept.
    """
    kind = type(optimizer)
    own = [n for n, p in inspect.signature(kind.__init__).parameters.items()
           if p.kind is p.POSITIONAL_OR_KEYWORD and n in optimizer.defaults]
    missing = [n for n in own if n not in old]          # keywords are younger than some files
    if missing:
        raise StateError("E306", kind.__name__, f"the saved group has no {', '.join(missing)}",
                         got={"saved": ", ".join(k for k in old if k != "params")},
                         need=f"the state of {kind.__name__}")
    known = {k: tuple(v) if isinstance(v, list) else v for k, v in old.items()
             if k not in ("params", "param_names")}
    known["lr"] = check_rate(known["lr"])
    optimizer.check_options({k: {**group, **known}[k] for k in optimizer.defaults})
    return known


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
        return float(entry[name].item())
    return 1.0 if name in optimizer.hidden and entry else start       # it moved before it was saved


def _entry(optimizer: Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
    """One parameter's state under tensors of its own, which later steps do not touch."""
    return {name: tensor_class()(data(np.array(t.numpy()))) for name, t in state.items()
            if name not in optimizer.hidden}


def _arrays(optimizer: Optimizer, o: dict[str, Any], p: Core, number: Any,
            entry: Any) -> dict[str, Any]:
    """A saved entry as arrays, whatever library its tensors came from. Raises E306."""
    if not isinstance(entry, Mapping):
        raise _unfit(optimizer, p, f"the state of parameter {number} is no dict",
                     type(entry).__name__)
    arrays = {k: np.asarray(v.detach().cpu() if hasattr(v, "detach") else v)
              for k, v in entry.items() if v is not None}
    shapes = optimizer.shapes(p.node.shape, o)
    known = {**dict.fromkeys((*optimizer.clocks(o), *optimizer.hidden, "step"), ()), **shapes}
    for name, array in arrays.items():
        if name not in known:
            raise _unfit(optimizer, p, f"{name} is no state of {type(optimizer).__name__}",
                         f"{name} of parameter {number}")
        if array.dtype.kind not in "fiub":
            raise _unfit(optimizer, p, f"{name} of parameter {number} holds no numbers",
                         array.dtype)
        if array.shape != known[name] and (name in shapes or array.size != 1):
            raise _unfit(optimizer, p, f"{name} of parameter {number} has another shape",
                         array.shape)
    return arrays


def _unfit(optimizer: Optimizer, p: Core, what: str, saved: Any) -> StateError:
    return StateError("E306", type(optimizer).__name__, what,
                      got={"saved": saved, "parameter": p.node},
                      need="the state of a model with the same parameters in the same order")


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
