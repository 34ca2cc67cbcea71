"""Ctrl-C: the signal flows in, a question the trainer asks between two programs flows out."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType


class Interrupts:
    """Within the block the first Ctrl-C only sets `asked`, so that no update is left half done.

    A second one stops at once. Handlers that a program has set itself, and other threads, are
    left alone.
    """

    asked = False

    def __enter__(self) -> Interrupts:
        self.ours = (threading.current_thread() is threading.main_thread()
                     and signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        if self.ours:
            signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("stopping after the running updates; Ctrl-C again stops at once", file=sys.stderr)
