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
    mine = dict(entries(module))
    values = {name: _array(v) for name, v in given.items() if name in mine}
    missing = [n for n in mine if n not in given]
    unexpected = [n for n in given if n not in mine]
    sizeless = {n for n in values if hasattr(mine[n], "materialize")}     # lazy: they take any size
    misfits = [n for n, v in values.items() if n not in sizeless and v.shape != mine[n].shape]
    if misfits or (strict and (missing or unexpected)):
        raise _misfit(module, mine, values, missing if strict else [],
                      unexpected if strict else [], misfits)
    for name in sizeless:
        mine[name].materialize(values[name].shape)
    for name, value in values.items():
        kind = mine[name].dtype.numpy
        put(mine[name], np.array(evaluate([value])[0] if isinstance(value, Core) else value, kind))
    return LoadResult(missing, unexpected)


def _array(value: Any) -> Any:
    """A value with a shape: one of our tensors, or an array made from anything else."""
    if isinstance(value, Core):
        return value
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _misfit(module: Module, mine: dict[str, Tensor], values: dict[str, Any], missing: list[str],
            unexpected: list[str], misfits: list[str]) -> ArgumentError:
    rows = {n: f"missing, {list(mine[n].shape)} expected" for n in missing}
    for n in unexpected:
        close = difflib.get_close_matches(n, missing, 1)
        rows[n] = "unexpected" + (f"; {close[0]} is missing" if close else "")
    rows |= {n: f"shape {list(values[n].shape)}, {list(mine[n].shape)} expected" for n in misfits}
    counts = [f"{len(v)} {what}" for v, what in
              ((missing, "missing"), (unexpected, "unexpected"), (misfits, "of another shape"))
              if v]
    prefix = _common_prefix(unexpected, missing)
    return ArgumentError(
        "E210", f"{type(module).__name__}.load_state_dict",
        f"nothing was loaded: {', '.join(counts)}",
        got=rows, need="every name once, with its shape",
        tries=[(f"{{k.removeprefix({prefix!r}): v for k, v in state_dict.items()}}",
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
