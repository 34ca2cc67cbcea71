"""Primitive: one operation, all its rules in one class. Nodes flow in, a node flows out."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from typing import Any, ClassVar, dataclass_transform

from ..graph.node import Node, Spec, make
from ..graph.printer import vocabulary

REGISTRY: dict[str, type[Primitive]] = {}
RULES = ("infer", "ref", "vjp", "batch", "emit", "xla", "samples")


@dataclasses.dataclass(frozen=True)
class Absent:
    """Stands where a rule cannot be, and says why."""

    reason: str


class NotDifferentiable(Absent):
    """In place of `vjp`: the operation has no derivative."""


class KernelIn(Absent):
    """In place of `emit`: a loop nest of its own; the reason is the file that makes it."""


class HostOp(Absent):
    """In place of `emit`: no native kernel; compiled programs call `ref`."""


class NoXla(Absent):
    """In place of `xla`: no single operation of jax.lax; `xla.py` builds it from `ref`'s parts."""


class NotBatched(Absent):
    """In place of `batch`: the operation never meets a batched value."""


_PLAIN = {"int", "bool", "str", "DType", "tuple[int, ...]"}    # types of fields of kept instances
_KEPT = 4096                                   # instances kept of one class before some are let go


class _Kind(type):
    """The class of primitives. Of those with plain parameters there is one object for the same
    ones, so that to hash and to compare them, which every new node does, costs nothing.

    `isinstance` takes longer for classes that have such a class: where loops in Python come by, at
    every operation, `type(prim) is Slice` is written.
    """

    _kept: dict[Any, Any] | None               # by the arguments, in whatever form they came
    _most = _KEPT

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        kept = cls._kept
        if kept is None:
            return super().__call__(*args, **kwargs)
        key = (args, *kwargs.items()) if kwargs else args
        try:
            return kept[key]
        except KeyError:
            return cls._only(super().__call__(*args, **kwargs), key, kept)
        except TypeError:                                      # a list among the parameters
            return super().__call__(*args, **kwargs)

    def _only(cls, made: Any, key: Any, kept: dict[Any, Any]) -> Any:
        """The one object with these parameters."""
        if len(kept) >= cls._most:
            _let_go(kept)
            cls._most = 2 * len(kept) + _KEPT
        return kept.setdefault(key, kept.setdefault(_values(made, made._names), made))


def _let_go(kept: dict[Any, Any]) -> None:
    """Forget the instances that nobody else holds."""
    entries = list(kept.items())                   # other threads may add some meanwhile
    names, held = Counter(id(p) for _, p in entries), {id(p): p for _, p in entries}
    # besides `held` and the argument, each name refers to it twice: in `kept` and in `entries`
    free = {i for i in held if sys.getrefcount(held[i]) <= 2 * names[i] + 2}
    for key, p in entries:
        if id(p) in free:
            kept.pop(key, None)


@dataclass_transform(frozen_default=True)
class Primitive(metaclass=_Kind):
    """Base of all primitives. Parameters are fields; rules are methods; instances are frozen.

    infer(*inputs)              Spec of the result, or a tuple of Specs; raises for bad input
    ref(*arrays)                the meaning, in NumPy
    vjp(ct, out, *inputs)       cotangents of the inputs (None: no gradient), written with ops.
                                With several results `ct` and `out` are tuples
    batch(args, at)             (result, axis) when args[i] has an extra axis at[i] (None: has not)
    emit(b, *values)            one element in, one out, through the builder `b`
    xla                         the same thing in jax.lax
    flops(out, *inputs)         floating-point operations of one run, from shapes alone; one for an
                                element of an elementwise result, 0 for what only moves elements
    samples()                   hypothesis strategy of (primitive, arrays); `hard()` pins cases

    A class that lacks a rule cannot be created; an `Absent` marker says why a rule cannot exist.
    """

    leaf: ClassVar[bool] = False              # takes no inputs
    constant: ClassVar[bool] = False          # a leaf whose value is in its parameters
    takes_all_outputs: ClassVar[bool] = False # sees every result of its inputs (Pick)
    many: ClassVar[bool] = False              # rules deal in tuples of results, even of one
    pointwise: ClassVar[bool] = False         # element i of the result needs element i of inputs
    view: ClassVar[bool] = False              # the result only renames elements of its one input
    fallible: ClassVar[bool] = False          # some values make it raise when it is computed
    ulps: ClassVar[float] = 0                 # how close `emit` must come to `ref` in float64
    _names: ClassVar[tuple[str, ...]] = ()    # of the parameters
    _compared: ClassVar[tuple[str, ...]] = () # of those that tell one from another

    infer: Any
    ref: Any
    vjp: Any
    batch: Any
    emit: Any
    xla: Any
    samples: Any

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # the fields alone: methods written for every class would take a third of `import sheer`
        dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        cls._names = tuple(f.name for f in fields)
        cls._compared = tuple(f.name for f in fields if f.compare)
        cls._kept = {} if all(f.type in _PLAIN for f in fields) else None
        like = Primitive if cls._kept is None else object
        cls.__hash__, cls.__eq__ = like.__hash__, like.__eq__
        if abstract:
            return
        missing = [rule for rule in RULES if not hasattr(cls, rule)]
        if missing or not cls.__doc__:
            raise TypeError(f"primitive {cls.__name__} lacks {', '.join(missing) or 'a docstring'}")
        REGISTRY[cls.__name__] = vocabulary[cls.__name__] = cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = self._names
        if len(args) != len(names) or kwargs:
            args = _bound(self, args, kwargs)
        self.__dict__.update(zip(names, args, strict=True))

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __repr__(self) -> str:
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields if f.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: Any) -> bool:
        names = self._compared
        return type(other) is type(self) and _values(self, names) == _values(other, names)

    def __hash__(self) -> int:
        """By class and parameters: Sin() and Cos() are two."""
        kept = self.__dict__
        try:
            found: int = kept["_hash"]
        except KeyError:
            found = kept["_hash"] = hash((type(self).__name__, _values(self, self._compared)))
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), _values(self, self._names)

    def __call__(self, *inputs: Node) -> Node:
        """Apply to nodes."""
        return make(self, inputs)

    def flops(self, out: Any, *inputs: Any) -> int:
        """Arithmetic of one run; `out` and inputs are nodes or specs, several results a tuple."""
        return out.size if self.pointwise else 0

    @classmethod
    def hard(cls) -> list[Any]:
        """Cases that random drawing seldom meets: (primitive, arrays) pairs."""
        return []


def _values(prim: Primitive, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(prim, name) for name in names)


def _bound(prim: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The parameters in order, where some have names or are left to their defaults."""
    what, names = type(prim).__name__, prim._names
    if len(args) > len(names):
        raise TypeError(f"{what} takes {len(names)} parameters, got {len(args)}")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names or name in given:
            raise TypeError(f"{what} has no parameter {name!r}" if name not in names else
                            f"{what} got {name!r} twice")
        given[name] = value
    for field in dataclasses.fields(prim):  # type: ignore[arg-type]
        if field.name not in given:
            if field.default is dataclasses.MISSING:
                raise TypeError(f"{what} needs {field.name!r}")
            given[field.name] = field.default
    return tuple(given[name] for name in names)


def results(node: Node) -> tuple[Node, ...]:
    """The results of a node with several outputs, as nodes."""
    from .structure import Pick
    return tuple(Pick(i)(node) for i in range(len(node.outputs)))


def same_spec(x: Node | Spec) -> Spec:
    """The spec of a node or of a spec."""
    return x if isinstance(x, Spec) else x.spec
