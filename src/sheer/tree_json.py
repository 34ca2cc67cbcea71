"""Nested values flow out as JSON beside a flat dict of arrays, and back in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .graph.errors import DataError
from .tensor import Tensor, tensor

MARK = "$"                                     # a JSON object with this key stands for no dict


def encode(value: Any, arrays: dict[str, np.ndarray], path: str = "") -> Any:
    """The value as JSON; tensors and arrays move to `arrays` under their path.

    A tensor that occurs twice is stored once. Raises E511 for what has no JSON form.
    """
    return _Encoder(arrays).visit(value, path)


def decode(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value that `encode` was given; dicts come back as plain dicts, in their order.

    Raises E503 for a description that `encode` did not write, or of tensors that are not there.
    """
    try:
        return _decode(tree, arrays, {})
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as e:
        raise DataError("E503", "load", "the description of the values is broken",
                        got={"error": f"{type(e).__name__}: {e}"},
                        need="a file written by sheer.save, as it was written") from e


class _Encoder:
    """One value under way: `met` has the tensors so far by identity, and keeps them alive."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays
        self.met: dict[int, tuple[str, Any]] = {}

    def visit(self, value: Any, path: str) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, Tensor | np.ndarray):
            return self._leaf(value, path)
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        if isinstance(value, tuple | list):
            items = [self.visit(v, join(path, i)) for i, v in enumerate(value)]
            return items if isinstance(value, list) else {MARK: "tuple", "items": items}
        if isinstance(value, float) and not math.isfinite(value):
            return {MARK: "float", "value": str(value)}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise refuse(value, path)

    def _leaf(self, value: Any, path: str) -> Any:
        if id(value) not in self.met:
            name = path or "value"
            while name in self.arrays:         # {"a/b": x, "a": {"b": y}}
                name += "'"
            self.met[id(value)] = name, value
            self.arrays[name] = np.array(value.numpy() if isinstance(value, Tensor) else value)
        made = {MARK: "tensor" if isinstance(value, Tensor) else "array",
                "name": self.met[id(value)][0]}
        return made | ({"requires_grad": True} if getattr(value, "requires_grad", False) else {})

    def _mapping(self, value: Mapping[Any, Any], path: str) -> Any:
        for key in value:
            if not isinstance(key, str | int | float | bool | None):
                raise refuse(key, path)
        if MARK not in value and all(isinstance(k, str) for k in value):
            return {k: self.visit(v, join(path, k)) for k, v in value.items()}
        return {MARK: "dict",
                "items": [[k, self.visit(v, join(path, k))] for k, v in value.items()]}


def _decode(tree: Any, arrays: Mapping[str, np.ndarray], seen: dict[str, Any]) -> Any:
    def again(v: Any) -> Any:
        return _decode(v, arrays, seen)
    if isinstance(tree, list):
        return [again(v) for v in tree]
    if not isinstance(tree, dict):
        return tree
    match tree.get(MARK):
        case None:
            return {k: again(v) for k, v in tree.items()}
        case "dict":
            return {k: again(v) for k, v in tree["items"]}
        case "tuple":
            return tuple(again(v) for v in tree["items"])
        case "float":
            return float(tree["value"])
        case "array":
            return arrays[tree["name"]]
    name = tree["name"]
    if name not in seen:
        array = arrays[name]
        seen[name] = tensor(array, dtype=array.dtype.name,
                            requires_grad=tree.get("requires_grad", False))
    return seen[name]


def join(path: str, part: Any) -> str:
    """The place of a part in a nested value."""
    return f"{path}/{part}" if path else str(part)


def refuse(value: Any, path: str) -> DataError:
    """E511: a value that is no data, with its place."""
    module = hasattr(value, "state_dict")
    return DataError("E511", "save", f"a {type(value).__name__} cannot be saved",
                     got={"place": path or "the value itself", "value": repr(value)[:60]},
                     need="tensors, arrays, numbers, texts, None; dicts, lists and tuples of them",
                     tries=[("save(x.state_dict(), f)", value.state_dict)] if module else [])
