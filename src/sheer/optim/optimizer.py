"""Optimizer: parameters in groups flow in; what a step of any kind needs to move them flows out."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from .. import ops
from ..graph.errors import StateError
from ..mixins.core import wrap
from ..mixins.hooks import Hook
from ..ops.lift import cast
from ..transforms import trace
from . import persist
from .commit import pending_on, settle
from .group import BOOKKEEPING, ParamGroup, looks_misspelt, refuse_option
from .parameters import check_new, members, named, split_groups

Options = dict[str, Any]
Step = Callable[..., Any]
_NO_HOOKS: Any = MappingProxyType({}), MappingProxyType({})


class Optimizer:
    """What all optimizers share: parameters in groups, state by parameter, and how both are saved.

    A class derived from this one writes its own `step`, as for PyTorch: Python that reads `p.grad`,
    keeps what it likes in `self.state[p]` and writes into `p`. It runs outside of compiled
    functions; what it leaves pending is computed in one program when it returns, the same program
    in every step. `UpdateRule` is for kinds of optimizers that compiled functions and `fit` take.

    Params  params    tensors, (name, tensor) pairs, or a list of dicts of them with options
            defaults  options of every group that does not set its own; lr is 1 unless it is there
    Raises  E301 no parameters, E302 one twice, E303 not a leaf tensor, E304 an option out of
            range, E305 no such option, E306 a state dict that does not fit, E314 for such a step
            in a compiled function
    Source  torch.optim.Optimizer
    Example
        >>> class Plain(sheer.optim.Optimizer):
        ...     def step(self, closure=None):
        ...         for group in self.param_groups:
        ...             for p in group["params"]:
        ...                 p.data.add_(p.grad, alpha=-group["lr"])
        >>> w = sheer.ones(2, requires_grad=True)
        >>> (w * w).sum().backward()
        >>> Plain([w], {"lr": 0.25}).step()
        >>> w.tolist()
        [0.5, 0.5]
    """

    _hooks = _NO_HOOKS                   # before, after a step; a wrapper may skip __init__

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = cls._finished(vars(cls)["step"])       # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: Mapping[str, Any]) -> None:
        self.defaults: Options = {"lr": 1.0, **defaults}
        self.param_groups: list[ParamGroup] = []
        self._hooks = {}, {}
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for group in split_groups(type(self).__name__, params):
            self.add_param_group(group)

    # ---- what a kind of optimizer defines ----------------------------------------------------
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move the parameters. Returns what the closure returned."""
        raise NotImplementedError(type(self).__name__)

    @classmethod
    def _finished(cls, step: Step) -> Step:
        """A step written in Python, with what belongs to every step around it."""
        @functools.wraps(step)
        def whole(self: Optimizer, *args: Any, **named: Any) -> Any:
            if type(self).step is not whole:           # called by the step of a class below
                return step(self, *args, **named)
            if trace.inlined():
                raise hand_written("step", self)
            closure = args[0] if args else named.get("closure")
            self._tell(0, closure)
            moved = members(self.param_groups)
            before = [p.node for p in moved]
            loss = step(self, *args, **named)
            settle([*moved, *self.tensors()], pending_on(lambda: before))
            self._tell(1, closure)
            return loss
        return whole

    def check_params(self, params: list[Any]) -> None:
        """Raise for tensors that this kind of optimizer does not move."""

    def check_options(self, o: Options) -> None:
        """Raise E304 for an option out of its range."""

    def group_added(self, group: ParamGroup) -> None:
        """Called with every new group."""

    # ---- what users call ---------------------------------------------------------------------
    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Optimize more parameters, with options of their own."""
        kind = type(self).__name__
        given = dict(param_group)
        for name in given:
            if name not in (*self.defaults, *BOOKKEEPING) and looks_misspelt(name, self.defaults):
                raise refuse_option(kind, name, self.defaults)
        names, params = named(kind, given.pop("params", ()))
        check_new(kind, params, names, self.param_groups)
        self.check_params(params)
        group = ParamGroup({**self.defaults, **given}, (*self.defaults, "params"))
        self.check_options({k: group[k] for k in self.defaults})
        group["params"] = params
        if names is not None:
            group["param_names"] = names
        self.param_groups.append(group)
        self.group_added(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: `.grad` becomes None, or zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = wrap(ops.full_like(p.grad.node, 0))   # 0 * NaN is NaN

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(optimizer, args, kwargs) before each step; args begin with the optimizer."""
        return Hook(self._hooks[0], hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(optimizer, args, kwargs) after each step; args begin with the optimizer."""
        return Hook(self._hooks[1], hook)

    def _tell(self, when: int, closure: Any) -> None:
        """Call the hooks before (0) or after (1) a step."""
        if self._hooks[when]:
            for hook in tuple(self._hooks[when].values()):
                hook(self, (self,) if closure is None else (self, closure), {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def moving(self) -> list[Any]:
        """The tensors that schedules move: the rate of every group, then the options that vary."""
        return [*(group.lr_tensor for group in self.param_groups),
                *(t for group in self.param_groups for t in group.tensors()[1:])]

    def set_rates(self, rates: Iterable[Any]) -> None:
        """Set what schedules move, or only the rates, from numbers in tensors, in the order of
        `moving`: a tensor (n,), or n of shape (). `fit` does, in its loop.
        """
        for tensor, number in zip(self.moving(), rates, strict=False):
            tensor._rebind(cast(number.node, tensor.dtype))

    def tensors(self) -> list[Any]:
        """Every tensor of the optimizer once: state, step counts and rates."""
        rates = [t for group in self.param_groups for t in group.tensors()]
        found = [*persist.tensors_in(self.state), *rates]
        return list({id(t): t for t in found}.values())

    def state_dict(self) -> dict[str, Any]:
        """State and options in PyTorch's layout; parameters are numbered in order."""
        return persist.to_dict(self, persist.kept(self))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options, ours or PyTorch's. Raises E306 if they do not fit."""
        groups = persist.checked_groups(self, state_dict)
        options = [persist.checked_options(self, *pair)
                   for pair in zip(self.param_groups, groups, strict=True)]
        self.state = defaultdict(dict, persist.found(self, groups, state_dict["state"]))
        persist.set_options(self, options)

    def __repr__(self) -> str:
        rows = [f"  {group!r}" for group in self.param_groups]
        return "\n".join([f"{type(self).__name__} (", *rows, ")"])


def hand_written(op: str, optimizer: Optimizer) -> StateError:
    """E314: a step of Python where one is wanted that can be part of a program."""
    kind = type(optimizer).__name__
    return StateError("E314", op, f"the step of {kind} is Python that runs anew each time",
                      need="a loop by hand around it, outside of compiled functions; or an "
                           "optimizer that says slots() and update(), a sheer.optim.UpdateRule")
