"""Hooks of modules: functions that see what flows in, what flows out, and the gradients of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.node import Node
from ..mixins.core import Core, apply, is_grad_enabled, wrap
from ..mixins.hooks import Hook, watch
from ..tensor import Tensor
from ..transforms.arguments import mark

if TYPE_CHECKING:
    from .module import Module

Function = Callable[..., Any]
KINDS = "_hooks", "_pre_hooks", "_backward_hooks", "_backward_pre_hooks"


class Hookable:
    """Where the hooks of one module are registered."""

    def _hook(self, kind: str, entry: Any, prepend: bool) -> Hook:
        return Hook(self.__dict__[kind], entry, prepend)

    def register_forward_hook(self, hook: Function, *, prepend: bool = False,
                              with_kwargs: bool = False, always_call: bool = False) -> Hook:
        """Call hook(module, args, result) after forward; what it returns replaces the result.

        with_kwargs    call hook(module, args, kwargs, result)
        prepend        call it before the hooks there are
        always_call    call it when forward fails, too, with None as the result
        """
        run = hook if with_kwargs else lambda m, args, kwargs, result: hook(m, args, result)
        return self._hook("_hooks", (run, always_call), prepend)

    def register_forward_pre_hook(self, hook: Function, *, prepend: bool = False,
                                  with_kwargs: bool = False) -> Hook:
        """Call hook(module, args) before each forward; what it returns replaces the arguments.

        with_kwargs    call hook(module, args, kwargs), which may return (args, kwargs)
        prepend        call it before the hooks there are
        """
        def run(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if with_kwargs:
                return hook(module, args, kwargs)
            given = hook(module, args)
            if given is None:
                return None
            return (given if isinstance(given, tuple) else (given,)), kwargs
        return self._hook("_pre_hooks", run, prepend)

    def register_full_backward_hook(self, hook: Function, prepend: bool = False) -> Hook:
        """Call hook(module, grad_input, grad_output) when the gradients of the inputs are known.

        Both are tuples, with None for what is no tensor or takes part in no gradient; what hook
        returns, unless None, replaces grad_input. In a compiled function the hook is called while
        it is traced: it may compute with the gradients, and looking at their values is E606.
        """
        return self._hook("_backward_hooks", hook, prepend)

    def register_full_backward_pre_hook(self, hook: Function, prepend: bool = False) -> Hook:
        """Call hook(module, grad_output) before the gradient flows through the module; what it
        returns, unless None, replaces grad_output.
        """
        return self._hook("_backward_pre_hooks", hook, prepend)


def called(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """forward between the hooks of a module."""
    mine = module.__dict__
    for before in tuple(mine["_pre_hooks"].values()):
        given = before(module, args, kwargs)
        args, kwargs = (args, kwargs) if given is None else given
    passage = None
    if (mine["_backward_hooks"] or mine["_backward_pre_hooks"]) and is_grad_enabled():
        passage = _Passage(module, args)
        args = passage.args
    try:
        result = module.forward(*args, **kwargs)
        if passage is not None:
            result = passage.leave(result)
    except BaseException:
        for after, always in tuple(mine["_hooks"].values()):
            if always:
                after(module, args, kwargs, None)
        raise
    for after, _ in tuple(mine["_hooks"].values()):
        given = after(module, args, kwargs, result)
        result = result if given is None else given
    return result


class _Passage:
    """One call of a module whose gradients somebody wants to see.

    Inputs and outputs pass gates: nodes of their own, whose cotangents the hooks are told. Several
    tensors pass one gate together, as one line, so that a hook sees the gradients of all at once.
    """

    def __init__(self, module: Module, args: tuple[Any, ...]) -> None:
        self.module, self.inputs = module, len(args)
        self.places = [i for i, a in enumerate(args) if isinstance(a, Core) and a.requires_grad]
        self.outputs, self.out_places = 1, [0]
        self.grad_output: tuple[Any, ...] = ()
        changed = list(args)
        if self.places:
            passed = _gate([args[i] for i in self.places], self._enter)
            for i, t in zip(self.places, passed, strict=True):
                changed[i] = t
        self.args = tuple(changed)

    def leave(self, result: Any) -> Any:
        """The result behind its gate."""
        many = list(result) if isinstance(result, tuple | list) else [result]
        self.outputs = len(many)
        self.out_places = [i for i, a in enumerate(many) if isinstance(a, Core) and a.requires_grad]
        if not self.out_places:
            return result
        passed = _gate([many[i] for i in self.out_places], self._exit)
        for i, t in zip(self.out_places, passed, strict=True):
            many[i] = t
        if not isinstance(result, tuple | list):
            return many[0]
        return type(result)(*many) if hasattr(result, "_fields") else type(result)(many)

    def _exit(self, grads: list[Any]) -> list[Any]:
        """The gradients of the outputs are known."""
        found = _spread(grads, self.out_places, self.outputs)
        for hook in tuple(self.module.__dict__["_backward_pre_hooks"].values()):
            given = hook(self.module, found)
            found = found if given is None else _as_tuple(given)
        self.grad_output = found
        if not self.places:
            self._tell((None,) * self.inputs)
        return [found[i] for i in self.out_places]

    def _enter(self, grads: list[Any]) -> list[Any]:
        """The gradients of the inputs are known: the module has been walked through."""
        found = self._tell(_spread(grads, self.places, self.inputs))
        return [found[i] for i in self.places]

    def _tell(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in tuple(self.module.__dict__["_backward_hooks"].values()):
            given = hook(self.module, grad_input, self.grad_output)
            grad_input = grad_input if given is None else _as_tuple(given)
        return grad_input


def _gate(tensors: Sequence[Any], tell: Callable[[list[Any]], list[Any]]) -> list[Tensor]:
    """The tensors again; on the way back, their gradients are what `tell` makes of them."""
    if len(tensors) == 1:
        passed: Tensor = apply(mark, tensors[0])
        watch(passed.node, lambda g: tell([g])[0])
        return [passed]
    sizes = [t.numel() for t in tensors]
    line = apply(lambda *ns: mark(ops.concat([ops.reshape(n, (n.size,)) for n in ns], 0)), *tensors)
    def on_line(g: Any) -> Any:
        new = tell([part.reshape(t.shape) for part, t in zip(g.split(sizes), tensors, strict=True)])
        return apply(lambda *ns: ops.concat([ops.reshape(n, (n.size,)) for n in ns], 0), *new)
    watch(line.node, on_line)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    def part(n: Node, start: int, shape: tuple[int, ...]) -> Node:
        return ops.reshape(ops.narrow(n, 0, start, math.prod(shape)), shape)
    return [wrap(part(line.node, s, t.shape), True) for s, t in zip(starts, tensors, strict=True)]


def _spread(values: Sequence[Any], places: Sequence[int], count: int) -> tuple[Any, ...]:
    found: list[Any] = [None] * count
    for i, value in zip(places, values, strict=True):
        found[i] = value
    return tuple(found)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)
