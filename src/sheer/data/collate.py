"""Collating: a list of examples flows in, one batch of tensors of the same structure flows out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..graph.errors import DataError, ShapeError
from ..mixins.core import array_node, evaluate, wrap
from ..ops.structure import data
from ..tensor import Tensor


def default_collate(batch: Sequence[Any], indices: Sequence[int] | None = None) -> Any:
    """Stack examples along a new first axis, within tuples, lists, dicts and named tuples.

    Tensors, arrays and numbers become tensors; texts and bytes stay in a list. Python floats and
    float64 arrays become float32, as everywhere in sheer; float64 tensors stay as they are.

    indices  where the examples come from, for error texts
    Raises  E403 when shapes or structures differ, E405 for what cannot be stacked
    Source  torch.utils.data.default_collate
    """
    rows = list(range(len(batch))) if indices is None else list(indices)
    return _collate(list(batch), rows, "")


def default_convert(value: Any) -> Any:
    """One example: arrays become tensors, everything else stays; for batch_size=None."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        return wrap(array_node(np.asarray(value)))
    if isinstance(value, Mapping):
        return _like(value, {k: default_convert(v) for k, v in value.items()})
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(default_convert, value))
    if isinstance(value, tuple | list):
        return [default_convert(v) for v in value]
    return value


def _collate(items: Sequence[Any], rows: list[int], field: str) -> Any:
    first = items[0]
    if isinstance(first, str | bytes):
        return items
    if isinstance(first, Mapping):
        _same_kind(items, rows, field, lambda v: isinstance(v, Mapping) and set(v) == set(first),
                   lambda v: f"keys {sorted(map(str, v))}" if isinstance(v, Mapping) else _kind(v))
        return _like(first, {k: _collate([i[k] for i in items], rows, f"{field}[{k!r}]")
                             for k in first})
    if isinstance(first, tuple | list):
        row: Callable[[Any], bool] = lambda v: isinstance(v, tuple | list)
        _same_kind(items, rows, field, lambda v: row(v) and len(v) == len(first),
                   lambda v: f"{len(v)} fields" if row(v) else _kind(v))
        fields = getattr(first, "_fields", None)
        places = [f"{field}[{k}]" if fields is None else f"{field}.{fields[k]}"
                  for k in range(len(first))]
        parts = [_collate(tuple(i[k] for i in items), rows, at) for k, at in enumerate(places)]
        return parts if fields is None else type(first)(*parts)
    return _stack(items, rows, field)


def _stack(items: Sequence[Any], rows: list[int], field: str) -> Any:
    """Tensors, arrays or numbers as one tensor."""
    if all(isinstance(i, Tensor) for i in items):
        arrays = evaluate(items)
        _same_shape(arrays, rows, field)
        return wrap(data(np.stack(arrays)))
    arrays = [np.asarray(i) for i in items]
    strange = next((k for k, a in enumerate(arrays) if a.dtype.kind not in "biuf"), None)
    if strange is not None:
        raise DataError("E405", "collate", f"example {rows[strange]}{_at(field)} cannot be stacked",
                        got={"value": _kind(items[strange])},
                        need="tensors, arrays, numbers, texts, or tuples, lists and dicts of them",
                        tries=[("collate_fn=list", lambda: None)])
    _same_shape(arrays, rows, field)
    whole = np.stack(arrays)
    if whole.dtype == np.float64 and not isinstance(items[0], np.ndarray | np.generic):
        whole = whole.astype(np.float32)                  # Python's floats are float32 here
    return wrap(array_node(whole))


def _same_shape(arrays: Sequence[np.ndarray], rows: list[int], field: str) -> None:
    wrong = next((k for k, a in enumerate(arrays) if a.shape != arrays[0].shape), None)
    if wrong is not None:
        raise ShapeError(
            "E403", "collate", f"examples of a batch differ in shape{_at(field)}",
            got={f"example {rows[0]}": f"shape {arrays[0].shape}",
                 f"example {rows[wrong]}": f"shape {arrays[wrong].shape}"},
            need="one shape; pad or crop in the dataset, or pass a collate_fn")


def _same_kind(items: Sequence[Any], rows: list[int], field: str, fits: Callable[[Any], bool],
               describe: Callable[[Any], str]) -> None:
    wrong = next((k for k, v in enumerate(items) if not fits(v)), None)
    if wrong is not None:
        raise ShapeError("E403", "collate", f"examples of a batch differ in structure{_at(field)}",
                         got={f"example {rows[0]}": describe(items[0]),
                              f"example {rows[wrong]}": describe(items[wrong])},
                         need="one structure for all examples")


def _at(field: str) -> str:
    return f" in field {field}" if field else ""


def _kind(value: Any) -> str:
    return type(value).__name__


def _like(old: Mapping[Any, Any], new: dict[Any, Any]) -> Any:
    """A mapping of the same class where that can be made from a dict."""
    try:
        return type(old)(new)  # type: ignore[call-arg]
    except TypeError:
        return new
