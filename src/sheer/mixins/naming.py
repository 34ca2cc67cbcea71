"""How methods are declared: from an operation by kind; with NumPy's names for dim and keepdim."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..graph.errors import ArgumentError, SheerError
from .core import apply

if TYPE_CHECKING:
    from ..tensor import Tensor

Cls = TypeVar("Cls", bound=type)
Function = TypeVar("Function", bound=Callable[..., Any])
_NUMPY = {"axis": ("dim", "dims"), "axes": ("dims", "dim"), "keepdims": ("keepdim",),
          "k": ("diagonal",), "shift": ("shifts",), "size": ("shape",)}


def unary(op: Callable[..., Any]) -> Callable[[Any], Tensor]:
    """The method x.op()."""
    def method(self: Any) -> Tensor:
        return apply(op, self)
    return _named(method, op)


def binary(op: Callable[..., Any]) -> Callable[[Any, Any], Tensor]:
    """The method x.op(other); other may be a number or an array."""
    def method(self: Any, other: Any) -> Tensor:
        return apply(op, self, other)
    method.takes_numbers = True  # type: ignore[attr-defined]
    return _named(method, op)


def reflected(op: Callable[..., Any]) -> Callable[[Any, Any], Tensor]:
    """The method that Python calls for `other op x`."""
    def method(self: Any, other: Any) -> Tensor:
        return apply(op, other, self)
    return _named(method, op)


def _named(method: Any, op: Callable[..., Any]) -> Any:
    method.__name__ = method.__qualname__ = op.__name__
    method.__doc__ = op.__doc__
    return method


def numpy_names(cls: Cls) -> Cls:
    """Let every method with `dim` or `keepdim` take `axis` or `keepdims` for it too."""
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method):
            names, many = _translation(method), _many(method)
            if names or many:
                setattr(cls, name, renaming(method, names, many))
    return cls


def sized(function: Function) -> Function:
    """The function, whose `*size` may be given as `size=` too."""
    named: Function = renaming(function, {}, "size")
    return named


@contextlib.contextmanager
def called(op: str) -> Iterator[None]:
    """What is refused in here is refused by `op`, which the user called."""
    try:
        yield
    except SheerError as e:
        e.op = op
        raise


def renaming(function: Any, names: dict[str, str], many: str = "") -> Any:
    """The function with further names for some of its arguments; `many`, the one that collects
    positional arguments, may be given by its name too."""
    @functools.wraps(function)
    def accept(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            given = kwargs
            kwargs = {names.get(k, k): v for k, v in kwargs.items()}
            if len(kwargs) < len(given):
                raise ArgumentError("E191", function.__name__, "one argument under two names",
                                    got={"given": ", ".join(given)}, need="one of them")
            if many in kwargs:
                args = (*args, kwargs.pop(many))
        return function(*args, **kwargs)
    return accept


def _many(method: Any) -> str:
    """The name of `*dims`, or "" when there is none."""
    collecting = inspect.Parameter.VAR_POSITIONAL
    return next((p.name for p in inspect.signature(method).parameters.values()
                 if p.kind is collecting), "")


def _translation(method: Any) -> dict[str, str]:
    """NumPy's name -> ours, for the arguments that a method has."""
    has = inspect.signature(method).parameters
    found = {theirs: next((o for o in ours if o in has), None) for theirs, ours in _NUMPY.items()}
    return {theirs: ours for theirs, ours in found.items() if ours and theirs not in has}
