"""What was compiled, kept: the structure of a graph flows in, what was made for it flows out."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def _lock_at_fork(lock: Any) -> None:
    """Never fork while another thread has the lock: in the child nobody would give it back."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release,
                            after_in_child=lock.release)


class Programs(Generic[T]):
    """What was compiled, by the structure of its graph; what was not used for longest goes first.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._found: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.RLock()
        _lock_at_fork(self._lock)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What belongs to that key, made when there is nothing."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        made = make()                                 # takes seconds: others need not wait
        with self._lock:
            found = self._found.setdefault(key, made)
            while len(self._found) > self.limit:
                self._found.popitem(last=False)
        return found

    def __len__(self) -> int:
        return len(self._found)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._found.clear()
