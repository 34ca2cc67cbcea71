"""Parametrisation: weights that are functions of others flow into layers that do not know it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...graph.errors import ArgumentError
from ...mixins.core import Core, no_grad
from ...mixins.missing import refusing as _refusing
from ...tensor import Tensor
from ..containers import ModuleDict, ModuleList
from ..functional.common import passes_if
from ..module import Module
from ..parameter import Parameter

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization",
           "remove_parametrizations", "type_before_parametrizations"]
__getattr__ = _refusing("nn.utils.parametrize", __all__)

_caches: list[dict[tuple[int, str], Any]] = []


@contextmanager
def cached() -> Iterator[None]:
    """Within the block every parametrised weight is computed once."""
    _caches.append({})
    try:
        yield
    finally:
        _caches.pop()


class ParametrizationList(ModuleList):
    """What stands for one weight: `original` (or original0, original1, ...), and the functions
    that are applied to it, in order.

    Source  torch.nn.utils.parametrize.ParametrizationList
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.__dict__["count"] = 0
        self.right_inverse(original)

    def originals(self) -> list[Any]:
        """The tensors that are learned."""
        names = ["original"] if not self.count else [f"original{i}" for i in range(self.count)]
        return [getattr(self, n) for n in names]

    def right_inverse(self, value: Tensor) -> None:
        """Choose the originals so that the weight becomes `value`, as far as the functions can."""
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                inverse = getattr(module, "right_inverse", None)
                new = new if inverse is None else inverse(new)
        parts = list(new) if isinstance(new, tuple | list) else [new]
        many = isinstance(new, tuple | list)
        self.__dict__["count"] = len(parts) if many else 0
        for i, part in enumerate(parts):
            name = f"original{i}" if many else "original"
            held = self._parameters.get(name)
            if held is None:
                made = part if isinstance(part, Parameter) else Parameter(part.detach(),
                                                                          value.requires_grad)
                self.register_parameter(name, made)
            else:
                with no_grad():
                    held.copy_(part)

    def forward(self) -> Any:
        first, *others = list(self)
        x = first(*self.originals())
        for module in others:
            x = module(x)
        return x


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *,
                             unsafe: bool = False) -> Module:
    """Let a parameter of a module be parametrization(original) from now on.

    A method `right_inverse` of the parametrisation says which original gives a weight; without
    one, the weight there was becomes the original. A second parametrisation is applied behind
    the first.

    Raises  E252 for a name that is no parameter, and, unless unsafe, for another shape or dtype
    Source  torch.nn.utils.parametrize.register_parametrization
    Example
        >>> class Symmetric(Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).mT
        >>> layer = register_parametrization(sheer.nn.Linear(3, 3), "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.mT).all())
        True
    """
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        value = getattr(module, tensor_name).detach()
        with no_grad():
            inverse = getattr(parametrization, "right_inverse", None)
            chain.right_inverse(value if inverse is None else inverse(value))
        chain.append(parametrization)
        return module
    original = module._parameters.get(tensor_name)
    if original is None:
        known = [n for n, p in module._parameters.items() if p is not None]
        raise ArgumentError("E252", "register_parametrization",
                            f"{type(module).__name__} has no parameter {tensor_name!r}",
                            need=" or ".join(known) or "a module with parameters of its own",
                            tries=[(f'"{n}"', passes_if(True)) for n in known[:1]])
    del module._parameters[tensor_name]
    made = ParametrizationList([parametrization], original, unsafe)
    if not isinstance(module._modules.get("parametrizations"), ModuleDict):
        module.add_module("parametrizations", ModuleDict())
    module.parametrizations[tensor_name] = made
    _inject(module, tensor_name)
    new = getattr(module, tensor_name)
    if not unsafe and (new.shape != original.shape or new.dtype != original.dtype):
        remove_parametrizations(module, tensor_name, leave_parametrized=False)
        raise ArgumentError("E252", "register_parametrization",
                            "the parametrisation makes another shape or dtype",
                            got={"weight": original.node, "made": new.node},
                            need="the same, or unsafe=True",
                            tries=[("unsafe=True", passes_if(True))])
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Is this weight of the module, or any, computed from another one?"""
    held = module._modules.get("parametrizations")
    if not isinstance(held, ModuleDict) or not len(held):
        return False
    return tensor_name is None or tensor_name in held


def remove_parametrizations(module: Module, tensor_name: str,
                            leave_parametrized: bool = True) -> Module:
    """A plain parameter again: the weight as it is now, or the original.

    Raises  E252 when there is nothing to remove, and for several originals without
            leave_parametrized
    """
    if not is_parametrized(module, tensor_name):
        raise ArgumentError("E252", "remove_parametrizations",
                            f"{tensor_name!r} is not parametrised", need="a parametrised weight")
    chain = module.parametrizations[tensor_name]
    originals = chain.originals()
    if not leave_parametrized and len(originals) > 1:
        raise ArgumentError("E252", "remove_parametrizations", "several originals are no weight",
                            need="leave_parametrized=True")
    value = getattr(module, tensor_name).detach() if leave_parametrized else originals[0]
    wants = any(p.requires_grad for p in originals)
    del module.parametrizations[tensor_name]
    kind = type(module)
    names = [n for n in kind.parametrized if n != tensor_name]  # type: ignore[attr-defined]
    object.__setattr__(module, "__class__", kind.plain)  # type: ignore[attr-defined]
    if names:
        for name in names:
            _inject(module, name)
    else:
        del module.parametrizations
    module.register_parameter(tensor_name, value if isinstance(value, Parameter)
                              else Parameter(value, wants))
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before any of its weights was parametrised."""
    return getattr(type(module), "plain", type(module))


def _inject(module: Module, name: str) -> None:
    """Give the module a class of its own, in which the weight is computed when it is read."""
    kind = type(module)
    plain, names = getattr(kind, "plain", kind), (*getattr(kind, "parametrized", ()), name)
    def computed(n: str) -> property:
        def read(self: Module) -> Any:
            chain = self.parametrizations[n]
            if not _caches:
                return chain()
            key = id(self), n
            if key not in _caches[-1]:
                _caches[-1][key] = chain()
            return _caches[-1][key]
        return property(read)
    def assign(self: Module, n: str, value: Any) -> None:
        if n in names and isinstance(value, Core):
            self.parametrizations[n].right_inverse(value)
        else:
            plain.__setattr__(self, n, value)
    made = type(f"Parametrized{plain.__name__}", (plain,), {
        "plain": plain, "parametrized": names, "__setattr__": assign,
        **{n: computed(n) for n in names}})
    object.__setattr__(module, "__class__", made)
