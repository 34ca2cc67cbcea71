"""Small pieces of HTML for notebooks: rows and numbers flow in, quiet tables and lines flow out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

CELL = "padding:1px 8px;text-align:right;border:0"
GREY = "color:#888"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1) -> str:
    """A table whose first `left` columns are text."""
    def line(cells: Sequence[Any], tag: str) -> str:
        made = (f"<{tag} style='{CELL}{';text-align:left' if i < left else ''}'>{escape(str(c))}"
                f"</{tag}>" for i, c in enumerate(cells))
        return f"<tr>{''.join(made)}</tr>"
    body = "".join(line(r, "td") for r in rows)
    top = line(head, "th") if head else ""
    return f"<table style='border-collapse:collapse;font-size:90%'>{top}{body}</table>"


def note(text: str) -> str:
    """A line in grey."""
    return f"<div style='{GREY};font-size:90%'>{escape(text)}</div>"


def folded(title: str, inside: str, is_open: bool = False) -> str:
    """Something behind a title that opens it."""
    return (f"<details{' open' if is_open else ''} style='margin-left:1em'><summary>"
            f"{escape(title)}</summary>{inside}</details>")


def line_chart(values: Sequence[float], title: str, width: int = 160, height: int = 36) -> str:
    """A curve of the finite values, lowest at the bottom."""
    points = [(i, v) for i, v in enumerate(values) if math.isfinite(v)]
    if len(points) < 2:
        return ""
    low, high = min(v for _, v in points), max(v for _, v in points)
    span = high - low or 1.0
    place = [(2 + (width - 4) * i / (len(values) - 1), 2 + (height - 4) * (1 - (v - low) / span))
             for i, v in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in place)
    return (f"<svg width='{width}' height='{height}' role='img' aria-label='{escape(title)}'>"
            f"<polyline points='{path}' fill='none' stroke='#4477aa' stroke-width='1.5'/></svg>")


def short(number: float) -> str:
    """A number in few letters: 1.2 M, 3.4 k, 56."""
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= limit:
            return f"{number / limit:.3g} {letter}"
    return f"{number:.4g}"
