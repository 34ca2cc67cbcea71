"""UpdateRule: gradients flow in, new weights and state flow out, as one program per step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..graph.node import Node
from ..mixins.core import Core, enable_grad, no_grad
from ..ops.lift import cast
from ..ops.structure import stop_gradient
from ..transforms import trace
from ..transforms.jit import jit
from . import persist
from .commit import checked_gradient, finish
from .group import (
    IMPLEMENTATION,
    ParamGroup,
    check_range,
    handle,
    is_number,
    refuse_option,
    watch,
    written,
)
from .optimizer import Optimizer, Options, Step
from .parameters import members

__all__ = ["Nodes", "Options", "UpdateRule"]      # what the file of a kind of optimizer needs

Nodes = dict[str, Node]


class UpdateRule(Optimizer):
    """An optimizer that says what it keeps and how one weight moves; all of sheer's are such.

    State is made here, before the first step, and afterwards only rebound: so `jit` and `scan`
    carry it in place. Numbers that count steps are shared by the parameters that step together;
    they are float64, because 1 - 0.999^t keeps only four digits in float32 at t = 1.

    Params  other  options that choose an implementation in PyTorch: kept, unused
    Raises  as `Optimizer`, but for E314
    Source  definition
    Example
        >>> class Signs(sheer.optim.UpdateRule):
        ...     def update(self, p, g, s, k, o):
        ...         return p - k["lr"] * sheer.ops.sign(g), {}
        >>> w = sheer.tensor([3.0, -1.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> Signs([w], {"lr": 0.5}).step()
        >>> w.tolist()
        [2.5, -0.5]
    """

    hidden: tuple[str, ...] = ()         # state that PyTorch does not have and files do not hold

    def __init__(self, params: Any, defaults: Mapping[str, Any],
                 other: Mapping[str, Any] = MappingProxyType({})) -> None:
        for name in other:
            if name not in IMPLEMENTATION:
                raise refuse_option(type(self).__name__, name, defaults)
        options = {**defaults, **IMPLEMENTATION, **other}
        through = options["differentiable"]
        check_range(type(self).__name__, "differentiable", through, not through,
                    "False; sheer.grad of a function that updates goes through its updates")
        self.layout = 0                  # counts changes of which tensors there are: ends traces
        super().__init__(params, options)

    # ---- what a kind of optimizer defines ----------------------------------------------------
    def check(self, o: Options) -> None:
        """Raise E304 for an option out of its range."""

    def slots(self, o: Options) -> dict[str, float]:
        """State tensors of a parameter's shape, and the number each is filled with."""
        return {}

    def shapes(self, shape: tuple[int, ...], o: Options) -> dict[str, tuple[int, ...]]:
        """The shape of every slot of a parameter of that shape: its own, unless said otherwise."""
        return dict.fromkeys(self.slots(o), shape)

    def clocks(self, o: Options) -> dict[str, float]:
        """Numbers that change once a step, and where they start."""
        return {"step": 0.0}

    def tick(self, clock: Nodes, o: Options) -> Nodes:
        """The clocks (float64) of the step that is about to be taken, and what scalars needs.

        o["lr"] is the rate of that step.
        """
        return {"step": clock["step"] + 1} if clock else {}

    def scalars(self, clock: Nodes, lr: Node, o: Options) -> Nodes:
        """The numbers a step needs, computed once in float64, then cast for the weights."""
        return {"lr": lr}

    def update(self, p: Node, g: Node, s: Nodes, k: Nodes, o: Options) -> tuple[Node, Nodes]:
        """The new weight and state from weight p, gradient g, state s and scalars k."""
        raise NotImplementedError(type(self).__name__)

    def check_options(self, o: Options) -> None:
        """Raise E304 for an option that is no number where one is wanted, or out of its range."""
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            if type(parameter.default) in (int, float) and name in o:
                check_range(type(self).__name__, name, o[name], is_number(o[name]), "a number")
        self.check(o)

    def group_added(self, group: ParamGroup) -> None:
        """Make the state of its parameters."""
        self._make_state(group, {k: group[k] for k in self.defaults if k != "lr"})

    @classmethod
    def _finished(cls, step: Step) -> Step:
        """A step that calls this one, whatever it does beside, may be part of a program."""
        return step

    def state_dict(self) -> dict[str, Any]:
        """State and options in PyTorch's layout; parameters are numbered in order."""
        return persist.to_dict(self, persist.declared(self))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options, ours or PyTorch's. Raises E306 if they do not fit."""
        persist.from_dict(self, state_dict)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_compiled"}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient. Returns what the closure returned.

        In a traced function this is part of its program. Otherwise the gradients and what is
        pending of the forward pass are computed now, in one program, then weights and state in
        another, which is made once.
        """
        check_range(type(self).__name__, "closure", closure, closure is None or callable(closure),
                    "a function that returns the loss, or None")
        self._tell(0, closure)
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            if trace.inlined():
                self._update()
            else:
                finish(members(self.param_groups), self.tensors)
                self.__dict__.setdefault("_compiled", jit(self._update))()
        self._tell(1, closure)
        return loss

    def _update(self) -> None:
        """Let weights and state show their new values."""
        changes = [c for group in self.param_groups for c in self._changes(group)]
        watch(lambda: self.layout)
        for tensor, node in changes:
            tensor._rebind(stop_gradient(node) if tensor.requires_grad else node)

    # ---- state -------------------------------------------------------------------------------
    def _make_state(self, group: ParamGroup, o: Options) -> None:
        """Create what is missing: everything at first, little when an option was switched on."""
        slots, clocks = self.slots(o), self.clocks(o)
        for p in group["params"]:
            for name, shape in self.shapes(p.shape, o).items():
                if name not in self.state[p]:
                    self.state[p][name] = handle(np.full(shape, slots[name]), p.dtype.numpy)
                    self.layout += 1
        new = [p for p in group["params"] if any(n not in self.state[p] for n in clocks)]
        shared = {n: handle(start) for n, start in clocks.items()} if new else {}
        for p in new:
            self.state[p].update(shared)
            self.layout += 1

    def _part_clocks(self, moving: list[Any], resting: list[Any], names: Iterable[str]) -> None:
        """Parameters that sit this step out stop sharing clocks with those that move."""
        for name in names:
            moved = {id(self.state[p][name]) for p in moving}
            apart: dict[int, Any] = {}
            for p in resting:
                old = self.state[p][name]
                if id(old) in moved:
                    if id(old) not in apart:
                        apart[id(old)] = self._copy(old)
                    self.state[p][name] = apart[id(old)]
                    self.layout += 1

    def _copy(self, old: Any) -> Any:
        """A clock with the same reading."""
        with trace.suspended():
            new = handle(old.item())                  # that from before the trace, if there is one
        if written(old):                              # the trace has moved it on since
            new._rebind(old.node)
            watch(lambda: self.layout)                # right for this call only: trace again
        return new

    # ---- one step ----------------------------------------------------------------------------
    def _changes(self, group: ParamGroup) -> list[tuple[Any, Node]]:
        """(handle, new node) of everything a step changes."""
        o = group.settings(self.defaults)
        self._make_state(group, o)
        names = list(self.clocks(o))
        moving = [p for p in group["params"] if p.grad is not None]
        resting = [p for p in group["params"] if p.grad is None]
        self._part_clocks(moving, resting, names)
        cohorts: dict[Any, list[Any]] = {}
        for p in moving:
            cohorts.setdefault(tuple(id(self.state[p][n]) for n in names), []).append(p)
        lr = group.rate()
        return [c for params in cohorts.values() for c in self._cohort(params, lr, names, o)]

    def _cohort(self, params: list[Any], lr: Node, names: list[str], o: Options,
                ) -> list[tuple[Any, Node]]:
        """Changes of parameters that share their clocks."""
        handles = {n: self.state[params[0]][n] for n in names}
        clock = self.tick({n: h.node for n, h in handles.items()}, {**o, "lr": lr})
        k = self.scalars(clock, lr, o)
        changes = [(handles[n], clock[n]) for n in names]
        for p in params:
            node, grad = p.node, _gradient(p, o)
            slots = {n: self.state[p][n] for n in self.shapes(p.shape, o)}
            at = {n: cast(x, node.dtype) for n, x in k.items()}
            own = {n: _in_type(v, node) for n, v in o.items()}
            new, state = self.update(node, grad, {n: h.node for n, h in slots.items()}, at, own)
            changes += [(p, new), *((slots[n], x) for n, x in state.items())]
        return changes


def _gradient(p: Core, o: Options) -> Node:
    """The gradient as a constant, turned round when the goal is a maximum."""
    grad: Any = checked_gradient(p.grad)
    node: Node = cast(stop_gradient(grad.node) if grad.requires_grad else grad.node, p.dtype)
    return -node if o.get("maximize") else node


def _in_type(value: Any, like: Node) -> Any:
    """Options that vary are float64 nodes; here they meet weights."""
    if isinstance(value, tuple):
        return tuple(_in_type(v, like) for v in value)
    return cast(value, like.dtype) if isinstance(value, Node) else value
