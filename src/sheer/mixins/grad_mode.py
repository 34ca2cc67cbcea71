"""Grad mode: whether operations record what gradients need, per thread; a context or decorator."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator

_local = threading.local()


class grad_mode(ContextDecorator):
    """Within the block, operations do or do not record what gradients need."""

    before: bool | None = None

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        if self.before is None:                  # set_grad_enabled has acted already
            self.before = is_grad_enabled()
        _local.grad = self.enabled

    def __exit__(self, *exc: object) -> None:
        _local.grad, self.before = self.before, None


def no_grad() -> grad_mode:
    """Context or decorator: nothing inside asks for gradients (torch.no_grad)."""
    return grad_mode(False)


def enable_grad() -> grad_mode:
    """Context or decorator: gradients are recorded again inside a `no_grad` block."""
    return grad_mode(True)


def is_grad_enabled() -> bool:
    """Are operations recorded for gradients now?"""
    return getattr(_local, "grad", True)


def set_grad_enabled(mode: bool) -> grad_mode:
    """Context or decorator: gradients are recorded, or not, as `mode` says; from this call on."""
    made = grad_mode(mode)
    made.before = is_grad_enabled()
    _local.grad = mode
    return made


def inference_mode(mode: bool = True) -> grad_mode:
    """Context or decorator: as no_grad; tensors made inside stay ordinary (unlike torch's)."""
    return grad_mode(not mode)
