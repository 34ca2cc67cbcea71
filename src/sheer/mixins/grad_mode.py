"""Grad mode: whether operations record what gradients need, per thread; a context or decorator."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator


class _Mode(threading.local):
    """Of each thread: what holds now, and what held around the blocks that it is in."""

    def __init__(self) -> None:
        self.grad, self.outer = True, list[bool]()


_local = _Mode()


class grad_mode(ContextDecorator):
    """Within the block, operations do or do not record what gradients need. A decorated function
    shares one of these among its calls, also those inside each other and in other threads.
    """

    def __init__(self, enabled: bool, before: bool | None = None) -> None:
        self.enabled, self.before = enabled, before

    def __enter__(self) -> None:
        before, self.before = self.before, None
        _local.outer.append(_local.grad if before is None else before)
        _local.grad = self.enabled

    def __exit__(self, *exc: object) -> None:
        _local.grad = _local.outer.pop()


def no_grad() -> grad_mode:
    """Context or decorator: nothing inside asks for gradients (torch.no_grad)."""
    return grad_mode(False)


def enable_grad() -> grad_mode:
    """Context or decorator: gradients are recorded again inside a `no_grad` block."""
    return grad_mode(True)


def is_grad_enabled() -> bool:
    """Are operations recorded for gradients now?"""
    return _local.grad


def set_grad_enabled(mode: bool) -> grad_mode:
    """Context or decorator: gradients are recorded, or not, as `mode` says; from this call on."""
    made = grad_mode(mode, before=_local.grad)           # what comes back after the block
    _local.grad = mode
    return made


def inference_mode(mode: bool = True) -> grad_mode:
    """Context or decorator: as no_grad; tensors made inside stay ordinary (unlike torch's)."""
    return grad_mode(not mode)
