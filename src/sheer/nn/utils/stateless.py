"""A module as a function of its parameters: tensors flow in, its result comes out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...graph.errors import ArgumentError
from ..module import Module


def functional_call(module: Module, parameter_and_buffer_dicts: Mapping[str, Any], args: Any = (),
                    kwargs: Mapping[str, Any] | None = None) -> Any:
    """Call a module with some of its parameters and buffers replaced by other tensors.

    The module keeps its own. So a loss becomes a function of the weights, which `grad`, `jvp`,
    `hessian` and `vmap` take. A parameter held in two places is replaced in both.

    Params  args  what the module is called with: a tuple, or the one argument
    Raises  E893 for a name that the module does not have
    Source  torch.func.functional_call
    Example
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> functional_call(layer, {"weight": sheer.tensor([[1.0, 2.0]])}, sheer.ones(2)).tolist()
        [3.0]
    """
    with _replaced(module, parameter_and_buffer_dicts):
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))


@contextmanager
def _replaced(module: Module, values: Mapping[str, Any]) -> Iterator[None]:
    """Within the block the places of these tensors hold others."""
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name in values:
        if name not in own:
            near = difflib.get_close_matches(name, own, 1)
            raise ArgumentError("E893", "functional_call", f"there is no parameter {name!r}",
                                got={"nearest": near[0]} if near else None,
                                need="names of parameters or buffers")
    instead = {id(own[name]): value for name, value in values.items()}
    places: list[tuple[dict[str, Any], str, Any]] = []
    for part in module.modules():
        for table in (part._parameters, part._buffers):
            places += [(table, name, t) for name, t in table.items() if id(t) in instead]
    try:
        for table, name, tensor in places:
            table[name] = instead[id(tensor)]
        yield
    finally:
        for table, name, tensor in places:
            table[name] = tensor
