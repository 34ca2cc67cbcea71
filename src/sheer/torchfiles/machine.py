"""A pickle's instructions flow in, plain values come out; no name in it is ever imported.

Source  PEP 307, PEP 3154; Python's pickletools, which takes the bytes apart and runs nothing
"""

from __future__ import annotations

import pickletools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from ..graph.errors import DataError
from .names import Call, Name, lookup, refuse

_KEYS = (str, bytes, int, float, bool, type(None))     # what a dict may be asked by
_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
           "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE",
           "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_TUPLE": tuple,
                                        "EMPTY_DICT": dict, "EMPTY_SET": set, "MARK": lambda: _MARK}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT, _GET = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}


def run(stream: BytesIO, calls: dict[str, Call], persistent: Callable[[Any], Any]) -> Any:
    """The value of the pickle that begins where the stream is; the stream is then behind it.

    calls       what the names that may be called do
    persistent  what stands for an object that lies outside the pickle
    Raises      E830 for bytes that are no pickle, E831 for a name that is not in the tables
    """
    machine = _Machine(calls, persistent)
    try:
        for opcode, argument, _ in _instructions(stream):
            if opcode == "STOP":
                return machine.stack.pop()
            machine.follow(opcode, argument)
    except DataError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as e:
        raise _broken(str(e)) from e
    raise _broken("it has no end")


def skip(stream: BytesIO) -> None:
    """Put the stream behind the pickle that begins where it is."""
    try:
        for _ in _instructions(stream):
            pass
    except ValueError as e:
        raise _broken(str(e)) from e


def _instructions(stream: BytesIO) -> Iterator[tuple[str, Any, int | None]]:
    for opcode, argument, place in pickletools.genops(stream):
        yield opcode.name, argument, place


def _broken(what: str) -> DataError:
    return DataError("E830", "load", f"the pickle in the file is broken: {what[:100]}",
                     need="a whole file of torch.save")


class _Machine:
    """The stack and the memory of a pickle under way."""

    def __init__(self, calls: dict[str, Call], persistent: Callable[[Any], Any]) -> None:
        self.calls, self.persistent = calls, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def follow(self, opcode: str, argument: Any) -> None:
        """One instruction."""
        stack = self.stack
        if opcode in _VALUES:
            stack.append(argument)
        elif opcode in _CONSTANTS:
            stack.append(_CONSTANTS[opcode])
        elif opcode in _EMPTY:
            stack.append(_EMPTY[opcode]())
        elif opcode in _PUT:
            self.memo[argument] = stack[-1]
        elif opcode in _GET:
            stack.append(self.memo[argument])
        elif opcode in _TUPLES:
            stack.append(tuple(self._take(_TUPLES[opcode])))
        elif opcode not in ("PROTO", "FRAME"):
            rule = getattr(self, f"_{opcode.lower()}", None)
            if rule is None:
                raise refuse(f"the instruction {opcode}")
            rule(argument)

    def _take(self, count: int) -> list[Any]:
        """The last values of the stack."""
        if count > len(self.stack):
            raise ValueError("too few values")
        found = self.stack[len(self.stack) - count:]
        del self.stack[len(self.stack) - count:]
        return found

    def _marked(self) -> list[Any]:
        """The values since the last mark, which goes too."""
        found: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            found.append(value)
        return found[::-1]

    # ---- containers --------------------------------------------------------------------------
    def _memoize(self, _: Any) -> None: self.memo[len(self.memo)] = self.stack[-1]
    def _pop(self, _: Any) -> None: self.stack.pop()
    def _pop_mark(self, _: Any) -> None: self._marked()
    def _dup(self, _: Any) -> None: self.stack.append(self.stack[-1])
    def _list(self, _: Any) -> None: self.stack.append(self._marked())
    def _tuple(self, _: Any) -> None: self.stack.append(tuple(self._marked()))
    def _frozenset(self, _: Any) -> None: self.stack.append(frozenset(map(key, self._marked())))
    def _bytearray8(self, value: bytearray) -> None: self.stack.append(bytes(value))

    def _dict(self, _: Any) -> None:
        made: dict[Any, Any] = {}
        _fill(made, self._marked())
        self.stack.append(made)

    def _append(self, _: Any) -> None: self._appends(None, self._take(1))
    def _appends(self, _: Any, values: list[Any] | None = None) -> None:
        values = self._marked() if values is None else values
        _expect(self.stack[-1], list).extend(values)

    def _setitem(self, _: Any) -> None: self._setitems(None, self._take(2))
    def _setitems(self, _: Any, pairs: list[Any] | None = None) -> None:
        pairs = self._marked() if pairs is None else pairs
        _fill(_expect(self.stack[-1], dict), pairs)

    def _additems(self, _: Any) -> None:
        values = self._marked()
        _expect(self.stack[-1], set).update(map(key, values))

    # ---- names: looked up, never imported ----------------------------------------------------
    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(lookup(module, name, self.calls))

    def _stack_global(self, _: Any) -> None:
        module, name = self._take(2)
        self.stack.append(lookup(str(module), str(name), self.calls))

    def _reduce(self, _: Any) -> None:
        function, arguments = self._take(2)
        if not isinstance(function, Name) or str(function) not in self.calls:
            raise refuse(f"a call of {function if isinstance(function, Name) else 'a value'}")
        self.stack.append(self.calls[str(function)](*_expect(arguments, tuple)))

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], OrderedDict) or not isinstance(state, dict):
            raise refuse(f"a {type(self.stack[-1]).__name__} with attributes")
        # a state_dict has the versions of its layers as an attribute: of no use here

    def _inst(self, argument: str) -> None:
        raise refuse(argument.replace(" ", "."))

    def _newobj(self, _: Any) -> None:
        raise refuse(f"an object of {self._take(2)[0]}")

    def _binpersid(self, _: Any) -> None: self.stack.append(self.persistent(self.stack.pop()))


def _fill(made: dict[Any, Any], pairs: list[Any]) -> None:
    if len(pairs) % 2:
        raise ValueError("a key without a value")
    made.update(zip(map(key, pairs[::2]), pairs[1::2], strict=True))


def key(value: Any) -> Any:
    """A key or a member of a set: nothing whose hash depends on what is inside of it."""
    if isinstance(value, _KEYS):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be a key")


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} where a {kind.__name__} must be")
    return value
