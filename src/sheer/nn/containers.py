"""Modules that hold others: in a row, in a list, under names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from ..graph.errors import ArgumentError, ShapeError
from ..tensor import Tensor
from ..transforms import trace
from .module import Module
from .parameter import Parameter
from .tree import check_module


class _Row(Module):
    """What Sequential and ModuleList share: the parts by their place, named "0", "1", ...

    A change in the middle numbers the parts anew, as torch does.
    """

    def append(self, module: Module) -> Self:
        """Put a module at the end."""
        check_module(type(self).__name__, module)
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put modules at the end."""
        single = isinstance(modules, Module) and not isinstance(modules, _Row)
        if single or not isinstance(modules, Iterable):
            name = type(self).__name__
            raise ArgumentError("E206", name, f"a {type(modules).__name__} in place of a list",
                                need="modules in a list", tries=[(f"{name}([...])", lambda: None)])
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before that place."""
        check_module(type(self).__name__, module)
        parts = list(self.children())
        parts.insert(index, module)
        return self._refill(parts)

    def pop(self, index: int) -> Module:
        """Take a module out, and give it."""
        parts = list(self.children())
        found = parts.pop(index)
        self._refill(parts)
        return found

    def __delitem__(self, index: int | slice) -> None:
        parts = list(self.children())
        del parts[index]
        self._refill(parts)

    def __iadd__(self, other: Iterable[Module]) -> Self: return self.extend(other)
    def __len__(self) -> int: return len(self._modules)
    def __iter__(self) -> Iterator[Module]: return iter(self._row())

    def _row(self) -> list[Module]:
        """The parts; a function that is being traced depends on their being these."""
        parts, running = self._modules, trace.current()
        held = [m for m in parts.values() if m is not None]
        if running is not None:
            running.guard_once((id(parts), ""), lambda: lambda: list(parts.values()) == held)
        return held

    def _refill(self, parts: Iterable[Module]) -> Self:
        self._modules.clear()
        self.__dict__.pop("_paths", None)
        return self.extend(parts)


class Sequential(_Row):
    """Modules called one after the other, each on the result of the one before.

    Shape   that of the first module -> that of the last
    Raises  E206 for anything that is no module, E209 for names with a dot
    Source  torch.nn.Sequential
    Example
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> net(sheer.ones(5, 4)).shape
        (5, 2)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
            return
        for i, module in enumerate(args):
            check_module("Sequential", module)
            self.add_module(str(i), module)

    def forward(self, x: Any) -> Any:
        for module in self._row():
            x = module(x)
        return x

    def __add__(self, other: Iterable[Module]) -> Sequential:
        return Sequential(*self).extend(other)

    def __mul__(self, times: int) -> Sequential: return Sequential(*list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Sequential: return self._refill(list(self) * times)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self.named_children())[index]))
        return self._row()[index]

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(list(self._modules)[index], module)


class ModuleList(_Row):
    """A list of modules that belongs to the tree.

    Raises  E206 for anything that is no module, E208 when it is called
    Source  torch.nn.ModuleList
    Example
        >>> layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        >>> x = sheer.ones(2, 4)
        >>> for layer in layers:
        ...     x = layer(x)
        >>> x.shape, len(list(layers.parameters()))
        ((2, 4), 6)
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(self).extend(other)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Module | ModuleList:
        found = self._row()[index]
        return ModuleList(found) if isinstance(found, list) else found

    def __setitem__(self, index: int, module: Module) -> None:
        check_module("ModuleList", module)
        self.add_module(list(self._modules)[index], module)


class ModuleDict(Module):
    """Modules under names.

    Raises  E206 for anything that is no module, E208 when it is called, E209 for names with a dot
    Source  torch.nn.ModuleDict
    Example
        >>> heads = nn.ModuleDict({"kind": nn.Linear(4, 3), "box": nn.Linear(4, 4)})
        >>> {name: head(sheer.ones(2, 4)).shape for name, head in heads.items()}
        {'kind': (2, 3), 'box': (2, 4)}
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        super().__init__()
        self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add or replace modules."""
        for name, module in modules.items() if isinstance(modules, Mapping) else modules:
            self[name] = module

    def __setitem__(self, name: str, module: Module) -> None:
        check_module("ModuleDict", module)
        if not isinstance(name, str):
            raise ArgumentError("E209", "ModuleDict", f"the name {name!r} is no text",
                                need="a text", tries=[(f'"{name}"', lambda: None)])
        self.add_module(name, module)

    def __getitem__(self, name: str) -> Module:
        found = self._modules[name]
        assert found is not None
        return found

    def pop(self, name: str) -> Module:
        """Take a module out, and give it."""
        found = self[name]
        del self[name]
        return found

    def clear(self) -> None:
        """Take all modules out."""
        for name in list(self):
            del self[name]

    def __delitem__(self, name: str) -> None: delattr(self, name)
    def __len__(self) -> int: return len(self._modules)
    def __iter__(self) -> Iterator[str]: return iter(self._modules)
    def __contains__(self, name: str) -> bool: return name in self._modules
    def keys(self) -> Iterable[str]: return self._modules.keys()
    def values(self) -> Iterator[Module]: return self.children()
    def items(self) -> Iterator[tuple[str, Module]]: return self.named_children()


class ParameterList(Module):
    """A list of parameters that belongs to the tree; tensors become parameters.

    Raises  E604 for integers, E208 when it is called
    Source  torch.nn.ParameterList
    Example
        >>> powers = nn.ParameterList([sheer.ones(2), sheer.zeros(3)])
        >>> [(name, p.shape) for name, p in powers.named_parameters()]
        [('0', (2,)), ('1', (3,))]
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        super().__init__()
        self.extend(values)

    def append(self, value: Any) -> ParameterList:
        """Put a parameter at the end."""
        self.register_parameter(str(len(self)), _parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Put parameters at the end."""
        for value in values:
            self.append(value)
        return self

    def __len__(self) -> int: return len(self._parameters)
    def __iter__(self) -> Iterator[Parameter]: return (p for p in self._parameters.values()
                                                       if p is not None)
    def __getitem__(self, index: int) -> Parameter: return list(self)[index]

    def __setitem__(self, index: int, value: Any) -> None:
        self.register_parameter(list(self._parameters)[index], _parameter(value))

    def extra_repr(self) -> str:
        return "\n".join(f"({i}): Parameter {p.to_spec()}" for i, p in enumerate(self))


def _parameter(value: Any) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value)


class ParameterDict(Module):
    """Parameters under names; tensors become parameters.

    Raises  E209 for names with a dot, E604 for integers, E208 when it is called
    Source  torch.nn.ParameterDict
    Example
        >>> scale = nn.ParameterDict({"left": sheer.ones(2)})
        >>> scale["right"] = sheer.zeros(2)
        >>> list(scale), scale["right"].requires_grad
        (['left', 'right'], True)
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[Any] | None = None) -> None:
        super().__init__()
        self.update(parameters or {})

    def update(self, parameters: Mapping[str, Any] | Iterable[Any]) -> None:
        """Add or replace parameters."""
        pairs: Any = parameters.items() if hasattr(parameters, "items") else parameters
        for name, value in pairs:
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        self.register_parameter(name, None if value is None else _parameter(value))

    def __getitem__(self, name: str) -> Any: return self._parameters[name]
    def __delitem__(self, name: str) -> None: delattr(self, name)
    def __len__(self) -> int: return len(self._parameters)
    def __iter__(self) -> Iterator[str]: return iter(self._parameters)
    def __contains__(self, name: str) -> bool: return name in self._parameters
    def keys(self) -> Iterable[str]: return self._parameters.keys()
    def values(self) -> Iterable[Any]: return self._parameters.values()
    def items(self) -> Iterable[tuple[str, Any]]: return self._parameters.items()

    def get(self, name: str, default: Any = None) -> Any:
        """The parameter of that name, or something else."""
        return self._parameters.get(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The parameter of that name, which `default` becomes where there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str) -> Any:
        """Take a parameter out, and give it."""
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last parameter out, and give its name and it."""
        name = next(reversed(self._parameters))
        return name, self.pop(name)

    def clear(self) -> None:
        """Take all parameters out."""
        for name in list(self):
            del self[name]

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        return ParameterDict(self._parameters)

    def extra_repr(self) -> str:
        return "\n".join(f"({name}): Parameter {p.to_spec()}" for name, p in self.items())


class Identity(Module):
    """The input; takes any arguments, so that it can stand in for another layer.

    Shape   x (*S) -> (*S)
    Source  torch.nn.Identity
    Example
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))
        >>> net[1] = nn.Identity()                  # the scores themselves
        >>> net(sheer.zeros(1, 4)).tolist() == [net[0].bias.tolist()]
        True
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Any) -> Any:
        return x


class Flatten(Module):
    """Axes start_dim to end_dim as one.

    Shape   x (B, *S) -> (B, product of S), with the defaults
    Raises  E110 for an axis that does not exist
    Source  torch.nn.Flatten
    Example
        >>> nn.Flatten()(sheer.ones(5, 3, 4, 2)).shape, nn.Flatten(0, 1)(sheer.ones(5, 3, 4)).shape
        ((5, 24), (15, 4))
    """
    start_dim: int
    end_dim: int

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis as several.

    Shape   x (*A, n, *Z) -> (*A, *unflattened_size, *Z)
    Raises  E111 when the sizes do not multiply to n, E203 for an axis that does not exist, E204 for
            a dim that is no number
    Source  torch.nn.Unflatten
    Example
        >>> nn.Unflatten(1, (3, -1, 2))(sheer.ones(5, 24)).shape
        (5, 3, 4, 2)
    """
    dim: int
    unflattened_size: tuple[int, ...]

    def __init__(self, dim: int, unflattened_size: Iterable[int]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)
        if not isinstance(dim, int):
            raise ArgumentError("E204", "Unflatten", f"dim is {dim!r}",
                                need="the number of an axis")

    def forward(self, x: Tensor) -> Tensor:
        if not -x.ndim <= self.dim < x.ndim:
            raise ShapeError("E203", "Unflatten", f"there is no axis {self.dim}", got={"x": x.node},
                             need=f"at least {self.dim + 1 if self.dim >= 0 else -self.dim} axes")
        at = self.dim % x.ndim
        return x.reshape(*x.shape[:at], *self.unflattened_size, *x.shape[at + 1:])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
