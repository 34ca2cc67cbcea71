"""A parameter group: options flow in; numbers that may change between compiled steps flow out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

import numpy as np

from ..graph.dtypes import float64
from ..graph.errors import ArgumentError
from ..graph.node import Node
from ..mixins.core import Core, tensor_class
from ..ops.lift import cast
from ..ops.structure import constant, data
from ..transforms import execute, trace

# Options that choose an implementation in PyTorch. Here there is one, always fused: kept, unused.
IMPLEMENTATION = {"foreach": None, "fused": None, "capturable": False, "differentiable": False}
# Keys a group may have besides the options of its optimizer.
BOOKKEEPING = ("params", "param_names", "initial_lr")


def handle(value: Any, dtype: Any = np.float64) -> Any:
    """A new tensor that belongs to no trace: the only kind a compiled step can carry on."""
    with trace.suspended():
        return tensor_class()(data(np.array(value, dtype)))


def watch(ask: Callable[[], Any]) -> Any:
    """A Python value; a compiled function that read it is traced again when it has changed."""
    running = trace.current()
    if running is None:
        return ask()
    while running.parent is not None:         # only the outermost function is looked up again
        running = running.parent
    return running.guard(ask)


class ParamGroup(MutableMapping[str, Any]):
    """Options of some parameters, as a dict with PyTorch's keys.

    `group["lr"]` reads as a float. Behind it is a tensor, `group.lr_tensor`, so that a schedule
    changes the rate of a compiled step without a new trace. Assigning a tensor to it inside a
    traced function sets the rate of that step. Every other option is part of the trace.
    """

    __slots__ = ("_options", "lr_tensor")

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = {k: v for k, v in options.items() if k != "lr"}
        rate = options["lr"]
        self.lr_tensor = rate if isinstance(rate, Core) else handle(check_rate(rate))

    def __getitem__(self, key: str) -> Any:
        if key == "lr":
            return self._rate()
        return self._options[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key != "lr":
            self._options[key] = value
            return
        dtype = self.lr_tensor.dtype
        if isinstance(value, Core) and trace.current() is not None:
            self.lr_tensor._rebind(cast(value.node, dtype))
            return
        number = check_rate(value)
        inside = trace.current() is not None
        self.lr_tensor._rebind(constant(number, dtype) if inside
                               else data(np.array(number, dtype.numpy)))

    def __delitem__(self, key: str) -> None: del self._options[key]
    def __iter__(self) -> Iterator[str]: return iter(["lr", *self._options])
    def __len__(self) -> int: return len(self._options) + 1

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.items() if k != "params"}
        return f"ParamGroup({len(self['params'])} parameters, {shown})"

    def _rate(self) -> float:
        running = trace.current()
        while running is not None:
            entry = running.captured.get(id(self.lr_tensor))
            if entry is not None and entry.written:
                raise trace.refuse_value('group["lr"]', entry.now)
            running = running.parent
        return float(watch(self._number))

    def _number(self) -> float:
        with trace.suspended():
            return float(execute.evaluate([trace.outside(self.lr_tensor)])[0])

    def rate(self) -> Node:
        """The learning rate as a float64 node of shape ()."""
        return cast(self.lr_tensor.node, float64)

    def settings(self, names: Iterable[str]) -> dict[str, Any]:
        """The options but lr, as plain values that a trace depends on."""
        wanted = [n for n in names if n != "lr"]
        found: dict[str, Any] = watch(lambda: {n: self._options[n] for n in wanted})
        return found


def check_rate(value: Any) -> float:
    """A learning rate as a float. Raises E304 when it is negative or no number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not number >= 0:
        raise ArgumentError("E304", "optimizer", f"lr = {value!r} is no learning rate",
                            need="a number >= 0; to climb instead of descend, maximize=True")
    return number


def check_range(optimizer: str, name: str, value: Any, holds: bool, need: str) -> None:
    """Raise E304 unless the option is in its range."""
    if not holds:
        raise ArgumentError("E304", optimizer, f"{name} = {value!r} is out of range", need=need)


def check_betas(optimizer: str, betas: Any) -> None:
    """Raise E304 unless betas is a pair of numbers in [0, 1)."""
    holds = (isinstance(betas, tuple | list) and len(betas) == 2
             and all(0 <= float(b) < 1 for b in betas))
    check_range(optimizer, "betas", betas, holds, "two numbers in [0, 1), such as (0.9, 0.999)")


def refuse_option(optimizer: str, name: str, choices: Iterable[str]) -> ArgumentError:
    """E305: there is no such option; the nearest is named first."""
    names = [c for c in choices if c not in IMPLEMENTATION]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    ordered = [*near, *(n for n in names if n not in near)]
    return ArgumentError("E305", optimizer, f"there is no option {name!r}", need=", ".join(ordered),
                         tries=[(f"{n}=..." , lambda: None) for n in near[:1]])


def looks_misspelt(name: str, choices: Iterable[str]) -> bool:
    """Is a key that we do not know close to one that we do? Other keys are the user's own notes."""
    return bool(difflib.get_close_matches(name, list(choices), n=1, cutoff=0.75))
