"""Module: a tree of layers. Tensors flow through `forward`; parameters and state live in the tree."""

from __future__ import annotations

import difflib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self
from weakref import WeakKeyDictionary

from ..graph import source
from ..graph.dtypes import DType, dtype_of
from ..graph.errors import ArgumentError, DTypeError, MissingError, StateError
from ..mixins.core import Core, apply
from ..ops.structure import stop_gradient
from ..tensor import Tensor
from . import state
from .notes import guarded, warn
from .parameter import Buffer, Parameter
from .state import Hook, LoadResult

_local = threading.local()


class Module:
    """Base of all layers and models.

    Assigning a Parameter, a Buffer or another Module to an attribute makes it part of the tree.

    Raises  E205 when `super().__init__()` was forgotten, E206 for a class in place of a layer
    Source  torch.nn.Module
    Example
        >>> class Net(Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = Linear(4, 2)
        ...     def forward(self, x):
        ...         return self.fc(x)
        >>> [name for name, _ in Net().named_parameters()]
        ['fc.weight', 'fc.bias']
    """

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _not_saved: set[str]
    _training: bool

    def __init__(self) -> None:
        empty: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}, "_not_saved": set(),
                                 "_training": True, "_hooks": {}, "_pre_hooks": {}, "_looked": False}
        self.__dict__.update(empty)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass has its own."""
        raise MissingError("E208", type(self).__name__, "has no forward method",
                           need="def forward(self, x): ... in the class")

    # ---- calling ----------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mine = self.__dict__
        if "_modules" not in mine:
            raise _no_init(self)
        if not mine["_looked"]:
            _look_for_lost(self)
        stack: list[Module] = _local.__dict__.setdefault("running", [])
        with source.layer(_path(stack[-1], self) if stack else ""):
            stack.append(self)
            try:
                for before in tuple(mine["_pre_hooks"].values()):
                    given = before(self, args)
                    args = args if given is None else given if isinstance(given, tuple) else (given,)
                result = self.forward(*args, **kwargs)
                for after in tuple(mine["_hooks"].values()):
                    given = after(self, args, result)
                    result = result if given is None else given
                return result
            finally:
                stack.pop()

    def register_forward_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(module, args, result) after each forward; what it returns replaces the result."""
        return Hook(self.__dict__["_hooks"], hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(module, args) before each forward; what it returns replaces the arguments."""
        return Hook(self.__dict__["_pre_hooks"], hook)

    # ---- attributes -------------------------------------------------------------------------
    def __setattr__(self, name: str, value: Any) -> None:
        mine = self.__dict__
        kind = _kind(name, value)
        if kind is None:
            held = next((k for k in ("_parameters", "_modules", "_buffers") if name in mine.get(k, ())), None)
            if held is None:
                object.__setattr__(self, name, value)
            elif value is None or (held == "_buffers" and isinstance(value, Core)):
                mine[held][name] = value
            else:
                raise ArgumentError("E206", type(self).__name__, f"{name} is one of the {held[1:]}; a "
                                    f"{type(value).__name__} cannot take its place", need="one of its kind, or None",
                                    tries=[(f"del self.{name} first", lambda: None)])
            return
        if "_modules" not in mine:
            raise _no_init(self)
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
                return mine[kind][name]
        if "_modules" not in mine and not name.startswith("__"):
            raise _no_init(self)
        known = [n for n in (*mine.get("_modules", ()), *mine.get("_parameters", ()), *dir(type(self)))
                 if not n.startswith("_")]
        close = difflib.get_close_matches(name, known, 3)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}"
                             + (f"; did you mean {' or '.join(close)}?" if close else ""))

    def __delattr__(self, name: str) -> None:
        if not _drop(self.__dict__, name):
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_paths"}

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Hold a tensor that is state but no parameter; saved unless persistent is False."""
        self._register("_buffers", name, tensor)
        (self._not_saved.discard if persistent else self._not_saved.add)(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Hold a parameter under a name that need not be an identifier."""
        if param is not None and not isinstance(param, Parameter):
            raise ArgumentError("E206", "register_parameter", f"{name!r} is a {type(param).__name__}",
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
            raise _no_init(self)
        if "." in name or not name or (name not in mine[kind] and hasattr(self, name)):
            raise ArgumentError("E209", type(self).__name__, f"{name!r} cannot name a part of a module",
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

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
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
                raise _no_init(module)
            _look_for_lost(module)
            for name, tensor in module.__dict__[kind].items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield state.join(path, name), tensor

    def get_submodule(self, target: str) -> Module:
        """The module under a dotted name."""
        found = self
        for part in target.split(".") if target else ():
            found = getattr(found, part)
        return found

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call fn on every module of the tree, parts before wholes."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ---- modes and dtypes -------------------------------------------------------------------
    @property
    def training(self) -> bool:
        """Is this module in training mode? A compiled function asks again at each call."""
        if "_training" not in self.__dict__:
            raise _no_init(self)
        return bool(guarded(lambda: self.__dict__["_training"]))

    @training.setter
    def training(self, mode: bool) -> None:
        self.__dict__["_training"] = bool(mode)

    def setting(self, name: str) -> Any:
        """A Python setting that may be changed between calls; compiled functions ask again."""
        return guarded(lambda: getattr(self, name))

    def train(self, mode: bool = True) -> Self:
        """Training mode: dropout drops, batch norm uses the batch."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for the gradients of all parameters, or freeze them."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for p in self.parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else Tensor(0 * p.grad.detach().node)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """All floating parameters and buffers in another dtype; "cpu" is the only device.

        Raises  E204 for a dtype that is not floating
        """
        wanted = kwargs.get("dtype")
        for a in args:
            wanted = a.dtype if isinstance(a, Core) else wanted if str(a).startswith("cpu") else a
        return self if wanted is None else self._cast(dtype_of(wanted))

    def _cast(self, dtype: DType) -> Self:
        if not dtype.is_floating_point:
            raise DTypeError("E204", type(self).__name__, f"parameters cannot be {dtype.name}",
                             need="float32 or float64")
        for t in (*self.parameters(), *self.buffers()):
            if t.dtype.is_floating_point and t.dtype != dtype:
                grad, t.grad = t.grad, None
                state.rebind(t, t.detach().to(dtype))
                t.grad = None if grad is None else grad.to(dtype)
        return self

    def float(self) -> Self: return self.to("float32")
    def double(self) -> Self: return self.to("float64")
    def cpu(self) -> Self: return self

    # ---- saving and printing ----------------------------------------------------------------
    def state_dict(self, prefix: str = "", keep_vars: bool = False) -> OrderedDict[str, Tensor]:
        """Dotted name and value of every parameter and saved buffer, with PyTorch's names and order.

        The values are those of now: later steps do not change them.
        """
        return OrderedDict((name, t if keep_vars else apply(stop_gradient, t))
                           for name, t in state.entries(self, prefix))

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Copy the values of a state_dict (tensors, arrays or torch tensors) into this module.

        Nothing is copied unless everything fits.

        Raises  E210 with a table of names that are missing, unexpected or of another shape
                (strict=False: only of those of another shape)
        Source  torch.nn.Module.load_state_dict
        """
        return state.load(self, state_dict, strict)

    def extra_repr(self) -> str:
        """The settings between the parentheses of the printed module."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return state.tree_text(self)


# ---- what a user can get wrong -----------------------------------------------------------------

def check_module(op: str, value: Any, optional: bool = False) -> None:
    """Raise ArgumentError E206 unless value is a module (or None, where that is allowed)."""
    if isinstance(value, Module) or (value is None and optional):
        return
    if isinstance(value, type) and issubclass(value, Module):
        what, tries = f"{value.__name__} is a class, not a layer", [(f"{value.__name__}(...)", lambda: None)]
    else:
        what, tries = f"{type(value).__name__} is no module", []
    raise ArgumentError("E206", op, what, got={"value": repr(value)[:60]}, need="an instance of Module",
                        tries=tries)


def running() -> Module | None:
    """The innermost module whose forward is being computed."""
    stack: list[Module] = _local.__dict__.get("running", [])
    return stack[-1] if stack else None


def _kind(name: str, value: Any) -> str | None:
    """In which registry an attribute belongs; None: an ordinary attribute."""
    if isinstance(value, Parameter):
        return "_parameters"
    if isinstance(value, Module):
        return "_modules"
    if isinstance(value, Buffer):
        return "_buffers"
    if isinstance(value, type) and issubclass(value, Module):
        check_module(f"attribute {name}", value)
    return None


def _drop(mine: dict[str, Any], name: str) -> bool:
    """Take a name out of all registries; was it in one?"""
    mine.pop("_paths", None)
    places = [mine.get(kind, {}) for kind in ("_parameters", "_buffers", "_modules")]
    return any([place.pop(name, mine) is not mine for place in places])


def _no_init(module: Module) -> StateError:
    name = type(module).__name__
    return StateError("E205", name, "the module was not set up before it was used",
                      need="super().__init__() as the first line of __init__",
                      tries=[(f"class {name}(Module): def __init__(self, ...): super().__init__()", lambda: None)])


def _look_for_lost(module: Module) -> None:
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
            if isinstance(v, Module | Parameter) and id(v) not in held:
                right = ("Module" if isinstance(v, Module) else "Parameter") + (
                    "Dict" if isinstance(value, dict) else "List")
                warn("W201", type(module).__name__, f"{name} holds a {type(v).__name__} in a plain "
                     f"{type(value).__name__}: its parameters are neither trained nor saved",
                     need=f"nn.{right}", tries=[(f"self.{name} = nn.{right}(...)", lambda: None)])
                break


def _path(parent: Module, child: Module) -> str:
    """The dotted name of a module inside the one that calls it; its class when it is none of its parts."""
    for name, module in parent._modules.items():
        if module is child:
            return name
    paths = parent.__dict__.get("_paths")
    if paths is None or child not in paths:
        paths = parent.__dict__["_paths"] = WeakKeyDictionary({m: n for n, m in parent.named_modules()})
    return paths.get(child, "") or type(child).__name__
