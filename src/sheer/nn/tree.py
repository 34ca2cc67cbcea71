"""Tree: what of a module is a parameter, a buffer or a part, under which name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..graph.errors import ArgumentError, StateError, Try
from ..mixins.core import Core
from ..tensor import Tensor
from ..transforms import trace
from . import state
from .notes import warn
from .parameter import Buffer, Parameter
from .settings import OURS, assigned

if TYPE_CHECKING:
    from .module import Module


class Tree:
    """Registers what is assigned to attributes, and walks through it."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _not_saved: set[str]

    def __init__(self) -> None:
        empty: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {},
                                 "_not_saved": set(),
                                 "_looked": False,
                                 "_temporary": trace.current() is not None}      # made in a trace
        self.__dict__.update(empty)

    def __setattr__(self, name: str, value: Any) -> None:
        mine = self.__dict__
        kind = _kind(name, value)
        if kind is None:
            held = next((k for k in ("_parameters", "_modules", "_buffers")
                         if name in mine.get(k, ())), None)
            if held is None:
                if mine.get(name, self) is not value and name not in OURS:
                    assigned()
                object.__setattr__(self, name, value)
            elif value is None or (held == "_buffers" and isinstance(value, Core)):
                mine[held][name] = value
            else:
                raise _not_its_kind(self, held, name, value)
            return
        if "_modules" not in mine:
            raise no_init(self)
        if name not in mine[kind]:
            _drop(mine, name)
            mine.pop(name, None)
        mine[kind][name] = value
        mine["_looked"] = False
        mine.pop("_paths", None)

    def __getattr__(self, name: str) -> Any:
        mine = self.__dict__
        for kind in ("_parameters", "_modules", "_buffers"):
            if name in mine.get(kind, ()):
                return _read(mine[kind], name)
        if "_modules" not in mine and not name.startswith("__"):
            raise no_init(self)
        known = [n
                 for n in (*mine.get("_modules", ()), *mine.get("_parameters", ()),
                           *dir(type(self)))
                 if not n.startswith("_")]
        close = difflib.get_close_matches(name, known, 3)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}"
                             + (f"; did you mean {' or '.join(close)}?" if close else ""))

    def __delattr__(self, name: str) -> None:
        if not _drop(self.__dict__, name):
            assigned()
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Hold a tensor that is state but no parameter; saved unless persistent is False."""
        self._register("_buffers", name, tensor)
        (self._not_saved.discard if persistent else self._not_saved.add)(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Hold a parameter under a name that need not be an identifier."""
        if param is not None and not isinstance(param, Parameter):
            raise ArgumentError("E206", "register_parameter",
                                f"{name!r} is a {type(param).__name__}",
                                need="a Parameter, or None", tries=[("Parameter(x)", lambda: None)])
        self._register("_parameters", name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """Hold a child under a name that need not be an identifier."""
        check_module(type(self).__name__, module, optional=True)
        self._register("_modules", name, module)

    register_module = add_module

    def _register(self, kind: str, name: str, value: Any) -> None:
        mine = self.__dict__
        if kind not in mine:
            raise no_init(self)
        if "." in name or not name or (name not in mine[kind] and hasattr(self, name)):
            raise ArgumentError("E209", type(self).__name__,
                                f"{name!r} cannot name a part of a module",
                                need="a name without dots that no other attribute has")
        mine[kind][name] = value
        mine["_looked"] = False
        mine.pop("_paths", None)

    # ---- the tree ---------------------------------------------------------------------------
    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Dotted name and module of the tree, this one first (named ""), each module once."""
        seen: set[int] = set()
        for name, module in state.walk(self, prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        """Every module of the tree once, this one first."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Name and module of the direct parts."""
        return ((n, m) for n, m in self._modules.items() if m is not None)

    def children(self) -> Iterator[Module]:
        """The direct parts."""
        return (m for _, m in self.named_children())

    def named_parameters(self, prefix: str = "",
                         recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Dotted name and parameter, each parameter once (W201 for parameters lost in a list)."""
        return self._tensors("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter of the tree once: what an optimizer wants."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Dotted name and buffer, each once."""
        return self._tensors("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer of the tree once."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def _tensors(self, kind: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            if "_modules" not in module.__dict__:
                raise no_init(module)
            look_for_lost(module)
            for name, tensor in module.__dict__[kind].items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield state.join(path, name), tensor

    def get_submodule(self, target: str) -> Module:
        """The module under a dotted name."""
        found: Module = self  # type: ignore[assignment]
        for part in target.split(".") if target else ():
            found = getattr(found, part)
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter under a dotted name. Raises AttributeError when there is none."""
        found = self._under(target)
        if not isinstance(found, Parameter):
            raise AttributeError(f"{target} is no parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer under a dotted name. Raises AttributeError when there is none."""
        path, _, name = target.rpartition(".")
        found = self.get_submodule(path)._buffers.get(name)
        if found is None:
            raise AttributeError(f"{target} is no buffer")
        return found

    def set_submodule(self, target: str, module: Module) -> None:
        """Put a module in the place of the one under a dotted name."""
        path, _, name = target.rpartition(".")
        check_module("set_submodule", module)
        self.get_submodule(path)._modules[name] = module
        self.__dict__.pop("_paths", None)

    def _under(self, target: str) -> Any:
        path, _, name = target.rpartition(".")
        return getattr(self.get_submodule(path), name)


# ---- what a user can get wrong -----------------------------------------------------------------

def check_module(op: str, value: Any, optional: bool = False) -> None:
    """Raise ArgumentError E206 unless value is a module (or None, where that is allowed)."""
    if isinstance(value, Tree) or (value is None and optional):
        return
    if isinstance(value, type) and issubclass(value, Tree):
        what = f"{value.__name__} is a class, not a layer"
        tries = [(f"{value.__name__}(...)", lambda: None)]
    else:
        what, tries = f"{type(value).__name__} is no module", []
    raise ArgumentError("E206", op, what, got={"value": repr(value)[:60]},
                        need="an instance of Module",
                        tries=tries)


def _read(parts: dict[str, Any], name: str) -> Any:
    """A part of a module. A function that is being traced depends on its being that part: with
    another one in its place, it is traced again.
    """
    found, running = parts[name], trace.current()
    if running is not None and getattr(found, "_home", None) is None:
        running.guard_once((id(parts), name), lambda: lambda: parts.get(name) is found)
    return found


def _not_its_kind(module: Any, held: str, name: str, value: Any) -> ArgumentError:
    """E206 for a value in place of a part. A tensor is meant to become the weight, or its values:
    after `del` it would be one that no optimizer sees.
    """
    tries: list[Try] = [(f"del self.{name} first", lambda: None)]
    if held == "_parameters" and isinstance(value, Core):
        part = module.__dict__[held][name]
        def same_shape() -> None:
            if part is None or part.shape != value.shape:
                raise ValueError
        tries = [(f"self.{name} = nn.Parameter(...)", lambda: None),
                 (f"with sheer.no_grad(): self.{name}.copy_(...)", same_shape)]
    return ArgumentError("E206", type(module).__name__, f"{name} is one of the {held[1:]}; a "
                         f"{type(value).__name__} cannot take its place",
                         need="one of its kind, or None", tries=tries)


def _kind(name: str, value: Any) -> str | None:
    """In which registry an attribute belongs; None: an ordinary attribute."""
    if isinstance(value, Parameter):
        return "_parameters"
    if isinstance(value, Tree):
        return "_modules"
    if isinstance(value, Buffer):
        return "_buffers"
    if isinstance(value, type) and issubclass(value, Tree):
        check_module(f"attribute {name}", value)
    return None


def _drop(mine: dict[str, Any], name: str) -> bool:
    """Take a name out of all registries; was it in one?"""
    mine.pop("_paths", None)
    places = [mine.get(kind, {}) for kind in ("_parameters", "_buffers", "_modules")]
    found = [place.pop(name, mine) for place in places]      # of all three, not of the first alone
    return any(value is not mine for value in found)


def no_init(module: Tree) -> StateError:
    name = type(module).__name__
    return StateError("E205", name, "the module was not set up before it was used",
                      need="super().__init__() as the first line of __init__",
                      tries=[("def __init__(self, ...): super().__init__()", lambda: None)])


def look_for_lost(module: Tree) -> None:
    """W201 for layers in a plain list or dict: nobody would train, save or move them."""
    mine = module.__dict__
    mine["_looked"] = True
    plain = [(name, value) for name, value in mine.items()
             if isinstance(value, list | tuple | dict) and not name.startswith("_")]
    if not plain:
        return
    held = {id(m) for _, m in state.walk(module)} | {id(p) for _, m in state.walk(module)
                                                      for p in m._parameters.values()}
    for name, value in plain:
        for v in value.values() if isinstance(value, dict) else value:
            if isinstance(v, Tree | Parameter) and id(v) not in held:
                right = ("Module" if isinstance(v, Tree) else "Parameter") + (
                    "Dict" if isinstance(value, dict) else "List")
                warn("W201", type(module).__name__, f"{name} holds a {type(v).__name__} in a plain "
                     f"{type(value).__name__}: its parameters are neither trained nor saved",
                     need=f"nn.{right}", tries=[(f"self.{name} = nn.{right}(...)", lambda: None)])
                break
