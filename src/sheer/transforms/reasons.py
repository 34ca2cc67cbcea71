"""Reasons: the arguments of a call flow in; why no program there is fits them comes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

Rows = dict[str, str]        # what each argument was: {"argument 0": "f32[3]"}
_REMEMBERED = 128


class Reasons:
    """The calls of one function that had to be traced."""

    def __init__(self) -> None:
        self._known: deque[Rows] = deque(maxlen=_REMEMBERED)

    def why(self, rows: Rows, forms: Sequence[Any]) -> str:
        """What differs from the nearest call so far; `forms` are those with equal arguments."""
        before = min(reversed(self._known), key=lambda old: len(_different(old, rows)),
                     default=None)
        self._known.append(rows)
        if before is None:
            return "first call"
        changed = [f"{name} was {before.get(name, 'missing')}, is {rows.get(name, 'missing')}"
                   for name in _different(before, rows)]
        outside = [text for form in forms[-1:] for text in _outside(form)]
        return "; ".join(changed or outside) or "a setting that it reads has changed"


def _different(old: Rows, new: Rows) -> list[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _outside(form: Any) -> Iterable[str]:
    """Tensors and values from outside the function that are not as they were."""
    for c in form.captured:
        if not c.fits():
            handle = c.current()
            now = "gone" if handle is None else _described(handle._bound.spec, handle.requires_grad)
            was = _described(c.input.spec, c.wants_grad)
            yield f"an outside tensor ({c.input.source}) was {was}, is {now}"
    for ask, value in form.guards:
        now = ask()
        if type(now) is not type(value) or repr(now) != repr(value):
            yield f"an outside value was {value!r}, is {now!r}"[:200]


def _described(spec: Any, grad: bool) -> str:
    return f"{spec}{', requires_grad' if grad else ''}"
