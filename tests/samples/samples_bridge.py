"""From torch's values to sheer's and back: tensors, dtypes, devices, nests of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode, resolve_name

import sheer

DTYPES = {getattr(torch, d.name): d for d in
          (sheer.float32, sheer.float64, sheer.int8, sheer.int16, sheer.int32, sheer.int64,
           sheer.uint8, sheer.bool)}
FORMATS = {getattr(torch, n): getattr(sheer, n) for n in
           ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")}


class Foreign(Exception):
    """A value that sheer has nothing like: its dtype, its layout or its kind."""


class Bridge:
    """Translates the operands of one sample; one torch tensor is one sheer tensor."""

    def __init__(self) -> None:
        self.leaves: list[tuple[torch.Tensor, sheer.Tensor]] = []
        self._known: dict[int, sheer.Tensor] = {}

    def over(self, value: Any) -> Any:
        """A torch value, or a nest of such, as sheer's."""
        return nest(value, self._leaf)

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, torch.dtype):
            if value not in DTYPES:
                raise Foreign(f"dtype {value}")
            return DTYPES[value]
        if isinstance(value, torch.memory_format):
            return FORMATS[value]
        if isinstance(value, torch.device):
            return str(value)
        if isinstance(value, torch.Generator):
            return sheer.Generator().manual_seed(value.initial_seed())
        if isinstance(value, complex):
            raise Foreign("a complex number")
        if isinstance(value, torch.layout):
            raise Foreign(f"layout {value}")
        if isinstance(value, torch.Size):
            return tuple(value)
        if isinstance(value, torch.nn.Module):
            return _module(value)
        name = resolve_name(value) if callable(value) else None
        return counterpart(name) if name else value

    def _tensor(self, value: torch.Tensor) -> sheer.Tensor:
        if value.layout != torch.strided or value.is_quantized:
            raise Foreign(f"layout {value.layout}")
        if value.dtype not in DTYPES:
            raise Foreign(f"dtype {value.dtype}")
        if id(value) not in self._known:
            array = value.detach().resolve_neg().numpy().copy()
            made = sheer.tensor(array, dtype=DTYPES[value.dtype], requires_grad=value.requires_grad)
            self._known[id(value)] = made
            if value.requires_grad:
                self.leaves.append((value, made))
        return self._known[id(value)]


def _module(value: torch.nn.Module) -> sheer.nn.Module:
    """A module that is a setting of another one: of these the samples have two."""
    if isinstance(value, torch.nn.LayerNorm):
        return sheer.nn.LayerNorm(value.normalized_shape, value.eps)
    if not isinstance(value, torch.nn.TransformerEncoderLayer):
        raise Foreign(type(value).__name__)
    name = "gelu" if value.activation is torch.nn.functional.gelu else "relu"
    return sheer.nn.TransformerEncoderLayer(
        value.self_attn.embed_dim, value.self_attn.num_heads, value.linear1.out_features,
        value.dropout.p, name, value.norm1.eps, value.self_attn.batch_first, value.norm_first,
        value.linear1.bias is not None)


def back(value: Any) -> Any:
    """A sheer value as torch's."""
    if isinstance(value, sheer.Tensor):
        return torch.from_numpy(np.array(value.detach().numpy()))
    if isinstance(value, list | tuple):
        return tuple(back(v) for v in value)
    if isinstance(value, sheer.dtype):
        return getattr(torch, value.name)
    return value


# ---- torch's wrappers over sheer's functions -----------------------------------------------------

class Twin(torch.Tensor):
    """A sheer tensor that torch's own Python code can handle: every call on it goes to sheer."""

    ours: sheer.Tensor

    @staticmethod
    def of(tensor: sheer.Tensor) -> Twin:
        """The stand-in of a tensor."""
        made = torch.Tensor._make_subclass(Twin, torch.empty(0))
        made.ours = tensor
        return made

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        name, given = resolve_name(function), untwined(args)
        if name.endswith(".__get__"):
            return twins(getattr(given[0], name.split(".")[-2]))
        return twins(counterpart(name)(*given, **untwined(kwargs or {})))


class Twinned(TorchFunctionMode):
    """Within the block torch's functions, also those without a tensor among their operands, are
    sheer's."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        if resolve_name(function) is None:                # a switch, such as that of gradients
            return function(*args, **(kwargs or {}))
        return Twin.__torch_function__(function, types, args, kwargs)


def through(op: Any, bridge: Bridge) -> Any:
    """torch's own wrapper, with sheer's functions beneath it."""
    twinned = lambda value: nest(value, lambda v: Twin.of(bridge.over(v))
                                 if isinstance(v, torch.Tensor) else v)
    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = twinned(args), twinned(kwargs)
        with Twinned():
            return untwined(op(*args, **kwargs))
    return call


def nest(value: Any, change: Any) -> Any:
    """The leaves of a nest of lists, tuples and dicts changed."""
    if isinstance(value, dict):
        return {k: nest(v, change) for k, v in value.items()}
    if isinstance(value, torch.Size):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(nest(v, change) for v in value))
    if type(value) in (list, tuple):
        return type(value)(nest(v, change) for v in value)
    return change(value)


def twins(value: Any) -> Any:
    """sheer's tensors as stand-ins, in whatever nest."""
    return nest(value, lambda v: Twin.of(v) if isinstance(v, sheer.Tensor) else v)


def untwined(value: Any) -> Any:
    """The stand-ins as sheer's tensors; torch's dtypes as sheer's."""
    return nest(value, lambda v: v.ours if isinstance(v, Twin) else Bridge().over(v))


def counterpart(name: str) -> Any:
    """sheer's object under torch's dotted name. Raises AttributeError where there is none."""
    found: Any = sheer
    for part in name.removeprefix("torch.").removeprefix("functional.").split("."):
        found = getattr(found, part)
    return found


@contextlib.contextmanager
def same_seed(seed: int = 0) -> Iterator[None]:
    """torch's and sheer's generators start again."""
    torch.manual_seed(seed)
    sheer.manual_seed(seed)
    yield
