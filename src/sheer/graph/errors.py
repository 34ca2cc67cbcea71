"""The errors users see: what was got, what is needed, what to try, where to read more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import source

Try = tuple[str, Callable[[], object]]


@dataclass(frozen=True)
class Operand:
    """Input `number` of the operation that fails as it runs: `located` puts the node in its place.

    text is what can be said without the node.
    """

    number: int
    text: str


class SheerError(Exception):
    """A mistake we can explain.

    code    page to read, e.g. "E101" (`sheer explain E101`)
    op      the operation or layer that refused
    what    one clause: what is wrong
    got     the operands by name: nodes print shape, dtype and the line that made them
    need    what would have been right
    tries   (text, check): a text is printed only when its check passes
    """

    def __init__(self, code: str, op: str, what: str, *, got: Mapping[str, Any] | None = None,
                 need: str = "", tries: Sequence[Try] = ()) -> None:
        super().__init__(code, op, what)
        self.code, self.op, self.what = code, op, what
        self.got, self.need, self.tries = dict(got or {}), need, tuple(tries)
        self.layer = source.layer_path()
        self.located = False             # does it name the line of the operation?

    def __str__(self) -> str:
        """The whole text; hints are checked here, so that a caught error costs nothing."""
        rows = [(name, _describe(value)) for name, value in self.got.items()]
        if self.layer:
            rows.append(("layer", self.layer))
        if self.need:
            rows.append(("need", self.need))
        rows += [("try", text) for text, check in self.tries if _passes(check)]
        rows.append(("more", f"sheer explain {self.code}"))
        width = max(5, *(len(name) for name, _ in rows))
        return "\n".join([f"{self.op}: {self.what}",
                          *(f"  {name:<{width}}: {text}" for name, text in rows)])


    def __reduce__(self) -> tuple[Any, ...]:
        """What another process gets: the same text, without nodes and checks."""
        got = {name: _describe(value) for name, value in self.got.items()}
        tries = [text for text, check in self.tries if _passes(check)]
        parts = (type(self), self.code, self.op, self.what, got, self.need, tries, self.layer)
        return _again, parts


def _again(cls: type[SheerError], code: str, op: str, what: str, got: Mapping[str, str], need: str,
           tries: Sequence[str], layer: str) -> SheerError:
    error = cls(code, op, what, got=got, need=need, tries=[(text, lambda: None) for text in tries])
    error.layer = layer
    return error


def located(error: SheerError, node: Any) -> SheerError:
    """The error of an operation that failed as it ran, with its operands, its line and its layer.

    It keeps what an operation inside of it (in the body of a loop) has said already.
    """
    if error.located:
        return error
    specs = {x.spec: x for x in reversed(node.inputs)}
    for name, value in error.got.items():
        number = value.number if isinstance(value, Operand) else None
        x = specs.get(value) if number is None else node.inputs[number]
        if x is not None:
            error.got[name] = _given(x, node.source, any_shape=bool(number))
    error.got["result"] = node
    error.layer, error.located = node.source.layer, True
    return error


def _given(x: Any, where: source.Source, any_shape: bool) -> Any:
    """What a line was given, when x is that under another dtype, or shape where that says nothing
    about the error."""
    while x.source == where:
        alike = [y for y in x.inputs if y.dtype.kind == x.dtype.kind and not _number(y)]
        if len(alike) != 1 or not (x.prim.view or x.prim.pointwise):
            break
        if not any_shape and alike[0].shape != x.shape:
            break
        x = alike[0]
    return x


def _number(x: Any) -> bool:
    """Is it a constant, repeated or not?"""
    return bool(x.prim.constant or (x.prim.view and _number(x.inputs[0])))


class ShapeError(SheerError, ValueError):
    """Shapes that do not fit together."""


class DTypeError(SheerError, TypeError):
    """An element type that the operation has no meaning for."""


class BoundsError(SheerError, IndexError):
    """An index or class label outside its range."""


class ArgumentError(SheerError, ValueError):
    """A setting outside what the operation accepts."""


class StateError(SheerError, RuntimeError):
    """A call at the wrong time: a value asked for while tracing, a second backward, ..."""


class NumericError(SheerError, ArithmeticError):
    """A NaN or an infinity was born, or a matrix has no inverse or no root."""


class MissingError(SheerError, NotImplementedError, AttributeError):
    """Something sheer does not have; names the nearest thing it has."""


class MemoryLimitError(SheerError, MemoryError):
    """Something that does not fit into the memory there is."""


class DataError(SheerError, ValueError):
    """A file that cannot be read as what it should be."""


class SheerWarning(UserWarning):
    """A named warning: something works, but probably not as meant."""


def _passes(check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception:
        return False
    return True


def _describe(value: Any) -> str:
    if isinstance(value, Operand):
        return value.text
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        return str(value)
    made: source.Source | None = getattr(value, "source", None)
    text = f"{value.dtype}{list(value.shape)}"
    if made is None or made == source.NOWHERE:
        return text
    where = f" in {made.layer}" if made.layer and made.file else ""
    return f"{text:<14} made at {made}{where}  {made.code}".rstrip()
