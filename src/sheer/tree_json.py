"""Nested values flow out as JSON beside a flat dict of arrays, and back in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .graph.errors import DataError
from .tensor import Tensor, tensor

MARK = "$"                                     # a JSON object with this key stands for no dict
TAKEN = "__metadata__"                         # a name that safetensors gives to no array
# element types of arrays that safetensors has a name for
HELD = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64", "complex64")


def encode(value: Any, arrays: dict[str, np.ndarray], path: str = "") -> Any:
    """The value as JSON; tensors and arrays move to `arrays` under their path.

    A tensor that occurs twice is stored once. Raises E511 for what has no JSON form.
    """
    try:
        return _Encoder(arrays).visit(value, path)
    except RecursionError:                     # which a value that is printed would meet again
        raise DataError("E511", "save", "the value is nested too deeply to be saved",
                        need="fewer dicts, lists and tuples within one another") from None


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
    """One value under way.

    met     the tensors so far by identity, kept alive
    around  the containers that what is visited lies in, by identity
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays
        self.met: dict[int, tuple[str, Any]] = {}
        self.around: set[int] = set()

    def visit(self, value: Any, path: str) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, Tensor | np.ndarray):
            return self._leaf(value, path)
        if isinstance(value, Mapping | tuple | list):
            return self._container(value, path)
        if isinstance(value, float) and not math.isfinite(value):
            return {MARK: "float", "value": str(value)}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise refuse(value, path)

    def _leaf(self, value: Any, path: str) -> Any:
        if id(value) not in self.met:
            name = path or "value"
            while name in self.arrays or name == TAKEN:        # {"a/b": x, "a": {"b": y}}
                name += "'"
            array = np.array(value.numpy() if isinstance(value, Tensor) else value)
            if array.dtype.name not in HELD:
                raise refuse(value, path, f"an array of {array.dtype} cannot be saved")
            self.met[id(value)] = name, value
            self.arrays[name] = array
        made = {MARK: "tensor" if isinstance(value, Tensor) else "array",
                "name": self.met[id(value)][0]}
        return made | ({"requires_grad": True} if getattr(value, "requires_grad", False) else {})

    def _container(self, value: Any, path: str) -> Any:
        if id(value) in self.around:
            raise refuse(value, path, f"a {type(value).__name__} that contains itself cannot be "
                                      "saved")
        self.around.add(id(value))
        if isinstance(value, Mapping):
            made = self._mapping(value, path)
        else:
            items = [self.visit(v, join(path, i)) for i, v in enumerate(value)]
            made = items if isinstance(value, list) else {MARK: "tuple", "items": items}
        self.around.discard(id(value))
        return made

    def _mapping(self, value: Mapping[Any, Any], path: str) -> Any:
        for key in value:
            if not isinstance(key, str | int | float | bool | None):
                raise refuse(key, path)
            if isinstance(key, float) and not math.isfinite(key):
                raise refuse(key, path, f"the key {key} cannot be saved")
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


def refuse(value: Any, path: str, what: str = "") -> DataError:
    """E511: a value that is no data, with its place."""
    module = hasattr(value, "state_dict")
    return DataError("E511", "save", what or f"a {type(value).__name__} cannot be saved",
                     got={"place": path or "the value itself", "value": repr(value)[:60]},
                     need="tensors, arrays, numbers, texts, None; dicts, lists and tuples of them",
                     tries=[("save(x.state_dict(), f)", value.state_dict)] if module else [])
