"""The one dial: SHEER_DEBUG flows in as a level, what the rooms have to tell goes to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

# 1 programs, times and why a function is traced; 2 graphs; 3 passes; 4 LLVM IR; 5 the graph after
# every pass
PROGRAMS, GRAPHS, PASSES, LLVM, REWRITES = range(1, 6)


def level() -> int:
    """The level asked for; 0 when SHEER_DEBUG is unset or no number."""
    asked = os.environ.get("SHEER_DEBUG", "").strip()
    return int(asked) if asked.isdigit() else 0


def tell(at: int, text: Callable[[], str]) -> None:
    """Print the text when the dial stands at `at` or above; it is made only then."""
    if level() >= at:
        print(text(), file=sys.stderr, flush=True)
