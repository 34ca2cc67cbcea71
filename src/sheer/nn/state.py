"""What is done with whole module trees: walking, saving, loading, printing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..graph.errors import ArgumentError
from ..mixins.core import Core, evaluate
from ..tensor import Tensor, as_tensor
from .functional.common import passes_if
from .parameter import put

if TYPE_CHECKING:
    from .module import Module


class LoadResult(NamedTuple):
    """What `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"LoadResult(missing_keys={self[0]}, unexpected_keys={self[1]})"


def join(path: str, name: str) -> str:
    """`path.name`, or `name` at the root."""
    return f"{path}.{name}" if path else name


def walk(module: Any, prefix: str = "") -> Iterator[tuple[str, Module]]:
    """Dotted name and module in the order of registration; a shared module under each name."""
    yield prefix, module
    for name, child in module.named_children():
        yield from walk(child, join(prefix, name))


def entries(module: Module, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """What a state_dict holds, in its order. A prefix ends with a dot, as in torch."""
    for path, part in walk(module, prefix.removesuffix(".")):
        for name, p in part._parameters.items():
            if p is not None:
                yield join(path, name), p
        for name, b in part._buffers.items():
            if b is not None and name not in part._not_saved:
                yield join(path, name), b


def load(module: Module, given: Mapping[str, Any], strict: bool) -> LoadResult:
    """Copy values into the tree when all of them fit; E210 before anything is copied."""
    if not isinstance(given, Mapping):
        raise ArgumentError("E210", type(module).__name__,
                            f"a {type(given).__name__} in place of a state_dict",
                            need="a mapping from names to tensors",
                            tries=[("sheer.load(path) first", passes_if(isinstance(given, str)))])
    mine = dict(entries(module))
    values = {name: array_of(v) for name, v in given.items() if name in mine}
    missing = [n for n in mine if n not in given]
    unexpected = [n for n in given if n not in mine]
    misfits = {n: why for n, v in values.items() if (why := misfit(v, mine[n]))}
    if misfits or (strict and (missing or unexpected)):
        raise _refusal(module, mine, given, missing if strict else [],
                       unexpected if strict else [], misfits)
    fill(mine, values)
    return LoadResult(missing, unexpected)


def fill(mine: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Copy values that fit: all are made before the first is copied."""
    for name in values:
        if _is_sizeless(mine[name]):
            mine[name].materialize(values[name].shape)
    arrays = {n: np.array(evaluate([v])[0] if isinstance(v, Core) else v, mine[n].dtype.numpy)
              for n, v in values.items()}
    for name, array in arrays.items():
        put(mine[name], array)


def misfit(value: Any, mine: Tensor) -> str:
    """Why a value cannot take the place of a tensor; nothing when it can."""
    if not _is_sizeless(mine) and value.shape != mine.shape:
        return f"shape {list(value.shape)}, {list(mine.shape)} expected"
    plain = isinstance(value, Core) or value.dtype.kind in "biuf"
    return "" if plain else f"{value.dtype} values, numbers expected"


def _is_sizeless(mine: Any) -> bool:
    """Is it a lazy parameter, which takes any size?"""
    return hasattr(mine, "materialize")


def array_of(value: Any) -> Any:
    """A value with a shape: one of our tensors, or an array made from anything else."""
    if isinstance(value, Core):
        return value
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _refusal(module: Module, mine: dict[str, Tensor], given: Mapping[str, Any], missing: list[str],
             unexpected: list[str], misfits: dict[str, str]) -> ArgumentError:
    rows = {n: f"missing, {list(mine[n].shape)} expected" for n in missing}
    for n in unexpected:
        close = difflib.get_close_matches(n, missing, 1)
        rows[n] = "unexpected" + (f"; {close[0]} is missing" if close else "")
    counts = [f"{len(v)} {what}" for v, what in
              ((missing, "missing"), (unexpected, "unexpected"), (misfits, "of another shape"))
              if v]
    prefix = _common_prefix(unexpected, missing)
    nested = next((k for k in unexpected if isinstance(given[k], Mapping)), None)
    return ArgumentError(
        "E210", f"{type(module).__name__}.load_state_dict",
        f"nothing was loaded: {', '.join(counts)}",
        got=rows | misfits, need="every name once, with its shape",
        tries=[(f"state_dict[{nested!r}]", passes_if(nested is not None)),
               (f"{{k.removeprefix({prefix!r}): v for k, v in state_dict.items()}}",
                passes_if(prefix != "")),
               ("strict=False to load only the names that exist",
                passes_if(not misfits and len(missing) < len(mine)))])


def _common_prefix(unexpected: list[str], missing: list[str]) -> str:
    """The prefix that, taken off the unexpected names, gives the missing ones: "module." often."""
    first = next(iter(unexpected), "")
    prefix = next((first[:-len(m)] for m in missing if m and first.endswith(m)), "")
    return prefix if {n.removeprefix(prefix) for n in unexpected} == set(missing) else ""


def rebind(handle: Core, value: Any) -> None:
    """Let a handle hold the value, in its dtype, as a leaf."""
    from .parameter import own
    handle._rebind(own(as_tensor(value)))


def tree_text(module: Module) -> str:
    """The module as torch prints it: one line per part, nested by two spaces."""
    lines = [f"({name}): " + tree_text(child).replace("\n", "\n  ") for name,
             child in module.named_children()]
    extra, name = module.extra_repr(), module._get_name()
    if not lines:
        return f"{name}({extra})"
    head = [*extra.split("\n"), *lines] if extra else lines
    return f"{name}(\n  " + "\n  ".join(head) + "\n)"
