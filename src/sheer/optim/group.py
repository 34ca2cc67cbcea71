"""A parameter group: options flow in; numbers that may change between compiled steps flow out."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

import numpy as np

from ..graph.dtypes import DType, float64
from ..graph.errors import ArgumentError
from ..graph.node import Node
from ..mixins.core import Core, tensor_class
from ..ops.lift import cast
from ..ops.structure import constant, data
from ..transforms import execute, trace

# Options that choose an implementation in PyTorch. Here there is one, always fused: kept, unused.
IMPLEMENTATION = {"foreach": None, "fused": None, "capturable": False, "differentiable": False}
# What other libraries call an option.
ELSEWHERE = {"learning_rate": "lr", "epsilon": "eps", "rho": "alpha", "decay": "weight_decay"}
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


def written(tensor: Any) -> bool:
    """Has the function that is being traced changed this tensor already?"""
    running = trace.current()
    while running is not None:
        entry = running.captured.get(id(tensor))
        if entry is not None and entry.written:
            return True
        running = running.parent
    return False


class ParamGroup(MutableMapping[str, Any]):
    """Options of some parameters, as a dict with PyTorch's keys.

    `group["lr"]` reads as a float. Behind it is a tensor, `group.lr_tensor`, so that a schedule
    changes the rate of a compiled step without a new trace. Assigning a tensor to it inside a
    traced function sets the rate of that step. Every other option is part of the trace, unless
    `vary` made it a tensor too.

    Raises  E304 for a rate that is negative or no number, and for an option that is taken away
    Source  torch.optim.Optimizer, the dicts of its param_groups
    Example
        >>> optimizer = sheer.optim.SGD([sheer.zeros(2, requires_grad=True)], lr=0.1)
        >>> group = optimizer.param_groups[0]
        >>> group["lr"] = 0.5
        >>> group["lr"], group["momentum"]
        (0.5, 0)
    """

    __slots__ = ("_needed", "_options", "_varying", "lr_tensor")

    def __init__(self, options: dict[str, Any], needed: Iterable[str] = ("lr",)) -> None:
        self._needed = frozenset(needed)         # what cannot be deleted
        self._options = {k: v for k, v in options.items() if k != "lr"}
        self._varying: dict[str, tuple[Any, ...]] = {}
        rate = options["lr"]
        self.lr_tensor = _rate_tensor(rate)

    def __getitem__(self, key: str) -> Any:
        if key == "lr":
            return _reading('group["lr"]', self.lr_tensor)
        if key in self._varying:
            found = tuple(_reading(f"group[{key!r}]", t) for t in self._varying[key])
            return found if isinstance(self._options[key], tuple) else found[0]
        return self._options[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key != "lr":
            self._options[key] = value
            for tensor, number in zip(self._varying.get(key, ()), _numbers(value), strict=False):
                tensor._rebind(_fixed(number, tensor.dtype))
            return
        dtype = self.lr_tensor.dtype
        if isinstance(value, Core) and trace.current() is not None:
            self.lr_tensor._rebind(cast(value.node, dtype))
            return
        self.lr_tensor._rebind(_fixed(check_rate(value), dtype))

    def __delitem__(self, key: str) -> None:
        if key in self._needed:
            raise ArgumentError("E304", "optimizer", f"a group cannot be without its {key}",
                                need="another value in its place")
        del self._options[key]

    def __iter__(self) -> Iterator[str]: return iter(["lr", *self._options])
    def __len__(self) -> int: return len(self._options) + 1

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.items() if k != "params"}
        return f"ParamGroup({len(self['params'])} parameters, {shown})"

    def rate(self) -> Node:
        """The learning rate as a float64 node of shape ()."""
        return cast(self.lr_tensor.node, float64)

    def vary(self, name: str) -> None:
        """Keep an option (a number or a pair) in tensors, so that changing it needs no new trace.

        Schedules that cycle the momentum ask for this.
        """
        if name not in self._varying:
            self._varying[name] = tuple(handle(x) for x in _numbers(self._options[name]))

    def set_momentum(self, value: float) -> None:
        """Set the momentum, or the first of the betas."""
        if "betas" in self._options:
            self["betas"] = (float(value), *self["betas"][1:])
        else:
            self["momentum"] = float(value)

    def settings(self, names: Iterable[str]) -> dict[str, Any]:
        """The options but lr: values a trace depends on, and float64 nodes of those that vary."""
        wanted = [n for n in names if n != "lr"]
        fixed: dict[str, Any] = watch(lambda: {
            n: None if n in self._varying else self._options[n] for n in wanted})
        for name, tensors in self._varying.items():
            nodes = tuple(t.node for t in tensors)
            fixed = {**fixed, name: nodes if isinstance(self._options[name], tuple) else nodes[0]}
        return fixed

    def tensors(self) -> list[Any]:
        """The tensors behind the rate and the options that vary."""
        return [self.lr_tensor, *(t for tensors in self._varying.values() for t in tensors)]


def _reading(what: str, tensor: Any) -> float:
    """The number in a tensor as of now; a trace that asks for it depends on it."""
    if written(tensor):
        raise trace.refuse_value(what, tensor.node)
    def ask() -> float:
        with trace.suspended():
            return float(execute.evaluate([trace.outside(tensor)])[0])
    return float(watch(ask))


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _fixed(number: float, dtype: DType) -> Node:
    """A number as part of the running trace, or as plain memory outside of one."""
    inside = trace.current() is not None
    return constant(number, dtype) if inside else data(np.array(number, dtype.numpy))


def check_rate(value: Any) -> float:
    """A learning rate as a float. Raises E304 when it is negative or no number."""
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ArgumentError("E304", "optimizer", f"lr = {value!r} is no learning rate",
                            need="a number >= 0; to climb instead of descend, maximize=True")
    return number


def _rate_tensor(rate: Any) -> Any:
    """The tensor behind a rate: one of shape () that was given, or a new one."""
    if not isinstance(rate, Core):
        return handle(check_rate(rate))
    if rate.node.shape or not rate.node.dtype.is_floating_point:
        raise ArgumentError("E304", "optimizer", "lr is a tensor that is not one float",
                            got={"lr": rate.node}, need="a number >= 0, or a tensor of shape ()")
    return rate


def is_number(value: Any) -> bool:
    """Is it one finite number (a bool counts)?"""
    numbers = int | float | np.number | np.bool_
    return isinstance(value, numbers) and math.isfinite(value)


def check_range(optimizer: str, name: str, value: Any, holds: bool, need: str) -> None:
    """Raise E304 unless the option is in its range."""
    if not holds:
        raise ArgumentError("E304", optimizer, f"{name} = {value!r} is out of range", need=need)


def check_betas(optimizer: str, betas: Any) -> None:
    """Raise E304 unless betas is a pair of numbers in [0, 1)."""
    holds = (isinstance(betas, tuple | list) and len(betas) == 2
             and all(is_number(b) and 0 <= b < 1 for b in betas))
    check_range(optimizer, "betas", betas, holds, "two numbers in [0, 1), such as (0.9, 0.999)")


def refuse_option(optimizer: str, name: str, choices: Iterable[str]) -> ArgumentError:
    """E305: there is no such option; the nearest is named first."""
    names = [c for c in choices if c not in IMPLEMENTATION]
    other = ELSEWHERE.get(name)
    near = [other] if other in names else difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    ordered = [*near, *(n for n in names if n not in near)]
    return ArgumentError("E305", optimizer, f"there is no option {name!r}", need=", ".join(ordered),
                         tries=[(f"{n}=..." , lambda: None) for n in near[:1]])


def looks_misspelt(name: str, choices: Iterable[str]) -> bool:
    """Is a key that we do not know close to one that we do? Other keys are the user's own notes."""
    return bool(difflib.get_close_matches(name, list(choices), n=1, cutoff=0.75))
