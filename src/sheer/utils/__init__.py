"""utils: what PyTorch keeps under torch.utils; most of it lives in sheer.data and transforms."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """`utils.data`, `utils.checkpoint`, `utils.tensorboard`, imported when asked for."""
    if name in ("data", "checkpoint", "tensorboard"):
        from importlib import import_module
        return import_module(f".{name}", __name__)
    raise AttributeError(f"sheer.utils has no {name!r}; it has data, checkpoint and tensorboard")
