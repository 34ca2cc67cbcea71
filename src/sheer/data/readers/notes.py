"""A sentence for the person at the terminal goes in; it appears once per process on stderr."""

from __future__ import annotations

import sys

_said: set[str] = set()


def say_once(text: str) -> None:
    """Print `text` to stderr unless this process has already done so."""
    if text not in _said:
        _said.add(text)
        print(f"sheer: {text}", file=sys.stderr)
