"""What users hand to an optimizer flows in; checked groups of leaf tensors flow out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..graph.errors import ArgumentError, StateError, Try
from ..mixins.core import Core


def split_groups(optimizer: str, params: Any) -> list[dict[str, Any]]:
    """The groups: those given as dicts, or one that holds everything. Raises E301."""
    if isinstance(params, Core | Mapping | str) or callable(params) or not hasattr(params,
                                                                                   "__iter__"):
        raise _no_params(optimizer, params)
    found = list(params)
    if not found:
        raise ArgumentError(
            "E301", optimizer, "there are no parameters", got={"params": "empty"},
            need="model.parameters(), not yet used up: an iterator gives its tensors once",
            tries=[("list(model.parameters())", lambda: None)])
    if isinstance(found[0], Mapping):
        return [dict(g) for g in found]
    return [{"params": found}]


def _no_params(optimizer: str, params: Any) -> ArgumentError:
    """E301 for one thing where several are wanted; what is said helps when it is done."""
    kind, right = f"a {type(params).__name__}", "[params]"
    if isinstance(params, Core):
        kind = "one tensor"
    elif callable(params):
        right = "model.parameters()"
    elif isinstance(params, Mapping) and "params" not in params:
        right = "list(params.values())"
    fits = isinstance(params, Core | Mapping) or callable(params)
    tries: list[Try] = [(right, lambda: None)] if fits else []
    return ArgumentError("E301", optimizer, f"params is {kind}, not several tensors",
                         need="an iterable of tensors or of dicts; lr comes after it"
                         if isinstance(params, int | float) else
                         "an iterable of tensors or of dicts", tries=tries)


def named(optimizer: str, params: Any) -> tuple[list[str] | None, list[Any]]:
    """The names, if pairs were given, and the tensors."""
    if isinstance(params, Core):
        return None, [params]
    if isinstance(params, set | frozenset):
        raise ArgumentError("E301", optimizer, "a set of parameters has no order", need="a list")
    found = list(params)
    if not found:
        raise ArgumentError("E301", optimizer, "a group has no parameters", got={"params": "empty"},
                            need="at least one tensor")
    if all(isinstance(x, tuple) and len(x) == 2 and isinstance(x[0], str) for x in found):
        return [name for name, _ in found], [p for _, p in found]
    return None, found


def members(groups: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Every parameter of the groups, in order."""
    return [p for group in groups for p in group["params"]]


def check_new(optimizer: str, params: Sequence[Any], names: Sequence[str] | None,
              groups: Iterable[Mapping[str, Any]]) -> None:
    """Raise E303 for what cannot be optimized, E302 for what would be optimized twice."""
    seen: dict[int, str] = {}
    for i, group in enumerate(groups):
        for j, p in enumerate(group["params"]):
            seen[id(p)] = _label(j, group.get("param_names"), f" of group {i}")
    for j, p in enumerate(params):
        label = _label(j, names, "")
        check_leaf(optimizer, label, p)
        if id(p) in seen:
            raise ArgumentError(
                "E302", optimizer, f"{seen[id(p)]} and {label} are the same tensor",
                got={"tensor": p.node}, need="each tensor once; it would move twice per step",
                tries=[("list(dict.fromkeys(params))", lambda: None)])
        seen[id(p)] = label


def check_leaf(optimizer: str, label: str, p: Any) -> None:
    """Raise E303 unless p is a tensor that was made by the user, not computed."""
    if not isinstance(p, Core):
        raise ArgumentError("E303", optimizer, f"{label} is no tensor",
                            got={"value": type(p).__name__}, need="tensors with requires_grad=True")
    if not p.is_leaf:
        raise StateError("E303", optimizer, f"{label} was computed, it is no leaf",
                         got={"tensor": p.node}, need="a tensor you made yourself",
                         tries=[("p.detach().requires_grad_()", lambda: None)])
    if not p.node.dtype.is_floating_point:
        raise ArgumentError("E303", optimizer, f"{label} holds {p.node.dtype.name}",
                            got={"tensor": p.node}, need="float32 or float64")


def _label(j: int, names: Sequence[str] | None, where: str) -> str:
    return f"parameter {names[j]!r}{where}" if names is not None else f"parameter {j}{where}"
