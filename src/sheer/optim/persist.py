"""The state of an optimizer flows out as PyTorch's state dict, and back in from one."""

from __future__ import annotations

import copy
import inspect
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph.errors import StateError
from ..mixins.core import Core, tensor_class
from ..ops.structure import data
from .group import check_rate, handle
from .parameters import members

if TYPE_CHECKING:
    from .optimizer import Optimizer
    from .update_rule import UpdateRule


def to_dict(optimizer: Optimizer, state: Mapping[Any, Any]) -> dict[str, Any]:
    """{"state": {number: entry}, "param_groups": [{..., "params": [numbers]}]}.

    state holds entries by parameter, or by a key of the optimizer's own. A parameter that never
    moved has none, as in PyTorch. Tensors are snapshots.
    """
    number = {id(p): i for i, p in enumerate(members(optimizer.param_groups))}
    groups = [{**group, "params": [number[id(p)] for p in group["params"]]}
              for group in optimizer.param_groups]
    entries = {number.get(id(key), key): entry for key, entry in state.items()}
    order = sorted(entries, key=lambda key: key if isinstance(key, int) else len(number))
    return {"state": {key: entries[key] for key in order}, "param_groups": groups}


# ---- state that a step keeps as it likes ---------------------------------------------------------
def kept(optimizer: Optimizer) -> dict[Any, Any]:
    """Copies of all entries that are not empty."""
    return {key: copied(entry) for key, entry in optimizer.state.items()
            if not isinstance(entry, Mapping) or entry}


def found(optimizer: Optimizer, groups: Sequence[Mapping[str, Any]],
          state: Mapping[Any, Any]) -> dict[Any, Any]:
    """Saved entries by the parameters of this optimizer."""
    numbers = [i for old in groups for i in old["params"]]
    place = dict(zip(numbers, members(optimizer.param_groups), strict=True))
    place |= {str(i): p for i, p in place.items()}          # what a file made of the numbers
    return {place.get(key, key): copied(entry) for key, entry in state.items()}


def set_options(optimizer: Optimizer, options: Iterable[Mapping[str, Any]]) -> None:
    """Let every group have its options."""
    for group, known in zip(optimizer.param_groups, options, strict=True):
        for key, value in known.items():
            group[key] = value


def tensors_in(value: Any) -> Iterator[Core]:
    """The tensors in state of any form."""
    if isinstance(value, Core):
        yield value
    elif isinstance(value, Mapping | list | tuple | deque):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from tensors_in(part)


def copied(value: Any) -> Any:
    """State of any form with tensors of its own, ours or PyTorch's, which later steps do not touch.
    """
    if hasattr(value, "detach"):
        return tensor_class()(data(np.array(value.detach().cpu().numpy())))
    if isinstance(value, Mapping):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, list | tuple | deque):
        return type(value)(copied(part) for part in value)
    return copy.deepcopy(value)


# ---- state that an update rule declares ----------------------------------------------------------
def declared(optimizer: UpdateRule) -> dict[Any, Any]:
    """Copies of the state of parameters that have moved, but of what files do not hold."""
    entries = {p: {name: t for name, t in s.items() if name not in optimizer.hidden}
               for p, s in optimizer.state.items() if not ("step" in s and s["step"].item() == 0)}
    return {p: copied(entry) for p, entry in entries.items() if entry}


def from_dict(optimizer: UpdateRule, saved: Any) -> None:
    """The opposite of `to_dict`. Nothing changes when the dict does not fit (E304, E306)."""
    groups = checked_groups(optimizer, saved)
    options, new = [], {}
    for group, old in zip(optimizer.param_groups, groups, strict=True):
        options.append(checked_options(optimizer, group, old))
        o = {k: {**group, **options[-1]}[k] for k in optimizer.defaults}
        for p, i in zip(group["params"], old["params"], strict=True):
            entry = saved["state"].get(i, saved["state"].get(str(i), {}))
            new[p] = _arrays(optimizer, o, p, i, entry)
    set_options(optimizer, options)
    for group in optimizer.param_groups:
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
    known["lr"] = check_rate(known.get("lr", group["lr"]))
    optimizer.check_options({k: {**group, **known}[k] for k in optimizer.defaults})
    return known


def _restore(optimizer: UpdateRule, group: Any, new: Mapping[Any, Mapping[str, Any]]) -> None:
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


def _reading(optimizer: UpdateRule, entry: Mapping[str, Any], name: str, start: float) -> float:
    if name in entry:
        return float(entry[name].item())
    return 1.0 if name in optimizer.hidden and entry else start       # it moved before it was saved


def _arrays(optimizer: UpdateRule, o: dict[str, Any], p: Core, number: Any,
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
