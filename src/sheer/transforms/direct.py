"""Direct calls: a traced form and one call of it flow in; calls like that one, made fast, flow out.

The ordinary way of a call works for every argument. Most calls are like the one before: tensors of
the same shapes in the same places, weights where they were. Of those only that much is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.dtypes import dtype_of
from ..graph.node import Buffer, Node, Spec
from ..ops.structure import Data, memory
from . import donation, execute, trace, tree

_PLAIN = (type(None), bool, int, str)
MISS = object()                    # what a direct call gives for a call that is not like the first


class Direct:
    """Calls of one traced form with positional arguments: tensors, arrays, and tuples and lists of
    them; constants among them stay what they are.
    """

    def __init__(self, form: Any, args: Sequence[Any], asked: Sequence[Callable[[], Any]]) -> None:
        self.form = form
        self.updates = bool(form.written or form.grads)    # then threads take turns
        self.arguments = [_matcher(a) for a in args]
        self.asked = [(ask, ask()) for ask in asked]
        self.captured = [_Captured(c) for c in form.captured]
        self.backend, self.program = execute.chosen(), form.program()
        self.one = isinstance(form.out_shape, tree.Hole) and form.out_shape.kind is not Node

    @classmethod
    def of(cls, form: Any, args: Sequence[Any], asked: Sequence[Callable[[], Any]],
           ) -> Direct | None:
        """The direct calls like this one, if there can be any."""
        strange = form.rebound or form.arg_grads
        return None if strange or not all(map(_fits, args)) else cls(form, args, asked)

    def __call__(self, args: Sequence[Any]) -> Any:
        """The result, or MISS."""
        if len(args) != len(self.arguments):
            return MISS
        buffers: list[Buffer] = []
        for expected, a in zip(self.arguments, args, strict=True):
            if not expected.collect(a, buffers):
                return MISS
        if not self._holds():
            return MISS
        for c in self.captured:
            if c.node is not None and c.handle._bound is c.node and (
                    c.handle.requires_grad is c.wants_grad):
                buffers.append(c.memory)                       # as at the last call
                continue
            found = c.buffer()
            if found is None:
                return MISS
            buffers.append(found)
        results = self.form.run(buffers, args, self.program)
        if self.updates:
            self.form.rebind(results[self.form.num_out:])
        outputs = self.form.graph.outputs
        if self.one:
            return tree.wrap(self.form.out_shape, memory(results[0], outputs[0].outputs))
        made = zip(results[:self.form.num_out], outputs, strict=False)
        return tree.unflatten(self.form.out_shape, [memory(b, o.outputs) for b, o in made])

    def _holds(self) -> bool:
        """Are the Python values the form was traced with still the same?"""
        for ask, value in self.asked:
            if ask() is not value:
                return False
        for ask, value in self.form.guards:
            now = ask()
            if now is not value and not tree.same(value, now):
                return False
        return self.backend == execute.chosen()


class _Argument:
    """What an argument must be, to stand where this one stood."""

    def __init__(self, value: Any) -> None:
        self.kind: Any = type(value)
        self.array = array = isinstance(value, np.ndarray)
        self.spec = Spec(value.shape, dtype_of(value.dtype)) if array else value.node.spec
        self.shape, self.dtype = self.spec.shape, self.spec.dtype.numpy
        self.requires_grad = getattr(value, "requires_grad", False)
        self.leaf = getattr(value, "_leaf", False)
        if array and value.dtype == np.float64:
            self.kind = type(None)                   # is cast, and once warned of, on the other way

    def collect(self, value: Any, buffers: list[Buffer]) -> bool:
        """Add the memory of a value that fits; does it?"""
        if type(value) is not self.kind:
            return False
        if self.array:
            fits = value.shape == self.shape and value.dtype == self.dtype
            found = Buffer(value) if fits else None
        else:
            node: Node = value._bound
            if (node.outputs[0] is not self.spec or value.requires_grad is not self.requires_grad
                    or value._leaf is not self.leaf or value._view is not None
                    or value._home is not None):
                return False
            found = _memory(node)
        if found is None:
            return False
        buffers.append(found)
        return True


class _Sequence:
    """What a tuple or list must be: as long, of values like those."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.kind, self.values = type(values), [_matcher(v) for v in values]

    def collect(self, value: Any, buffers: list[Buffer]) -> bool:
        """Add the memory of everything in it; does all of it fit?"""
        return (type(value) is self.kind and len(value) == len(self.values)
                and all(m.collect(v, buffers) for m, v in zip(self.values, value, strict=True)))


class _Constant:
    """What a value that is part of the form must be: itself."""

    def __init__(self, value: Any) -> None:
        self.kind, self.value = type(value), value

    def collect(self, value: Any, buffers: list[Buffer]) -> bool:
        """Is it the same?"""
        return type(value) is self.kind and bool(value == self.value)


def _matcher(value: Any) -> _Argument | _Sequence | _Constant:
    """What to compare the values of later calls with."""
    if isinstance(value, tuple | list):
        return _Sequence(value)
    return _Constant(value) if isinstance(value, _PLAIN) else _Argument(value)


def _fits(value: Any) -> bool:
    """Can a direct call have such an argument? (Of floats, 0.0 and -0.0 are equal.)"""
    if isinstance(value, tuple | list):
        return all(map(_fits, value))
    return tree.is_handle(value) or isinstance(value, (np.ndarray, *_PLAIN))


class _Captured:
    """A tensor that the function reads from outside, and where its numbers were last: the memory
    of `node`, as long as `handle` shows that. There is none of what the program writes to: donation
    counts who refers to it.
    """

    def __init__(self, captured: trace.Captured) -> None:
        self.captured, self.written = captured, captured.written
        self.handle: Any = captured.handle if captured.owner is None else None
        self.spec, self.wants_grad = captured.input.outputs[0], captured.wants_grad
        self.node: Node | None = None
        self.memory = Buffer(np.zeros(0))

    def buffer(self) -> Buffer | None:
        """Its memory, its own where the program writes to it; None when it needs more work."""
        handle = self.captured.current() if self.handle is None else self.handle
        if handle is None:
            return None
        node: Node = handle._bound
        if (node.outputs[0] is not self.spec or handle.requires_grad is not self.wants_grad
                or handle._home is not None or getattr(handle, "_view", None) is not None):
            return None
        if not self.written:
            found = _memory(node)
            if found is not None and self.handle is not None:
                self.memory = found            # first: letting go of the old node may run code
                self.node = node
            return found
        if type(node.prim) is not Data:
            return None
        del node                                               # let go before the counting
        return donation.own(handle)


def _memory(node: Node) -> Buffer | None:
    """Where the value of a node is, if it has one."""
    prim = node.prim
    if type(prim) is Data:
        return prim.buffer
    return None if node.value is None else node.value[0]
