"""functional_call: a module and other weights flow in, what it would give with them flows out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...graph.errors import ArgumentError
from ..module import Module


def functional_call(module: Module, parameters_and_buffers: Mapping[str, Any], args: Any = (),
                    kwargs: Mapping[str, Any] | None = None, *, strict: bool = False) -> Any:
    """module(*args, **kwargs) with the tensors given by dotted name in place of its own.

    Gradients flow to what is given, so `sheer.grad` and `sheer.vmap` over weights compose with it.
    The module is as before afterwards.

    Raises  E254 for a name that the module has not, and, when strict, for one that is not given
    Source  torch.func.functional_call
    """
    places = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    wrong = [n for n in parameters_and_buffers if n not in places]
    missing = [n for n in places if n not in parameters_and_buffers] if strict else []
    if wrong or missing:
        raise ArgumentError("E254", "functional_call", "names do not fit the module",
                            got={"unknown": wrong, "missing": missing},
                            need="dotted names as in named_parameters()")
    kept = []
    try:
        for name, tensor in parameters_and_buffers.items():
            path, _, last = name.rpartition(".")
            part = module.get_submodule(path)
            place: Any = part._parameters if last in part._parameters else part._buffers
            kept.append((place, last, place[last]))
            place[last] = tensor
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        for place, last, tensor in kept:
            place[last] = tensor
