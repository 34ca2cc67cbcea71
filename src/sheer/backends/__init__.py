"""What runs a graph: the reference, the CPU, XLA. Answers torch.backends questions too."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """`backends.mps`, `backends.cudnn`, ...: what PyTorch scripts ask about; none is there."""
    from ..devices import backends
    if name in backends:
        return backends[name]
    raise AttributeError(f"sheer.backends has no {name!r}")
